package migration

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A header that is misspelt would be a comment, and the file would run
// without what it says. So a comment that is nearly a header is an error. The
// other way round a file must never be refused for what it says in prose:
//
//   - "word: value" and "word = value" are refused where the word is a header's
//     with a slip or two, with blanks or hyphens for its underscore, or another
//     word for it; where the word is English as well ("required: the rows
//     of 0004"), only with a value that fits the header, and an environment only
//     with what may be a list of them ("environment: production database only"
//     is a sentence);
//   - without a colon a line is refused only where all behind the word is a
//     value that fits: "transaction off;", "lock timeout 5s", "ensure SELECT 1";
//     or where nothing is, behind the very word: "seed;";
//   - a line that says nothing but "no-transaction" is refused;
//   - dashes, stars and the like before the word, and a colon of full width,
//     are looked over.

// otherWords are near a header's name, and never mean it.
var otherWords = map[string]bool{
	"see": true, "seen": true, "seek": true, "sees": true, "need": true, "needs": true, "feed": true, "send": true, "speed": true,
	"cars": true, "bars": true, "vary": true, "wars": true, "ears": true, "vats": true,
	"ends": true, "translation": true, "transition": true, "cheek": true, "chuck": true, "acquire": true,
}

// englishWords are near a header's name, and may mean something else.
var englishWords = map[string]bool{
	"requires": true, "required": true, "ensures": true, "ensured": true, "insure": true, "unsure": true, "endure": true,
	"variable": true, "variables": true, "seeds": true, "check": true, "checks": true, "checked": true, "depends": true,
	"replace": true, "replaced": true, "replaces": true, "tx": true, "txn": true,
}

// slip finds out which header a comment nearly is, and with which value; nil
// for none.
func slip(said string) (*directive, string) {
	said = strings.TrimLeft(said, "-*#@! \t") // "--- transaction: off", "-- @env: prod"
	if at := strings.IndexAny(said, ":=：＝"); at >= 0 {
		_, width := utf8.DecodeRuneInString(said[at:])
		value := strings.TrimSpace(said[at+width:])
		if d, value := meant(said[:at], value, true); d != nil {
			return d, value
		}
	}
	// Names are of two words at most, and each may have lost a blank or got one.
	for i, end := 0, 0; i < 3 && end < len(said); i++ {
		end = len(said) - len(strings.TrimLeft(said[end:], " \t")) // the word's beginning
		if next := strings.IndexAny(said[end:], " \t"); next >= 0 {
			end += next
		} else {
			end = len(said)
		}
		value := strings.TrimSpace(said[end:])
		d, value := meant(said[:end], value, false)
		if d != nil && (value != "" || d.bare && strings.EqualFold(strings.Trim(said, ";."), d.name)) {
			return d, value
		}
	}
	whole, _ := squashed(strings.TrimRight(said, ":：; \t"))
	for i := range directives {
		if value, ok := directives[i].whole[whole]; ok {
			return &directives[i], value
		}
	}
	return nil, ""
}

// otherMarkers are what other tools call the sections.
var otherMarkers = map[string]Direction{
	"up": Up, "down": Down, "migrate:up": Up, "migrate:down": Down, "+goose up": Up, "+goose down": Down, "+migrate up": Up, "+migrate down": Down,
}

// nearMarker is the section that a comment's line was most likely meant to
// begin: it says nothing else, and that with a slip, in two words, or as other
// tools say it. "" for none, and for a marker to the letter.
func nearMarker(said string) Direction {
	if d, ok := otherMarkers[strings.ToLower(strings.Join(strings.Fields(strings.TrimRight(said, ":： ")), " "))]; ok {
		return d
	}
	if len(said) > 16 {
		return ""
	}
	if _, exact := marker(said); exact {
		return ""
	}
	word, parts := squashed(strings.TrimRight(said, ":： "))
	for _, d := range []Direction{Up, Down} {
		if parts <= 2 && word != "" && distance(word, string(d)) <= slips(string(d)) {
			return d
		}
	}
	return ""
}

// meant is the header that a name was most likely meant for, with the value
// behind it, nil for none. Behind a colon some names need no value that fits.
func meant(name, value string, colon bool) (*directive, string) {
	if len(name) > 24 {
		return nil, ""
	}
	word, parts := squashed(name)
	if word == "" || otherWords[word] {
		return nil, ""
	}
	bare := strings.TrimRight(value, ";. \t") // as behind a statement, or a sentence
	var meant *directive
	best, with := 0, ""
	for _, k := range knownNames() {
		far := distance(word, k.word)
		switch {
		case far == 0 && parts <= 2*k.parts-1: // a blank too many: "statement time out"
		case parts > k.parts || far > slips(k.word):
			continue
		}
		if meant != nil && far >= best {
			continue
		}
		// Short names have neighbours that mean something else.
		sure := colon && (len(k.word) > 4 || far == 0) && !englishWords[word] && (k.of.may == nil || k.of.may(value))
		switch {
		case value == "" && !colon && k.of.bare, k.of.fits(value), sure:
			meant, best, with = k.of, far, value
		case k.of.fits(bare):
			meant, best, with = k.of, far, bare
		}
	}
	return meant, with
}

// A knownName is what a header is called, or another word for it.
type knownName struct {
	of    *directive
	word  string
	parts int // words that it may be written in
}

var knownNames = sync.OnceValue(func() (all []knownName) {
	for i := range directives {
		d := &directives[i]
		all = append(all, knownName{d, d.squashed(), strings.Count(d.name, "_") + 1})
		for _, word := range d.also {
			all = append(all, knownName{d, word, 1})
		}
	}
	return all
})

func (d *directive) squashed() string { return strings.ReplaceAll(d.name, "_", "") }

// slips is how many slips of the hand a name may have and still be known.
func slips(name string) int {
	switch {
	case len(name) < 4:
		return 0
	case len(name) < 9:
		return 1
	}
	return 2
}

// squashed is a name in small letters without what may stand between its words,
// and the number of words that it was written in. It is "" for what is no name.
func squashed(name string) (word string, parts int) {
	name = strings.Trim(strings.ToLower(name), " \t;.,\"'`*")
	var b strings.Builder
	parts = 1
	blank := false
	for _, r := range name {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if blank {
				parts++
			}
			blank = false
			b.WriteRune(r)
		case r == ' ' || r == '\t':
			blank = true
		case r == '_' || r == '-':
		default:
			return "", 0
		}
	}
	return b.String(), parts
}

// distance is the number of slips between two words: letters left out, added,
// changed, or swapped with their neighbour.
func distance(a, b string) int {
	if diff := len(a) - len(b); diff > 2 || diff < -2 {
		return 3 // or more
	}
	// Three rows of the table: the one that is made, the one above, and that above it.
	var rows [3][32]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above, top := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], top[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Ties are what a statement has to do with others by way of the session,
// besides plain settings: values and prepared statements that it leaves there,
// and takes. They end with the session, so that a run which goes on in another
// one lacks them.
type Ties struct {
	Leaves []string // "@total", "statement s"
	Takes  []string

	// Rows: it reads what the last change of rows left behind, the number of a
	// row or how many there were. Before: it reads that of the statement right
	// before it, whatever it is. Reads names the functions.
	Rows, Before bool
	Reads        []string

	// Ours says that an entry of the journal's, written in between, stands in
	// the place of what it Reads.
	Ours bool

	// Sets: it sets something besides what it Leaves, which every statement
	// behind it may count on.
	Sets bool

	// Frees: it does nothing but take away what it Takes.
	Frees bool

	// Again: run again in another session it leaves and sets the same, given
	// what it Takes.
	Again bool
}

// Some says whether there is anything to note.
func (t Ties) Some() bool {
	return len(t.Leaves) > 0 || len(t.Takes) > 0 || t.Rows || t.Before || t.Sets && !t.Again
}

// Calls returns those of the functions, given in lower case, that a text calls
// or seems to. It is quick, and reads strings and comments too.
func Calls(text string, functions ...string) []string {
	var found []string
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '(')
		if i < 0 {
			return found
		}
		at += i
		end := at
		for end > 0 && (text[end-1] == ' ' || text[end-1] == '\n' || text[end-1] == '\t') {
			end--
		}
		start := end
		for start > 0 && isWordByte(text[start-1]) {
			start--
		}
		for _, f := range functions {
			if len(f) == end-start && strings.EqualFold(f, text[start:end]) && !slices.Contains(found, f) && !into(text[:start]) {
				found = append(found, f)
			}
		}
	}
}

// into says that a name behind text is a table's: INSERT INTO changes (id).
func into(text string) bool {
	text = strings.TrimRight(text[max(0, len(text)-64):], " \t\r\n")
	return len(text) >= 4 && strings.EqualFold(text[len(text)-4:], "INTO")
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

var dollarTag = regexp.MustCompile(`^\$[A-Za-z_0-9]*\$`)

// Bare is a statement's text without what stands in quotes and comments, a
// blank for each of them. Version comments of MySQL's stay.
func Bare(text string, l sqltext.Lexis) string {
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexAny(text, "'\"-/#$*")
		if n < 0 {
			n = len(text)
		}
		b.WriteString(text[:n])
		text = text[n:]
		if text == "" {
			break
		}
		skip := 0
		switch {
		case text[0] == '\'' || text[0] == '"':
			skip = quoted(text, l.BackslashEscapes || l.EscapeStrings)
		case strings.HasPrefix(text, "--"), text[0] == '#' && l.BackslashEscapes:
			skip = strings.IndexByte(text, '\n')
		case strings.HasPrefix(text, "/*!"), strings.HasPrefix(text, "/*M!"):
			skip = strings.IndexByte(text, '!') + 1
			for skip < len(text) && '0' <= text[skip] && text[skip] <= '9' {
				skip++
			}
		case strings.HasPrefix(text, "*/"):
			skip = 2
		case strings.HasPrefix(text, "/*"):
			if skip = strings.Index(text, "*/"); skip >= 0 {
				skip += 2
			}
		case text[0] == '$':
			if tag := dollarTag.FindString(text); tag != "" && !l.BackslashEscapes {
				if skip = strings.Index(text[len(tag):], tag); skip >= 0 {
					skip += 2 * len(tag)
				}
			}
		}
		switch {
		case skip < 0:
			return b.String()
		case skip == 0:
			b.WriteByte(text[0])
			text = text[1:]
		default:
			b.WriteByte(' ')
			text = text[skip:]
		}
	}
	return b.String()
}

// quoted is the length of the quotation that text begins with, -1 for one
// without end.
func quoted(text string, escapes bool) int {
	for i := 1; i < len(text); i++ {
		switch {
		case escapes && text[i] == '\\':
			i++
		case text[i] != text[0]:
		case i+1 < len(text) && text[i+1] == text[0]:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

package config

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shortest is the number of characters from which a password is replaced
// wherever it stands. Replacing "a" everywhere would make a text unreadable
// and, by the holes it leaves, tell the password.
const shortest = 3

// Mask replaces what is secret in any of the secrets wherever it occurs in a
// text that came from elsewhere, such as a driver's error: as written, with
// percent-encoding undone or done in any other way, and as quoted in Go,
// JSON or SQL.
//
// Two kinds of password are replaced only where a password stands (before the
// @ of a URL, behind "password=", and the first kind in quotes too): those
// shorter than three characters, and those that are also the user, host,
// database or scheme of the same URL. The latter word is public; hiding it
// everywhere would only tell that it is the password.
func Mask(text string, secrets ...Secret) string { return NewMask(secrets...).Of(text) }

// A Masker is Mask for many texts: how the secrets may be written is worked out
// once.
type Masker struct{ forms []form }

// form is one way in which a secret may stand in a text.
type form struct {
	text   string
	accept func(text string, from, to int) bool
}

// NewMask makes a Masker of some secrets.
func NewMask(secrets ...Secret) *Masker {
	m := &Masker{}
	for _, s := range secrets {
		raw := s.Reveal()
		spans := secretSpans(raw)
		words := publicWords(raw, spans)
		for _, sp := range spans {
			m.hide(raw[sp.from:sp.to], words)
		}
	}
	return m
}

// Hide has the whole of a text replaced too, whatever it looks like.
func (m *Masker) Hide(text string) { m.hide(text, nil) }

// Of returns the text without what is secret.
func (m *Masker) Of(text string) string {
	if text == "" || len(m.forms) == 0 {
		return text
	}
	k := masking{text: text, plain: text}
	if strings.IndexByte(text, '%') >= 0 {
		decoded, origin := unescapeMap(text)
		k.plain, k.origin = string(decoded), origin
	}
	for _, f := range m.forms {
		k.find(f)
	}
	return replaceSpans(text, k.spans)
}

// masking is one text that is being masked.
type masking struct {
	text   string
	plain  string // text with percent-encoding undone
	origin []int  // where each byte of plain began in text
	spans  []span
}

func (m *Masker) hide(secret string, public map[string]bool) {
	secrets := map[string]bool{secret: true, unescape(secret): true}
	if plus, err := url.QueryUnescape(secret); err == nil {
		secrets[plus] = true
	}
	if n := len(secret); n >= 2 && (secret[0] == '\'' || secret[0] == '"') && secret[n-1] == secret[0] {
		secrets[strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`).Replace(secret[1:n-1])] = true
	}
	for s := range secrets {
		if s == "" {
			continue
		}
		accept := anywhere
		switch {
		case public[s]:
			accept = inPlace
		case utf8.RuneCountInString(s) < shortest:
			accept = inPlaceOrQuoted
		}
		forms := spellings(s)
		slices.Sort(forms)
		for _, text := range slices.Compact(forms) {
			m.forms = append(m.forms, form{text, accept})
		}
	}
}

// spellings are the ways in which programs write a text down.
func spellings(s string) []string {
	forms := []string{
		s,
		url.QueryEscape(s),
		strings.ReplaceAll(s, `'`, `''`),
		strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s),
		inner(strconv.Quote(s)),
		inner(strconv.QuoteToASCII(s)),
	}
	if j, err := json.Marshal(s); err == nil {
		forms = append(forms, inner(string(j)))
	}
	return forms
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

// find marks every acceptable occurrence, overlapping ones too, in the text
// as it stands and with percent-encoding undone.
func (m *masking) find(f form) {
	for at := 0; at+len(f.text) <= len(m.text); {
		i := strings.Index(m.text[at:], f.text)
		if i < 0 {
			break
		}
		from := at + i
		if f.accept(m.text, from, from+len(f.text)) {
			m.spans = append(m.spans, span{from, from + len(f.text)})
		}
		at = from + 1
	}
	if m.plain == m.text {
		return
	}
	for at := 0; at+len(f.text) <= len(m.plain); {
		i := strings.Index(m.plain[at:], f.text)
		if i < 0 {
			break
		}
		from := at + i
		to := from + len(f.text)
		if f.accept(m.plain, from, to) {
			m.spans = append(m.spans, span{m.origin[from], m.origin[to]})
		}
		at = from + 1
	}
}

func anywhere(string, int, int) bool { return true }

// inPlace accepts ":secret@" and "password=secret".
func inPlace(text string, from, to int) bool {
	before, after := text[:from], text[to:]
	if strings.HasSuffix(before, ":") && strings.HasPrefix(after, "@") {
		return true
	}
	quote := ""
	if strings.HasSuffix(before, `'`) || strings.HasSuffix(before, `"`) {
		quote = before[len(before)-1:]
		before = before[:len(before)-1]
	}
	if quote != "" && !strings.HasPrefix(after, quote) {
		return false
	}
	before = strings.TrimRight(before, " ")
	if !strings.HasSuffix(before, "=") && !strings.HasSuffix(before, ":") {
		return false
	}
	before = strings.TrimRight(before[:len(before)-1], ` "`)
	name := before[strings.LastIndexAny(before, " \t\n?&;,{(\"'")+1:]
	if !soundsSecret(name) {
		return false
	}
	return quote != "" || after == "" || strings.ContainsRune(" \t\n&;,)}\"'", rune(after[0]))
}

func inPlaceOrQuoted(text string, from, to int) bool {
	if inPlace(text, from, to) {
		return true
	}
	if from == 0 || to == len(text) {
		return false
	}
	q := text[from-1]
	return strings.IndexByte("'\"`", q) >= 0 && text[to] == q
}

// publicWords are the parts of a URL that may be seen: scheme, user, hosts and
// the pieces of the path. It has none where the parts cannot be told apart
// for certain.
func publicWords(raw string, spans []span) map[string]bool {
	words := map[string]bool{}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || !schemeLike().MatchString(scheme) || strings.Count(rest, "@") > 1 {
		return words
	}
	base, suffix, _ := strings.Cut(scheme, "+")
	words[base], words[suffix] = true, true
	shown := strings.Split(replaceSpans(raw, spans), "://")[1]
	shown, _, _ = strings.Cut(shown, "?")
	for _, w := range strings.FieldsFunc(shown, func(r rune) bool { return strings.ContainsRune(":@/,", r) }) {
		words[unescape(w)] = true
	}
	delete(words, "")
	delete(words, stars)
	return words
}

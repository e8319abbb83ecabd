// Package render draws results for people and for machines: tables, colours,
// a progress bar, SQL with its words marked, JSON. It knows what a terminal
// is, and nothing of databases.
package render

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Style says how text is drawn on one stream.
type Style struct {
	Terminal bool
	Width    int // in columns; 0 where unknown
	Color    bool
}

func (s Style) sgr(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// The colours have meanings, so that the same thing looks the same
// everywhere.
func (s Style) Bold(t string) string   { return s.sgr("1", t) }
func (s Style) Dim(t string) string    { return s.sgr("2", t) }
func (s Style) Good(t string) string   { return s.sgr("32", t) }
func (s Style) Warn(t string) string   { return s.sgr("33", t) }
func (s Style) Bad(t string) string    { return s.sgr("1;31", t) }
func (s Style) Accent(t string) string { return s.sgr("36", t) }

// Columns is how wide text is on a terminal: wide characters take two,
// combining ones none.
func Columns(text string) int {
	if printable(text) {
		return len(text)
	}
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// Plain makes text safe for a terminal: what is not printable, which a file
// name or a server's message may hold, is escaped.
func Plain(text string) string {
	if printable(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteRune('\uFFFD')
		}
	}
	return b.String()
}

// Name makes a name fit for one line among others: in quotes, with escapes,
// where it holds a line break, a tab or what is not printable.
func Name(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// printable says that text is ASCII and takes a column a byte, as nearly all
// that is shown does.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// Shorten cuts text to n columns, with a mark where something is left out.
func Shorten(text string, n int) string {
	if Columns(text) <= n || n < 2 {
		return text
	}
	used := 0
	for i, r := range text {
		w := Columns(string(r))
		if used+w > n-1 {
			return text[:i] + "…"
		}
		used += w
	}
	return text
}

// OneLine folds a statement's lines and blanks.
func OneLine(sql string) string { return strings.Join(strings.Fields(sql), " ") }

// JSON writes one document; lines asks for one line, for a stream of several.
func JSON(w io.Writer, doc any, lines bool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if !lines {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(doc)
}

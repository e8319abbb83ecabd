package liteschema

import "strings"

// token is a piece of SQL: a word, a quoted name, a string, a number or one
// character.
type token struct {
	kind       kind
	text       string // as written
	start, end int    // in the statement
}

type kind int

const (
	word kind = iota
	quoted
	str
	mark
)

// is reports whether the token is this bare word or character. Words are
// given in upper case.
func (t token) is(w string) bool {
	return t.kind == mark && t.text == w || t.kind == word && strings.EqualFold(t.text, w)
}

// name is the identifier that the token spells. SQLite takes a string for a
// name where only a name can stand.
func (t token) name() string {
	if t.kind == word || len(t.text) < 2 {
		return t.text
	}
	inner, q := t.text[1:len(t.text)-1], t.text[:1]
	if q == "[" {
		return inner
	}
	return strings.ReplaceAll(inner, q+q, q)
}

// tokens cuts a statement that SQLite has accepted. Blanks and comments
// between tokens are left out.
func tokens(sql string) []token {
	var all []token
	for i := 0; i < len(sql); {
		start, k := i, mark
		switch c := sql[i]; {
		case strings.IndexByte(" \t\n\f\r", c) >= 0:
			i++
			continue
		case strings.HasPrefix(sql[i:], "--"):
			i = after(sql, i, "\n")
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			i = after(sql, i+2, "*/")
			continue
		case c == '\'', c == '"', c == '`':
			i = closing(sql, i)
			if k = quoted; c == '\'' {
				k = str
			}
		case c == '[':
			i, k = after(sql, i, "]"), quoted
		case wordByte(c):
			for i < len(sql) && wordByte(sql[i]) {
				i++
			}
			k = word
		default:
			i++
		}
		all = append(all, token{k, sql[start:i], start, i})
	}
	return all
}

// wordByte is true for letters, digits and whatever is not ASCII. A number's
// point makes tokens of its own, which changes nothing here.
func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

func after(sql string, from int, end string) int {
	if i := strings.Index(sql[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(sql)
}

// closing finds the end of a quote, in which the quote itself is doubled.
func closing(sql string, open int) int {
	for i := open + 1; i < len(sql); i++ {
		if sql[i] != sql[open] {
			continue
		}
		if i+1 < len(sql) && sql[i+1] == sql[open] {
			i++
			continue
		}
		return i + 1
	}
	return len(sql)
}

// cursor walks through tokens.
type cursor struct {
	sql string
	all []token
	at  int
}

func newCursor(sql string) *cursor { return &cursor{sql: sql, all: tokens(sql)} }

func (c *cursor) end() bool { return c.at >= len(c.all) }

func (c *cursor) next() token {
	if c.end() {
		return token{}
	}
	c.at++
	return c.all[c.at-1]
}

// sees reports whether these words come next.
func (c *cursor) sees(words ...string) bool {
	if len(c.all)-c.at < len(words) {
		return false
	}
	for i, w := range words {
		if !c.all[c.at+i].is(w) {
			return false
		}
	}
	return true
}

// takes steps over these words, if they come next.
func (c *cursor) takes(words ...string) bool {
	ok := c.sees(words...)
	if ok {
		c.at += len(words)
	}
	return ok
}

// brackets steps over a pair of brackets and returns a cursor on what is
// inside.
func (c *cursor) brackets() *cursor {
	if !c.takes("(") {
		return &cursor{sql: c.sql}
	}
	from, depth := c.at, 1
	for !c.end() {
		switch t := c.next(); {
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return &cursor{sql: c.sql, all: c.all[from : c.at-1]}
			}
		}
	}
	return &cursor{sql: c.sql, all: c.all[from:]}
}

// items cuts at the commas outside brackets.
func (c *cursor) items() []*cursor {
	var all []*cursor
	from, depth := c.at, 0
	for i := from; i < len(c.all); i++ {
		switch t := c.all[i]; {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case t.is(",") && depth == 0:
			all = append(all, &cursor{sql: c.sql, all: c.all[from:i]})
			from = i + 1
		}
	}
	return append(all, &cursor{sql: c.sql, all: c.all[from:]})
}

// text is what stands between two places, with one blank for all blanks and
// comments between tokens.
func (c *cursor) text(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from && c.all[i].start > c.all[i-1].end {
			b.WriteByte(' ')
		}
		b.WriteString(c.all[i].text)
	}
	return b.String()
}

func (c *cursor) rest() string { return c.text(c.at, len(c.all)) }

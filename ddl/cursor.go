package ddl

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// cursor goes through the tokens of one statement.
type cursor struct {
	d    Dialect
	text string
	toks []sqltext.Token
	i    int
	cut  bool // the tokens end before the text does
}

// stop ends the reading where the grammar goes beyond what is known. It is
// raised as a panic within this package and never leaves it.
type stop struct{ at int }

func (c *cursor) stop() { panic(stop{c.at()}) }

func (c *cursor) at() int {
	if c.i < len(c.toks) {
		return c.toks[c.i].At
	}
	if n := len(c.toks); c.cut && n > 0 {
		return c.toks[n-1].At
	}
	return len(c.text)
}

func (c *cursor) tok() sqltext.Token { return c.peek(0) }

func (c *cursor) peek(n int) sqltext.Token {
	if c.i+n < len(c.toks) {
		return c.toks[c.i+n]
	}
	return sqltext.Token{}
}

func (c *cursor) end() bool { return c.i >= len(c.toks) }

// is says that these keywords stand here.
func (c *cursor) is(words ...string) bool {
	for n, w := range words {
		if t := c.peek(n); !t.Is(w) && (t.Bare || t.Text != w) {
			return false
		}
	}
	return true
}

// take passes over these keywords where they stand here.
func (c *cursor) take(words ...string) bool {
	if !c.is(words...) {
		return false
	}
	c.i += len(words)
	return true
}

// takeOne passes over one of the words, and says which.
func (c *cursor) takeOne(words ...string) string {
	for _, w := range words {
		if c.take(w) {
			return w
		}
	}
	return ""
}

func (c *cursor) need(words ...string) {
	if !c.take(words...) {
		c.stop()
	}
}

// upTo is the text from a place to the last token that was passed over.
func (c *cursor) upTo(from int) string {
	if c.i == 0 {
		return ""
	}
	last := c.toks[c.i-1]
	if last.At < from {
		return ""
	}
	return c.text[from : last.At+len(last.Text)]
}

func (c *cursor) expr(from int) *Expr {
	if from >= c.i {
		return nil
	}
	return &Expr{Text: c.upTo(c.toks[from].At), At: c.toks[from].At, Tokens: c.toks[from:c.i]}
}

// brackets passes over ( ... ) and returns what is inside.
func (c *cursor) brackets() *Expr {
	if !c.is("(") {
		c.stop()
	}
	from := c.i
	depth := 0
	for ; !c.end(); c.i++ {
		switch c.tok().Text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				c.i++
				inner := &cursor{d: c.d, text: c.text, toks: c.toks[:c.i-1], i: c.i - 1}
				if e := inner.expr(from + 1); e != nil {
					return e
				}
				return &Expr{At: c.toks[from].At}
			}
		}
	}
	c.stop()
	return nil
}

// until passes over tokens up to one of the words, a comma or a closing
// bracket, none of them inside brackets or a CASE. The first token is taken
// whatever it is.
func (c *cursor) until(words ...string) *Expr {
	from := c.i
	cases := 0
	for ; !c.end(); c.i++ {
		if c.i > from && cases == 0 {
			if t := c.tok().Text; t == "," || t == ")" {
				break
			}
			stop := false
			for _, w := range words {
				stop = stop || c.is(w)
			}
			if stop {
				break
			}
		}
		switch {
		case c.is("("):
			c.brackets()
			c.i--
		case c.is("["):
			for !c.end() && !c.is("]") {
				c.i++
			}
		case c.is("CASE"):
			cases++
		case c.is("END") && cases > 0:
			cases--
		}
	}
	if from == c.i {
		c.stop()
	}
	return c.expr(from)
}

// skipTo passes over the rest of a part of a list.
func (c *cursor) skipTo() {
	for !c.end() && !c.is(",") && !c.is(")") {
		if c.is("(") {
			c.brackets()
			continue
		}
		c.i++
	}
}

// isName says that a name can stand here.
func (c *cursor) isName() bool {
	t := c.tok()
	return t.Bare || quoted(t.Text)
}

func quoted(text string) bool {
	return len(text) > 1 && (text[0] == '"' || text[0] == '`' || text[0] == '[' && text[len(text)-1] == ']')
}

// ident is one part of a name, folded.
func (c *cursor) ident() (name string, inQuotes bool) {
	t := c.tok()
	switch {
	case t.Bare:
		c.i++
		return strings.ToLower(t.Text), false
	case quoted(t.Text):
		if c.d.Lexis.DoubleQuoteString && t.Text[0] == '"' {
			c.stop() // a string, unless a setting says otherwise
		}
		c.i++
		closing := t.Text[len(t.Text)-1:]
		name = strings.ReplaceAll(t.Text[1:len(t.Text)-1], closing+closing, closing)
		if !c.d.FoldLower {
			name = strings.ToLower(name)
		}
		return name, true
	}
	c.stop()
	return "", false
}

// name is a name, perhaps with schema or more before it.
func (c *cursor) name() Name {
	n := Name{At: c.at()}
	n.Name, n.Quoted = c.ident()
	for c.is(".") {
		c.i++
		n.Schema = n.Name
		n.Name, n.Quoted = c.ident()
	}
	n.Text = c.upTo(n.At)
	return n
}

// one is a name without a schema.
func (c *cursor) one() Name {
	n := Name{At: c.at()}
	n.Name, n.Quoted = c.ident()
	n.Text = c.upTo(n.At)
	return n
}

// names is a list of them.
func (c *cursor) names() []Name {
	list := []Name{c.name()}
	for c.take(",") {
		list = append(list, c.name())
	}
	return list
}

// columns is ( a, b ), with lengths and orders of MySQL and SQLite passed
// over.
func (c *cursor) columns() []Name {
	c.need("(")
	var list []Name
	for {
		if c.is("(") { // an expression
			c.brackets()
		} else {
			list = append(list, c.one())
		}
		c.skipTo()
		if !c.take(",") {
			break
		}
	}
	c.need(")")
	return list
}

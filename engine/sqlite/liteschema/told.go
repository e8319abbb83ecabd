package liteschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// told reports whether everything that a table's text says is known of it, so
// that another text can be made of that. It goes through the text word by word,
// and whatever it does not expect is something that is not known: ON CONFLICT,
// a primary key that descends or has a collation of its own, names of what
// needs none (NOT NULL, DEFAULT), quoted types, MATCH, DEFERRABLE where it defers nothing,
// and comments, in which SQLite keeps what others keep in COMMENT ON.
func told(t schema.Table) bool {
	if commented(t.Definition) {
		return false
	}
	c := newCursor(t.Definition)
	for !c.end() && !c.sees("(") {
		c.next()
	}
	var said teller
	for _, item := range c.brackets().items() {
		if !constraintBegins(item) && !said.column(item) || !said.constraints(item) {
			return false
		}
	}
	for !c.end() {
		if !c.takes("STRICT") && !c.takes("WITHOUT", "ROWID") && !c.takes(",") {
			return false
		}
	}
	unique := 0
	for _, x := range t.Indexes {
		if x.Constraint != "" {
			unique++
		}
	}
	for _, f := range t.ForeignKeys {
		if n := len(f.RefColumns); n > 0 && n != len(f.Columns) {
			return false // the other table's key, which has not as many columns
		}
	}
	// Of two that say the same, SQLite knows only one.
	return said.unique == unique && said.foreign == len(t.ForeignKeys)
}

// commented reports whether there is a comment between the words of a text.
func commented(sql string) bool {
	end := 0
	for _, t := range append(tokens(sql), token{start: len(sql), end: len(sql)}) {
		if strings.Trim(sql[end:t.start], " \t\n\f\r") != "" {
			return true
		}
		end = t.end
	}
	return false
}

// teller counts what a text says.
type teller struct{ unique, foreign int }

// behindType are the words that cannot belong to a column's type.
var behindType = []string{"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS", "ON", "DEFERRABLE"}

func (s *teller) column(c *cursor) bool {
	c.next()
	for !c.end() && c.all[c.at].kind == word && !slices.ContainsFunc(behindType, func(w string) bool { return c.sees(w) }) {
		c.next()
	}
	c.brackets() // of the type
	for !c.end() {
		constraint := c.takes("CONSTRAINT")
		if constraint {
			c.next()
		}
		switch {
		case c.takes("PRIMARY", "KEY"):
			c.takes("ASC")
			c.takes("AUTOINCREMENT")
		case c.takes("UNIQUE"):
			s.unique++
		case c.takes("CHECK"):
			c.brackets()
		case c.takes("REFERENCES"):
			if !s.references(c) {
				return false
			}
		case constraint: // the name is nowhere else
			return false
		case c.takes("NOT", "NULL"), c.takes("NULL"):
		case c.takes("DEFAULT"):
			value(c)
		case c.takes("COLLATE"):
			c.next()
		case c.takes("GENERATED", "ALWAYS", "AS"), c.takes("AS"):
			c.brackets()
			if !c.takes("STORED") {
				c.takes("VIRTUAL")
			}
		default:
			return false
		}
	}
	return true
}

func (s *teller) constraints(c *cursor) bool {
	for !c.end() {
		if c.takes("CONSTRAINT") {
			c.next()
		}
		switch {
		case c.takes("PRIMARY", "KEY"):
			for _, item := range c.brackets().items() {
				item.next()
				item.takes("ASC")
				item.takes("AUTOINCREMENT")
				if !item.end() {
					return false
				}
			}
		case c.takes("UNIQUE"):
			c.brackets()
			s.unique++
		case c.takes("CHECK"):
			c.brackets()
		case c.takes("FOREIGN", "KEY"):
			c.brackets()
			if !c.takes("REFERENCES") || !s.references(c) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (s *teller) references(c *cursor) bool {
	s.foreign++
	c.next() // the table
	c.brackets()
	for c.takes("ON", "DELETE") || c.takes("ON", "UPDATE") {
		if !c.takes("SET", "NULL") && !c.takes("SET", "DEFAULT") && !c.takes("NO", "ACTION") && !c.takes("CASCADE") && !c.takes("RESTRICT") {
			return false
		}
	}
	c.takes("DEFERRABLE", "INITIALLY", "DEFERRED")
	return !c.sees("DEFERRABLE") && !c.sees("NOT", "DEFERRABLE")
}

// value steps over what stands behind DEFAULT. A number may be several tokens,
// as is a blob; they stand together then.
func value(c *cursor) {
	if c.sees("(") {
		c.brackets()
		return
	}
	if c.takes("+") || c.takes("-") {
		value(c)
		return
	}
	first := c.next()
	if first.kind == word && strings.EqualFold(first.text, "x") && !c.end() && c.all[c.at].kind == str && c.all[c.at].start == first.end {
		c.next()
		return
	}
	end := first.start + len(number().FindString(c.sql[first.start:]))
	for !c.end() && c.all[c.at].start < end {
		c.next()
	}
}

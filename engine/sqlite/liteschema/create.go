package liteschema

import "strings"

// What SQLite's catalogue functions do not tell stands in the text of CREATE
// TABLE and CREATE INDEX, which SQLite keeps: names of constraints, checks,
// expressions, collations. These functions read texts that SQLite itself has
// accepted, and skip what they do not look for.

// created is what CREATE TABLE tells.
type created struct {
	columns map[string]*createdColumn // by name in lower case
	primary string                    // the constraint's name
	unique  []createdKey
	foreign []createdKey // in the order of the text
	checks  []createdKey
}

type createdColumn struct {
	collation     string
	generated     string
	autoincrement bool
}

// createdKey is a constraint: its name, its columns, and its clause.
type createdKey struct {
	name    string
	columns []string
	text    string

	deferred bool // of a foreign key: checked at the end of the transaction
}

func readTable(sql string) created {
	t := created{columns: map[string]*createdColumn{}}
	c := newCursor(sql)
	for !c.end() && !c.sees("(") {
		c.next()
	}
	for _, item := range c.brackets().items() {
		if !constraintBegins(item) {
			t.column(item)
		}
		t.constraints(item, "")
	}
	return t
}

func constraintBegins(c *cursor) bool {
	return c.sees("CONSTRAINT") || c.sees("PRIMARY") || c.sees("UNIQUE") || c.sees("CHECK") || c.sees("FOREIGN")
}

// column reads a name, a type and the constraints behind them.
func (t *created) column(c *cursor) {
	name := c.next().name()
	column := &createdColumn{}
	t.columns[strings.ToLower(name)] = column
	constraint := ""
	for !c.end() {
		from := c.at
		switch {
		case c.takes("CONSTRAINT"):
			constraint = c.next().name()
			continue // it names what follows
		case c.takes("PRIMARY", "KEY"):
			t.primary = constraint
		case c.takes("AUTOINCREMENT"):
			column.autoincrement = true
		case c.takes("UNIQUE"):
			t.unique = append(t.unique, createdKey{name: constraint, columns: []string{name}, text: "UNIQUE (" + quote(name) + ")"})
		case c.takes("CHECK"):
			t.checks = append(t.checks, createdKey{name: constraint, text: c.brackets().rest()})
		case c.takes("COLLATE"):
			column.collation = c.next().name()
		case c.takes("REFERENCES"):
			deferred := references(c)
			text := "FOREIGN KEY (" + quote(name) + ") " + c.text(from, c.at)
			t.foreign = append(t.foreign, createdKey{constraint, []string{name}, text, deferred})
		case c.takes("AS"):
			column.generated = c.brackets().rest()
		case c.sees("("): // of a type or a default
			c.brackets()
			continue
		default:
			c.next()
			continue
		}
		constraint = ""
	}
}

// constraints reads those of the table, which need no comma between them.
func (t *created) constraints(c *cursor, constraint string) {
	for !c.end() {
		from := c.at
		switch {
		case c.takes("CONSTRAINT"):
			constraint = c.next().name()
			continue
		case c.takes("PRIMARY", "KEY"):
			t.primary = constraint
			for _, item := range c.brackets().items() {
				name := item.next().name()
				if column := t.columns[strings.ToLower(name)]; column != nil && strings.HasSuffix(strings.ToUpper(item.rest()), "AUTOINCREMENT") {
					column.autoincrement = true
				}
			}
		case c.takes("UNIQUE"):
			columns := names(c.brackets())
			t.unique = append(t.unique, createdKey{name: constraint, columns: columns, text: c.text(from, c.at)})
		case c.takes("CHECK"):
			t.checks = append(t.checks, createdKey{name: constraint, text: c.brackets().rest()})
		case c.takes("FOREIGN", "KEY"):
			columns := names(c.brackets())
			deferred := c.takes("REFERENCES") && references(c)
			t.foreign = append(t.foreign, createdKey{constraint, columns, c.text(from, c.at), deferred})
		default: // ON CONFLICT ...
			c.next()
			continue
		}
		constraint = ""
	}
}

// references steps over what stands behind REFERENCES. Of its words on when
// the key is checked only one combination means something to SQLite.
func references(c *cursor) (deferred bool) {
	c.next() // the table
	if c.sees("(") {
		c.brackets()
	}
	for {
		switch {
		case c.takes("ON", "DELETE"), c.takes("ON", "UPDATE"):
			if !c.takes("SET", "NULL") && !c.takes("SET", "DEFAULT") && !c.takes("NO", "ACTION") {
				c.next() // CASCADE, RESTRICT
			}
		case c.takes("MATCH"):
			c.next()
		case c.takes("DEFERRABLE", "INITIALLY", "DEFERRED"):
			deferred = true
		case c.takes("NOT", "DEFERRABLE"), c.takes("DEFERRABLE"):
			if c.takes("INITIALLY") {
				c.next()
			}
			deferred = false
		default:
			return deferred
		}
	}
}

// names are the first words of each item: columns with or without a
// collation and a direction.
func names(c *cursor) []string {
	var all []string
	for _, item := range c.items() {
		all = append(all, item.next().name())
	}
	return all
}

// readIndex returns the parts of a CREATE INDEX without their collations and
// directions, and the condition of a partial one.
func readIndex(sql string) (parts []string, where string) {
	c := newCursor(sql)
	for !c.end() && !c.sees("(") {
		c.next()
	}
	for _, item := range c.brackets().items() {
		end := len(item.all)
		if end > 1 && (item.all[end-1].is("ASC") || item.all[end-1].is("DESC")) {
			end--
		}
		if end > 2 && item.all[end-2].is("COLLATE") {
			end -= 2
		}
		parts = append(parts, item.text(0, end))
	}
	if c.takes("WHERE") {
		where = c.rest()
	}
	return parts, where
}

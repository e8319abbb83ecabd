package ddl

import "strings"

// startsConstraint says that a constraint of the table begins here, and not a
// column.
func (c *cursor) startsConstraint() bool {
	switch {
	case c.is("CONSTRAINT"), c.is("PRIMARY", "KEY"), c.is("FOREIGN", "KEY"), c.is("CHECK", "("), c.is("EXCLUDE"), c.is("UNIQUE"):
		return true
	case c.d.FoldLower && c.is("NOT", "NULL"):
		return true
	}
	return false
}

func (c *cursor) constraint() Constraint {
	k := Constraint{At: c.at()}
	if c.take("CONSTRAINT") {
		c.take("IF", "NOT", "EXISTS")
		if !c.is("PRIMARY") && !c.is("FOREIGN") && !c.is("CHECK") && !c.is("UNIQUE") {
			k.Name = c.one()
		}
	}
	switch {
	case c.take("PRIMARY", "KEY"):
		k.Kind = PrimaryKey
		c.keyColumns(&k)
	case c.take("UNIQUE"):
		k.Kind = Unique
		c.takeOne("KEY", "INDEX")
		if c.take("NULLS") {
			c.take("NOT")
			c.need("DISTINCT")
		}
		c.keyColumns(&k)
	case c.take("CHECK"):
		k.Kind, k.Expr = Check, c.brackets()
	case c.take("NOT", "NULL"):
		k.Kind, k.Columns = NotNull, []Name{c.one()}
	case c.take("FOREIGN", "KEY"):
		k.Kind = ForeignKey
		c.take("IF", "NOT", "EXISTS")
		if c.isName() && !c.is("(") {
			c.one()
		}
		k.Columns = c.columns()
		c.need("REFERENCES")
		k.References = c.reference()
	case c.take("EXCLUDE"):
		k.Kind = Exclude
		if c.take("USING") {
			c.one()
		}
		k.Expr = c.brackets()
		c.includes()
		if c.take("WHERE") {
			c.brackets()
		}
	default:
		c.stop()
	}
	for {
		switch {
		case c.take("NOT", "VALID"):
			k.NotValid = true
		case c.take("NOT", "ENFORCED"):
			k.Unenforced = true
		case c.take("NOT", "DEFERRABLE"), c.take("DEFERRABLE"), c.take("ENFORCED"), c.take("NO", "INHERIT"):
		case c.take("INITIALLY"):
			c.i++
		case c.take("ON", "CONFLICT"):
			c.i++
		default:
			return k
		}
	}
}

// keyColumns are the columns of a key, or the index that becomes it.
func (c *cursor) keyColumns(k *Constraint) {
	if c.take("USING", "INDEX") && !c.is("TABLESPACE") {
		k.UsingIndex = c.name()
		return
	}
	if !c.d.FoldLower && c.isName() && !c.is("USING") { // MySQL's name of the index
		n := c.one()
		if k.Name.IsZero() {
			k.Name = n
		}
	}
	if !c.d.FoldLower && c.take("USING") {
		c.i++
	}
	k.Columns = c.columns()
	c.includes()
	if !c.d.FoldLower {
		c.indexOptions()
	}
}

// includes passes over what a key or an index has behind its columns.
func (c *cursor) includes() {
	if c.take("INCLUDE") {
		c.brackets()
	}
	if c.take("NULLS") {
		c.take("NOT")
		c.need("DISTINCT")
	}
	if c.take("WITH") {
		c.brackets()
	}
	if c.take("USING", "INDEX", "TABLESPACE") || c.take("TABLESPACE") {
		c.one()
	}
}

// indexKeys are the keys of an index.
func (c *cursor) indexKeys() []IndexColumn {
	c.need("(")
	var list []IndexColumn
	for {
		from := c.i
		k := IndexColumn{}
		if c.isName() && c.peek(1).Text != "(" && c.peek(1).Text != "." {
			k.Name = c.one()
		} else if !c.d.FoldLower && c.isName() && c.peek(1).Text == "(" && c.peek(3).Text == ")" {
			k.Name = c.one() // MySQL's prefix: name(10)
		}
		c.skipTo()
		if k.Expr = c.expr(from); k.Expr == nil {
			c.stop()
		}
		list = append(list, k)
		if !c.take(",") {
			break
		}
	}
	c.need(")")
	return list
}

// indexOptions are MySQL's, behind an index.
func (c *cursor) indexOptions() {
	for {
		switch {
		case c.take("USING"), c.take("COMMENT"):
			c.i++
		case c.take("KEY_BLOCK_SIZE"):
			c.take("=")
			c.i++
		case c.take("WITH", "PARSER"):
			c.one()
		case c.takeOne("VISIBLE", "INVISIBLE", "IGNORED") != "", c.take("NOT", "IGNORED"):
		default:
			return
		}
	}
}

// startsIndex says that an index of MySQL's begins here.
func (c *cursor) startsIndex() bool {
	if c.d.FoldLower || c.d.LooseTypes {
		return false
	}
	return c.is("INDEX") || c.is("KEY") || c.is("FULLTEXT") || c.is("SPATIAL") || c.is("UNIQUE")
}

func (c *cursor) index() Index {
	x := Index{At: c.at()}
	if k := c.takeOne("FULLTEXT", "SPATIAL"); k != "" {
		x.Kind = k
	}
	x.Unique = c.take("UNIQUE")
	c.takeOne("INDEX", "KEY")
	c.take("IF", "NOT", "EXISTS")
	if c.isName() && !c.is("USING") {
		x.Name = c.one()
	}
	if c.take("USING") {
		c.i++
	}
	x.Columns = c.indexKeys()
	c.indexOptions()
	return x
}

// option is one of MySQL's options of a table: NAME [=] value.
func (c *cursor) option() (name, value string) {
	c.take("DEFAULT")
	switch {
	case c.take("CHARACTER", "SET"), c.take("CHARSET"):
		name = "CHARSET"
	case c.take("DATA", "DIRECTORY"), c.take("INDEX", "DIRECTORY"):
		name = "DIRECTORY"
	case c.tok().Bare:
		name = strings.ToUpper(c.tok().Text)
		c.i++
	default:
		c.stop()
	}
	c.take("=")
	if c.end() {
		c.stop()
	}
	value = strings.Trim(c.tok().Text, "'\"`")
	if c.is("(") {
		c.brackets()
		return name, value
	}
	c.i++
	return name, value
}

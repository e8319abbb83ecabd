package ddl

import (
	"slices"
	"strings"
)

// behindDefault are the words that end a DEFAULT, or any other expression of
// a column.
var behindDefault = []string{"NOT", "NULL", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", "CONSTRAINT", "GENERATED", "COLLATE", "DEFERRABLE",
	"INITIALLY", "COMMENT", "ON", "AUTO_INCREMENT", "AS", "STORED", "VIRTUAL", "PERSISTENT", "FIRST", "AFTER", "STORAGE", "COMPRESSION", "INVISIBLE",
	"VISIBLE", "KEY", "DEFAULT", "WITH", "WITHOUT", "COMPRESSED", "COLUMN_FORMAT", "SRID", "USING"}

// column is a column's definition from its name on.
func (c *cursor) column() Column {
	col := Column{Name: c.one()}
	col.Type = c.typ()
	switch col.Type.Name {
	case "serial", "bigserial", "smallserial":
		col.NotNull = c.d.FoldLower
	}
	for !c.end() && !c.is(",") && !c.is(")") {
		c.columnPart(&col)
	}
	return col
}

func (c *cursor) columnPart(col *Column) {
	switch {
	case c.take("CONSTRAINT"):
		if !c.is("CHECK") && !c.is("NOT") && !c.is("UNIQUE") { // SQLite takes one without a name
			c.one()
		}
	case c.take("NOT", "NULL"):
		col.NotNull = true
		c.take("NO", "INHERIT")
		c.conflict()
	case c.take("NULL"):
	case c.take("DEFAULT"):
		col.Default = c.until(behindDefault...)
	case c.take("PRIMARY", "KEY"):
		col.PrimaryKey = true
		c.takeOne("ASC", "DESC")
		c.conflict()
	case c.take("UNIQUE"):
		col.Unique = true
		c.take("KEY")
		if c.take("NULLS") {
			c.take("NOT")
			c.need("DISTINCT")
		}
		c.conflict()
	case !c.d.FoldLower && c.take("KEY"):
		col.PrimaryKey = true
	case c.take("CHECK"):
		col.Check = c.brackets()
		c.take("NO", "INHERIT")
		if !c.take("NOT", "ENFORCED") {
			c.take("ENFORCED")
		}
	case c.take("REFERENCES"):
		col.References = c.reference()
	case c.take("GENERATED"):
		if !c.take("ALWAYS") {
			c.need("BY", "DEFAULT")
		}
		c.need("AS")
		if c.take("IDENTITY") {
			col.Identity, col.NotNull = true, true
			if c.is("(") {
				c.brackets()
			}
			return
		}
		c.generated(col)
	case c.take("AS"):
		c.generated(col)
	case c.take("AUTO_INCREMENT"), c.take("AUTOINCREMENT"):
		col.Identity = true
	case c.take("COLLATE"):
		c.take("=")
		col.Collate = c.name().Text
	case c.take("COMMENT"):
		c.i++ // a string
	case c.take("ON", "UPDATE"):
		col.OnUpdate = c.until(behindDefault...)
	case c.take("FIRST"):
		col.Placed = true
	case c.take("AFTER"):
		col.Placed = true
		c.one()
	case c.takeOne("STORAGE", "COMPRESSION", "COLUMN_FORMAT") != "":
		c.i++
	case c.takeOne("INVISIBLE", "VISIBLE", "DEFERRABLE") != "":
	case c.take("NOT", "DEFERRABLE"):
	case c.take("INITIALLY"):
		c.i++
	case c.take("WITHOUT", "SYSTEM", "VERSIONING"), c.take("WITH", "SYSTEM", "VERSIONING"):
	case c.take("CHARACTER", "SET"), c.take("CHARSET"):
		col.Type.Charset = strings.ToLower(c.tok().Text)
		c.i++
	default:
		c.stop()
	}
}

// conflict passes over SQLite's ON CONFLICT.
func (c *cursor) conflict() {
	if c.take("ON", "CONFLICT") {
		c.i++
	}
}

func (c *cursor) generated(col *Column) {
	col.Generated = c.brackets()
	switch {
	case c.take("STORED"), c.take("PERSISTENT"):
		col.Stored = true
	case c.take("VIRTUAL"):
		col.Virtual = true
	}
}

func (c *cursor) reference() *Reference {
	r := &Reference{Table: c.name()}
	if c.is("(") {
		r.Columns = c.columns()
	}
	for {
		switch {
		case c.take("MATCH"):
			c.i++
		case c.take("ON", "DELETE"), c.take("ON", "UPDATE"):
			switch {
			case c.take("NO", "ACTION"):
			case c.take("SET", "NULL"), c.take("SET", "DEFAULT"):
				if c.is("(") {
					c.brackets()
				}
			case c.takeOne("CASCADE", "RESTRICT") != "":
			default:
				c.stop()
			}
		case c.take("NOT", "DEFERRABLE"), c.take("DEFERRABLE"):
		case c.take("INITIALLY"):
			c.i++
		default:
			return r
		}
	}
}

// typ is a type, where one stands here.
func (c *cursor) typ() Type {
	t := Type{At: c.at()}
	from := c.i
	if c.d.LooseTypes {
		for c.isName() && !c.isAny(behindDefault) && !c.is("AUTOINCREMENT") {
			c.i++
		}
	} else {
		c.typeWords()
	}
	if c.i == from {
		if c.d.LooseTypes {
			return t
		}
		c.stop()
	}
	var words []string
	for _, tok := range c.toks[from:c.i] {
		switch {
		case tok.Text == "." || !c.d.LooseTypes && len(words) > 0 && words[len(words)-1] == "pg_catalog":
			words = nil // what stands before the point
			if tok.Text == "." {
				continue
			}
		}
		words = append(words, strings.ToLower(strings.Trim(tok.Text, "\"`")))
	}
	name := strings.Join(words, " ")
	if c.is("(") {
		t.Args = c.args()
		if zone := c.zone(); zone != "" {
			name += " " + zone
		}
	} else if zone := c.zone(); zone != "" {
		name += " " + zone
	}
	for c.take("[") {
		t.Array = true
		if !c.is("]") {
			c.i++
		}
		c.need("]")
	}
	if c.take("ARRAY") {
		t.Array = true
	}
	if !c.d.LooseTypes && !c.d.FoldLower {
		c.typeSuffix(&t)
	}
	t.Name = canonical(name, c.d)
	t.Text = c.upTo(t.At)
	return t
}

func (c *cursor) isAny(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return c.is(w) })
}

// typeWords passes over the words of a type's name.
func (c *cursor) typeWords() {
	switch {
	case c.take("DOUBLE", "PRECISION"), c.take("CHARACTER", "VARYING"), c.take("CHAR", "VARYING"), c.take("BIT", "VARYING"),
		c.take("NATIONAL", "VARCHAR"), c.take("NATIONAL", "CHARACTER"), c.take("NATIONAL", "CHAR"), c.take("LONG", "VARCHAR"):
	case c.take("INTERVAL"):
		for c.takeOne("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO") != "" {
		}
	case c.isName():
		c.i++
		for c.is(".") {
			c.i += 2
		}
	}
	if c.take("%", "TYPE") {
		c.stop()
	}
}

func (c *cursor) zone() string {
	switch {
	case c.take("WITH", "TIME", "ZONE"):
		return "with time zone"
	case c.take("WITHOUT", "TIME", "ZONE"):
		return "without time zone"
	}
	return ""
}

// args are what stands in the brackets of a type.
func (c *cursor) args() []string {
	inner := c.brackets()
	var list []string
	word := ""
	for _, t := range inner.Tokens {
		if t.Text == "," {
			list, word = append(list, word), ""
			continue
		}
		word += t.Text
	}
	if word != "" {
		list = append(list, word)
	}
	return list
}

// typeSuffix is what MySQL has behind a type.
func (c *cursor) typeSuffix(t *Type) {
	for {
		switch {
		case c.take("UNSIGNED"):
			t.Unsigned = true
		case c.take("ZEROFILL"):
			t.Unsigned = true
		case c.take("SIGNED"), c.take("BINARY"), c.take("ASCII"), c.take("UNICODE"):
		case c.take("CHARACTER", "SET"), c.take("CHARSET"):
			t.Charset = strings.ToLower(c.tok().Text)
			c.i++
		default:
			return
		}
	}
}

// canonical is one spelling of a type's name.
func canonical(name string, d Dialect) string {
	switch name {
	case "character varying", "char varying", "varcharacter", "national varchar":
		return "varchar"
	case "character", "bpchar", "national character", "national char", "nchar":
		return "char"
	case "dec", "decimal", "numeric", "fixed":
		if d.FoldLower {
			return "numeric"
		}
		return "decimal"
	case "int", "integer", "int4":
		return "integer"
	case "int8":
		return "bigint"
	case "int2":
		return "smallint"
	case "bool", "boolean":
		if d.FoldLower || d.LooseTypes {
			return "boolean"
		}
		return "tinyint"
	case "float8", "double precision", "double":
		return "double"
	case "float4":
		return "real"
	case "serial4":
		return "serial"
	case "serial8":
		return "bigserial"
	case "serial2":
		return "smallserial"
	case "timestamp with time zone", "timestamptz":
		return "timestamptz"
	case "timestamp without time zone":
		return "timestamp"
	case "time with time zone":
		return "timetz"
	case "time without time zone":
		return "time"
	case "bit varying":
		return "varbit"
	}
	return name
}

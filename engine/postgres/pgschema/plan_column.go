package pgschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

func (p *planner) alterColumn(t schema.Table, table string, k schema.Change) {
	c, _ := k.To.(schema.Column)
	was, _ := k.From.(schema.Column)
	switch {
	case c.Inherited && k.Op != schema.Changed, was.Inherited && k.Op == schema.Removed:
		return // it comes and goes with the table that it is from
	case k.Op == schema.Removed && was.Generated != "":
		return // gone already, see regenerate
	case k.Op == schema.Removed:
		p.loses("column "+k.ID.Of+"."+was.Name, "ALTER TABLE %s DROP COLUMN %s", table, ident(was.Name))
		return
	case k.Op == schema.Added:
		p.add("ALTER TABLE %s ADD COLUMN %s", table, column(c))
		p.fresh[k.ID] = true
		p.storage(table, c)
		return
	case has(k, "generated", "stored") && (c.Generated != "" || !was.Stored):
		return // made again, see regenerate
	case has(k, "generated"):
		p.add("ALTER TABLE %s ALTER COLUMN %s DROP EXPRESSION", table, ident(c.Name))
	}
	alter := "ALTER TABLE " + table + " ALTER COLUMN " + ident(c.Name) + " "
	if has(k, "type", "collation") && !c.Inherited {
		p.retype(k.ID.Of, alter, was, c)
	} else if has(k, "default") && !p.turned[k.ID] && !(c.Default == nil && p.renumbered[k.ID]) {
		p.setDefault(table, c)
	}
	if has(k, "nullable") {
		p.setNull(t, table, alter, c)
	}
	if has(k, "identity", "identity_options") {
		p.identity(t, alter, was, c)
	}
	if has(k, "options") {
		if len(c.Options) == 0 {
			p.add("%sSET STORAGE %s", alter, usualStorage(c.Type))
		}
		p.storage(table, c)
	}
}

// regenerate drops generated columns that go, or are to be made again behind
// the others, and returns the latter: their values can be worked out, and neither an
// expression nor the type of a column that stands in one can be changed. What
// goes with them is made again, too.
func (p *planner) regenerate(t schema.Table, was *schema.Table, table string) (made []schema.Column) {
	id := p.to.Relative(t.ID())
	var touched []string // columns on which no expression may stand meanwhile
	for _, k := range p.parts(id, schema.KindColumn) {
		if old, ok := k.From.(schema.Column); ok && k.Op == schema.Removed && old.Generated != "" && !old.Inherited {
			p.add("ALTER TABLE %s DROP COLUMN %s", table, ident(old.Name))
		}
		if k.Op == schema.Removed || has(k, "type", "collation") {
			touched = append(touched, k.ID.Name)
		}
	}
	for _, c := range was.Columns {
		if p.turned[part(id, schema.KindColumn, c.Name)] {
			touched = append(touched, c.Name)
		}
	}
	for _, c := range t.Columns {
		kid := part(id, schema.KindColumn, c.Name)
		k := p.changes[kid]
		i := slices.IndexFunc(was.Columns, func(x schema.Column) bool { return x.Name == c.Name })
		if i < 0 || c.Inherited {
			continue
		}
		old := was.Columns[i]
		stands := c.Generated != "" && slices.ContainsFunc(touched, func(name string) bool { return mentions(old.Generated, name) })
		if !stands && !(has(k, "generated", "stored") && (c.Generated != "" || !old.Stored)) {
			continue
		}
		p.add("ALTER TABLE %s DROP COLUMN %s", table, ident(c.Name))
		made = append(made, c)
		p.fresh[kid] = true
		p.goesWith(t, c.Name)
	}
	return made
}

// goesWith marks what the server drops together with a column.
func (p *planner) goesWith(t schema.Table, column string) {
	id := p.to.Relative(t.ID())
	if t.PrimaryKey != nil && contains(t.PrimaryKey.Columns, column) {
		p.fresh[part(id, schema.KindPrimaryKey, "")] = true
	}
	for _, x := range t.Indexes {
		if mentions(strings.Join(x.Parts, " ")+" "+x.Where, column) || contains(x.Include, column) {
			p.fresh[part(id, schema.KindIndex, x.Name)] = true
		}
	}
	for _, f := range t.ForeignKeys {
		if contains(f.Columns, column) {
			p.fresh[part(id, schema.KindForeignKey, f.Name)] = true
		}
	}
	for _, x := range t.Checks {
		if mentions(x.Expression, column) {
			p.fresh[part(id, schema.KindCheck, x.Name)] = true
		}
	}
}

// mentions reports whether a column's name stands in an expression, or may.
func mentions(expression, column string) bool {
	name := ident(column)
	for at := 0; ; at++ {
		i := strings.Index(expression[at:], name)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(name)
		if (at == 0 || !inName(expression[at-1])) && (end == len(expression) || !inName(expression[end])) {
			return true
		}
	}
}

func inName(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (p *planner) retype(table, alter string, was, c schema.Column) {
	if was.Default != nil {
		p.add("%sDROP DEFAULT", alter)
	}
	text := alter + "TYPE " + c.Type + collate(c.Collation)
	if base(was.Type) != base(c.Type) {
		text += " USING " + cast(ident(c.Name), was.Type, c.Type)
	}
	if was.Generated == "" && lossy(was.Type, c.Type) {
		p.loses("part of the values of column "+table+"."+c.Name, "%s", text)
	} else {
		p.add("%s", text)
	}
	if c.Default != nil && c.Generated == "" {
		p.add("%sSET DEFAULT %s", alter, *c.Default)
	}
}

// base is a type without its length or precision.
func base(typ string) string {
	name, rest, _ := strings.Cut(typ, "(")
	_, rest, _ = strings.Cut(rest, ")")
	return name + rest
}

func (p *planner) setDefault(table string, c schema.Column) {
	if c.Default == nil {
		p.add("ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", table, ident(c.Name))
	} else {
		p.add("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", table, ident(c.Name), *c.Default)
	}
}

// setNull has a check proved first, while the table is in use: with it, NOT
// NULL need not read the table under its lock.
func (p *planner) setNull(t schema.Table, table, alter string, c schema.Column) {
	if c.Nullable {
		p.add("%sDROP NOT NULL", alter)
		return
	}
	if k := t.PrimaryKey; k != nil && contains(k.Columns, c.Name) && c.Identity == "" {
		return // the key brings it, and only an identity needs it before
	}
	check := ident(c.Name + "_is_not_null")
	p.add("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", table, check, ident(c.Name))
	p.alone("ALTER TABLE %s VALIDATE CONSTRAINT %s", table, check)
	p.add("%sSET NOT NULL", alter)
	p.add("ALTER TABLE %s DROP CONSTRAINT %s", table, check)
}

func (p *planner) identity(t schema.Table, alter string, was, c schema.Column) {
	if was.Identity != "" {
		if c.Identity != "" {
			old, options := p.is.identitySequence(t, was)
			now, wanted := p.is.identitySequence(t, c)
			if old != now {
				p.add("ALTER SEQUENCE %s RENAME TO %s", old, lastName(now))
			}
			if was.Identity != c.Identity || options != wanted {
				// Made anew, it would begin at its start again.
				p.add("%sSET GENERATED %s%s", alter, strings.ToUpper(c.Identity), identitySettings(wanted))
			}
			return
		}
		if !p.renumbered[part(p.to.Relative(t.ID()), schema.KindColumn, c.Name)] {
			p.add("%sDROP IDENTITY", alter)
		}
	}
	if c.Identity != "" {
		text := alter + "ADD GENERATED " + strings.ToUpper(c.Identity) + " AS IDENTITY"
		if c.IdentityOptions != "" {
			text += " (" + c.IdentityOptions + ")"
		}
		p.add("%s", text)
		table := p.is.name(t.Schema, t.Name)
		if start, up := countsUp(c.IdentityOptions); up {
			p.goOn("pg_get_serial_sequence("+literal(table)+", "+literal(c.Name)+")", table, c.Name, start)
		}
	}
}

// identitySequence is the sequence behind a column, as it is spelled, and its
// other options. One whose table or column was renamed keeps the old name.
func (w *writer) identitySequence(t schema.Table, c schema.Column) (name, options string) {
	rest, named := strings.CutPrefix(c.IdentityOptions, "SEQUENCE NAME ")
	if !named {
		return w.name(t.Schema, t.Name+"_"+c.Name+"_seq"), c.IdentityOptions
	}
	end := outsideQuotes(rest, ' ')
	if end < 0 {
		return rest, ""
	}
	return rest[:end], rest[end+1:]
}

// lastName is a name without its schema.
func lastName(spelled string) string { return spelled[outsideQuotes(spelled, '.')+1:] }

// outsideQuotes is where c stands in names that may be quoted, -1 for nowhere.
func outsideQuotes(text string, c byte) int {
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == c && !quoted:
			return i
		}
	}
	return -1
}

func (p *planner) storage(table string, c schema.Column) {
	for _, o := range c.Options {
		p.add("ALTER TABLE %s ALTER COLUMN %s SET %s", table, ident(c.Name), strings.ToUpper(o))
	}
}

// usualStorage is what a column of a type has that can have another one.
// (SET STORAGE DEFAULT is for servers from 16 on.)
func usualStorage(typ string) string {
	for _, t := range []string{"numeric", "inet", "cidr"} {
		if strings.HasPrefix(typ, t) && !strings.HasSuffix(typ, "[]") {
			return "MAIN"
		}
	}
	return "EXTENDED"
}

// identitySettings spells all options, those that are usual too.
func identitySettings(options string) (text string) {
	for _, o := range []struct{ word, usual string }{
		{"INCREMENT BY", "INCREMENT BY 1"}, {"MINVALUE", "NO MINVALUE"}, {"MAXVALUE", "NO MAXVALUE"}, {"START WITH", "START WITH 1"}, {"CACHE", "CACHE 1"},
	} {
		set := o.usual
		if _, after, ok := strings.Cut(options, o.word+" "); ok {
			value, _, _ := strings.Cut(after, " ")
			set = o.word + " " + value
		}
		text += " SET " + set
	}
	if strings.HasSuffix(options, "CYCLE") {
		return text + " SET CYCLE"
	}
	return text + " SET NO CYCLE"
}

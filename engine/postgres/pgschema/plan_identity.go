package pgschema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// clearNumbering takes away what numbers a column's rows by now where another
// kind of numbering comes: the sequence behind an identity and that of a
// serial column are called alike.
func (p *planner) clearNumbering() {
	for _, k := range p.all {
		was, ok := k.From.(schema.Column)
		c, stays := k.To.(schema.Column)
		of := schema.ID{Kind: schema.KindTable, Schema: k.ID.Schema, Name: k.ID.Of}
		t := p.table(p.from, of)
		if !ok || !stays || t == nil || c.Inherited || p.gone[of] || (was.Identity == "") == (c.Identity == "") {
			continue
		}
		name := p.was.name(t.Schema, t.Name)
		if was.Identity != "" {
			p.add("ALTER TABLE %s ALTER COLUMN %s DROP IDENTITY", name, ident(c.Name))
			p.renumbered[k.ID] = true
			continue
		}
		for _, s := range p.from.Sequences {
			id := p.from.Relative(s.ID())
			if p.gone[id] && s.OwnedBy == name+"."+ident(c.Name) && p.servesOnly(id, of) {
				p.add("ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", name, ident(c.Name))
				p.renumbered[k.ID] = true
				p.add("DROP SEQUENCE %s", p.was.name(s.Schema, s.Name))
				p.gone[id] = false
			}
		}
	}
}

// servesOnly reports whether nothing but this table needs an object.
func (p *planner) servesOnly(object, table schema.ID) bool {
	return !slices.ContainsFunc(p.from.Depends, func(d schema.Dependency) bool {
		return p.from.Relative(d.Needs) == object && p.from.Relative(d.Object) != table
	})
}

// goOn has a sequence that is new go on behind the rows that are there.
//
// What counts down, or by its own rules, goes on where it begins.
func (p *planner) goOn(sequence, table, column, start string) {
	p.add("SELECT setval(%s, max(%s)) FROM %s HAVING max(%s) >= %s", sequence, ident(column), table, ident(column), start)
}

// goOnOwned does so for a sequence that numbers a column which has rows.
func (p *planner) goOnOwned(s schema.Sequence, sequence string) {
	for _, k := range p.all {
		was, stays := k.From.(schema.Column)
		c, ok := k.To.(schema.Column)
		t := p.table(p.to, schema.ID{Kind: schema.KindTable, Schema: k.ID.Schema, Name: k.ID.Of})
		if !ok || !stays || t == nil || p.gone[p.to.Relative(t.ID())] || c.Default == nil || was.Default != nil && *was.Default == *c.Default {
			continue
		}
		if table := p.is.name(t.Schema, t.Name); s.OwnedBy == table+"."+ident(c.Name) {
			p.goOn(literal(sequence), table, c.Name, strconv.FormatInt(s.Start, 10))
		}
	}
}

// countsUp reports whether an identity with these options counts upwards, and
// from where.
func countsUp(options string) (start string, up bool) {
	start = "1"
	if _, after, ok := strings.Cut(options, "START WITH "); ok {
		start, _, _ = strings.Cut(after, " ")
	}
	return start, !strings.Contains(options, "INCREMENT BY -")
}

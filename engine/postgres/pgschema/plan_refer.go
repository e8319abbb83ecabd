package pgschema

import (
	"github.com/dbwarden-go/dbwarden/schema"
)

// clearReferences takes foreign keys away that stand on a key which goes, or
// is made again: those of tables that go come too late, and those that stay
// as they are come again.
func (p *planner) clearReferences() {
	for _, t := range p.from.Tables {
		of := p.from.Relative(t.ID())
		for _, f := range t.ForeignKeys {
			id := part(of, schema.KindForeignKey, f.Name)
			c, changes := p.changes[id]
			if f.Inherited || changes && !p.gone[of] && (c.Op == schema.Removed || !stays(c)) || !p.keyGoes(t, f) {
				continue
			}
			p.add("ALTER TABLE %s DROP CONSTRAINT %s", p.was.name(t.Schema, t.Name), ident(f.Name))
			p.fresh[id] = !p.gone[of]
		}
	}
}

// keyGoes reports whether a key that a foreign key may stand on goes while
// its table stays.
func (p *planner) keyGoes(t schema.Table, f schema.ForeignKey) bool {
	space := f.RefSchema
	if space == "" {
		space = t.Schema
	}
	of := p.from.Relative(schema.ID{Kind: schema.KindTable, Schema: space, Name: f.RefTable})
	to := p.table(p.from, of)
	if to == nil || p.gone[of] {
		return false
	}
	goes := func(id schema.ID) bool {
		c, changes := p.changes[id]
		return changes && (c.Op == schema.Removed || !stays(c)) || p.fresh[id]
	}
	if k := to.PrimaryKey; k != nil && same(k.Columns, f.RefColumns) && goes(part(of, schema.KindPrimaryKey, "")) {
		return true
	}
	for _, x := range to.Indexes {
		if x.Unique && same(x.Parts, f.RefColumns) && goes(part(of, schema.KindIndex, x.Name)) {
			return true
		}
	}
	return false
}

// same reports whether two lists have the same columns, in any order. Those
// of an index are quoted where they must be.
func same(index, columns []string) bool {
	if len(index) != len(columns) {
		return false
	}
	for _, c := range columns {
		if !contains(index, c) && !contains(index, ident(c)) {
			return false
		}
	}
	return true
}

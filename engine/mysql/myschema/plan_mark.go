package myschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// mark finds what must go and be made again although it is to stay as it is.
func (p *planner) mark() {
	for _, t := range p.to.Tables {
		if id := p.to.Relative(t.ID()); p.op(id) == schema.Added {
			p.fresh[id] = true
		}
	}
	p.stays(func(id schema.ID, was, is schema.Table) {
		p.markColumns(id, was, is)
		p.markTriggers(id, is)
	})
	p.stays(p.markForeignKeys)
}

// markColumns finds columns that cannot become what they are to be where they
// stand, and what stands on them.
func (p *planner) markColumns(id schema.ID, was, is schema.Table) {
	for _, c := range is.Columns {
		if k := p.changes[part(id, schema.KindColumn, c.Name)]; k.Op == schema.Changed && remade(k) {
			p.again[k.ID] = true
		}
	}
	for news := true; news; { // generated from one another
		news = false
		for _, c := range is.Columns {
			k := part(id, schema.KindColumn, c.Name)
			if p.again[k] || p.op(k) == schema.Added || c.Generated == "" {
				continue
			}
			for _, on := range was.Columns {
				o := part(id, schema.KindColumn, on.Name)
				changed := p.op(o) == schema.Changed && has(p.changes[o], "type", "collation")
				if (p.again[o] || changed) && mentions(c.Generated, on.Name) {
					p.again[k], news = true, true
				}
			}
		}
	}
	for _, c := range is.Columns {
		if !p.again[part(id, schema.KindColumn, c.Name)] {
			continue
		}
		for _, x := range was.Indexes {
			if slices.ContainsFunc(x.Parts, func(s string) bool { return about(s, c.Name) }) && p.op(part(id, schema.KindIndex, x.Name)) == "" {
				p.again[part(id, schema.KindIndex, x.Name)] = true
			}
		}
		if k := was.PrimaryKey; k != nil && slices.ContainsFunc(k.Columns, func(s string) bool { return about(s, c.Name) }) && p.op(part(id, schema.KindPrimaryKey, "")) == "" {
			p.again[part(id, schema.KindPrimaryKey, "")] = true
		}
		for _, x := range was.Checks {
			if x.Column == "" && mentions(x.Expression, c.Name) && p.op(part(id, schema.KindCheck, x.Name)) == "" {
				p.again[part(id, schema.KindCheck, x.Name)] = true
			}
		}
	}
}

// remade reports whether a column must be dropped and added: the server makes
// no other one of it. A stored value can go on as a plain one.
func remade(k schema.Change) bool {
	was, is := k.From.(schema.Column), k.To.(schema.Column)
	if was.Generated == "" && is.Generated == "" || was.Stored && is.Generated == "" {
		return false
	}
	return has(k, "generated", "stored") || is.Generated != "" && has(k, "type", "collation")
}

// about reports whether a part of an index is a column or an expression on it.
func about(indexed, column string) bool {
	return indexed == column || strings.HasPrefix(indexed, column+"(") || indexed == column+" DESC" || mentions(indexed, column)
}

// markTriggers finds those that fire behind one that is made again: it would
// fire behind them then.
func (p *planner) markTriggers(id schema.ID, is schema.Table) {
	for i, g := range is.Triggers {
		k := part(id, schema.KindTrigger, g.Name)
		if i == 0 || p.op(k) != "" {
			continue
		}
		if last := is.Triggers[i-1]; p.comes(part(id, schema.KindTrigger, last.Name)) && strings.Contains(g.Definition, " FOR EACH ROW FOLLOWS "+quote(last.Name)+" ") {
			p.again[k] = true
		}
	}
}

// markForeignKeys finds those whose columns, on either side, become others, or
// lose the index without which the server lets no key be.
func (p *planner) markForeignKeys(id schema.ID, was, _ schema.Table) {
	for _, f := range was.ForeignKeys {
		k := part(id, schema.KindForeignKey, f.Name)
		if p.op(k) != "" {
			continue
		}
		ref := p.from.Relative(schema.ID{Kind: schema.KindTable, Schema: refSchema(was, f), Name: f.RefTable})
		p.again[k] = p.disturbed(id, was, f.Columns)
		if other := tableIn(p.from, ref); other != nil && p.disturbed(ref, *other, f.RefColumns) {
			p.again[k] = true
		}
	}
}

func (p *planner) disturbed(id schema.ID, t schema.Table, columns []string) bool {
	for _, c := range t.Columns {
		k := part(id, schema.KindColumn, c.Name)
		if slices.Contains(columns, c.Name) && (p.again[k] || has(p.changes[k], "type", "collation", "nullable", "generated", "stored")) {
			return true
		}
	}
	if k := p.changes[id]; has(k, "options", "partitions", "kind") {
		return true
	}
	covers := func(parts []string) bool {
		return len(parts) >= len(columns) && slices.Equal(parts[:len(columns)], columns)
	}
	lost := false
	if k := t.PrimaryKey; k != nil && covers(k.Columns) {
		if !p.goes(part(id, schema.KindPrimaryKey, "")) {
			return false
		}
		lost = true
	}
	for _, x := range t.Indexes {
		if covers(x.Parts) {
			if !p.goes(part(id, schema.KindIndex, x.Name)) {
				return false
			}
			lost = true
		}
	}
	return lost
}

package myschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

func (p *planner) drop() {
	for _, e := range p.from.Events {
		if p.op(p.from.Relative(schema.ID{Kind: schema.KindEvent, Schema: e.Schema, Name: e.Name})) != "" {
			p.add("DROP EVENT %s", p.was.name(e.Schema, e.Name))
		}
	}
	p.stays(func(id schema.ID, was, _ schema.Table) {
		for _, g := range slices.Backward(was.Triggers) {
			if p.goes(part(id, schema.KindTrigger, g.Name)) {
				p.add("DROP TRIGGER %s", p.was.name(was.Schema, g.Name))
			}
		}
	})
	views := schema.Order(slices.Clone(p.from.Views), schema.View.ID, p.from.Depends)
	for _, v := range slices.Backward(views) {
		if p.op(p.from.Relative(v.ID())) == schema.Removed {
			p.add("DROP VIEW %s", p.was.name(v.Schema, v.Name))
		}
	}
	for _, r := range p.from.Routines {
		c := p.changes[p.from.Relative(r.ID())]
		if c.Op == schema.Removed || c.Op == schema.Changed && !p.replaceable(c) {
			p.add("DROP %s %s", strings.ToUpper(r.Kind), p.was.name(r.Schema, r.Name))
		}
	}
	p.stays(func(id schema.ID, was, _ schema.Table) {
		var clauses []string
		for _, f := range was.ForeignKeys {
			if p.goes(part(id, schema.KindForeignKey, f.Name)) {
				clauses = append(clauses, "DROP FOREIGN KEY "+quote(f.Name))
			}
		}
		p.alter(was, p.was.name(was.Schema, was.Name), clauses, "")
	})
	p.dropTables()
	for _, s := range p.from.Sequences {
		if id := p.from.Relative(s.ID()); p.op(id) == schema.Removed && p.inTheWay(id) {
			p.dropSequence(s)
		}
	}
}

// inTheWay reports whether a table takes the name of a sequence that goes. The
// others go when no default reads them any more.
func (p *planner) inTheWay(sequence schema.ID) bool {
	return p.fresh[schema.ID{Kind: schema.KindTable, Schema: sequence.Schema, Name: sequence.Name}]
}

func (p *planner) dropSequence(s schema.Sequence) {
	p.loses("where "+p.from.Relative(s.ID()).String()+" stands", "DROP SEQUENCE %s", p.was.name(s.Schema, s.Name))
}

// replaceable reports whether a routine can become another one without being
// gone meanwhile, and with the rights that were given on it.
func (p *planner) replaceable(c schema.Change) bool {
	return p.to.Engine == "mariadb" && !has(c, "kind")
}

// dropTables drops each before those that it refers to; keys that close a
// circle go first.
func (p *planner) dropTables() {
	var gone []schema.Table
	for _, t := range slices.Backward(p.was.sorted()) {
		if p.op(p.from.Relative(t.ID())) == schema.Removed {
			gone = append(gone, t)
		}
	}
	for i, t := range gone {
		var clauses []string
		for _, f := range t.ForeignKeys {
			first := slices.IndexFunc(gone, func(o schema.Table) bool { return o.Schema == refSchema(t, f) && o.Name == f.RefTable })
			if first >= 0 && first < i {
				clauses = append(clauses, "DROP FOREIGN KEY "+quote(f.Name))
			}
		}
		p.alter(t, p.was.name(t.Schema, t.Name), clauses, "")
	}
	for _, t := range gone {
		p.loses(p.from.Relative(t.ID()).String(), "DROP TABLE %s", p.was.name(t.Schema, t.Name))
	}
}

package myschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// build makes and changes what has data.
func (p *planner) build() {
	for _, n := range p.to.Schemas {
		id := schema.ID{Kind: schema.KindSchema, Name: n.Name}
		if n.Name == p.to.Home {
			id.Name = ""
		}
		switch {
		case p.op(id) == schema.Added:
			p.add("CREATE DATABASE IF NOT EXISTS %s", quote(n.Name))
		case has(p.changes[id], "comment") && id.Name == "":
			p.add("ALTER DATABASE COMMENT = %s", literal(n.Comment))
		case has(p.changes[id], "comment"):
			p.add("ALTER DATABASE %s COMMENT = %s", quote(n.Name), literal(n.Comment))
		}
	}
	for _, s := range p.to.Sequences {
		switch p.op(p.to.Relative(s.ID())) {
		case schema.Added:
			p.written(func() { p.is.sequence(s) })
		case schema.Changed:
			p.add("%s", p.alterSequence(s))
		}
	}
	for _, t := range p.to.Tables { // keys to what still changes come late
		if id := p.to.Relative(t.ID()); !p.fresh[id] && !p.touched(id) {
			p.is.made[[2]string{t.Schema, t.Name}] = true
		}
	}
	for _, t := range p.is.sorted() {
		if p.fresh[p.to.Relative(t.ID())] {
			p.written(func() { p.is.table(t) })
		}
	}
	p.stays(p.alterTable)
	for _, text := range p.is.late {
		p.add("%s", text)
	}
	p.stays(func(id schema.ID, _, is schema.Table) {
		var clauses []string
		kept := map[string]bool{}
		for _, f := range is.ForeignKeys {
			if p.comes(part(id, schema.KindForeignKey, f.Name)) {
				clauses = append(clauses, "ADD CONSTRAINT "+quote(f.Name)+" "+f.Definition)
				if x := p.itsIndex(id, is, f); x != nil && !kept[x.Name] {
					kept[x.Name] = true
					clauses = append(clauses, "DROP INDEX "+quote(x.Name), "ADD "+x.Definition)
				}
			}
		}
		p.alter(is, p.is.name(is.Schema, is.Name), clauses, "")
	})
	for _, s := range p.from.Sequences {
		if id := p.from.Relative(s.ID()); p.op(id) == schema.Removed && !p.inTheWay(id) {
			p.dropSequence(s)
		}
	}
}

// itsIndex is an index that the server may have made by itself for a foreign
// key that had no name then. With a key that is given its name it makes one of
// that name instead, and the old one is gone, unless it is said otherwise.
func (p *planner) itsIndex(id schema.ID, t schema.Table, f schema.ForeignKey) *schema.Index {
	for i, x := range t.Indexes {
		plain := !x.Unique && x.Method == "" && x.Comment == "" && len(x.Options) == 0
		if plain && x.Name != f.Name && slices.Equal(x.Parts, f.Columns) && !p.comes(part(id, schema.KindIndex, x.Name)) {
			return &t.Indexes[i]
		}
	}
	return nil
}

// alterSequence leaves out where it stands.
func (p *planner) alterSequence(s schema.Sequence) string {
	text := fmt.Sprintf("ALTER SEQUENCE %s START WITH %d MINVALUE %d MAXVALUE %d INCREMENT BY %d", p.is.name(s.Schema, s.Name), s.Start, s.Min, s.Max, s.Increment)
	if s.Cache == 0 {
		text += " NOCACHE"
	} else {
		text += fmt.Sprintf(" CACHE %d", s.Cache)
	}
	if s.Cycle {
		return text + " CYCLE"
	}
	return text + " NOCYCLE"
}

// finish makes what reads tables, and gives rights.
func (p *planner) finish() {
	for _, r := range p.to.Routines {
		c := p.changes[p.to.Relative(r.ID())]
		switch {
		case c.Op == schema.Changed && p.replaceable(c):
			p.add("%s", orReplace(r.Definition))
		case c.Op != "":
			p.add("%s", r.Definition)
		}
	}
	for _, v := range schema.Order(slices.Clone(p.to.Views), schema.View.ID, p.to.Depends) {
		id := p.to.Relative(v.ID())
		switch {
		case p.op(id) == schema.Added:
			p.written(func() { p.is.view(v) })
		case p.op(id) == schema.Changed || p.otherColumns(id):
			p.is.out = nil
			p.is.view(v)
			p.add("%s", orReplace(p.is.out[0]))
		}
	}
	for _, t := range p.to.Tables {
		id := p.to.Relative(t.ID())
		for _, g := range t.Triggers {
			if g.Definition != "" && (p.fresh[id] || p.comes(part(id, schema.KindTrigger, g.Name))) {
				p.add("%s", g.Definition)
			}
		}
	}
	for _, e := range p.to.Events {
		if p.op(p.to.Relative(schema.ID{Kind: schema.KindEvent, Schema: e.Schema, Name: e.Name})) != "" {
			p.add("%s", e.Definition)
		}
	}
	p.give()
}

func orReplace(create string) string {
	return "CREATE OR REPLACE " + strings.TrimPrefix(create, "CREATE ")
}

// otherColumns reports whether a view has others than it had. What type they
// are follows the tables by itself.
func (p *planner) otherColumns(view schema.ID) bool {
	return slices.ContainsFunc(p.all, func(c schema.Change) bool {
		return c.ID.Kind == schema.KindColumn && c.ID.Schema == view.Schema && c.ID.Of == view.Name && c.Op != schema.Changed
	})
}

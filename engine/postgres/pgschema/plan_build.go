package pgschema

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// build makes and changes objects, each behind what it needs.
func (p *planner) build() {
	for _, c := range p.all {
		switch x := c.To.(type) {
		case schema.Namespace:
			if c.Op == schema.Added && x.Name != "public" {
				p.add("CREATE SCHEMA %s", ident(x.Name))
			}
		case schema.Extension:
			if c.Op == schema.Added {
				p.add("CREATE EXTENSION %s SCHEMA %s", ident(x.Name), ident(x.Schema))
			} else if c.Op == schema.Changed {
				p.add("ALTER EXTENSION %s SET SCHEMA %s", ident(x.Name), ident(x.Schema))
			}
		}
	}
	if p.routines() {
		// A body may name what is made after it. The word ends with the
		// transaction that a migration is.
		p.add("SET LOCAL check_function_bodies = off")
	}
	for _, o := range p.is.inOrder() {
		id := p.to.Relative(o.id)
		if p.op(id) == schema.Added || p.gone[id] {
			p.fresh[id] = true
			p.written(o.write)
			continue
		}
		p.alter(id)
	}
}

// routines reports whether a routine is made or replaced.
func (p *planner) routines() bool {
	for _, c := range p.all {
		if c.ID.Kind == schema.KindRoutine && c.Op != schema.Removed {
			return true
		}
	}
	return false
}

func (p *planner) alter(id schema.ID) {
	c := p.changes[id]
	switch id.Kind {
	case schema.KindType:
		for _, t := range p.to.Types {
			if p.to.Relative(t.ID()) == id {
				p.alterType(id, c, t)
			}
		}
	case schema.KindSequence:
		if c.Op == schema.Changed {
			p.alterSequence(c.To.(schema.Sequence))
		}
	case schema.KindRoutine:
		if c.Op == schema.Changed && has(c, "definition") {
			p.add("%s", c.To.(schema.Routine).Definition) // CREATE OR REPLACE
		}
	case schema.KindTable:
		p.alterTable(id)
	case schema.KindView:
		p.alterView(id, c)
	}
}

func (p *planner) alterView(id schema.ID, c schema.Change) {
	v := p.view(p.to, id)
	name := p.is.name(v.Schema, v.Name)
	if c.Op == schema.Changed && has(c, "definition") || !v.Materialized && has(c, "options") {
		p.written(func() { p.is.view("CREATE OR REPLACE", *v) })
		return
	}
	if has(c, "options") {
		p.options("MATERIALIZED VIEW "+name, c)
	}
	for _, k := range p.parts(id, schema.KindColumn) {
		if x, ok := k.To.(schema.Column); ok && k.Op == schema.Changed && has(k, "default") {
			if x.Default == nil {
				p.add("ALTER VIEW %s ALTER COLUMN %s DROP DEFAULT", name, ident(x.Name))
			} else {
				p.add("ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s", name, ident(x.Name), *x.Default)
			}
		}
	}
}

// options sets those that are new and takes back those that are no more.
func (p *planner) options(of string, c schema.Change) {
	for _, f := range c.Fields {
		if f.Name != "options" {
			continue
		}
		is := map[string]bool{}
		for _, o := range f.To.([]string) {
			name, _, _ := strings.Cut(o, "=")
			is[name] = true
		}
		for _, o := range f.From.([]string) {
			if name, _, _ := strings.Cut(o, "="); !is[name] {
				p.add("ALTER %s RESET (%s)", of, name)
			}
		}
		if to := f.To.([]string); len(to) > 0 {
			p.add("ALTER %s SET (%s)", of, strings.Join(to, ", "))
		}
	}
}

func (p *planner) alterSequence(s schema.Sequence) {
	text := fmt.Sprintf("ALTER SEQUENCE %s AS %s INCREMENT BY %d MINVALUE %d MAXVALUE %d START WITH %d CACHE %d",
		p.is.name(s.Schema, s.Name), s.Type, s.Increment, s.Min, s.Max, s.Start, s.Cache)
	if s.Cycle {
		text += " CYCLE"
	} else {
		text += " NO CYCLE"
	}
	p.add("%s", text)
}

// alterType changes an enum, a composite type or a domain. The views, columns
// and functions that use it stay.
func (p *planner) alterType(id schema.ID, c schema.Change, t schema.Type) {
	name := p.is.name(t.Schema, t.Name)
	if p.makeReplacement(id, t) {
		return
	}
	if has(c, "labels") {
		added, _ := grown(c.From.(schema.Type).Labels, t.Labels)
		for _, l := range added {
			p.alone("ALTER TYPE %s ADD VALUE %s%s", name, literal(l.label), l.place)
		}
	}
	for _, k := range p.parts(id, schema.KindColumn) {
		p.alterAttribute(k, name)
	}
	if t.Kind != "domain" {
		return
	}
	if has(c, "default") {
		if t.Default == nil {
			p.add("ALTER DOMAIN %s DROP DEFAULT", name)
		} else {
			p.add("ALTER DOMAIN %s SET DEFAULT %s", name, *t.Default)
		}
	}
	if has(c, "not_null") {
		word := "DROP"
		if t.NotNull {
			word = "SET"
		}
		p.add("ALTER DOMAIN %s %s NOT NULL", name, word)
	}
	for _, k := range p.parts(id, schema.KindCheck) {
		if k.Op == schema.Removed || k.Op == schema.Changed && !stays(k) {
			p.add("ALTER DOMAIN %s DROP CONSTRAINT %s", name, ident(k.From.(schema.Check).Name))
		}
		if k.Op == schema.Added || k.Op == schema.Changed && !stays(k) {
			x := k.To.(schema.Check)
			p.add("ALTER DOMAIN %s ADD CONSTRAINT %s %s", name, ident(x.Name), x.Definition)
			p.fresh[k.ID] = true
		} else if has(k, "not_valid") {
			p.add("ALTER DOMAIN %s VALIDATE CONSTRAINT %s", name, ident(k.To.(schema.Check).Name))
		}
	}
}

func (p *planner) alterAttribute(k schema.Change, name string) {
	switch x := k.To.(type) {
	case nil:
		p.loses("attribute "+k.ID.Name+" of "+name, "ALTER TYPE %s DROP ATTRIBUTE %s", name, ident(k.ID.Name))
	case schema.Column:
		if k.Op == schema.Added {
			p.add("ALTER TYPE %s ADD ATTRIBUTE %s %s%s", name, ident(x.Name), x.Type, collate(x.Collation))
		} else if has(k, "type", "collation") {
			p.add("ALTER TYPE %s ALTER ATTRIBUTE %s TYPE %s%s", name, ident(x.Name), x.Type, collate(x.Collation))
		}
	}
}

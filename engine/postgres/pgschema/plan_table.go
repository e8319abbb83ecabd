package pgschema

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// alterTable changes a table that stays: its columns, and what it is itself.
// Its constraints and indexes come behind all tables.
func (p *planner) alterTable(id schema.ID) {
	t, was := p.table(p.to, id), p.table(p.from, id)
	name := p.is.name(t.Schema, t.Name)
	c := p.changes[id]
	if t.PartitionOf != nil && was.PartitionOf == nil || was.PartitionOf != nil && (t.PartitionOf == nil || *t.PartitionOf != *was.PartitionOf) {
		if was.PartitionOf != nil {
			p.add("ALTER TABLE %s DETACH PARTITION %s", was.PartitionOf.Table, name)
		}
	}
	for _, up := range was.Inherits {
		if !contains(t.Inherits, up) {
			p.add("ALTER TABLE %s NO INHERIT %s", name, up)
		}
	}
	if t.PartitionOf == nil || was.PartitionOf == nil {
		made := p.regenerate(*t, was, name)
		p.turn(*t, was, name)
		for _, k := range p.parts(id, schema.KindColumn) {
			if c, ok := k.To.(schema.Column); ok && k.Op == schema.Added && c.Generated != "" && !c.Inherited {
				made = append(made, c) // of columns that may change yet
				p.fresh[k.ID] = true
				continue
			}
			p.alterColumn(*t, name, k)
		}
		for _, c := range made {
			p.add("ALTER TABLE %s ADD COLUMN %s", name, column(c))
			p.storage(name, c)
		}
	} else {
		p.partitionDefaults(*t, name)
	}
	for _, up := range t.Inherits {
		if !contains(was.Inherits, up) {
			p.add("ALTER TABLE %s INHERIT %s", name, up)
		}
	}
	if has(c, "kind") {
		word := "LOGGED"
		if t.Kind == "unlogged" {
			word = "UNLOGGED"
		}
		p.add("ALTER TABLE %s SET %s", name, word)
	}
	p.options("TABLE "+name, c)
	if has(c, "row_security") {
		p.rowSecurity(name, t.RowSecurity)
	}
}

func (p *planner) rowSecurity(name, state string) {
	enable, force := "DISABLE", "NO FORCE"
	if state != "" {
		enable = "ENABLE"
	}
	if state == "forced" {
		force = "FORCE"
	}
	p.add("ALTER TABLE %s %s ROW LEVEL SECURITY", name, enable)
	p.add("ALTER TABLE %s %s ROW LEVEL SECURITY", name, force)
}

// partitionDefaults changes what a partition may have of its own: all else
// about a column comes from the partitioned table.
func (p *planner) partitionDefaults(t schema.Table, name string) {
	for _, c := range t.Columns {
		k := p.changes[part(p.to.Relative(t.ID()), schema.KindColumn, c.Name)]
		if k.Op == schema.Changed && has(k, "default") {
			p.setDefault(name, c)
		}
	}
}

// complete adds what stands behind tables: indexes, partitions, constraints,
// rules, triggers, policies.
func (p *planner) complete() {
	p.dropReplaced()
	for _, s := range p.to.Sequences {
		id := p.to.Relative(s.ID())
		switch c := p.changes[id]; {
		case p.fresh[id] && s.OwnedBy != "", c.Op == schema.Changed && has(c, "owned_by"):
			owner := s.OwnedBy
			if owner == "" {
				owner = "NONE"
			}
			name := p.is.name(s.Schema, s.Name)
			p.add("ALTER SEQUENCE %s OWNED BY %s", name, owner)
			if p.fresh[id] && s.Increment > 0 {
				p.goOnOwned(s, name)
			}
		}
	}
	for _, t := range p.to.Tables {
		p.addChecks(t)
		p.addKeys(t)
	}
	for _, v := range p.to.Views {
		for _, x := range v.Indexes {
			if p.made(p.to.Relative(v.ID()), schema.KindIndex, x.Name) {
				p.add("%s", x.Definition)
			}
		}
	}
	p.attach()
	for _, t := range p.to.Tables {
		p.addForeignKeys(t)
	}
	p.addRest()
}

// made reports whether a part is to be made: it is new, or its object is, or
// it was taken away to become another one.
func (p *planner) made(of schema.ID, kind schema.Kind, name string) bool {
	id := part(of, kind, name)
	return p.fresh[of] || p.op(id) == schema.Added || p.fresh[id]
}

func (p *planner) addChecks(t schema.Table) {
	id, name := p.to.Relative(t.ID()), p.is.name(t.Schema, t.Name)
	if p.fresh[id] {
		return // CREATE TABLE has them
	}
	for _, x := range t.Checks {
		k := part(id, schema.KindCheck, x.Name)
		switch {
		case x.Inherited, checkedAbove(p.is, t, x.Name):
		case p.op(k) == schema.Added || p.fresh[k]:
			p.fresh[k] = true
			if x.NotValid || x.NoInherit {
				p.add("ALTER TABLE %s ADD CONSTRAINT %s %s", name, ident(x.Name), x.Definition)
				continue
			}
			p.add("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID", name, ident(x.Name), x.Definition)
			p.alone("ALTER TABLE %s VALIDATE CONSTRAINT %s", name, ident(x.Name))
		case has(p.changes[k], "not_valid"):
			p.alone("ALTER TABLE %s VALIDATE CONSTRAINT %s", name, ident(x.Name))
		}
	}
}

// addKeys makes indexes, and the constraints that have one. On a table that
// is in use the index is built first, concurrently.
func (p *planner) addKeys(t schema.Table) {
	id, name := p.to.Relative(t.ID()), p.is.name(t.Schema, t.Name)
	if k := t.PrimaryKey; k != nil && !p.fresh[id] && p.made(id, schema.KindPrimaryKey, "") {
		p.fresh[part(id, schema.KindPrimaryKey, "")] = true
		p.constraint(t, name, k.Name, k.Definition, "PRIMARY KEY", k.Deferrable, "("+idents(k.Columns)+")"+including(k.Include))
	}
	for _, x := range t.Indexes {
		if !p.made(id, schema.KindIndex, x.Name) {
			continue
		}
		p.fresh[part(id, schema.KindIndex, x.Name)] = true
		switch {
		case x.Constraint != "" && p.fresh[id]: // CREATE TABLE has it
		case x.Constraint == "unique" && len(x.Options) == 0:
			p.constraint(t, name, x.Name, x.Definition, "UNIQUE", x.Deferrable, "("+strings.Join(x.Parts, ", ")+")"+including(x.Include))
		case x.Constraint != "":
			p.add("ALTER TABLE %s ADD CONSTRAINT %s %s", name, ident(x.Name), x.Definition)
		case p.fresh[id] || t.Partitions != nil:
			p.add("%s", strings.Replace(x.Definition, " ON ONLY ", " ON ", 1))
		case t.PartitionOf != nil && p.fromParent(t, x):
			// The partitioned table's index makes it.
		default:
			p.alone("%s", strings.Replace(x.Definition, "INDEX ", "INDEX CONCURRENTLY ", 1))
		}
	}
}

func including(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return " INCLUDE (" + idents(columns) + ")"
}

func (p *planner) constraint(t schema.Table, table, name, definition, word, deferrable, columns string) {
	if t.Partitions != nil || t.PartitionOf != nil {
		p.add("ALTER TABLE %s ADD CONSTRAINT %s %s", table, ident(name), definition)
		return
	}
	p.alone("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %s", ident(name), table, columns)
	when := map[string]string{"deferrable": " DEFERRABLE", "initially deferred": " DEFERRABLE INITIALLY DEFERRED"}[deferrable]
	p.add("ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s", table, ident(name), word, ident(name), when)
}

// fromParent reports whether the partitioned table gets an index of the same
// kind at the same time.
func (p *planner) fromParent(t schema.Table, x schema.Index) bool {
	up := p.is.partitioned(t)
	if up == nil {
		return false
	}
	for _, y := range up.Indexes {
		if strings.Join(x.Parts, ",") == strings.Join(y.Parts, ",") && x.Method == y.Method && x.Where == y.Where && x.Unique == y.Unique &&
			p.made(p.to.Relative(up.ID()), schema.KindIndex, y.Name) {
			return true
		}
	}
	return false
}

func (p *planner) attach() {
	for _, t := range p.is.sorted() {
		id := p.to.Relative(t.ID())
		was := p.table(p.from, id)
		if t.PartitionOf == nil || !p.fresh[id] && was != nil && was.PartitionOf != nil && *was.PartitionOf == *t.PartitionOf {
			continue
		}
		p.add("ALTER TABLE %s ATTACH PARTITION %s %s", t.PartitionOf.Table, p.is.name(t.Schema, t.Name), t.PartitionOf.Bound)
	}
}

func (p *planner) addForeignKeys(t schema.Table) {
	id, name := p.to.Relative(t.ID()), p.is.name(t.Schema, t.Name)
	for _, f := range t.ForeignKeys {
		k := part(id, schema.KindForeignKey, f.Name)
		add := fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", name, ident(f.Name), f.Definition)
		switch {
		case f.Inherited:
		case p.fresh[id] || p.made(id, schema.KindForeignKey, f.Name) && (f.NotValid || t.Partitions != nil):
			p.add("%s", add)
		case p.made(id, schema.KindForeignKey, f.Name):
			p.add("%s NOT VALID", add)
			p.alone("ALTER TABLE %s VALIDATE CONSTRAINT %s", name, ident(f.Name))
		case has(p.changes[k], "not_valid"):
			p.alone("ALTER TABLE %s VALIDATE CONSTRAINT %s", name, ident(f.Name))
		}
	}
}

// addRest makes rules, triggers, row-level security.
func (p *planner) addRest() {
	type holder struct {
		id       schema.ID
		name     string
		rules    []schema.Rule
		triggers []schema.Trigger
	}
	var all []holder
	for _, t := range p.to.Tables {
		all = append(all, holder{p.to.Relative(t.ID()), p.is.name(t.Schema, t.Name), t.Rules, t.Triggers})
	}
	for _, v := range p.to.Views {
		all = append(all, holder{p.to.Relative(v.ID()), p.is.name(v.Schema, v.Name), v.Rules, v.Triggers})
	}
	for _, h := range all {
		for _, r := range h.rules {
			if p.made(h.id, schema.KindRule, r.Name) {
				p.add("%s", r.Definition)
			}
		}
		for _, g := range h.triggers {
			made := p.made(h.id, schema.KindTrigger, g.Name)
			if made {
				p.add("%s", g.Definition)
			}
			if made && g.State != "" || !made && has(p.changes[part(h.id, schema.KindTrigger, g.Name)], "state") {
				p.add("ALTER TABLE %s %s TRIGGER %s", h.name, firing(g.State), ident(g.Name))
			}
		}
	}
	for _, t := range p.to.Tables {
		id, name := p.to.Relative(t.ID()), p.is.name(t.Schema, t.Name)
		if p.fresh[id] && t.RowSecurity != "" {
			p.rowSecurity(name, t.RowSecurity)
		}
		for _, x := range t.Policies {
			if p.made(id, schema.KindPolicy, x.Name) {
				p.add("%s", policy(x, name))
			}
		}
	}
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// tell makes comments what they are to be.
func (p *planner) tell() {
	was := map[string]string{}
	for _, r := range p.was.remarks() {
		if !p.gone[r.object] {
			was[r.on] = r.text
		}
	}
	for _, r := range p.is.remarks() {
		old := was[r.on]
		if p.fresh[r.object] || p.fresh[r.part] {
			old = ""
		}
		if r.text != old {
			p.add("%s", r.sql())
		}
	}
}

// allow makes grants what they are to be. What is made again has its rights in
// the same transaction: nobody may find it without.
func (p *planner) allow() {
	held, wanted := map[string]bool{}, map[string]bool{}
	for _, r := range p.is.rights() {
		wanted[r.give] = true
	}
	for _, r := range p.was.rights() {
		if p.gone[r.object] || p.fresh[r.object] || p.fresh[r.part] || p.op(r.part) == schema.Removed {
			continue
		}
		held[r.give] = true
		if !wanted[r.give] {
			p.add("%s", r.take)
		}
	}
	for _, r := range p.is.rights() {
		if !held[r.give] {
			p.add("%s", r.give)
		}
	}
}

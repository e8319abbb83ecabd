package pgschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// clear takes away the parts of tables and views that go, or are made again,
// while the table or view itself stays.
func (p *planner) clear() {
	p.clearAbove()
	p.clearNumbering()
	p.clearReferences()
	for _, kind := range []schema.Kind{
		schema.KindPolicy, schema.KindRule, schema.KindTrigger, schema.KindForeignKey, schema.KindCheck, schema.KindIndex, schema.KindPrimaryKey,
	} {
		for _, c := range p.all {
			if c.ID.Kind == kind && (c.Op == schema.Removed || c.Op == schema.Changed && !stays(c)) {
				p.clearPart(c)
			}
		}
	}
}

// clearAbove takes away what stands on a column whose type changes, or which
// goes: the server does not let it, as long as a policy, rule or trigger is
// there. They are made again.
func (p *planner) clearAbove() {
	for _, t := range p.from.Tables {
		of := p.from.Relative(t.ID())
		if p.table(p.to, of) == nil || p.gone[of] {
			continue
		}
		for _, c := range t.Columns {
			id := part(of, schema.KindColumn, c.Name)
			k := p.changes[id]
			if k.Op == schema.Removed || has(k, "type", "collation", "generated", "stored") || p.turned[id] {
				p.clearColumn(t, c.Name, p.turned[id])
			}
		}
	}
}

// clearColumn takes away what names a column; with turned also that in which
// its type is named.
func (p *planner) clearColumn(t schema.Table, column string, turned bool) {
	of, name := p.from.Relative(t.ID()), p.was.name(t.Schema, t.Name)
	again := func(kind schema.Kind, x, definition string) bool {
		id := part(of, kind, x)
		if p.fresh[id] || p.op(id) == schema.Removed || p.op(id) == schema.Changed && !stays(p.changes[id]) || !mentions(definition, column) {
			return false
		}
		p.fresh[id] = true
		return true
	}
	for _, x := range t.Policies {
		if again(schema.KindPolicy, x.Name, x.Using+" "+x.WithCheck) {
			p.add("DROP POLICY %s ON %s", ident(x.Name), name)
		}
	}
	for _, x := range t.Rules {
		if again(schema.KindRule, x.Name, x.Definition) {
			p.add("DROP RULE %s ON %s", ident(x.Name), name)
		}
	}
	for _, x := range t.Triggers {
		head, _, _ := strings.Cut(x.Definition, " EXECUTE ")
		if again(schema.KindTrigger, x.Name, head) {
			p.add("DROP TRIGGER %s ON %s", ident(x.Name), name)
		}
	}
	if !turned {
		return
	}
	for _, x := range t.Checks {
		if !x.Inherited && again(schema.KindCheck, x.Name, x.Expression) {
			p.add("ALTER TABLE %s DROP CONSTRAINT %s", name, ident(x.Name))
		}
	}
	for _, x := range t.Indexes {
		words := x.Where
		for _, part := range x.Parts {
			if strings.ContainsAny(part, "(:") {
				words += " " + part
			}
		}
		if again(schema.KindIndex, x.Name, words) {
			p.dropIndex(t, x)
		}
	}
}

// stays reports whether a part can be changed where it is.
func stays(c schema.Change) bool {
	for _, f := range c.Fields {
		switch {
		case f.Name == "comment", f.Name == "state":
		case f.Name == "not_valid" && f.To == false: // it is validated
		default:
			return false
		}
	}
	return true
}

func (p *planner) clearPart(c schema.Change) {
	of := schema.ID{Kind: schema.KindTable, Schema: c.ID.Schema, Name: c.ID.Of}
	t := p.table(p.from, of)
	if t == nil {
		p.clearOther(c)
		return
	}
	if p.gone[of] {
		return
	}
	name := p.was.name(t.Schema, t.Name)
	switch x := c.From.(type) {
	case schema.Policy:
		p.add("DROP POLICY %s ON %s", ident(x.Name), name)
	case schema.Rule:
		p.add("DROP RULE %s ON %s", ident(x.Name), name)
	case schema.Trigger:
		p.add("DROP TRIGGER %s ON %s", ident(x.Name), name)
	case schema.ForeignKey:
		if !x.Inherited {
			p.add("ALTER TABLE %s DROP CONSTRAINT %s", name, ident(x.Name))
		}
	case schema.Check:
		if !x.Inherited && !checkedAbove(p.was, *t, x.Name) {
			p.add("ALTER TABLE %s DROP CONSTRAINT %s", name, ident(x.Name))
		}
	case schema.Key:
		p.add("ALTER TABLE %s DROP CONSTRAINT %s", name, ident(x.Name))
	case schema.Index:
		p.dropIndex(*t, x)
	}
	p.fresh[c.ID] = c.Op == schema.Changed
}

// checkedAbove reports whether a partition has a check from its table.
func checkedAbove(w *writer, t schema.Table, check string) bool {
	up := w.partitioned(t)
	return up != nil && slices.ContainsFunc(up.Checks, func(c schema.Check) bool { return c.Name == check })
}

func (p *planner) dropIndex(t schema.Table, x schema.Index) {
	switch {
	case x.Constraint != "":
		p.add("ALTER TABLE %s DROP CONSTRAINT %s", p.was.name(t.Schema, t.Name), ident(x.Name))
	case t.Partitions != nil:
		p.add("DROP INDEX %s", p.was.name(t.Schema, x.Name))
	case t.PartitionOf != nil:
		p.add("DROP INDEX IF EXISTS %s", p.was.name(t.Schema, x.Name)) // it may have gone with its table's
	default:
		p.alone("DROP INDEX CONCURRENTLY %s", p.was.name(t.Schema, x.Name))
	}
}

// clearOther takes away parts of views and domains.
func (p *planner) clearOther(c schema.Change) {
	of := schema.ID{Kind: schema.KindView, Schema: c.ID.Schema, Name: c.ID.Of}
	if v := p.view(p.from, of); v != nil && !p.gone[of] {
		name := p.was.name(v.Schema, v.Name)
		switch x := c.From.(type) {
		case schema.Rule:
			p.add("DROP RULE %s ON %s", ident(x.Name), name)
		case schema.Trigger:
			p.add("DROP TRIGGER %s ON %s", ident(x.Name), name)
		case schema.Index:
			p.add("DROP INDEX %s", p.was.name(v.Schema, x.Name))
		}
		p.fresh[c.ID] = c.Op == schema.Changed
	}
}

// drop takes objects away, each before what it needs; those that something
// which stays still uses go late. Tables go all at once, since foreign keys
// may go in circles: behind everything that needs one of them.
func (p *planner) drop(late bool) {
	used, above := p.used(), p.above()
	var upper, lower []piece
	var tables []string
	all := p.was.inOrder()
	slices.Reverse(all)
	for _, o := range all {
		switch id := p.from.Relative(o.id); {
		case !p.gone[id]:
		case id.Kind == schema.KindTable:
			tables = append(tables, p.was.name(o.id.Schema, o.id.Name))
		case used[id] != late:
		case above[id]:
			upper = append(upper, o)
		default:
			lower = append(lower, o)
		}
	}
	for _, o := range upper {
		p.dropOne(o.id)
	}
	if len(tables) > 0 && !late {
		noun := "table "
		if len(tables) > 1 {
			noun = "tables "
		}
		p.loses(noun+strings.Join(tables, ", "), "DROP TABLE %s", strings.Join(tables, ", "))
	}
	for _, o := range lower {
		p.dropOne(o.id)
	}
	if late {
		p.dropRest()
	}
}

// used are the objects that something needs which stays for now.
func (p *planner) used() map[schema.ID]bool {
	used := map[schema.ID]bool{}
	p.spread(func(object, needs schema.ID) bool {
		if used[needs] || p.gone[object] && !used[object] {
			return false
		}
		used[needs] = true
		return true
	})
	return used
}

// above are the objects that need a table which goes, themselves or by others.
func (p *planner) above() map[schema.ID]bool {
	above := map[schema.ID]bool{}
	p.spread(func(object, needs schema.ID) bool {
		if above[object] || !above[needs] && !(needs.Kind == schema.KindTable && p.gone[needs]) {
			return false
		}
		above[object] = true
		return true
	})
	return above
}

// spread goes through what needs what until nothing new comes of it.
func (p *planner) spread(step func(object, needs schema.ID) (news bool)) {
	for more := true; more; {
		more = false
		for _, d := range p.from.Depends {
			if step(p.from.Relative(d.Object), p.from.Relative(d.Needs)) {
				more = true
			}
		}
	}
}

func (p *planner) dropOne(of schema.ID) {
	id, name := p.from.Relative(of), p.was.name(of.Schema, of.Name)
	switch id.Kind {
	case schema.KindView:
		word := "VIEW"
		if p.view(p.from, id).Materialized {
			word = "MATERIALIZED VIEW"
		}
		p.add("DROP %s %s", word, name)
	case schema.KindSequence:
		p.add("DROP SEQUENCE IF EXISTS %s", name) // it may have gone with its column
	case schema.KindType:
		p.dropType(id, name)
	case schema.KindRoutine:
		for _, r := range p.from.Routines {
			if p.from.Relative(r.ID()) == id {
				p.add("DROP %s", dropped(r, p.was.routine(r)))
			}
		}
	}
}

func dropped(r schema.Routine, on string) string {
	if r.Kind == "aggregate" {
		return "AGGREGATE " + strings.TrimPrefix(on, "FUNCTION ")
	}
	return on
}

func (p *planner) dropType(id schema.ID, name string) {
	word := "TYPE"
	for _, t := range p.from.Types {
		if p.from.Relative(t.ID()) == id && t.Kind == "domain" {
			word = "DOMAIN"
		}
	}
	p.add("DROP %s %s", word, name)
}

// dropRest takes extensions and schemas away.
func (p *planner) dropRest() {
	for _, c := range p.all {
		switch x := c.From.(type) {
		case schema.Extension:
			if c.Op == schema.Removed {
				p.add("DROP EXTENSION %s", ident(x.Name))
			}
		case schema.Namespace:
			if c.Op == schema.Removed {
				p.add("DROP SCHEMA %s", ident(x.Name))
			}
		}
	}
}

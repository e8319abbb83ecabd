package pgschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Plan spells what takes a database from one state to another one. The way
// back is the plan with the two exchanged.
//
// First goes what stands in the way: triggers, keys and views of what
// changes, tables that are no more. Then, each behind what it needs, objects
// are made or changed. Indexes and foreign keys come behind them, and last
// what could not go while something used it.
//
// Where the server has a way that does not lock a table for the time of
// reading it, that way is taken: indexes are built concurrently, foreign keys
// and checks are added unvalidated and then validated.
//
// What PostgreSQL cannot do is left: the order of columns in a table that is
// there already.
func Plan(from, to *schema.State) (steps []schema.Step, left []schema.Change) {
	p := &planner{
		from: from, to: to, was: &writer{state: from}, is: &writer{state: to},
		changes: map[schema.ID]schema.Change{}, gone: map[schema.ID]bool{}, fresh: map[schema.ID]bool{}, turned: map[schema.ID]bool{}, renumbered: map[schema.ID]bool{},
	}
	for _, c := range schema.Diff(from, to) {
		if f := order(c); f >= 0 {
			left = append(left, schema.Change{Op: c.Op, ID: c.ID, Fields: c.Fields[f : f+1], From: c.From, To: c.To})
			c.Fields = slices.Delete(slices.Clone(c.Fields), f, f+1)
			if len(c.Fields) == 0 {
				continue
			}
		}
		p.changes[c.ID] = c
		p.all = append(p.all, c)
	}
	if len(p.all) == 0 {
		return nil, left
	}
	p.rebuild()
	p.clear()
	p.drop(false)
	p.build()
	p.allow()
	p.complete()
	p.drop(true)
	p.tell()
	return p.steps, left
}

// order is which field of a change is the order of a table's columns.
func order(c schema.Change) int {
	if c.ID.Kind != schema.KindTable {
		return -1
	}
	return slices.IndexFunc(c.Fields, func(f schema.Field) bool { return f.Name == "columns" })
}

type planner struct {
	from, to *schema.State
	was, is  *writer // spell names as in either state

	all     []schema.Change
	changes map[schema.ID]schema.Change

	// IDs as Diff spells them.
	gone  map[schema.ID]bool // objects that go, for good or to be made again
	fresh map[schema.ID]bool // objects and parts of objects that are made

	replaced []replaced         // types that are made again while columns have them
	turned   map[schema.ID]bool // those columns

	renumbered map[schema.ID]bool // columns that lost their numbering already

	steps []schema.Step
}

func (p *planner) add(format string, args ...any) {
	p.steps = append(p.steps, schema.Step{SQL: fmt.Sprintf(format, args...)})
}

// alone adds a step that shares no transaction.
func (p *planner) alone(format string, args ...any) {
	p.steps = append(p.steps, schema.Step{SQL: fmt.Sprintf(format, args...), Alone: true})
}

// loses adds a step that throws data away.
func (p *planner) loses(what, format string, args ...any) {
	p.steps = append(p.steps, schema.Step{SQL: fmt.Sprintf(format, args...), Loses: what})
}

// written adds what do has the writer of the new state write.
func (p *planner) written(do func()) {
	p.is.out = nil
	do()
	for _, text := range p.is.out {
		p.add("%s", text)
	}
}

func (p *planner) op(id schema.ID) schema.Op { return p.changes[id].Op }

// parts are the changes of what belongs to an object.
func (p *planner) parts(of schema.ID, kind schema.Kind) (out []schema.Change) {
	for _, c := range p.all {
		if c.ID.Kind == kind && c.ID.Schema == of.Schema && c.ID.Of == of.Name {
			out = append(out, c)
		}
	}
	return out
}

// has reports whether a change touches one of these fields.
func has(c schema.Change, fields ...string) bool {
	return slices.ContainsFunc(c.Fields, func(f schema.Field) bool { return slices.Contains(fields, f.Name) })
}

// rebuild finds what goes: what is removed, what cannot be changed where it
// stands, and all views on either.
func (p *planner) rebuild() {
	again := map[schema.ID]bool{}
	p.replace(again)
	for _, c := range p.all {
		switch {
		case c.Op == schema.Removed && c.ID.Of == "":
			p.gone[c.ID] = true
		case c.Op == schema.Changed && !alterable(c):
			p.gone[c.ID] = true
			again[c.ID] = true
		case c.ID.Kind == schema.KindColumn && (c.Op == schema.Removed || has(c, "type", "collation", "generated", "stored")):
			// Views on the table look at columns by their type.
			again[schema.ID{Kind: schema.KindTable, Schema: c.ID.Schema, Name: c.ID.Of}] = true
			again[schema.ID{Kind: schema.KindView, Schema: c.ID.Schema, Name: c.ID.Of}] = true
		}
	}
	for _, c := range p.all { // a view with other columns is made anew
		id := schema.ID{Kind: schema.KindView, Schema: c.ID.Schema, Name: c.ID.Of}
		if c.ID.Kind == schema.KindColumn && p.view(p.from, id) != nil && p.view(p.to, id) != nil && !p.extended(id) {
			p.gone[id] = true
		}
	}
	p.spread(func(object, needs schema.ID) bool {
		if object.Kind != schema.KindView || p.gone[object] || !p.gone[needs] && !again[needs] {
			return false
		}
		p.gone[object] = true
		return true
	})
}

// alterable reports whether an object of its own can become another one where
// it stands.
func alterable(c schema.Change) bool {
	switch c.ID.Kind {
	case schema.KindView:
		return !has(c, "materialized") && !(c.To.(schema.View).Materialized && has(c, "definition"))
	case schema.KindRoutine:
		return !has(c, "returns", "kind") && defaults(c.From) <= defaults(c.To) && c.To.(schema.Routine).Kind != "aggregate"
	case schema.KindType:
		return !has(c, "kind") && c.To.(schema.Type).Kind != "range"
	case schema.KindTable:
		return !has(c, "partitions")
	}
	return true
}

// defaults counts a routine's parameters that have one: CREATE OR REPLACE takes
// none away.
func defaults(routine any) int {
	head, _, _ := strings.Cut(routine.(schema.Routine).Definition, "\n")
	return strings.Count(head, " DEFAULT ")
}

// extended reports whether a view has the columns that it had, and perhaps
// more behind them: such a one can be replaced.
func (p *planner) extended(id schema.ID) bool {
	a, b := p.view(p.from, id), p.view(p.to, id)
	return !b.Materialized && len(a.Columns) <= len(b.Columns) && slices.EqualFunc(a.Columns, b.Columns[:len(a.Columns)], func(x, y schema.Column) bool {
		return x.Name == y.Name && x.Type == y.Type && x.Collation == y.Collation
	})
}

func (p *planner) view(st *schema.State, id schema.ID) *schema.View {
	for i := range st.Views {
		if st.Relative(st.Views[i].ID()) == id {
			return &st.Views[i]
		}
	}
	return nil
}

func (p *planner) table(st *schema.State, id schema.ID) *schema.Table {
	for i := range st.Tables {
		if st.Relative(st.Tables[i].ID()) == id {
			return &st.Tables[i]
		}
	}
	return nil
}

package liteschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Plan spells what takes a database from one state to another one. The way
// back is the plan with the two exchanged.
//
// First goes what stands in the way: triggers, views, indexes, tables that are
// no more. Then tables are made and changed, each behind those that it refers
// to; indexes, views and triggers come behind them, and last go columns.
//
// A column is added or dropped where it stands as far as SQLite can do that.
// Any other change of a table makes it anew and carries its rows over, which
// wants foreign keys to be off: no rows elsewhere go or change with the old
// table.
//
// What is left: the order of columns in a table that is not made anew.
func Plan(from, to *schema.State) (steps []schema.Step, left []schema.Change) {
	p := &planner{from: from, to: to, of: map[string][]schema.Change{}}
	for _, c := range schema.Diff(from, to) {
		name := c.ID.Of
		if name == "" {
			name = c.ID.Name
		}
		p.of[name] = append(p.of[name], c)
	}
	p.decide()
	p.clear()
	p.drop()
	p.tables()
	p.finish()
	p.cut()
	for _, w := range p.work {
		if !w.dropped() && !w.anew {
			left = append(left, order(p.of[w.was.Name])...)
		}
	}
	if p.free {
		p.steps = slices.Insert(p.steps, 0, schema.Step{SQL: "PRAGMA foreign_keys = OFF"})
	}
	return p.steps, left
}

// order is the change of nothing but the order of a table's columns.
func order(changes []schema.Change) (out []schema.Change) {
	for _, c := range changes {
		if f := orderField(c); f >= 0 {
			out = append(out, schema.Change{Op: c.Op, ID: c.ID, Fields: c.Fields[f : f+1], From: c.From, To: c.To})
		}
	}
	return out
}

// orderField is which field of a change is the order of a table's columns.
func orderField(c schema.Change) int {
	if c.ID.Kind != schema.KindTable || c.Op != schema.Changed {
		return -1
	}
	return slices.IndexFunc(c.Fields, func(f schema.Field) bool { return f.Name == "columns" })
}

type planner struct {
	from, to *schema.State
	of       map[string][]schema.Change // by the table or view that they belong to
	work     map[string]*work           // on tables of the first state, by name

	free  bool // foreign keys must be off
	steps []schema.Step
}

// work is what becomes of a table.
type work struct {
	was, is schema.Table
	there   bool // in the second state

	anew    bool // its rows are carried into a new table of the name
	replace bool // it is dropped and made again: a virtual table has no rows to carry

	add []string // columns, as ALTER TABLE takes them
	cut []schema.Column
}

func (w *work) dropped() bool { return !w.there || w.replace }

// stays reports whether the table itself, with its indexes and triggers, is
// there all along.
func (w *work) stays() bool { return !w.dropped() && !w.anew }

func (p *planner) add(format string, args ...any) { p.loses("", format, args...) }

// loses adds a step behind which something is gone.
func (p *planner) loses(what, format string, args ...any) {
	p.steps = append(p.steps, schema.Step{SQL: fmt.Sprintf(format, args...), Loses: what})
}

// decide finds out for each table which way it goes.
func (p *planner) decide() {
	p.work = map[string]*work{}
	for _, t := range p.from.Tables {
		w := &work{was: t}
		p.work[t.Name] = w
		for _, is := range p.to.Tables {
			if is.Name == t.Name {
				w.is, w.there = is, true
			}
		}
		if !w.there || len(p.of[t.Name]) == 0 {
			continue
		}
		if w.was.Kind != "" || w.is.Kind != "" {
			w.replace = slices.ContainsFunc(p.of[t.Name], func(c schema.Change) bool { return orderField(c) < 0 || len(c.Fields) > 1 })
			continue
		}
		w.anew = !p.alterable(w)
		p.free = p.free || w.anew
	}
}

// clear drops triggers, views and indexes that are no more, or that become
// other ones.
func (p *planner) clear() {
	goes := func(old []schema.Trigger, now []schema.Trigger) {
		stays := staying(old, now)
		for _, g := range old {
			if !stays[g.Name] {
				p.add("DROP TRIGGER %s", plain(g.Name))
			}
		}
	}
	for _, t := range p.from.Tables {
		if w := p.work[t.Name]; w.stays() {
			goes(t.Triggers, w.is.Triggers)
		}
	}
	for _, v := range p.from.Views {
		if p.keeps(v) {
			goes(v.Triggers, p.view(p.to, v.Name).Triggers)
		} else {
			p.add("DROP VIEW %s", plain(v.Name))
		}
	}
	for _, t := range p.from.Tables {
		w := p.work[t.Name]
		for _, x := range t.Indexes {
			if x.Constraint == "" && w.stays() && p.changed(w, x, schema.Removed, schema.Changed) {
				p.add("DROP INDEX %s", plain(x.Name))
			}
		}
	}
}

// changed reports whether this happens to an index.
func (p *planner) changed(w *work, x schema.Index, ops ...schema.Op) bool {
	return slices.ContainsFunc(p.of[w.was.Name], func(c schema.Change) bool {
		return c.ID.Kind == schema.KindIndex && c.ID.Name == x.Name && slices.Contains(ops, c.Op)
	})
}

func (p *planner) view(st *schema.State, name string) *schema.View {
	for i := range st.Views {
		if st.Views[i].Name == name {
			return &st.Views[i]
		}
	}
	return nil
}

// keeps reports whether a view of the first state stays as it is. Its columns
// are worked out whenever it is read.
func (p *planner) keeps(v schema.View) bool {
	return p.view(p.to, v.Name) != nil && !slices.ContainsFunc(p.of[v.Name], func(c schema.Change) bool {
		return c.ID.Kind == schema.KindView && slices.ContainsFunc(c.Fields, func(f schema.Field) bool { return f.Name == "definition" })
	})
}

// drop takes tables away, each before those that it refers to. Where one goes
// to which another one refers still, its rows would go with it, or be refused
// to go.
func (p *planner) drop() {
	gone := map[string]bool{}
	tables := inOrder(p.from)
	slices.Reverse(tables)
	for _, t := range tables {
		if !p.work[t.Name].dropped() {
			continue
		}
		for _, other := range p.from.Tables {
			if gone[other.Name] || other.Name == t.Name {
				continue
			}
			for _, f := range other.ForeignKeys {
				p.free = p.free || strings.EqualFold(f.RefTable, t.Name)
			}
		}
		gone[t.Name] = true
		p.loses("table "+plain(t.Name), "DROP TABLE %s", plain(t.Name))
	}
}

// tables makes and changes tables.
func (p *planner) tables() {
	for _, t := range inOrder(p.to) {
		switch w := p.work[t.Name]; {
		case w == nil || w.replace:
			p.add("%s", t.Definition)
		case w.anew:
			p.rebuild(w)
		default:
			for _, text := range w.add {
				p.add("ALTER TABLE %s ADD COLUMN %s", plain(t.Name), text)
			}
		}
	}
}

// cut drops columns where they stand. SQLite looks through all views and
// triggers then: behind everything else they make sense.
func (p *planner) cut() {
	for _, t := range inOrder(p.to) {
		w := p.work[t.Name]
		if w == nil || !w.stays() {
			continue
		}
		for _, c := range w.cut {
			what := "column " + t.Name + "." + c.Name
			if c.Generated != "" {
				what = ""
			}
			p.loses(what, "ALTER TABLE %s DROP COLUMN %s", plain(t.Name), plain(c.Name))
		}
	}
}

// finish makes what belongs to tables, and views.
func (p *planner) finish() {
	tables := inOrder(p.to)
	for _, t := range tables {
		w := p.work[t.Name]
		for _, x := range t.Indexes {
			if x.Constraint == "" && (w == nil || !w.stays() || p.changed(w, x, schema.Added, schema.Changed)) {
				p.add("%s", x.Definition)
			}
		}
	}
	for _, t := range tables {
		p.proveKeys(t)
	}
	for _, v := range p.to.Views {
		if was := p.view(p.from, v.Name); was == nil || !p.keeps(*was) {
			p.add("%s", v.Definition)
		}
	}
	for _, t := range tables {
		var was []schema.Trigger
		if w := p.work[t.Name]; w != nil && w.stays() {
			was = w.was.Triggers
		}
		p.fire(was, t.Triggers)
	}
	for _, v := range p.to.Views {
		var was []schema.Trigger
		if old := p.view(p.from, v.Name); old != nil && p.keeps(*old) {
			was = old.Triggers
		}
		p.fire(was, v.Triggers)
	}
}

// fire makes the triggers of a table or view that had these before.
func (p *planner) fire(was, is []schema.Trigger) {
	stays := staying(was, is)
	for _, g := range made(is) {
		if !stays[g.Name] {
			p.add("%s", g.Definition)
		}
	}
}

package myschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Plan spells what takes a database from one state to another one. The way
// back is the plan with the two exchanged.
//
// First goes what stands in the way: triggers, routines, views, foreign keys,
// tables that are no more. Then tables are made and changed, each in one
// ALTER TABLE, since each may copy the table; foreign keys come behind all of
// them, and then what reads tables. Each statement commits by itself, so each
// leaves a database in which the next one can run.
//
// What is left: the order of columns that are in a table already, and objects
// whose text the account may not see.
func Plan(from, to *schema.State) (steps []schema.Step, left []schema.Change) {
	p := &planner{
		from: from, to: to, was: newWriter(from), is: newWriter(to),
		changes: map[schema.ID]schema.Change{}, fresh: map[schema.ID]bool{}, again: map[schema.ID]bool{}, held: map[string]bool{},
	}
	for _, c := range schema.Diff(from, to) {
		if c.ID.Kind == schema.KindTable && c.Op == schema.Changed {
			if f := slices.IndexFunc(c.Fields, func(f schema.Field) bool { return f.Name == "columns" }); f >= 0 {
				left = append(left, schema.Change{Op: c.Op, ID: c.ID, Fields: c.Fields[f : f+1], From: c.From, To: c.To})
				if c.Fields = slices.Delete(slices.Clone(c.Fields), f, f+1); len(c.Fields) == 0 {
					continue
				}
			}
		}
		if hidden(c) {
			left = append(left, c)
			continue
		}
		p.changes[c.ID] = c
		p.all = append(p.all, c)
	}
	if len(p.all) == 0 {
		return nil, left
	}
	p.mark()
	p.take()
	p.drop()
	p.build()
	p.finish()
	return p.steps, left
}

// hidden tells an object that is to be made and whose text is not known.
func hidden(c schema.Change) bool {
	switch x := c.To.(type) {
	case schema.Sequence:
		return x.Unseen()
	case schema.Routine:
		return x.Definition == ""
	case schema.Trigger:
		return x.Definition == ""
	}
	return false
}

func newWriter(st *schema.State) *writer { return &writer{state: st, made: map[[2]string]bool{}} }

type planner struct {
	from, to *schema.State
	was, is  *writer // spell names as in either state

	all     []schema.Change
	changes map[schema.ID]schema.Change

	// IDs as Diff spells them.
	fresh map[schema.ID]bool // tables that are made
	again map[schema.ID]bool // parts of tables that go and are made again

	held map[string]bool // rights that stay, as they are given

	steps []schema.Step
}

func (p *planner) add(format string, args ...any) {
	p.steps = append(p.steps, schema.Step{SQL: fmt.Sprintf(format, args...)})
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

// goes reports whether a part of a table that stays is taken away, for good or
// to be made again.
func (p *planner) goes(id schema.ID) bool {
	return p.again[id] || p.op(id) == schema.Removed || p.op(id) == schema.Changed && id.Kind != schema.KindColumn
}

// comes reports whether a part of a table that stays is made.
func (p *planner) comes(id schema.ID) bool {
	return p.again[id] || p.op(id) == schema.Added || p.op(id) == schema.Changed && id.Kind != schema.KindColumn
}

func part(of schema.ID, kind schema.Kind, name string) schema.ID {
	return schema.ID{Kind: kind, Schema: of.Schema, Of: of.Name, Name: name}
}

// has reports whether a change touches one of these fields.
func has(c schema.Change, fields ...string) bool {
	return slices.ContainsFunc(c.Fields, func(f schema.Field) bool { return slices.Contains(fields, f.Name) })
}

func tableIn(st *schema.State, id schema.ID) *schema.Table {
	for i := range st.Tables {
		if st.Relative(st.Tables[i].ID()) == id {
			return &st.Tables[i]
		}
	}
	return nil
}

// stays are the tables on both sides.
func (p *planner) stays(each func(id schema.ID, was, is schema.Table)) {
	for _, t := range p.to.Tables {
		id := p.to.Relative(t.ID())
		if was := tableIn(p.from, id); was != nil {
			each(id, *was, t)
		}
	}
}

// touched reports whether something about a table or in it changes.
func (p *planner) touched(id schema.ID) bool {
	return slices.ContainsFunc(p.all, func(c schema.Change) bool {
		return c.ID == id || c.ID.Of == id.Name && c.ID.Schema == id.Schema && c.ID.Kind != schema.KindTrigger
	})
}

// mentions reports whether an expression of the server names a column.
func mentions(expression, column string) bool {
	return strings.Contains(expression, quote(column))
}

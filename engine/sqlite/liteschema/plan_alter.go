package liteschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// alterable reports whether ALTER TABLE can do all that changes about a
// table, and notes what it is to do. It must leave the table as the second
// state has it, and not fail because of what else there is.
func (p *planner) alterable(w *work) bool {
	w.add, w.cut = nil, nil
	var inline created // what stands in the definitions of columns that come
	var dropped created
	for _, c := range p.of[w.was.Name] {
		if c.ID.Kind != schema.KindColumn {
			continue
		}
		if containsFold(rowNumbers, c.ID.Name) {
			return false // SQLite adds and drops none of these names
		}
		switch c.Op {
		case schema.Added:
			text, ok := p.addable(w, c.To.(schema.Column), &inline)
			if !ok {
				return false
			}
			w.add = append(w.add, text)
		case schema.Removed:
			if !p.droppable(w, c.From.(schema.Column), &dropped) {
				return false
			}
			w.cut = append(w.cut, c.From.(schema.Column))
		default:
			return false
		}
	}
	for _, c := range p.of[w.was.Name] {
		switch c.ID.Kind {
		case schema.KindColumn, schema.KindTrigger:
		case schema.KindTable:
			if len(c.Fields) != 1 || orderField(c) < 0 {
				return false
			}
		case schema.KindIndex:
			if constraint(c.From) || constraint(c.To) {
				return false
			}
		case schema.KindCheck:
			if !(c.Op == schema.Added && takeCheck(&inline, c.To) || c.Op == schema.Removed && takeCheck(&dropped, c.From)) {
				return false
			}
		case schema.KindForeignKey:
			if f, ok := c.To.(schema.ForeignKey); c.Op != schema.Added || !ok || !slices.ContainsFunc(inline.foreign, func(k createdKey) bool { return k.name == f.Name && k.text == f.Definition }) {
				return false
			}
		default:
			return false
		}
	}
	// Columns that come stand last, and in the order in which they are added.
	slices.SortStableFunc(w.add, func(a, b string) int { return p.place(w, a) - p.place(w, b) })
	return len(w.cut) < len(w.was.Columns) && (p.inPlace(w) || !slices.ContainsFunc(p.to.Views, allColumns))
}

// inPlace reports whether columns stand in the order that the second state
// has when they are added and dropped one by one.
func (p *planner) inPlace(w *work) bool {
	var order []string
	for _, name := range columnNames(w.was) {
		if !slices.ContainsFunc(w.cut, func(c schema.Column) bool { return c.Name == name }) {
			order = append(order, name)
		}
	}
	for _, text := range w.add {
		order = append(order, newCursor(text).next().name())
	}
	return slices.Equal(order, columnNames(w.is))
}

// allColumns reports whether a view shows columns without naming them: those
// are in the order that a table has.
func allColumns(v schema.View) bool {
	all := tokens(v.Definition)
	for i := 1; i < len(all); i++ {
		before := all[i-1]
		if all[i].is("*") && (before.is("SELECT") || before.is("DISTINCT") || before.is("ALL") || before.is(",") || before.is(".")) {
			return true
		}
	}
	return false
}

// place is where a column stands in the second state.
func (p *planner) place(w *work, text string) int {
	name := newCursor(text).next().name()
	return slices.IndexFunc(w.is.Columns, func(c schema.Column) bool { return c.Name == name })
}

func constraint(index any) bool {
	x, ok := index.(schema.Index)
	return ok && x.Constraint != ""
}

// takeCheck takes one check out of those that columns bring or take along.
func takeCheck(all *created, check any) bool {
	x := check.(schema.Check)
	i := slices.IndexFunc(all.checks, func(k createdKey) bool { return k.name == x.Name && k.text == x.Expression })
	if i < 0 {
		return false
	}
	all.checks = slices.Delete(all.checks, i, i+1)
	return true
}

// items are the parts of a table's definition between the commas.
func items(sql string) []*cursor {
	c := newCursor(sql)
	for !c.end() && !c.sees("(") {
		c.next()
	}
	return c.brackets().items()
}

// definition is what a table's text says of a column; nil where the table was
// made of a query.
func definition(t schema.Table, column string) *cursor {
	for _, item := range items(t.Definition) {
		if !constraintBegins(item) && !item.end() && strings.EqualFold(item.all[item.at].name(), column) {
			return item
		}
	}
	return nil
}

// addable is a column's definition, where ALTER TABLE ADD COLUMN takes it.
func (p *planner) addable(w *work, c schema.Column, inline *created) (text string, ok bool) {
	item := definition(w.is, c.Name)
	if item == nil || containsFold(columnNames(w.was), c.Name) {
		return "", false
	}
	text = item.rest()
	one := created{columns: map[string]*createdColumn{}}
	probe := newCursor(text)
	one.column(probe)
	hasDefault := c.Default != nil && !strings.EqualFold(*c.Default, "NULL")
	switch {
	case c.Generated != "" && (c.Stored || !c.Nullable):
		return "", false
	case !c.Nullable && !hasDefault: // refused even where there is no row
		return "", false
	case w.is.PrimaryKey != nil && containsFold(w.is.PrimaryKey.Columns, c.Name):
		return "", false
	case len(one.unique) > 0, len(one.foreign) > 0 && hasDefault:
		return "", false
	}
	// A default must be known before there are rows.
	for probe = newCursor(text); !probe.end(); {
		if !probe.takes("DEFAULT") {
			probe.next()
			continue
		}
		if probe.sees("(") || probe.sees("CURRENT_TIME") || probe.sees("CURRENT_DATE") || probe.sees("CURRENT_TIMESTAMP") {
			return "", false
		}
	}
	inline.checks = append(inline.checks, one.checks...)
	inline.foreign = append(inline.foreign, one.foreign...)
	return text, true
}

// droppable reports whether nothing uses a column but what goes before it.
func (p *planner) droppable(w *work, c schema.Column, dropped *created) bool {
	item := definition(w.was, c.Name)
	if item == nil || w.was.PrimaryKey != nil && containsFold(w.was.PrimaryKey.Columns, c.Name) {
		return false
	}
	own := created{columns: map[string]*createdColumn{}}
	own.column(newCursor(item.rest()))
	if len(own.unique) > 0 || len(own.foreign) > 0 {
		return false
	}
	for _, other := range items(w.was.Definition) {
		if (constraintBegins(other) || !strings.EqualFold(other.all[other.at].name(), c.Name)) && mentions(other.rest(), c.Name) {
			return false
		}
	}
	for _, x := range w.was.Indexes {
		if mentions(x.Definition, c.Name) && !p.changed(w, x, schema.Removed, schema.Changed) {
			return false
		}
	}
	// SQLite looks through all views and triggers, and refuses where one of
	// them no longer makes sense.
	for _, v := range p.to.Views {
		if len(v.Columns) == 0 || mentions(v.Definition, c.Name) || p.fires(v.Triggers, c.Name) {
			return false
		}
	}
	for _, t := range p.to.Tables {
		if p.fires(t.Triggers, c.Name) {
			return false
		}
	}
	dropped.checks = append(dropped.checks, own.checks...)
	return true
}

// fires reports whether a trigger names the column.
func (p *planner) fires(all []schema.Trigger, column string) bool {
	return slices.ContainsFunc(all, func(g schema.Trigger) bool { return mentions(g.Definition, column) })
}

// mentions reports whether a name stands anywhere in a text.
func mentions(sql, name string) bool {
	return slices.ContainsFunc(tokens(sql), func(t token) bool { return strings.EqualFold(t.name(), name) })
}

func columnNames(t schema.Table) (out []string) {
	for _, c := range t.Columns {
		out = append(out, c.Name)
	}
	return out
}

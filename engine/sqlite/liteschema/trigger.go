package liteschema

import (
	"database/sql"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Of the triggers of one event on one table or view, SQLite fires the one first
// that was made last. What makes a schema again must make them in the order in
// which they were made.

// triggers reads those of tables and views, each list by events, and in the order
// in which they fire.
func (r *reader) triggers() error {
	on := map[string]*[]schema.Trigger{}
	for i := range r.tables {
		on[r.tables[i].Name] = &r.tables[i].Triggers
	}
	for i := range r.views {
		on[r.views[i].Name] = &r.views[i].Triggers
	}
	err := r.rows(func(scan scanner) error {
		var t schema.Trigger
		var of string
		var text sql.NullString
		if err := scan(&t.Name, &of, &text); err != nil {
			return err
		}
		t.Definition = text.String
		if all := on[of]; all != nil {
			*all = append(*all, t)
		}
		return nil
	}, "SELECT name, tbl_name, sql FROM "+quote(r.schema)+".sqlite_schema WHERE type = 'trigger' ORDER BY rowid DESC")
	for _, all := range on {
		slices.SortStableFunc(*all, func(a, b schema.Trigger) int { return strings.Compare(event(a), event(b)) })
		for i := range len(*all) - 1 {
			if this, next := &(*all)[i], (*all)[i+1]; event(*this) == event(next) {
				this.AheadOf = next.Name
			}
		}
	}
	return err
}

// event is when a trigger fires: "AFTER INSERT". Of updates it is one event,
// whichever columns a trigger is for.
func event(g schema.Trigger) string {
	c := newCursor(g.Definition)
	for range 3 { // CREATE TRIGGER and the name, as SQLite spells it
		c.next()
	}
	switch {
	case c.sees("BEFORE"), c.sees("AFTER"):
		return strings.ToUpper(c.next().text + " " + c.next().text)
	case c.sees("INSTEAD", "OF"):
		c.next()
		c.next()
		return "INSTEAD OF " + strings.ToUpper(c.next().text)
	}
	return "BEFORE " + strings.ToUpper(c.next().text)
}

// made are triggers in the order in which they have to be made.
func made(firing []schema.Trigger) []schema.Trigger {
	out := slices.Clone(firing)
	slices.Reverse(out)
	return out
}

// staying are those of the triggers that is wants which need not be made again:
// they are there as they should be, and nothing is made anew that is to fire
// behind them.
func staying(was, is []schema.Trigger) map[string]bool {
	out := map[string]bool{}
	last := map[string]int{} // by event, the place of the one that fires first as yet
	for _, g := range made(is) {
		when := event(g)
		before, any := last[when]
		at := slices.IndexFunc(was, func(x schema.Trigger) bool { return sameTrigger(x, g) })
		if any && at > before {
			at = -1
		}
		if last[when] = at; at >= 0 {
			out[g.Name] = true
		}
	}
	return out
}

// sameTrigger compares two as Diff does it, but for what they fire ahead of.
func sameTrigger(a, b schema.Trigger) bool {
	a.AheadOf, b.AheadOf = "", ""
	return a.Name == b.Name && len(schema.Diff(triggered(a), triggered(b))) == 0
}

// triggered is a state in which one trigger is compared as Diff does it.
func triggered(g schema.Trigger) *schema.State {
	return &schema.State{Tables: []schema.Table{{Triggers: []schema.Trigger{g}}}}
}

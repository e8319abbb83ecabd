package plan

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// A squashed migration stands for others. Whether a database has its work is
// seen of the history, and of nothing else: it has run there, or all that it
// replaces have. A row that says so (journal.Squashed) is a note for people and
// for programs that do not know of this; no decision rests on it. So it does not
// matter whether a process that died had come to write it.

// rowOf is the row of a migration that was run, or taken for run, nil where there
// is none.
func rowOf(h *journal.History, v migration.Version) *journal.Revision {
	if r := h.Find(v); r != nil && r.Kind != journal.Squashed {
		return r
	}
	return nil
}

// first is a migration's first run. A note that stands in its place, of a
// squashed one that was taken back or whose old ones were, goes with it.
func first(m *migration.Migration, h *journal.History) Step {
	st := Step{Migration: m, Direction: migration.Up}
	if r := h.Find(m.Version); r != nil && r.Kind == journal.Squashed {
		st.Revision = r
	}
	return st
}

// as is a migration as one that may be replaced.
func as(m *migration.Migration) migration.Replaced {
	return migration.Replaced{Version: m.Version, Of: m.Header.Replaces}
}

// lacking are the versions that a database still has to run to have r's work:
// none; r itself; or, where it has a part of what r replaces, the rest of that.
// begun is what is half applied, zero for none.
func lacking(h *journal.History, r migration.Replaced, begun migration.Version) (out []migration.Version) {
	if rowOf(h, r.Version) != nil {
		return nil
	}
	some := func(v migration.Version) bool { return rowOf(h, v) != nil || !begun.IsZero() && v.Equal(begun) }
	if !slices.ContainsFunc(migration.Versions(r.Of), some) {
		return []migration.Version{r.Version}
	}
	for _, o := range r.Of {
		out = append(out, lacking(h, o, begun)...)
	}
	return out
}

// begun is the version of what is half applied.
func begun(h *journal.History) migration.Version {
	e, _ := Unfinished(h)
	if e == nil || e.Direction == migration.Down {
		return migration.Version{}
	}
	v, _ := migration.ParseVersion(e.Version) // zero of a repeatable one
	return v
}

// Fulfilled says that a database has the work of a squashed migration because
// it has that of all which it replaces.
func Fulfilled(m *migration.Migration, h *journal.History) bool {
	return len(m.Header.Replaces) > 0 && rowOf(h, m.Version) == nil && len(lacking(h, as(m), migration.Version{})) == 0
}

// Lacking are the versions that a database has yet to run of those which a
// squashed migration replaces; none where it has run all of them, or none.
func Lacking(m *migration.Migration, h *journal.History) []migration.Version {
	out := lacking(h, as(m), begun(h))
	if len(out) == 1 && out[0].Equal(m.Version) {
		return nil
	}
	return out
}

// has says that a database has the work of the migration of a version.
func has(set *migration.Set, h *journal.History, v migration.Version) bool {
	if rowOf(h, v) != nil {
		return true
	}
	for _, m := range []*migration.Migration{set.Find(v), set.Replacer(v)} {
		if m != nil && (rowOf(h, m.Version) != nil || Fulfilled(m, h)) {
			return true
		}
	}
	return false
}

// Untracked are the squashed migrations whose work a database has by what they
// replace, and whose row is not in the history yet.
func Untracked(set *migration.Set, h *journal.History) (out []*migration.Migration) {
	if !set.Squashed() {
		return nil // as mostly, and a run with nothing to do asks
	}
	for _, m := range set.Migrations {
		if set.Replacer(m.Version) == nil && h.Find(m.Version) == nil && Fulfilled(m, h) {
			out = append(out, m)
		}
	}
	return out
}

// Track plans which of them are noted in the history, without anything being
// run. A refusal is a *Refusal.
func Track(set *migration.Set, h *journal.History) (*Plan, error) {
	if err := settled(set, h); err != nil {
		return nil, err
	}
	p := &Plan{Direction: migration.Up}
	for _, m := range Untracked(set, h) {
		p.Steps = append(p.Steps, Step{Migration: m, Direction: migration.Up})
	}
	return p, nil
}

// Unsquash plans that the history goes by the files again which the squashed
// migration of a version replaces: one step with its row, or none where there is
// no row. old are those that are to be written in the place of one that has run.
func Unsquash(set *migration.Set, h *journal.History, v migration.Version) (p *Plan, old []*migration.Migration, err error) {
	if err := settled(set, h); err != nil {
		return nil, nil, err
	}
	m := set.Find(v)
	if m == nil || len(m.Header.Replaces) == 0 {
		return nil, nil, &Refusal{Code: UnknownVersion, Version: v}
	}
	p = &Plan{Direction: migration.Up}
	var gone []Item
	for _, r := range m.Header.Replaces {
		one := set.Find(r.Version)
		if one == nil {
			gone = append(gone, Item{Version: r.Version.String()})
			continue
		}
		if rowOf(h, r.Version) == nil {
			old = append(old, one)
		}
	}
	row := h.Find(v)
	switch {
	case len(gone) > 0:
		return nil, nil, &Refusal{Code: OldFilesGone, Items: gone, Detail: m.File}
	case row == nil:
		return p, nil, nil
	case row.Kind == journal.Squashed:
		old = nil
	}
	p.Steps = []Step{{Migration: m, Direction: migration.Up, Revision: row}}
	return p, old, nil
}

// inside refuses a target among what a squashed migration replaces, on a
// database that runs the squashed one: there is no such point on its way.
func inside(set *migration.Set, h *journal.History, to migration.Version) error {
	m := set.Replacer(to)
	if m == nil || to.Equal(m.Place()) || len(Lacking(m, h)) > 0 || Fulfilled(m, h) {
		return nil
	}
	return &Refusal{Code: InsideSquashed, Items: items(m), Version: to}
}

// parts are the rows of what a squashed migration replaces, in the order of
// execution.
func parts(m *migration.Migration, h *journal.History) (out []*journal.Revision) {
	of := map[string]bool{}
	for _, v := range migration.Versions(m.Header.Replaces) {
		of[v.Key()] = true
	}
	for i := range h.Revisions {
		if r := &h.Revisions[i]; !r.Version.IsZero() && of[r.Version.Key()] {
			out = append(out, r)
		}
	}
	return out
}

// whole is the way back of a squashed migration on a database that ran what it
// replaces: its section takes all of them back, and all rows with it.
func whole(m *migration.Migration, h *journal.History) Step {
	rows := parts(m, h)
	if r := h.Find(m.Version); r != nil {
		rows = append([]*journal.Revision{r}, rows...) // the note
	}
	st := Step{Migration: m, Direction: migration.Down}
	if n := len(rows); n > 0 {
		st.Revision, st.Also = rows[n-1], rows[:n-1]
	}
	return st
}

// fileByFile says that each migration which has run of those that a squashed one
// replaces can go back by its own file.
func fileByFile(set *migration.Set, rows []*journal.Revision) bool {
	return !slices.ContainsFunc(rows, func(r *journal.Revision) bool {
		return r.Kind != journal.Squashed && set.Find(r.Version) == nil
	})
}

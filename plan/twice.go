package plan

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// After a merge a folder may have two files with one version, and a database
// has run one of them. Which one is seen of the history alone, by what ran and
// by what it was called: no number tells it.

// Ran finds the file that left a row, among those with its version: the one with
// the statements that ran and its name, else with these statements, else of its
// name. nil: it is none of them.
func Ran(of []*migration.Migration, r *journal.Revision) *migration.Migration {
	name := func(m *migration.Migration) bool { return m.File == r.File }
	text := func(m *migration.Migration) bool {
		return r.ChecksumKind == migration.ChecksumKind && m.Upgrade.Has(r.Checksum)
	}
	for _, is := range []func(*migration.Migration) bool{
		func(m *migration.Migration) bool { return name(m) && text(m) }, text, name,
	} {
		if i := slices.IndexFunc(of, is); i >= 0 {
			return of[i]
		}
	}
	return nil
}

// Chosen is the set as a rollback needs it where two files have one version: of
// them the one that has run here, or is half done; of those that have not run,
// any.
func Chosen(set *migration.Set, h *journal.History) (*migration.Set, error) {
	half, _ := Unfinished(h)
	return set.Once(func(of []*migration.Migration) *migration.Migration {
		v := of[0].Version
		if half != nil && SameMigration(half, v.String(), "") {
			if i := slices.IndexFunc(of, func(m *migration.Migration) bool { return m.File == half.File }); i >= 0 {
				return of[i]
			}
			return nil // its file is gone: any other's way back is another one
		}
		if r := rowOf(h, v); r != nil {
			return Ran(of, r)
		}
		return of[0]
	})
}

// Renumbered finds the file that has what ran as a row's, under another version
// which has not run here: as a rebase leaves it for a database that has run it
// before. nil: there is none. It has the name, but for the number, and the
// statements.
func Renumbered(set *migration.Set, h *journal.History, r *journal.Revision) *migration.Migration {
	if r.Version.IsZero() || r.Kind == journal.Squashed || r.ChecksumKind != migration.ChecksumKind {
		return nil
	}
	if m := set.Find(r.Version); m != nil && m.Upgrade.Has(r.Checksum) {
		return nil
	}
	name := func(file string) string { return strings.TrimLeft(file, "0123456789") }
	for _, m := range set.Migrations {
		if m.Kind != migration.Versioned || m.Version.Equal(r.Version) || name(m.File) != name(r.File) || !m.Upgrade.Has(r.Checksum) {
			continue
		}
		// Where several got other numbers, its new one may be another's old one.
		if at := h.Find(m.Version); at == nil || !m.Upgrade.Has(at.Checksum) {
			return m
		}
	}
	return nil
}

// renumbered are the rows whose migration has another number now, in the order
// of execution.
func renumbered(set *migration.Set, h *journal.History) (all []Item) {
	for _, r := range h.Revisions {
		if m := Renumbered(set, h, &r); m != nil {
			all = append(all, Item{Version: r.Version.String(), File: r.File, Now: m.File})
		}
	}
	return all
}

// another says that a row is of another migration than the one that has its
// version now: neither its name nor its statements are that one's.
func another(m *migration.Migration, r *journal.Revision) bool {
	return m.Kind == migration.Versioned && m.File != r.File && Changed(m, r)
}

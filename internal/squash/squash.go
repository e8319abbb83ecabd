// Package squash makes of several migrations the text of one that stands for
// them.
//
// It decides which files are meant, whether they can be combined, and how the
// text is written. It runs nothing: whether a text leads where the files lead
// is proven by package proven, and what a database that ran the files makes of
// it is package plan's business.
package squash

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A Range is the migrations that are to become one.
type Range struct {
	Old   []*migration.Migration // in the order in which a fresh database runs them
	Below []*migration.Migration // what runs ahead of them, seeds that they need among it
	Above []*migration.Migration // what runs behind them: seeds and repeatable ones, too
	Some  []*migration.Migration // of these versions, and for some environments alone
	Seeds []*migration.Migration // seeds with versions among them: they stay, and run behind all others
}

// An Error says why files cannot be combined. Nothing was written.
type Error struct{ Problems migration.Problems }

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "cannot be combined: " + e.Problems[0].Error()
	}
	return fmt.Sprintf("cannot be combined, for %d reasons: %s", len(e.Problems), e.Problems.Error())
}

// A RangeError says that the versions that were asked for are no range.
type RangeError struct{ Why, Next string }

func (e *RangeError) Error() string { return e.Why }

// Choose finds the migrations from one version to another one, both included;
// zero is the first and the last. Errors: *RangeError, or as plan.Up has them.
func Choose(set *migration.Set, from, to migration.Version) (*Range, error) {
	all, err := plan.Up(set, journal.NewHistory(nil, nil), plan.Target{})
	if err != nil {
		return nil, err
	}
	var steps []*migration.Migration
	r := &Range{}
	first, last, count := 0, -1, 0
	for i, st := range all.Steps {
		steps = append(steps, st.Migration)
		if ordinary(st.Migration) {
			if count++; count == 1 {
				first = i
			}
			last = i
		}
	}
	at := func(v migration.Version, otherwise int) (int, error) {
		if v.IsZero() {
			return otherwise, nil
		}
		i := slices.IndexFunc(steps, func(m *migration.Migration) bool { return ordinary(m) && m.Version.Equal(v) })
		if i >= 0 {
			return i, nil
		}
		if by := set.Replacer(v); by != nil {
			return 0, &RangeError{fmt.Sprintf("version %s is a part of %s already", v, by.File), "name that one: " + by.Version.String()}
		}
		if m := set.Find(v); m != nil {
			return 0, &RangeError{fmt.Sprintf("%s is a seed, or for other environments, and stays as it is", m.File), "name another version"}
		}
		return 0, &RangeError{fmt.Sprintf("no migration has version %s", v), "dbwarden status lists the versions"}
	}
	only := first
	if first, err = at(from, first); err != nil {
		return nil, err
	}
	if last, err = at(to, last); err != nil {
		return nil, err
	}
	if count == 1 {
		return nil, &RangeError{fmt.Sprintf("the folder has one migration, %s, and a squash takes two at least", steps[only].File), "there is nothing to do"}
	}
	if last-first < 1 {
		return nil, &RangeError{"there are no two migrations from there to there", "one file has nothing to be squashed with; dbwarden status lists the versions"}
	}
	r.Below, r.Old, r.Above = steps[:first], steps[first:last+1], steps[last+1:]
	for _, m := range set.Migrations {
		switch within := m.Version.Compare(r.lowest()) >= 0 && m.Version.Compare(r.highest()) <= 0; {
		case !within || m.Version.IsZero() || set.Replacer(m.Version) != nil:
		case m.Header.Seed:
			r.Seeds = append(r.Seeds, m)
		case len(m.Header.Env) > 0:
			r.Some = append(r.Some, m)
		}
	}
	return r, nil
}

// ordinary migrations are those that can be squashed.
func ordinary(m *migration.Migration) bool {
	return m.Kind == migration.Versioned && !m.Header.Seed
}

// lowest is the first version of them, within those that were squashed before, too.
func (r *Range) lowest() migration.Version {
	var all []migration.Version
	for _, m := range r.Old {
		if vs := migration.Versions(m.Header.Replaces); len(vs) > 0 {
			all = append(all, vs...)
		} else {
			all = append(all, m.Version)
		}
	}
	return slices.MinFunc(all, migration.Version.Compare)
}

func (r *Range) highest() migration.Version {
	return slices.MaxFunc(r.Old, func(a, b *migration.Migration) int { return a.Place().Compare(b.Place()) }).Place()
}

// Name tells for people which versions they are.
func (r *Range) Name() string {
	return r.lowest().String() + " to " + r.highest().String()
}

// Replaces is what the header of the new file says.
func (r *Range) Replaces() (out []migration.Replaced) {
	for _, m := range r.Old {
		out = append(out, migration.Replaced{Version: m.Version, Of: m.Header.Replaces})
	}
	return out
}

// OneWay is the first of them without a rollback section, nil where all have
// one: the way back is as long as theirs.
func (r *Range) OneWay() *migration.Migration {
	for _, m := range r.Old {
		if !m.Rollback.Present {
			return m
		}
	}
	return nil
}

// Refused is what no text of one file can do as these files do it; nil where
// there is nothing.
func (r *Range) Refused() error {
	var all migration.Problems
	for _, m := range r.Old {
		h := m.Header
		fail := func(line int, why string) {
			all = append(all, migration.Problem{File: m.File, Line: line, Msg: why})
		}
		if !ordinary(m) {
			fail(0, "it runs between the others, since one of them depends on it, and it is no ordinary migration: squash those ahead of it, or behind it, by --from and --to")
			continue
		}
		if h.Vars {
			fail(0, "it has variables (header vars), and what they stand for would be read in the other files too: leave it out, by --from and --to")
		}
		for _, c := range h.Conditions {
			fail(c.Line, fmt.Sprintf("its condition (header %s) could not be asked at its place: take it out, if every database has run it, or leave the file out, by --from and --to; a header is not in the checksum", c.Kind))
		}
	}
	for _, m := range r.Some {
		all = append(all, migration.Problem{File: m.File, Msg: "it is for some environments alone (header env): leave it out, by --from and --to"})
	}
	if len(all) > 0 {
		return &Error{all}
	}
	return nil
}

// header is what stands above the sections.
func (r *Range) header(off bool) string {
	var b strings.Builder
	b.WriteString("-- Squashed: it stands for the files of these versions, and leads where they led together.\n")
	b.WriteString(migration.ReplacesHeader(r.Replaces()))
	inside := map[string]bool{}
	for _, m := range r.Old {
		inside[m.Version.Key()] = true
		for _, v := range migration.Versions(m.Header.Replaces) {
			inside[v.Key()] = true
		}
	}
	var needs []string
	for _, m := range r.Old {
		for _, v := range m.Header.DependsOn {
			if !inside[v.Key()] {
				inside[v.Key()] = true
				needs = append(needs, fmt.Sprintf("%q", v.String()))
			}
		}
	}
	if len(needs) > 0 {
		b.WriteString("-- depends_on: [" + strings.Join(needs, ", ") + "]\n")
	}
	if off {
		b.WriteString("-- transaction: off\n")
	}
	r.limits(&b)
	return b.String()
}

// limits writes the longest time limits that one of the files asks for; none is
// longer than any.
func (r *Range) limits(b *strings.Builder) {
	for _, limit := range []struct {
		name string
		of   func(migration.Header) (string, int64, bool)
	}{
		{"lock_timeout", func(h migration.Header) (string, int64, bool) {
			if h.LockTimeout == nil {
				return "", 0, false
			}
			return h.LockTimeout.String(), int64(*h.LockTimeout), true
		}},
		{"statement_timeout", func(h migration.Header) (string, int64, bool) {
			if h.StatementTimeout == nil {
				return "", 0, false
			}
			return h.StatementTimeout.String(), int64(*h.StatementTimeout), true
		}},
	} {
		longest, text, none := int64(0), "", false
		for _, m := range r.Old {
			said, d, is := limit.of(m.Header)
			if is && d == 0 {
				none = true
			}
			if is && d > longest {
				longest, text = d, said
			}
		}
		switch {
		case none:
			b.WriteString("-- " + limit.name + ": 0\n")
		case text != "":
			b.WriteString("-- " + limit.name + ": " + text + "\n")
		}
	}
}

// Of is the range that a squashed migration stands for, nil where one of its
// files is gone.
func Of(set *migration.Set, m *migration.Migration) *Range {
	r := &Range{}
	for _, one := range m.Header.Replaces {
		old := set.Find(one.Version)
		if old == nil {
			return nil
		}
		r.Old = append(r.Old, old)
	}
	all, err := plan.Up(set, journal.NewHistory(nil, nil), plan.Target{})
	if err != nil {
		return nil
	}
	for i, st := range all.Steps {
		if st.Migration == m {
			for _, above := range all.Steps[i+1:] {
				r.Above = append(r.Above, above.Migration)
			}
			break
		}
		r.Below = append(r.Below, st.Migration)
	}
	return r
}

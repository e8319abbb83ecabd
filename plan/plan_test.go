package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// folder makes a set of files named by their first word; what follows it is
// put above the sections.
func folder(t *testing.T, files ...string) *migration.Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, f := range files {
		name, head, _ := strings.Cut(f, " ")
		text := head + "\n-- upgrade\nSELECT '" + name + "';\n"
		if !strings.Contains(head, "one way") {
			text += "-- rollback\nSELECT 2;\n"
		}
		fsys[name+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := migration.Load(fsys, sqltext.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// history makes revisions in the order given, with the checksums of set, or
// another one behind a "!".
func history(t *testing.T, set *migration.Set, applied ...string) []journal.Revision {
	t.Helper()
	var out []journal.Revision
	for i, name := range applied {
		name, other := strings.CutSuffix(name, "!")
		r := journal.Revision{ID: int64(i + 1), File: name + ".sql", ChecksumKind: migration.ChecksumKind, Checksum: "gone"}
		digits, _, _ := strings.Cut(name, "_")
		m := set.FindFile(r.File)
		if v, err := migration.ParseVersion(digits); err == nil {
			r.Version = v
			m = set.Find(v)
		}
		if m != nil && !other {
			r.Checksum = m.Upgrade.Checksum()
		}
		out = append(out, r)
	}
	return out
}

func version(t *testing.T, s string) migration.Version {
	t.Helper()
	if s == "" {
		return migration.Version{}
	}
	v, err := migration.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// summary is a plan, or a refusal, in a line.
func summary(p *plan.Plan, err error) string {
	var r *plan.Refusal
	if errors.As(err, &r) {
		text := "refused " + string(r.Code) + ": " + r.Error()
		if len(r.Beside) > 0 {
			text += ", beside"
		}
		for _, it := range r.Beside {
			text += " " + it.File
		}
		return text
	}
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, s := range p.Steps {
		part := s.Migration.Name()
		if s.Resume().Open {
			part += fmt.Sprintf(" from %d", s.Resume().Done+1)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func TestUp(t *testing.T) {
	t.Parallel()
	half := func(whats ...journal.Entry) []journal.Entry { return whats }
	e := func(file string, d migration.Direction, what journal.What, n int) journal.Entry {
		v, _, _ := strings.Cut(file, "_")
		return journal.Entry{Version: v, File: file + ".sql", Direction: d, What: what, From: n, To: n, Statements: 3}
	}
	for _, c := range []struct {
		name    string
		files   []string
		applied []string
		open    []journal.Entry
		target  plan.Target
		to      string
		want    string
	}{
		{name: "everything pending, as numbers", files: []string{"10_c", "2_b", "1_a"}, want: "1, 2, 10"},
		{name: "nothing pending", files: []string{"1_a"}, applied: []string{"1_a"}, want: ""},
		{name: "a version spelled otherwise is the same", files: []string{"0001_a"}, applied: []string{"1_a"}, want: ""},
		{name: "a renamed file is not a missing one", files: []string{"1_new"}, applied: []string{"1_old"}, want: ""},
		{name: "count", files: []string{"1_a", "2_b", "3_c"}, target: plan.Target{Count: 2}, want: "1, 2"},
		{name: "up to a version", files: []string{"1_a", "2_b", "3_c"}, to: "2", want: "1, 2"},
		{name: "up to an applied version", files: []string{"1_a", "2_b"}, applied: []string{"1_a", "2_b"}, to: "1", want: ""},
		{name: "unknown version", files: []string{"1_a"}, to: "7", want: "refused unknown_version: no migration has version 7"},
		{name: "changed", files: []string{"1_a", "2_b"}, applied: []string{"1_a!"}, want: "refused changed: changed after it was applied: 1_a.sql"},
		{name: "changed, allowed", files: []string{"1_a", "2_b"}, applied: []string{"1_a!"}, target: plan.Target{AllowChanged: true}, want: "2"},
		{name: "missing", files: []string{"2_b"}, applied: []string{"1_a"}, want: "refused missing: applied, but its file is missing: 1_a.sql"},
		{name: "missing, beside what it may have stood for", files: []string{"1_a", "2_b", "5_e"}, applied: []string{"4_d"}, want: "refused missing: applied, but its file is missing: 4_d.sql, beside 1_a.sql 2_b.sql"},
		{name: "missing, allowed, beside what it may have stood for", files: []string{"1_a", "2_b"}, applied: []string{"4_d"}, target: plan.Target{AllowMissing: true}, want: "refused out_of_order: older than the newest applied version 4: 1_a.sql, 2_b.sql, beside 4_d.sql"},
		{name: "missing, allowed", files: []string{"2_b"}, applied: []string{"1_a"}, target: plan.Target{AllowMissing: true}, want: "2"},
		{name: "late", files: []string{"1_a", "2_b", "3_c"}, applied: []string{"1_a", "3_c"}, want: "refused out_of_order: older than the newest applied version 3: 2_b.sql"},
		{name: "late, allowed", files: []string{"1_a", "2_b", "3_c"}, applied: []string{"1_a", "3_c"}, target: plan.Target{AllowOutOfOrder: true}, want: "2"},
		{name: "late above the target does not matter", files: []string{"1_a", "2_b", "3_c"}, applied: []string{"1_a", "3_c"}, to: "1", want: ""},
		{name: "seeds come after the versioned", files: []string{"1_a -- seed", "2_b"}, want: "2, 1"},
		{name: "a seed below the newest is not late", files: []string{"1_a -- seed", "2_b"}, applied: []string{"2_b"}, want: "1"},
		{name: "dependencies first", files: []string{`1_a -- depends_on: ["2"]`, "2_b", "3_c"}, want: "2, 1, 3"},
		{name: "a dependency that is applied", files: []string{`1_a -- depends_on: ["2"]`, "2_b"}, applied: []string{"2_b"}, want: "1"},
		{name: "an unknown dependency", files: []string{`1_a -- depends_on: ["9"]`}, want: "refused dependency: 1_a.sql: depends on version 9, which does not exist"},
		{name: "a cycle is shown", files: []string{`1_a -- depends_on: ["2"]`, `2_b -- depends_on: ["3"]`, `3_c -- depends_on: ["2"]`},
			want: "refused dependency: 2_b.sql: depends on itself: 2 -> 3 -> 2"},
		{name: "an unknown dependency of a repeatable one", files: []string{"1_a", `ROC__b -- depends_on: ["9"]`}, want: "refused dependency: ROC__b.sql: depends on version 9, which does not exist"},
		{name: "a repeatable one that depends on what is for elsewhere", files: []string{"1_a -- env: prod", `RA__b -- depends_on: ["1"]`},
			want: "refused dependency: RA__b.sql: depends on version 1, which is for other environments (prod)"},
		{name: "a repeatable one that depends on a seed", files: []string{"1_a -- seed", "2_b", `RA__b -- depends_on: ["1", "2"]`}, want: "2, 1, RA__b.sql"},
		{name: "a repeatable one that does not run is not asked", files: []string{"1_a", `ROC__b -- depends_on: ["9"]`}, applied: []string{"ROC__b"}, want: "1"},
		{name: "a count is not of a half-applied repeatable one", files: []string{"1_a", "2_b", "3_c", "ROC__d"}, applied: []string{"1_a"}, open: half(e("ROC__d", migration.Up, journal.Started, 1), e("ROC__d", migration.Up, journal.Done, 1)),
			target: plan.Target{Count: 1}, want: "ROC__d.sql from 2, 2"},
		{name: "a dependency above the target", files: []string{`1_a -- depends_on: ["2"]`, "2_b"}, to: "1",
			want: "refused dependency: 1_a.sql: depends on version 2, which is not applied and lies above the target"},
		{name: "repeatables come last, by name", files: []string{"ROC__z", "RA__y", "1_a"}, want: "1, RA__y.sql, ROC__z.sql"},
		{name: "unchanged ones do not run again", files: []string{"ROC__z", "RA__y", "1_a"}, applied: []string{"1_a", "ROC__z", "RA__y"}, want: "RA__y.sql"},
		{name: "changed ones do", files: []string{"ROC__z"}, applied: []string{"ROC__z!"}, want: "ROC__z.sql"},
		{name: "a count speaks of versioned ones", files: []string{"RA__y", "1_a"}, target: plan.Target{Count: 5}, want: "1"},
		{name: "half applied goes on first", files: []string{"1_a", "2_b", "3_c"}, applied: []string{"1_a"},
			open: half(e("3_c", migration.Up, journal.Started, 1), e("3_c", migration.Up, journal.Done, 1), e("3_c", migration.Up, journal.Started, 2), e("3_c", migration.Up, journal.Failed, 2)),
			want: "3 from 2, 2"},
		{name: "half applied, target below", files: []string{"1_a", "2_b"}, to: "1", open: half(e("2_b", migration.Up, journal.Done, 1)),
			want: "refused below_half_applied: 2_b.sql is half applied (1 of 3 statements ran), and the target 1 ends before it"},
		{name: "half rolled back", files: []string{"1_a"}, applied: []string{"1_a"}, open: half(e("1_a", migration.Down, journal.Done, 1)),
			want: "refused half_rolled_back: 1_a.sql is half rolled back (1 of 3 statements ran)"},
		{name: "half applied, its file gone", files: []string{"1_a"}, open: half(e("2_b", migration.Up, journal.Done, 2)),
			want: "refused half_applied_file_missing: 2_b.sql is half applied (2 of 3 statements ran), and its file is missing"},
		{name: "an attempt that left nothing", files: []string{"1_a"}, open: half(e("1_a", migration.Up, journal.Started, 1), e("1_a", migration.Up, journal.Aborted, 1)), want: "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := folder(t, c.files...)
			c.target.To = version(t, c.to)
			got := summary(plan.Up(set, journal.NewHistory(history(t, set, c.applied...), c.open), c.target))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		files   []string
		applied []string
		open    []journal.Entry
		target  plan.Target
		to      string
		want    string
	}{
		{name: "one by default", files: []string{"1_a", "2_b"}, applied: []string{"1_a", "2_b"}, want: "2"},
		{name: "newest by execution, not by version", files: []string{"1_a", "2_b"}, applied: []string{"2_b", "1_a"}, want: "1"},
		{name: "count", files: []string{"1_a", "2_b", "3_c"}, applied: []string{"1_a", "2_b", "3_c"}, target: plan.Target{Count: 2}, want: "3, 2"},
		{name: "more than there are", files: []string{"1_a"}, applied: []string{"1_a"}, target: plan.Target{Count: 9}, want: "1"},
		{name: "down to a version, which stays", files: []string{"1_a", "2_b", "3_c"}, applied: []string{"1_a", "2_b", "3_c"}, to: "1", want: "3, 2"},
		{name: "to the newest", files: []string{"1_a", "2_b"}, applied: []string{"1_a", "2_b"}, to: "2", want: ""},
		{name: "to what is not applied", files: []string{"1_a", "2_b"}, applied: []string{"1_a"}, to: "2", want: "refused not_applied: version 2 is not applied"},
		{name: "everything", files: []string{"1_a", "2_b"}, applied: []string{"1_a", "2_b"}, target: plan.Target{Empty: true}, want: "2, 1"},
		{name: "nothing", files: []string{"1_a"}, want: ""},
		{name: "one way", files: []string{"1_a", "2_b -- one way"}, applied: []string{"1_a", "2_b"}, want: "refused irreversible: no rollback section, so it cannot be rolled back: 2_b.sql"},
		{name: "one way further down refuses all", files: []string{"1_a -- one way", "2_b"}, applied: []string{"1_a", "2_b"}, target: plan.Target{Empty: true},
			want: "refused irreversible: no rollback section, so it cannot be rolled back: 1_a.sql"},
		{name: "file gone", files: []string{"1_a"}, applied: []string{"1_a", "2_b"}, want: "refused missing: applied, but its file is missing: 2_b.sql"},
		{name: "a changed file can be taken back", files: []string{"1_a"}, applied: []string{"1_a!"}, want: "1"},
		{name: "repeatables stay", files: []string{"1_a", "RA__y"}, applied: []string{"1_a", "RA__y"}, want: "1"},
		{name: "half applied comes first", files: []string{"1_a", "2_b"}, applied: []string{"1_a"},
			open: []journal.Entry{{Version: "2", File: "2_b.sql", Direction: migration.Up, What: journal.Done, From: 1, To: 1, Statements: 2}}, want: "2"},
		{name: "half rolled back goes on", files: []string{"1_a", "2_b"}, applied: []string{"1_a", "2_b"},
			open: []journal.Entry{{Version: "2", File: "2_b.sql", Direction: migration.Down, What: journal.Done, From: 1, To: 1, Statements: 2}}, want: "2 from 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := folder(t, c.files...)
			c.target.To = version(t, c.to)
			got := summary(plan.Down(set, journal.NewHistory(history(t, set, c.applied...), c.open), c.target))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestUnfinishedFollowsTheEntries(t *testing.T) {
	t.Parallel()
	e := func(what journal.What, from, to int) journal.Entry {
		return journal.Entry{Version: "1", File: "1_a.sql", Direction: migration.Up, What: what, From: from, To: to, Statements: 5}
	}
	done := e(journal.Resolved, 2, 2)
	done.Detail = "done"
	retry := e(journal.Resolved, 2, 2)
	for _, c := range []struct {
		name    string
		entries []journal.Entry
		want    plan.Progress
	}{
		{"begun and nothing more is in doubt", []journal.Entry{e(journal.Started, 1, 1)}, plan.Progress{Open: true, Doubt: 1, To: 1, Total: 5}},
		{"done", []journal.Entry{e(journal.Started, 1, 1), e(journal.Done, 1, 1)}, plan.Progress{Open: true, Done: 1, Total: 5, Marks: []plan.Mark{{From: 1, To: 1}}}},
		{"second in doubt", []journal.Entry{e(journal.Done, 1, 1), e(journal.Started, 2, 2)}, plan.Progress{Open: true, Done: 1, Doubt: 2, To: 2, Total: 5, Marks: []plan.Mark{{From: 1, To: 1}}}},
		{"resolved as done", []journal.Entry{e(journal.Done, 1, 1), e(journal.Started, 2, 2), done}, plan.Progress{Open: true, Done: 2, Total: 5, Marks: []plan.Mark{{From: 1, To: 1}, {From: 2, To: 2}}}},
		{"resolved to run again", []journal.Entry{e(journal.Done, 1, 1), e(journal.Started, 2, 2), retry}, plan.Progress{Open: true, Done: 1, Total: 5, Marks: []plan.Mark{{From: 1, To: 1}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, got := plan.Unfinished(journal.NewHistory(nil, c.entries))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

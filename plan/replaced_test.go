package plan_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// note makes of the row of a version the one that only notes what is so.
func note(rows []journal.Revision, version string) []journal.Revision {
	for i := range rows {
		if rows[i].Version.String() == version {
			rows[i].Kind = journal.Squashed
		}
	}
	return rows
}

func TestWhatASquashedOneReplaces(t *testing.T) {
	t.Parallel()
	const squashed = "5_s -- replaces: 1, 2, 3"
	old := []string{"1_a", "2_b", "3_c"}
	all := append([]string{squashed, "4_d"}, old...)
	begunAt := func(name string) []journal.Entry {
		v, _, _ := strings.Cut(name, "_")
		return []journal.Entry{{Version: v, File: name + ".sql", Direction: migration.Up, What: journal.Done, From: 1, To: 1, Statements: 2}}
	}
	const again = "8_s -- replaces: 5 (1, 2, 3), 4"
	for _, c := range []struct {
		name    string
		files   []string
		applied []string
		note    string
		open    []journal.Entry
		target  plan.Target
		to      string
		up      string
		down    string // "-": not looked at
	}{
		{name: "a fresh database runs it alone, in its place", files: all, up: "5, 4", down: ""},
		{name: "also without the old files", files: []string{squashed, "4_d"}, up: "5, 4", down: ""},
		{name: "and is not late behind it", files: append(all, "6_e"), applied: []string{"5_s"}, up: "4, 6", down: "5"},
		{name: "a later one than the replaced is late", files: append(all, "6_e"), applied: []string{"5_s", "6_e"}, up: "refused out_of_order: older than the newest applied version 6: 4_d.sql", down: "6"},
		{name: "all have run", files: all, applied: old, up: "4", down: "3"},
		{name: "all have run, and the files are gone", files: []string{squashed, "4_d"}, applied: old, up: "4", down: "5"},
		{name: "and it is noted", files: []string{squashed, "4_d"}, applied: append(old, "4_d", "5_s"), note: "5", up: "", down: "4"},
		{name: "what was noted goes as one", files: []string{squashed, "4_d"}, applied: append(old, "5_s"), note: "5", up: "4", down: "5"},
		{name: "or file by file while they are there", files: all, applied: append(old, "5_s"), note: "5", up: "4", down: "3"},
		{name: "a part has run: the others come first", files: all, applied: old[:1], up: "2, 3, 4", down: "1"},
		{name: "and not the squashed one, though it was noted once", files: all, applied: append(old[:2:2], "5_s"), note: "5", up: "3, 4", down: "2"},
		{name: "nothing is left of it but the note", files: all, applied: []string{"5_s"}, note: "5", up: "5, 4", down: ""},
		{name: "a part has run, and the others are gone", files: []string{squashed, "2_b"}, applied: old[:1],
			up: "refused partly_replaced: 5_s.sql replaces migrations of which a part has run here, and not 3, whose files are gone", down: "refused missing: applied, but its file is missing: 1_a.sql"},
		{name: "one is half applied", files: all, open: begunAt("1_a"), up: "1 from 2, 2, 3, 4", down: "1"},
		{name: "one is half applied and its file gone", files: []string{squashed}, open: begunAt("1_a"),
			up: "refused half_applied_file_missing: 1_a.sql is half applied (1 of 2 statements ran), and its file is missing", down: "-"},
		{name: "a replaced file that has changed", files: all, applied: []string{"1_a!", "2_b", "3_c"}, up: "refused changed: changed after it was applied: 1_a.sql", down: "3"},
		{name: "up to the last one that it replaces", files: all, to: "3", up: "5", down: "-"},
		{name: "up to itself", files: all, to: "5", up: "5", down: "-"},
		{name: "up to one of them, where they run", files: all, applied: old[:1], to: "2", up: "2", down: "-"},
		{name: "up to one of them, where they do not", files: all, to: "2", up: "refused inside_squashed: version 2 is a part of 5_s.sql here, which is run, and taken back, as one", down: "-"},
		{name: "down to one of them, whose files are gone", files: []string{squashed, "4_d"}, applied: append(old, "4_d"), to: "2", up: "-",
			down: "refused inside_squashed: version 2 is a part of 5_s.sql here, which is run, and taken back, as one"},
		{name: "down to one of them, file by file", files: all, applied: append(old, "4_d"), to: "1", up: "-", down: "4, 3, 2"},
		{name: "down to the squashed one, which was noted later", files: []string{squashed, "4_d"}, applied: append(old, "4_d", "5_s"), note: "5", to: "5", up: "-", down: "4"},
		{name: "everything goes", files: []string{squashed, "4_d"}, applied: append(old, "4_d", "5_s"), note: "5", target: plan.Target{Empty: true}, up: "-", down: "4, 5"},
		{name: "the note of a file that was taken back", files: append(old, "4_d"), applied: append(old, "5_s"), note: "5", up: "4", down: "3"},
		{name: "what depends on a replaced one waits for the squashed one", files: []string{squashed, `4_d -- depends_on: ["2"]`}, up: "5, 4", down: ""},
		{name: "or has it", files: []string{squashed, `4_d -- depends_on: ["2"]`}, applied: old, up: "4", down: "5"},
		{name: "what depends on the squashed one has it", files: []string{squashed, `4_d -- depends_on: ["5"]`}, applied: old, up: "4", down: "5"},
		{name: "squashed again: fresh", files: append(all, again), up: "8", down: ""},
		{name: "squashed again: all have run", files: []string{again}, applied: append(old, "4_d"), up: "", down: "8"},
		{name: "squashed again: the first squashed one has", files: []string{again}, applied: []string{"5_s", "4_d"}, up: "", down: "8"},
		{name: "squashed again: half way", files: append(all, again), applied: []string{"5_s"}, up: "4", down: "5"},
		{name: "squashed again: half way on the old road", files: append(all, again), applied: old[:1], up: "2, 3, 4", down: "1"},
		{name: "squashed again: at the first squashed one, on the old road", files: []string{again, "4_d"}, applied: old, up: "4", down: "refused missing: applied, but its file is missing: 3_c.sql, 2_b.sql, 1_a.sql"},
		{name: "squashed again: where the old ones stood, whatever its number", files: []string{"1_a", "7_s -- replaces: 6 (2, 3), 4", "5_e"}, up: "1, 7, 5", down: ""},
		{name: "squashed again: from the first one on", files: []string{"7_s -- replaces: 6 (1, 2), 3", "4_d", "5_e"}, up: "7, 4, 5", down: ""},
		{name: "squashed again: one that ran by a number that is gone makes nothing late", files: []string{"1_a", "7_s -- replaces: 6 (2, 3), 4", "5_e"}, applied: []string{"1_a", "6_s", "4_d"}, up: "5", down: "7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := folder(t, c.files...)
			h := journal.NewHistory(note(history(t, set, c.applied...), c.note), c.open)
			c.target.To = version(t, c.to)
			if got := summary(plan.Up(set, h, c.target)); c.up != "-" && got != c.up {
				t.Errorf("up:   got  %s\n      want %s", got, c.up)
			}
			if got := summary(plan.Down(set, h, c.target)); c.down != "-" && got != c.down {
				t.Errorf("down: got  %s\n      want %s", got, c.down)
			}
		})
	}
}

// A rollback of a squashed migration takes every row with it, that of the note too.
func TestTheRowsOfWhatIsReplacedGoTogether(t *testing.T) {
	t.Parallel()
	set := folder(t, "5_s -- replaces: 1, 2, 3")
	h := journal.NewHistory(note(history(t, set, "1_a", "2_b", "3_c", "5_s"), "5"), nil)
	p, err := plan.Down(set, h, plan.Target{})
	if err != nil || len(p.Steps) != 1 {
		t.Fatal(p, err)
	}
	gone := map[int64]bool{p.Steps[0].Revision.ID: true}
	for _, r := range p.Steps[0].Also {
		gone[r.ID] = true
	}
	if len(gone) != 4 {
		t.Errorf("rows %v go, and not all four", gone)
	}
}

func TestWhatIsNotedWithoutBeingRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		applied []string
		open    []journal.Entry
		want    string
	}{
		{name: "all have run", applied: []string{"1_a", "2_b"}, want: "5"},
		{name: "a part has", applied: []string{"1_a"}, want: ""},
		{name: "none has", want: ""},
		{name: "it is noted", applied: []string{"1_a", "2_b", "5_s"}, want: ""},
		{name: "one is half rolled back", applied: []string{"1_a", "2_b"},
			open: []journal.Entry{{Version: "2", File: "2_b.sql", Direction: migration.Down, What: journal.Done, From: 1, To: 1, Statements: 2}},
			want: "refused half_rolled_back: 2_b.sql is half rolled back (1 of 2 statements ran)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := folder(t, "1_a", "2_b", "5_s -- replaces: 1, 2")
			h := journal.NewHistory(note(history(t, set, c.applied...), "5"), c.open)
			if got := summary(plan.Track(set, h)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

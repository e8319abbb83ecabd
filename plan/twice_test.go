package plan_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// merged makes a set of files, each "name text", as a merge may leave them.
func merged(t *testing.T, files ...string) *migration.Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, f := range files {
		name, text, _ := strings.Cut(f, " ")
		fsys[name+".sql"] = &fstest.MapFile{Data: []byte("-- upgrade\nSELECT '" + text + "';\n-- rollback\nSELECT 'back from " + name + "';\n")}
	}
	set, err := migration.LoadMerged(fsys, sqltext.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// ran makes rows of what ran, each "name text", whatever the folder holds.
func ran(t *testing.T, all ...string) (out []journal.Revision) {
	t.Helper()
	for i, one := range all {
		name, _, _ := strings.Cut(one, " ")
		digits, _, _ := strings.Cut(name, "_")
		m := merged(t, one).Migrations[0]
		out = append(out, journal.Revision{ID: int64(i + 1), Version: version(t, digits), File: name + ".sql", Kind: migration.Versioned, Checksum: m.Upgrade.Checksum(), ChecksumKind: migration.ChecksumKind})
	}
	return out
}

// filesOf is summary with the files.
func filesOf(p *plan.Plan, err error) string {
	if err != nil {
		return summary(p, err)
	}
	var names []string
	for _, s := range p.Steps {
		names = append(names, strings.TrimSuffix(s.Migration.File, ".sql"))
	}
	return strings.Join(names, ", ")
}

func TestARollbackTakesTheOneOfTwoThatRan(t *testing.T) {
	t.Parallel()
	half := journal.Entry{Version: "7", File: "7_mine.sql", Direction: migration.Up, What: journal.Done, From: 1, To: 1, Statements: 2}
	for _, c := range []struct {
		name  string
		files []string
		ran   []string
		open  []journal.Entry
		to    plan.Target
		want  string
	}{
		{name: "mine ran", files: []string{"6_a a", "7_mine m", "7_theirs t"}, ran: []string{"6_a a", "7_mine m"}, want: "7_mine"},
		{name: "theirs ran", files: []string{"6_a a", "7_mine m", "7_theirs t"}, ran: []string{"6_a a", "7_theirs t"}, want: "7_theirs"},
		{name: "neither ran", files: []string{"6_a a", "7_mine m", "7_theirs t"}, ran: []string{"6_a a"}, want: "6_a"},
		{name: "it was called otherwise when it ran", files: []string{"7_a t", "7_b m"}, ran: []string{"7_old m"}, want: "7_b"},
		{name: "it was changed since", files: []string{"7_mine other", "7_theirs t"}, ran: []string{"7_mine m"}, want: "7_mine"},
		{name: "the same statements, and its name", files: []string{"7_a m", "7_b m"}, ran: []string{"7_b m"}, want: "7_b"},
		{name: "neither is what ran", files: []string{"7_a x", "7_b y"}, ran: []string{"7_old m"}, want: "refused missing: applied, but its file is missing: 7_old.sql"},
		{name: "three of them", files: []string{"7_a a", "7_b b", "7_c c"}, ran: []string{"7_c c"}, want: "7_c"},
		{name: "half applied, which only its name tells", files: []string{"7_mine m", "7_theirs t"}, open: []journal.Entry{half}, want: "7_mine"},
		{name: "half applied, and its file is gone", files: []string{"7_a m", "7_theirs t"}, open: []journal.Entry{half},
			want: "refused half_applied_file_missing: 7_mine.sql is half applied (1 of 2 statements ran), and its file is missing"},

		// The one file of that number is not what ran: its way back leads elsewhere.
		{name: "another one has the number", files: []string{"7_theirs t"}, ran: []string{"7_mine m"},
			want: "refused missing: applied, but its file is missing: 7_mine.sql (7_theirs.sql, which has its number now, is another one)"},
		{name: "renamed", files: []string{"7_new m"}, ran: []string{"7_mine m"}, want: "7_new"},
		{name: "it has another number now", files: []string{"7_theirs t", "8_mine m"}, ran: []string{"7_mine m"},
			want: "refused renumbered: 7_mine.sql, which has run here, is 8_mine.sql now; the history knows it by its old number"},
		{name: "and nothing has the old one", files: []string{"8_mine m"}, ran: []string{"7_mine m"},
			want: "refused renumbered: 7_mine.sql, which has run here, is 8_mine.sql now; the history knows it by its old number"},

		{name: "through a version", files: []string{"1_a a", "2_b b", "3_c c"}, ran: []string{"1_a a", "2_b b", "3_c c"}, to: plan.Target{Through: "0002"}, want: "3_c, 2_b"},
		{name: "through a file", files: []string{"1_a a", "2_b b", "3_c c"}, ran: []string{"1_a a", "3_c c", "2_b b"}, to: plan.Target{Through: "3_c.sql"}, want: "2_b, 3_c"},
		{name: "through the newest", files: []string{"1_a a", "2_b b"}, ran: []string{"1_a a", "2_b b"}, to: plan.Target{Through: "2_b.sql"}, want: "2_b"},
		{name: "through what did not run", files: []string{"7_mine m", "7_theirs t", "8_c c"}, ran: []string{"7_mine m", "8_c c"}, to: plan.Target{Through: "7_theirs.sql"},
			want: "refused not_applied: 7_theirs.sql is not applied: what ran as 7 is 7_mine.sql"},
		{name: "through a version that did not", files: []string{"1_a a"}, ran: []string{"1_a a"}, to: plan.Target{Through: "9"}, want: "refused not_applied: version 9 is not applied"},
		{name: "through what is half applied", files: []string{"6_a a", "7_mine m", "7_theirs t"}, ran: []string{"6_a a"}, open: []journal.Entry{half}, to: plan.Target{Through: "7_mine.sql"}, want: "7_mine"},
		{name: "through what ran before it", files: []string{"6_a a", "7_mine m", "7_theirs t"}, ran: []string{"6_a a"}, open: []journal.Entry{half}, to: plan.Target{Through: "6"}, want: "7_mine, 6_a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := filesOf(plan.Down(merged(t, c.files...), journal.NewHistory(ran(t, c.ran...), c.open), c.to)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What ran under a number that another file has now is not called changed, nor
// run a second time.
func TestWhatHasAnotherNumberNowIsNotRunAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files []string
		ran   []string
		to    plan.Target
		want  string
	}{
		{name: "the others' has the old one", files: []string{"7_theirs t", "8_mine m"}, ran: []string{"7_mine m"},
			want: "refused renumbered: 7_mine.sql, which has run here, is 8_mine.sql now; the history knows it by its old number"},
		{name: "nothing has", files: []string{"8_mine m"}, ran: []string{"7_mine m"},
			want: "refused renumbered: 7_mine.sql, which has run here, is 8_mine.sql now; the history knows it by its old number"},
		{name: "two of them", files: []string{"7_theirs t", "8_mine m", "9_more n"}, ran: []string{"7_mine m", "8_more n"},
			want: "refused renumbered: 7_mine.sql, which has run here, is 8_mine.sql now; 8_more.sql, which has run here, is 9_more.sql now; the history knows it by its old number"},
		{name: "it was changed, and is called otherwise", files: []string{"7_theirs t", "8_other m"}, ran: []string{"7_mine m"}, want: "refused changed: changed after it was applied: 7_theirs.sql"},
		{name: "both have run", files: []string{"7_theirs t", "8_mine m"}, ran: []string{"7_mine m", "8_mine m"}, want: "refused changed: changed after it was applied: 7_theirs.sql"},
		{name: "somebody goes on", files: []string{"7_theirs t", "8_mine m"}, ran: []string{"7_mine m"}, to: plan.Target{AllowChanged: true}, want: "8_mine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := filesOf(plan.Up(merged(t, c.files...), journal.NewHistory(ran(t, c.ran...), nil), c.to)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

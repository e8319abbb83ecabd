package rebase_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/internal/rebase"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestOnesOwnGoBehindWhatStays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, theirs, mine string // files; behind a blank, what they depend on
		want               string
	}{
		{"nothing", "1_a,2_b", "3_c", ""},
		{"one number twice", "1_a,2_b", "2_c", "2_c>3_c"},
		{"and what came behind it", "1_a,2_b", "2_c,3_d", "2_c>3_c,3_d>4_d"},
		{"late", "1_a,3_b", "2_c", "2_c>4_c"},
		{"width is kept", "0009_a,0010_b", "0010_c", "0010_c>0011_c"},
		{"dependencies go along", "1_a,2_b", "2_c,3_d 2", "2_c>3_c,3_d>4_d,3_d:2=3"},
		{"a dependency on what stays", "1_a,2_b", "2_c 1,3_d 1", "2_c>3_c,3_d>4_d"},
		{"late by right", "1_a,3_b", "2_c 3", ""},
		{"before the trouble", "5_a,7_b", "8_c,7_d", "7_d>8_d,8_c>9_c"},
		{"one with the number that it gets", "1_a,3_b", "2_c,5_d", "2_c>4_c"},
		{"a gap stays", "1_a,3_b", "2_c,7_d", "2_c>4_c"},
		{"nothing applied", "", "1_a,2_b", ""},
		{"twice among one's own", "1_a", "2_b,2_c", "error: 2_b.sql and 2_c.sql have the same number, and nothing tells which of them is to keep it"},
		{"twice among the others'", "1_a,1_b", "2_c", "error: 1_a.sql and 1_b.sql have the same number, and neither can get another one: both are applied, or are in what it is rebased onto"},
	} {
		files := fstest.MapFS{}
		stay := map[string]bool{}
		for i, list := range []string{c.theirs, c.mine} {
			for f := range strings.SplitSeq(list, ",") {
				if f == "" {
					continue
				}
				name, needs, _ := strings.Cut(f, " ")
				head := ""
				if needs != "" {
					head = "-- depends_on: [\"" + needs + "\"]\n"
				}
				files[name+".sql"] = &fstest.MapFile{Data: []byte(head + "-- upgrade\nSELECT 1;\n")}
				stay[name+".sql"] = i == 0
			}
		}
		all, err := migration.LoadLoose(files, sqltext.SQLite)
		if err != nil {
			t.Fatal(err)
		}
		r, err := rebase.Plan(all, func(m *migration.Migration) bool { return stay[m.File] }, func(v migration.Version) migration.Version {
			n, err := migration.ParseVersion(rebase.Increment(v.String()))
			if err != nil {
				t.Fatal(err)
			}
			return n
		})
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			var said []string
			for _, m := range r.Moves {
				said = append(said, strings.TrimSuffix(m.Migration.File, ".sql")+">"+strings.TrimSuffix(m.File, ".sql"))
			}
			for _, e := range r.Edits {
				for from, to := range e.DependsOn {
					said = append(said, strings.TrimSuffix(e.File, ".sql")+":"+from+"="+to)
				}
			}
			got = strings.Join(said, ",")
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// What is one's own and applied is not renumbered, and keeps no number that is
// another's where others have run that.
func TestWhatIsAppliedMustBeTakenBackFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, shared, applied, open, want string }{
		{"one number", "1_a,2_b", "2_c", "", "2_c=2_b"},
		{"late for who has run the others'", "1_a,3_b", "2_c,4_d", "", "2_c<3_b"},
		{"behind them", "1_a,2_b", "3_c", "", ""},
		{"not applied", "1_a,2_b", "", "2_c", ""},
		{"late by right", "1_a,3_b", "2_c 3", "", ""},
		{"nothing is shared", "", "1_a,2_b", "2_c", ""},
	} {
		files := fstest.MapFS{}
		is := map[string]int{}
		for i, list := range []string{c.shared, c.applied, c.open} {
			for f := range strings.SplitSeq(list, ",") {
				name, needs, _ := strings.Cut(f, " ")
				if name == "" {
					continue
				}
				head := ""
				if needs != "" {
					head = "-- depends_on: [\"" + needs + "\"]\n"
				}
				files[name+".sql"] = &fstest.MapFile{Data: []byte(head + "-- upgrade\nSELECT 1;\n")}
				is[name+".sql"] = i
			}
		}
		all, err := migration.LoadLoose(files, sqltext.SQLite)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, s := range rebase.Applied(all, func(m *migration.Migration) bool { return is[m.File] == 0 }, func(m *migration.Migration) bool { return is[m.File] == 1 }) {
			how := map[bool]string{true: "=", false: "<"}[s.Same]
			said = append(said, strings.TrimSuffix(s.Migration.File, ".sql")+how+strings.TrimSuffix(s.By.File, ".sql"))
		}
		if got := strings.Join(said, ","); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestOnlyTheHeaderIsRewritten(t *testing.T) {
	t.Parallel()
	const text = "\ufeff-- 0007 is a number\r\n/* and\r\n0007 again */\r\n-- depends_on: [\"0007\", \"00071\", \"8\"]\r\n\r\n-- upgrade\r\n-- depends_on: [\"0007\"]\r\nSELECT '0007';\r\n"
	want := strings.Replace(text, `["0007", "00071", "8"]`, `["0009", "00071", "10"]`, 1)
	if got := rebase.Rewrite(text, map[string]string{"0007": "0009", "8": "10"}); got != want {
		t.Errorf("got %q", got)
	}
	const squashed = "-- replaces: 0007 (0001), 8\n-- upgrade\n"
	if got := rebase.Rewrite(squashed, map[string]string{"0007": "0009"}); got != strings.Replace(squashed, "0007", "0009", 1) {
		t.Errorf("got %q", got)
	}
	if !slices.Equal([]string{rebase.Increment("0009"), rebase.Increment("99"), rebase.Increment("000")}, []string{"0010", "100", "001"}) {
		t.Error("increment")
	}
}

// TestWhatDependsOnANamedFileGoesAlong, or is asked about where it may mean the other one.
func TestWhatDependsOnANamedFileGoesAlong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, files, mine, shared, ran, leaves string // in files a blank comes before what a file depends on
		want                                   string
	}{
		{"nothing else", "7_a,7_b,8_c", "7_a", "", "", "", "7_a"},
		{"it may mean either", "7_a,7_b,8_c 7", "7_a", "", "", "", "error: 8_c.sql depends on 7, which is the number of 7_a.sql and of 7_b.sql, and nothing tells which of them it means"},
		{"and somebody said", "7_a,7_b,8_c 7", "7_a", "", "", "8_c", "7_a"},
		{"or named it", "7_a,7_b,8_c 7,9_d 8", "7_a,8_c", "", "", "", "7_a,8_c,9_d"},
		{"only one is shared, and not this", "7_a,7_b,8_c 7", "7_a", "7_b", "", "", "7_a,8_c"},
		{"only one is shared, and so is this", "7_a,7_b,8_c 7", "7_a", "7_b,8_c", "", "", "7_a"},
		{"the others' moves, and what is behind it", "7_a,7_b,8_c 7", "7_b", "7_b,8_c", "", "", "7_b,8_c"},
		{"the others' moves, and one's own means one's own", "7_a,7_b,8_c 7", "7_b", "7_b", "", "", "7_b"},
		{"both are shared, and this is not", "7_a,7_b,8_c 7", "7_a", "7_a,7_b", "", "", "error: 8_c.sql depends on 7, which is the number of 7_a.sql and of 7_b.sql, and nothing tells which of them it means"},
		{"no other has the number", "7_a,8_c 7,9_d 8", "7_a", "", "", "", "7_a,8_c,9_d"},
		{"what ran meant what ran", "7_a,7_b,8_c 7", "7_a", "", "7_b,8_c", "", "7_a"},
	} {
		files := fstest.MapFS{}
		for f := range strings.SplitSeq(c.files, ",") {
			name, needs, _ := strings.Cut(f, " ")
			head := ""
			if needs != "" {
				head = "-- depends_on: [\"" + needs + "\"]\n"
			}
			files[name+".sql"] = &fstest.MapFile{Data: []byte(head + "-- upgrade\nSELECT 1;\n")}
		}
		all, err := migration.LoadLoose(files, sqltext.SQLite)
		if err != nil {
			t.Fatal(err)
		}
		in := func(list string) func(*migration.Migration) bool {
			return func(m *migration.Migration) bool {
				return slices.Contains(strings.Split(list, ","), strings.TrimSuffix(m.File, ".sql"))
			}
		}
		mine := map[string]bool{}
		for f := range strings.SplitSeq(c.mine, ",") {
			mine[f+".sql"] = true
		}
		got := ""
		if err := rebase.Along(all, mine, in(c.shared), in(c.ran), in(c.leaves)); err != nil {
			got = "error: " + err.Error()
		} else {
			got = strings.ReplaceAll(strings.Join(slices.Sorted(maps.Keys(mine)), ","), ".sql", "")
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

package migration_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func load(t *testing.T, files map[string]string) (*migration.Set, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for n, text := range files {
		fsys[n] = &fstest.MapFile{Data: []byte(text)}
	}
	return migration.Load(fsys, sqltext.PostgreSQL)
}

func one(t *testing.T, text string) *migration.Migration {
	t.Helper()
	set, err := load(t, map[string]string{"1_a.sql": text})
	if err != nil {
		t.Fatal(err)
	}
	return set.Migrations[0]
}

// texts are a section's statements.
func texts(t *testing.T, s *migration.Section) []string {
	t.Helper()
	seal, err := s.Outline(func(migration.Piece) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for st, err := range s.Reader(seal).Statements(0, s.Count) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d:%d %s", st.Start.Line, st.Start.Column, st.Text))
	}
	return out
}

func TestSections(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		up, down   []string
		oneWay     bool
	}{
		{name: "both", text: "-- upgrade\nA;\nB;\n-- rollback\nC;\n", up: []string{"2:1 A", "3:1 B"}, down: []string{"5:1 C"}},
		{name: "the way back first", text: "-- rollback\nC;\n-- upgrade\nA", up: []string{"4:1 A"}, down: []string{"2:1 C"}},
		{name: "no way back", text: "-- upgrade\nA;", up: []string{"2:1 A"}, oneWay: true},
		{name: "empty sections", text: "-- upgrade\n-- rollback\n"},
		{name: "only comments", text: "-- upgrade\n-- nothing to do\n-- rollback\n/* nor here */"},
		{name: "case and blanks", text: "  --   UpGrade  \nA;\n--Rollback:\nC;", up: []string{"2:1 A"}, down: []string{"4:1 C"}},
		{name: "carriage returns", text: "-- upgrade\r\nA;\r\n-- rollback\r\nC;\r\n", up: []string{"2:1 A"}, down: []string{"4:1 C"}},
		{name: "byte order mark", text: "\ufeff-- upgrade\nA;", up: []string{"2:1 A"}, oneWay: true},
		{name: "the end of a section ends a statement", text: "-- upgrade\nA\n-- rollback\nC", up: []string{"2:1 A"}, down: []string{"4:1 C"}},
		{name: "a marker in a string, a body and a comment is none", text: "-- upgrade\nSELECT '\n-- rollback\n';\nSELECT $$\n-- rollback\n$$;\n/*\n-- rollback\n*/\n-- rollback\nC;",
			up: []string{"2:1 SELECT '\n-- rollback\n'", "5:1 SELECT $$\n-- rollback\n$$"}, down: []string{"12:1 C"}},
		{name: "a comment that only begins like one", text: "-- upgrade\n-- rollback of this is hard\nA;", up: []string{"3:1 A"}, oneWay: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := one(t, c.text)
			if diff := cmp.Diff(c.up, texts(t, &m.Upgrade)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.down, texts(t, &m.Rollback)); diff != "" {
				t.Error(diff)
			}
			if m.Rollback.Present == c.oneWay {
				t.Errorf("rollback present: %v", m.Rollback.Present)
			}
		})
	}
}

func TestProblemsNameFileAndLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", `1_a.sql:1: no -- upgrade section; a migration has the line "-- upgrade" above its statements`},
		{"only a way back", "-- rollback\nA;", `1_a.sql:1: no -- upgrade section; a migration has the line "-- upgrade" above its statements`},
		{"SQL above", "-- hello\nA;\n-- upgrade\n", `1_a.sql:2:1: SQL above the first section; put the line "-- upgrade" above it`},
		{"twice", "-- upgrade\nA;\n-- rollback\n-- upgrade\n", "1_a.sql:4: a second -- upgrade section; the first is in line 1"},
		{"unfinished string", "-- upgrade\nA;\nSELECT 'x;\n", "1_a.sql:3:8: the string that begins here is not finished"},
		{"psql", "-- upgrade\n\\i other.sql\n", "1_a.sql:2:1: "},
		{"header with a slip", "-- transction: off\n-- upgrade\n", `1_a.sql:1:4: unknown header "transction: off"; did you mean "-- transaction: off"?`},
		{"header below", "-- upgrade\n-- transaction: off\nA;\n", `1_a.sql:2:4: the header "transaction" does nothing here: put it above the first section`},
		{"header at the end", "-- upgrade\nA;\n-- rollback\nB;\n-- depends_on: [1]", `1_a.sql:5:4: the header "depends_on" does nothing here`},
		{"header with a bad value", "-- a\n-- transaction: maybe\n-- upgrade\n", `1_a.sql:2:4: transaction: want on or off, not "maybe"`},
		{"header with a bad time", "-- lock_timeout: soon\n-- upgrade\n", `1_a.sql:1:4: lock_timeout: want a time like "5s" or "300ms", not "soon"`},
		{"header with two lists", "-- depends_on: [\"1\"], [\"2\"]\n-- upgrade\n", `1_a.sql:1:4: depends_on: want a list of versions, like ["0001", "0002"]: version "1\"]" is not a number`},
		{"header with a bad version", "-- depends_on: [\"x\"]\n-- upgrade\n", `1_a.sql:1:4: depends_on: want a list of versions, like ["0001", "0002"]: version "x" is not a number`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, map[string]string{"1_a.sql": c.text})
			var p migration.Problems
			if !errors.As(err, &p) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	m := one(t, "-- a note: not a header\n-- see: https://example.org\n-- depends_on: [\"0001\", 2]\n-- Depends_On: 3\n-- seed\n--transaction:OFF\n-- lock_timeout: 300ms\n-- statement_timeout: 0\n-- author: ada\n-- upgrade\n")
	h := m.Header
	var deps []string
	for _, v := range h.DependsOn {
		deps = append(deps, v.String())
	}
	if diff := cmp.Diff([]string{"0001", "2", "3"}, deps); diff != "" {
		t.Error(diff)
	}
	if !h.Seed || !h.TransactionOff || h.LockTimeout == nil || *h.LockTimeout != 300*time.Millisecond || h.StatementTimeout == nil || *h.StatementTimeout != 0 {
		t.Errorf("header %+v", h)
	}
	if h := one(t, "-- upgrade\n-- seed\nA;").Header; h.Seed {
		t.Error("a comment inside a section counts as a header")
	}
}

// TestChecksumIsOverStatementsAlone: what may change in an applied file, and
// what may not.
func TestChecksumIsOverStatementsAlone(t *testing.T) {
	t.Parallel()
	base := one(t, "-- upgrade\nCREATE TABLE a (\n  b int\n);\nCOPY a FROM stdin;\n1\n\\.\n-- rollback\nDROP TABLE a;\n").Upgrade.Checksum()
	for name, c := range map[string]struct {
		text string
		same bool
	}{
		"comments around statements": {"-- hello\n\n-- upgrade\n-- x\nCREATE TABLE a (\n  b int\n); -- y\n/* z */\nCOPY a FROM stdin;\n1\n\\.\n-- rollback\nDROP TABLE a;\n", true},
		"line endings":               {"-- upgrade\r\nCREATE TABLE a (\r\n  b int\r\n);\r\nCOPY a FROM stdin;\r\n1\r\n\\.\r\n-- rollback\r\nDROP TABLE a;\r\n", true},
		"the way back":               {"-- rollback\nDROP TABLE a CASCADE;\n-- upgrade\nCREATE TABLE a (\n  b int\n);\nCOPY a FROM stdin;\n1\n\\.\n", true},
		"a blank inside":             {"-- upgrade\nCREATE TABLE a (\n b int\n);\nCOPY a FROM stdin;\n1\n\\.\n", false},
		"a comment inside":           {"-- upgrade\nCREATE TABLE a ( -- x\n  b int\n);\nCOPY a FROM stdin;\n1\n\\.\n", false},
		"a row":                      {"-- upgrade\nCREATE TABLE a (\n  b int\n);\nCOPY a FROM stdin;\n2\n\\.\n", false},
		"a statement cut in two":     {"-- upgrade\nCREATE TABLE a (\n  b int\n);\nCOPY a FROM stdin;\n\\.\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if same := one(t, c.text).Upgrade.Checksum() == base; same != c.same {
				t.Errorf("the same: %v, want %v", same, c.same)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	up := "-- upgrade\n"
	set, err := load(t, map[string]string{
		"10_ten.sql": up, "9_nine.sql": up, "0002_two words-here.sql": up, "20150100000001000000_a.sql": up, "3.SQL": up,
		"RA__views.sql": up, "ROC__grants.sql": up, "0001_seed.sql": "-- seed\n" + up,
		"README.md": "x", ".hidden.sql": "x", "sub/0001_x.sql": "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range set.Migrations {
		got = append(got, m.Name()+" "+m.Description)
	}
	want := []string{"0002 two words-here", "3 ", "9 nine", "10 ten", "20150100000001000000 a", "0001 seed", "RA__views.sql views", "ROC__grants.sql grants"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"create.sql": "create.sql: not a migration's name",
		"01_b.sql":   "1_a.sql: version 1 is taken by 01_b.sql",
	} {
		_, err := load(t, map[string]string{"1_a.sql": up, name: up})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := migration.Load(os.DirFS("nowhere"), sqltext.SQLite); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder gave %v", err)
	}
}

func TestVersionsCompareAsNumbersOfAnySize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"1", "2", -1}, {"10", "9", 1}, {"0001", "1", 0}, {"0", "00", 0}, {"20150100000001000000", "20150100000001000001", -1}, {"99999999999999999999", "9", 1}} {
		v, _ := migration.ParseVersion(c.a)
		w, _ := migration.ParseVersion(c.b)
		if got := v.Compare(w); got != c.want || w.Compare(v) != -c.want || v.Equal(w) != (c.want == 0) {
			t.Errorf("%s and %s: %d", c.a, c.b, got)
		}
	}
	for _, bad := range []string{"", "-1", "1a", "v1", "١"} {
		if _, err := migration.ParseVersion(bad); err == nil {
			t.Errorf("%q is taken for a version", bad)
		}
	}
}

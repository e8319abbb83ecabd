package liteschema_test

import (
	"context"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// tester is what a test and a property have in common.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// database is an empty one, in which foreign keys are on as far as it is not
// told otherwise.
func database(t tester, script string) engine.Session {
	t.Helper()
	d, err := sqlite.Engine().Open("sqlite://?foreign_keys=1", engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	perform(t, s, script)
	return s
}

func perform(t tester, s engine.Session, script string) {
	t.Helper()
	all, err := sqltext.All(script, sqltext.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if _, err := s.Exec(t.Context(), one.Text); err != nil {
			t.Fatalf("%s: %v", one.Text, err)
		}
	}
}

func looked(t tester, s engine.Session) *schema.State {
	t.Helper()
	st, err := liteschema.Inspect(t.Context(), s, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func digested(t tester, s engine.Session) string {
	t.Helper()
	digest, err := liteschema.Digest(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func TestPlansLeadThereAndBack(t *testing.T) {
	t.Parallel()
	for _, c := range pairs {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			one, two := database(t, c.before), database(t, c.after)
			defer one.Close()
			defer two.Close()
			from, to := looked(t, one), looked(t, two)
			if len(schema.WithoutOrder(schema.Diff(from, to))) == 0 {
				t.Error("there is no difference")
			}
			if digested(t, one) == digested(t, two) {
				t.Error("the digests are the same")
			}
			perform(t, one, c.rows)
			spelledAgain(t, to)
			thereAndBack(t, one, from, liteschema.Spell(to)) // as a migration has it
		})
	}
}

// thereAndBack goes from one state to the other, back, and there again, and
// wants rows to stay that are not said to be lost.
func thereAndBack(t tester, s engine.Session, from, to *schema.State) {
	t.Helper()
	rows := contents(t, s, from, to)
	var lost []string
	for _, way := range []struct {
		name     string
		from, to *schema.State
	}{{"there", from, to}, {"back", to, from}, {"there again", from, to}} {
		more, ok := arrive(t, s, way.name, way.from, way.to)
		if !ok {
			return
		}
		lost = append(lost, more...)
		all := strings.Join(lost, ", ") + ","
		now := contents(t, s, from, to)
		for column, was := range rows {
			table, _, _ := strings.Cut(column, ".")
			if now[column] != was && !strings.Contains(all, column+",") && !strings.Contains(all, "table "+table+",") {
				t.Errorf("%s: %s held %s, holds %s; said to be lost: %q", way.name, column, was, now[column], lost)
			}
		}
	}
}

// contents are the values of each column that both states have, by row, with
// the numbers of rows where both tables have such and no column for them.
func contents(t tester, s engine.Session, from, to *schema.State) map[string]string {
	t.Helper()
	out := map[string]string{}
	read := func(what, table, expression string) {
		var text string
		if err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&text) },
			"SELECT count(*) || ':' || coalesce(group_concat(v, '|'), '') FROM (SELECT "+expression+" AS v FROM "+quoted(table)+" ORDER BY 1)"); err != nil {
			t.Fatal(err)
		}
		out[table+"."+what] = text
	}
	for _, a := range from.Tables {
		for _, b := range to.Tables {
			if b.Name != a.Name || a.Kind != "" || b.Kind != "" {
				continue
			}
			key := "''"
			if len(a.Options)+len(b.Options) == 0 && !mentionsRowID(a, b) {
				key = "rowid || ' '"
			}
			for _, c := range a.Columns {
				for _, d := range b.Columns {
					if c.Name == d.Name && c.Generated == "" {
						value := quoted(c.Name)
						if c.Type != d.Type { // 7 is '7' where texts are wanted, and 7.0 where fractions are
							value = "CASE WHEN typeof(" + value + ") = 'real' AND " + value + " = CAST(" + value + " AS INT) THEN CAST(CAST(" + value + " AS INT) AS TEXT) ELSE CAST(" + value + " AS TEXT) END"
						}
						read(c.Name, a.Name, key+" || quote("+value+")")
					}
				}
			}
		}
	}
	return out
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// mentionsRowID reports whether the rows' number may be a column's, or be
// hidden behind one.
func mentionsRowID(all ...schema.Table) bool {
	for _, t := range all {
		for _, c := range t.Columns {
			if strings.EqualFold(c.Name, "rowid") || t.PrimaryKey != nil && len(t.PrimaryKey.Columns) == 1 && t.PrimaryKey.Columns[0] == c.Name && strings.EqualFold(c.Type, "integer") {
				return true
			}
		}
	}
	return false
}

// arrive runs the plan as a migration does, and wants to be where it leads.
// It returns what was said to be lost.
func arrive(t tester, s engine.Session, what string, from, to *schema.State) (lost []string, ok bool) {
	t.Helper()
	steps, _ := liteschema.Plan(from, to)
	var said strings.Builder
	exec := func(text string) bool {
		said.WriteString("\n  " + text)
		if _, err := s.Exec(t.Context(), text); err != nil {
			t.Errorf("%s: %v\nbehind:%s", what, err, said.String())
			_, _ = s.Exec(t.Context(), "ROLLBACK")
			return false
		}
		return true
	}
	if len(steps) > 0 && steps[0].SQL == "PRAGMA foreign_keys = OFF" {
		exec(steps[0].SQL)
		steps = steps[1:]
	}
	exec("BEGIN IMMEDIATE")
	for _, step := range steps {
		if !exec(step.SQL) {
			return lost, false
		}
		if step.Loses != "" {
			lost = append(lost, step.Loses)
		}
	}
	if !exec("COMMIT") || !exec("PRAGMA foreign_keys = ON") {
		return lost, false
	}
	still := schema.Diff(looked(t, s), to)
	for _, c := range schema.WithoutOrder(still) {
		t.Errorf("%s: still %s: %+v\nbehind:%s", what, c, c.Fields, said.String())
		ok = true
	}
	return lost, !ok
}

// Everything there is comes out of nothing, and goes again.
func TestPlansMakeEverythingAndTakeItAway(t *testing.T) {
	t.Parallel()
	full, empty := database(t, torture), database(t, "")
	nothing, all := looked(t, empty), looked(t, full)
	if _, ok := arrive(t, empty, "everything", nothing, all); !ok || len(looked(t, empty).Tables) != 7 {
		t.Fatal("it is not there")
	}
	arrive(t, empty, "nothing", all, nothing)
}

// Rows that refer to nothing are found when a foreign key comes, and then
// nothing is done.
func TestANewForeignKeyIsProven(t *testing.T) {
	t.Parallel()
	one := database(t, "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (x INT); INSERT INTO b VALUES (7)")
	two := database(t, "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (x INT REFERENCES a)")
	steps, _ := liteschema.Plan(looked(t, one), looked(t, two))
	var failed error
	for _, step := range steps {
		if _, failed = one.Exec(t.Context(), step.SQL); failed != nil {
			break
		}
	}
	if failed == nil || !strings.Contains(failed.Error(), "rows of b refer to nothing") {
		t.Errorf("got %v", failed)
	}
}

// A table that throws rows away when they conflict throws none away when it is
// made anew: the migration stops instead, before the old one is dropped.
func TestConflictClausesThrowNoRowsAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after, rows string }{
		{"CREATE TABLE a (x TEXT, y INT)", "CREATE TABLE a (x TEXT PRIMARY KEY ON CONFLICT REPLACE, y INT)", "('1', 2), ('1', 3)"},
		{"CREATE TABLE a (x TEXT, y INT)", "CREATE TABLE a (x TEXT, y INT, UNIQUE (x) ON CONFLICT IGNORE)", "('1', 2), ('1', 3)"},
		{"CREATE TABLE a (x TEXT, y INT)", "CREATE TABLE a (x TEXT, y INT, UNIQUE (x) ON CONFLICT IGNORE, CHECK (a.y > 0))", "('1', 2), ('1', 3)"},
		{"CREATE TABLE a (x TEXT, y INT)", "CREATE TABLE a (x TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'd', y INT)", "(NULL, 2), ('1', 3)"},
	} {
		one, two := database(t, c.before+"; INSERT INTO a VALUES "+c.rows), database(t, c.after)
		steps, _ := liteschema.Plan(looked(t, one), looked(t, two))
		var failed error
		for _, step := range steps {
			if _, failed = one.Exec(t.Context(), step.SQL); failed != nil {
				break
			}
		}
		if failed == nil || !strings.Contains(failed.Error(), "constraint failed") {
			t.Errorf("%s: got %v", c.after, failed)
		}
	}
}

// Numbers that AUTOINCREMENT gave are not given twice, though their rows are
// gone.
func TestNumbersGoOn(t *testing.T) {
	t.Parallel()
	for _, rest := range []string{"", ", CHECK (a.id > 0)"} {
		one := database(t, "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x INT"+rest+"); INSERT INTO a VALUES (41, 1); DELETE FROM a")
		two := database(t, "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT NOT NULL"+rest+")")
		arrive(t, one, "there", looked(t, one), looked(t, two))
		perform(t, one, "INSERT INTO a (x) VALUES ('y')")
		var id int
		if err := one.Query(t.Context(), func(scan func(...any) error) error { return scan(&id) }, "SELECT id FROM a"); err != nil || id != 42 {
			t.Errorf("id %d%s: %v", id, rest, err)
		}
	}
}

// A column comes and goes by itself where SQLite can do that, and the table
// is not made anew for it.
func TestColumnsComeAndGoWhereTheTableStands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after, want string }{
		{"CREATE TABLE a (x INT)", "CREATE TABLE a (x INT, y TEXT NOT NULL DEFAULT 'z' CHECK (y <> ''))", "ALTER TABLE a ADD COLUMN y TEXT NOT NULL DEFAULT 'z' CHECK (y <> '')"},
		{"CREATE TABLE a (x INT, y TEXT CHECK (y <> ''))", "CREATE TABLE a (x INT)", "ALTER TABLE a DROP COLUMN y"},
		{"CREATE TABLE a (x INT)", "CREATE TABLE a (x INT, y INT REFERENCES a (x))", "ALTER TABLE a ADD COLUMN y INT REFERENCES a (x)"},
		{"CREATE TABLE a (x INT)", "CREATE TABLE a (y INT, x INT, z INT)", "ALTER TABLE a ADD COLUMN y INT; ALTER TABLE a ADD COLUMN z INT"},
	} {
		steps, _ := liteschema.Plan(looked(t, database(t, c.before)), looked(t, database(t, c.after)))
		var got []string
		for _, s := range steps {
			got = append(got, s.SQL)
		}
		same(t, c.after, strings.Join(got, "; "), c.want)
	}
}

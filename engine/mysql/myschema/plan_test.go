package myschema

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
)

// The server waits for its disk more than it works: four ways at once are
// through in a third of the time.
func TestPlansLeadThereAndBack(t *testing.T) {
	t.Parallel()
	const ways = 4
	for way := range ways {
		t.Run(fmt.Sprint(way), func(t *testing.T) {
			t.Parallel()
			before, after := connect(t), connect(t)
			if before.Server().Product != "MariaDB" || before.Server().Number < 101100 {
				t.Skip("written for MariaDB 10.11 and later")
			}
			for n := way; n < len(pairs); n += ways {
				c := pairs[n]
				run(t, before, c.before)
				run(t, after, c.after)
				run(t, before, c.rows)
				from, to := thereAndBack(t, c.name, before, after)
				judged(t, before.Server(), c.name, c.before, from, to)
				if len(schema.Diff(from, to)) == 0 {
					t.Errorf("%s: there is no difference", c.name)
				}
				empty(t, before, from.Home)
				empty(t, after, to.Home)
			}
		})
	}
}

// thereAndBack goes from what before holds to what after holds, back, and
// there again, and looks at both schemas and what is left of the rows.
func thereAndBack(t tester, what string, before, after engine.Session) (from, to *schema.State) {
	t.Helper()
	from, to = inspect(t, before, schema.Options{}), inspect(t, after, schema.Options{})
	wanted := shown(t, after, to)
	rows := contents(t, before, from, to)
	var lost []string
	there := arrive(t, before, what+", there", from, to, &lost)
	if there == nil {
		return from, to
	}
	if diff := cmp.Diff(wanted, shown(t, before, there)); diff != "" {
		t.Errorf("%s: SHOW CREATE TABLE tells them apart:\n%s", what, diff)
	}
	back := arrive(t, before, what+", back", there, from, &lost)
	if back == nil {
		return from, to
	}
	now := contents(t, before, from, to)
	for column, was := range rows {
		if now[column] != was && !slices.ContainsFunc(lost, func(what string) bool { return strings.Contains(what, column) }) {
			t.Errorf("%s: %s held %s, holds %s; said to be lost: %q", what, column, was, now[column], lost)
		}
	}
	arrive(t, before, what+", there again", back, to, &lost)
	return from, to
}

// tester is a test, or a property's single draw.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// shown is what SHOW CREATE TABLE says of all tables, line by line, but for
// the order of lines and the numbers that are next. It knows things that the
// catalogue does not.
func shown(t tester, s engine.Session, st *schema.State) (lines []string) {
	t.Helper()
	for _, table := range st.Tables {
		var name, text string
		if err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&name, &text) }, "SHOW CREATE TABLE "+quote(table.Name)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(strings.ReplaceAll(text, quote(st.Home)+".", "")) {
			line = strings.Trim(sameAsNothing.ReplaceAllString(strings.Trim(line, " ,\n"), ""), "()")
			if !strings.HasPrefix(line, "SUBPARTITION") { // named by the server where nobody does
				lines = append(lines, name+": "+line)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

var sameAsNothing = regexp.MustCompile(` AUTO_INCREMENT=\d+| ON (UPDATE|DELETE) (NO ACTION|RESTRICT)| TRANSACTIONAL=1| ENGINE = \w+`)

// contents are the values of each plain column that both states have, in an
// order of their own.
func contents(t tester, s engine.Session, from, to *schema.State) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, a := range from.Tables {
		b := tableIn(to, to.Relative(schema.ID{Kind: schema.KindTable, Schema: to.Home, Name: a.Name}))
		if b == nil {
			continue
		}
		for _, c := range a.Columns {
			if !slices.ContainsFunc(b.Columns, func(x schema.Column) bool { return x.Name == c.Name }) || c.Generated != "" {
				continue
			}
			var text string
			if err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&text) },
				"SELECT concat(count(*), ':', coalesce(group_concat("+quote(c.Name)+" ORDER BY "+quote(c.Name)+" SEPARATOR '|'), '')) FROM "+quote(a.Name)); err != nil {
				t.Fatal(err)
			}
			out[a.Name+"."+c.Name] = text
		}
	}
	return out
}

// arrive goes from one state to the other, where the first one is, and wants
// to be there behind it, but for the order of columns. It returns what is
// there, nil where it is something else.
func arrive(t tester, s engine.Session, what string, from, to *schema.State, lost *[]string) (now *schema.State) {
	t.Helper()
	steps, _ := Plan(from, to)
	var said strings.Builder
	for _, step := range steps {
		if _, err := s.Exec(t.Context(), step.SQL); err != nil {
			t.Errorf("%s: %s: %v\nbehind:%s", what, step.SQL, err, said.String())
			return nil
		}
		if step.Loses != "" {
			*lost = append(*lost, step.Loses)
		}
		said.WriteString("\n  " + step.SQL)
	}
	now = inspect(t, s, schema.Options{})
	for _, c := range schema.WithoutOrder(schema.Diff(now, to)) {
		t.Errorf("%s: still %s: %+v\nbehind:%s", what, c, c.Fields, said.String())
		return nil
	}
	return now
}

// empty makes a database anew, and the connection work in it.
func empty(t tester, s engine.Session, name string) {
	t.Helper()
	exec(t, s, "SET @collation = @@collation_database")
	err := dbtest.DropMariaDB(name, func(query string) (value string, err error) {
		err = s.Query(t.Context(), func(scan func(...any) error) error { return scan(&value) }, query)
		return value, err
	})
	if err != nil {
		t.Fatalf("DROP DATABASE %s: %v", name, err)
	}
	exec(t, s, "EXECUTE IMMEDIATE CONCAT('CREATE DATABASE "+quote(name)+" COLLATE ', @collation)", "USE "+quote(name))
}

// Everything there is comes out of nothing, and goes again, and nothing is
// left.
func TestPlansMakeEverythingAndTakeItAway(t *testing.T) {
	t.Parallel()
	full, none := connect(t), connect(t)
	if full.Server().Product != "MariaDB" || full.Server().Number < 101100 {
		t.Skip("written for MariaDB 10.11 and later")
	}
	defer torment(t, full)()
	thereAndAway(t, full, none)
}

func TestPlansMakeSampleDatabasesAndTakeThemAway(t *testing.T) {
	t.Parallel()
	dir := dbtest.DataDir(t)
	for _, file := range []string{"chinook/mysql.sql", "sakila/mysql-schema.sql"} {
		t.Run(strings.ReplaceAll(file, "/", "_"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			script := forAClient.ReplaceAllString(string(text), "")
			script, _, _ = strings.Cut(script, "\nINSERT INTO")
			full, none := connect(t), connect(t)
			run(t, full, byDefiner.ReplaceAllString(strings.ReplaceAll(script, "sakila.", ""), ""))
			thereAndAway(t, full, none)
		})
	}
}

func thereAndAway(t *testing.T, full, none engine.Session) {
	t.Helper()
	nothing, all := inspect(t, none, schema.Options{}), inspect(t, full, schema.Options{})
	var lost []string
	there := arrive(t, none, "there", nothing, all, &lost)
	if there == nil || len(lost) > 0 {
		t.Fatalf("it is not there, or this is lost: %v", lost)
	}
	if len(there.Tables) < 11 {
		t.Fatalf("%d tables", len(there.Tables))
	}
	if arrive(t, none, "away", there, nothing, &lost) != nil && len(lost) < len(there.Tables) {
		t.Errorf("%d tables go, and this is said to be lost: %v", len(there.Tables), lost)
	}
	if left := fmt.Sprint(inspect(t, none, schema.Options{}).Tables); left != "[]" {
		t.Errorf("left: %s", left)
	}
}

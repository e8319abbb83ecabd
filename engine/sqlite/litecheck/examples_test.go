package litecheck_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/check/checktest"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/litecheck"
)

func page(t *testing.T) *checktest.Page {
	t.Helper()
	return checktest.Read(t, "../../../docs/check.md", "SQLite")
}

var here = engine.Server{Product: "SQLite", Version: "3", Number: 3000000}

func TestThePageTellsOfEveryRule(t *testing.T) {
	t.Parallel()
	checktest.Prose(t, page(t), litecheck.Product().Rules())
}

func TestBadExamplesFindTheirRuleAndGoodOnesNothing(t *testing.T) {
	t.Parallel()
	p := page(t)
	seen := map[string]bool{}
	for _, ex := range p.Examples {
		seen[fmt.Sprint(ex.Rule, ex.Bad)] = true
		checktest.Expect(t, ex, checktest.Judge(t, litecheck.Product(), sqlite.Engine(), here, p.Setup, ex))
	}
	for _, r := range litecheck.Product().Rules() {
		if !seen[r.ID+"true"] {
			t.Errorf("%s has no bad example", r.ID)
		}
	}
}

// open makes a database in memory, with foreign keys on.
func open(t *testing.T) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func try(t *testing.T, c *sql.Conn, text string) error {
	t.Helper()
	_, err := c.ExecContext(t.Context(), text)
	return err
}

// What the page says to be refused is refused, and everything else works.
func TestExamplesRun(t *testing.T) {
	t.Parallel()
	p := page(t)
	for _, ex := range p.Examples {
		c := open(t)
		if err := try(t, c, p.Setup); err != nil {
			t.Fatal(err)
		}
		err := try(t, c, strings.Join(ex.Files, "\n"))
		if (err != nil) != ex.Fails {
			t.Errorf("docs/check.md:%d: %s: %v", ex.Line, ex.Rule, err)
		}
		rows := func(query string) (n int) {
			t.Helper()
			if err := c.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		switch {
		case ex.Rule == "rebuild-with-foreign-keys":
			// The orders went with the users, or did not.
			if n := rows("SELECT count(*) FROM orders"); (n == 0) != ex.Bad {
				t.Errorf("docs/check.md:%d: %d orders are left", ex.Line, n)
			}
		case ex.Rule == "rebuild-loses":
			if n := rows("SELECT count(*) FROM sqlite_schema WHERE name = 'items_name'"); (n == 0) != ex.Bad {
				t.Errorf("docs/check.md:%d: %d indexes are left", ex.Line, n)
			}
		case ex.Rule == "string-type":
			var kind string
			if err := c.QueryRowContext(t.Context(), "INSERT INTO tags (code) VALUES ('007') RETURNING typeof(code)").Scan(&kind); err != nil || (kind == "integer") != ex.Bad {
				t.Errorf("docs/check.md:%d: the code is of type %s, %v", ex.Line, kind, err)
			}
		}
		c.Close()
	}
}

// What refers to a table follows it when it is renamed away.
func TestReferencesFollowARename(t *testing.T) {
	t.Parallel()
	c := open(t)
	if err := try(t, c, "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a INTEGER REFERENCES a (id)); ALTER TABLE a RENAME TO a_old; CREATE TABLE a (id INTEGER PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	var to string
	if err := c.QueryRowContext(t.Context(), "SELECT \"table\" FROM pragma_foreign_key_list('b')").Scan(&to); err != nil || to != "a_old" {
		t.Errorf("b refers to %s, %v", to, err)
	}
}

func TestReservedNamesAreSQLites(t *testing.T) {
	t.Parallel()
	c := open(t)
	words := strings.Fields("abort action add after all alter always analyze and as asc attach autoincrement before begin between by cascade case cast check" +
		" collate column commit conflict constraint create cross current current_date current_time current_timestamp database default deferrable deferred delete" +
		" desc detach distinct do drop each else end escape except exclude exclusive exists explain fail filter first following for foreign from full generated" +
		" glob group groups having ignore immediate in index indexed initially inner insert instead intersect into is isnull join key last left like limit" +
		" match materialized natural no not nothing notnull null nulls of offset on or order others outer over partition plan pragma preceding primary query" +
		" raise range recursive references regexp reindex release rename replace restrict returning right rollback row rows savepoint select set table temp" +
		" temporary then ties to transaction trigger unbounded union unique update using vacuum values view virtual when where window with without users")
	for _, w := range words {
		err := try(t, c, "CREATE TABLE "+w+" (a)")
		if (err != nil) != litecheck.Reserved(w) {
			t.Errorf("%s: %v; Reserved says %v", w, err, litecheck.Reserved(w))
		}
	}
}

package sqlite

import (
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

// TestWhatMayChangeAConnectionIsNotInert: behind an inert statement nothing is
// put back, so that none may leave anything to put back.
func TestWhatMayChangeAConnectionIsNotInert(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	for _, c := range []struct {
		text string
		want bool
	}{
		{"CREATE TABLE t (a INTEGER)", true},
		{"INSERT INTO t VALUES (1)", true},
		{"REPLACE INTO t VALUES (2)", true},
		{"UPDATE t SET a = 3", true},
		{"DELETE FROM t", true},
		{"ALTER TABLE t ADD COLUMN b", true},
		{"CREATE UNIQUE INDEX i ON t (a)", true},
		{"CREATE VIEW v AS SELECT a FROM t", true},
		{"CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; END", true},
		{"DROP TRIGGER r", true},
		{"INSERT INTO t (a) SELECT foreign_keys FROM pragma_foreign_keys", true},
		{"CREATE TEMP TABLE t (a)", false},
		{"CREATE TABLE temp.t2 (a)", false},
		{`CREATE TABLE "TEMP"."t3" (a)`, false},
		{"CREATE TABLE [temp].t4 (a)", false},
		{"CREATE TABLE templates (attempt INTEGER)", true},
		{"CREATE VIRTUAL TABLE f USING fts5 (a)", false},
		{"PRAGMA foreign_keys = ON", false},
		{"ATTACH ':memory:' AS other", false},
		{"SELECT 1", false},
	} {
		st := statement(c.text)
		if got := inert(st); got != c.want {
			t.Errorf("%s: %v", c.text, got)
		}
		before, err := s.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Execute(t.Context(), st); err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		after, err := s.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		others, err := s.text(t.Context(), "SELECT COALESCE(group_concat(name), '') FROM pragma_database_list WHERE name <> 'main' AND name <> 'temp'")
		if err != nil {
			t.Fatal(err)
		}
		temporary, err := s.text(t.Context(), "SELECT count(*) FROM temp.sqlite_schema")
		if err != nil {
			t.Fatal(err)
		}
		changed := others != "" || temporary != "0" || len(before) != len(after)
		for i := range before {
			changed = changed || before[i] != after[i]
		}
		if changed && c.want {
			t.Errorf("%s is called inert, and changed the connection", c.text)
		}
		if s.touched == c.want {
			t.Errorf("behind %s the connection counts as touched: %v", c.text, s.touched)
		}
		if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOurStatementsArePreparedOnce, also over changes of the schema.
func TestOurStatementsArePreparedOnce(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	if _, err := s.Exec(t.Context(), "CREATE TABLE t (a INTEGER)"); err != nil {
		t.Fatal(err)
	}
	const insert = "INSERT INTO t (a) VALUES (?)"
	for i := range 20 {
		if n, err := s.Exec(t.Context(), insert, i); err != nil || n != 1 {
			t.Fatalf("%d rows, %v", n, err)
		}
		if i == 0 && s.prepared[insert] == nil {
			t.Fatal("it is not kept")
		}
		kept := s.prepared[insert]
		if _, err := s.Execute(t.Context(), statement("ALTER TABLE t ADD COLUMN c"+string(rune('a'+i)))); err != nil {
			t.Fatal(err)
		}
		if s.prepared[insert] != kept {
			t.Fatal("it was prepared again")
		}
	}
	if got, _ := s.text(t.Context(), "SELECT count(*) || ' ' || sum(a) FROM t"); got != "20 190" {
		t.Errorf("the table has %s", got)
	}
	if _, err := s.Exec(t.Context(), "DROP TABLE t"); err != nil {
		t.Errorf("what is prepared keeps the table: %v", err)
	}
	if _, err := s.Exec(t.Context(), insert, 1); fault(err).Kind != engine.Missing {
		t.Errorf("without its table: %v", err)
	}
	for i := range 2 * preparedMost {
		if _, err := s.Exec(t.Context(), fmt.Sprintf("SELECT %d WHERE ? = 1", i), i); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.prepared); n != preparedMost {
		t.Errorf("%d are kept, want %d", n, preparedMost)
	}
}

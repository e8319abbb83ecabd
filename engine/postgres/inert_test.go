package postgres_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// TestWhatAnEventTriggerSetsStaysInItsUnit: the session is not put back behind
// statements that run nothing of a user's, and with event triggers they do.
func TestWhatAnEventTriggerSetsStaysInItsUnit(t *testing.T) {
	t.Parallel()
	s := connect(t, dbtest.Postgres(t).NewDatabase(t), engine.ConnectOptions{})
	runs := func(units ...engine.Unit) {
		t.Helper()
		if done, err := s.RunAll(t.Context(), units); done != len(units) || err != nil {
			t.Fatalf("%d done, %v", done, err)
		}
	}
	runs(unitOf("CREATE TABLE a (n INTEGER)"), unitOf("CREATE TABLE b (n INTEGER)"))
	// By the plain road, as COPY and the like go.
	if err := s.Run(t.Context(), unitOf("CREATE SCHEMA elsewhere",
		"CREATE FUNCTION lead_astray() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'elsewhere', false); END $$",
		"CREATE EVENT TRIGGER astray ON ddl_command_end EXECUTE FUNCTION lead_astray()")); err != nil {
		t.Fatal(err)
	}
	runs(unitOf("CREATE TABLE c (n INTEGER)"), unitOf("CREATE TABLE d (n INTEGER)"))
	runs(unitOf("CREATE TABLE e (n INTEGER)"), unitOf("CREATE TABLE f (n INTEGER)"))
	runs(unitOf("DROP EVENT TRIGGER astray"))
	runs(unitOf("CREATE TABLE g (n INTEGER)"), unitOf("CREATE TABLE h (n INTEGER)"))
	runs(unitOf("CREATE TABLE i (n INTEGER)"), unitOf("CREATE TABLE j (n INTEGER)"))
	got := ""
	if err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&got) },
		"SELECT string_agg(relname, '' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"); err != nil {
		t.Fatal(err)
	}
	if got != "abcdefghij" {
		t.Errorf("public has the tables %s, want all from a to j", got)
	}
}

func TestOnlyWhatRunsNothingIsInert(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"CREATE TABLE t (id int PRIMARY KEY, x text DEFAULT now())":             true,
		"CREATE UNLOGGED TABLE t (n int)":                                       true,
		"ALTER TABLE t ADD COLUMN x varchar(20), DROP COLUMN y":                 true,
		"ALTER TABLE t RENAME COLUMN x TO y":                                    true,
		"DROP TABLE t, u":                                                       true,
		"CREATE VIEW v AS SELECT 1":                                             true,
		"CREATE TEMP TABLE t (n int)":                                           false,
		"CREATE TABLE pg_temp.t (n int)":                                        false,
		`CREATE TABLE U&"pg\005ftemp".t (n int)`:                                false,
		"CREATE TABLE t AS SELECT f()":                                          false,
		"CREATE TABLE p PARTITION OF t FOR VALUES FROM (f()) TO (9)":            false,
		"ALTER TABLE t ADD COLUMN x mood":                                       false,
		"ALTER TABLE t ADD x text, ADD y mood":                                  false,
		"ALTER TABLE t ADD COLUMN x text DEFAULT f()":                           false,
		"ALTER EVENT TRIGGER e ENABLE":                                          false,
		"INSERT INTO t VALUES (1)":                                              false,
		"TRUNCATE t":                                                            false,
		"SELECT 1":                                                              false,
		"SET ROLE x":                                                            false,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'":            false,
		"CREATE TABLE t (x text DEFAULT '" + strings.Repeat("x", 20<<10) + "')": false,
	} {
		all, err := sqltext.All(text, sqltext.PostgreSQL)
		if err != nil {
			t.Fatal(err)
		}
		if got := postgres.Inert(all[0]); got != want {
			t.Errorf("%.80s: %v", text, got)
		}
	}
}

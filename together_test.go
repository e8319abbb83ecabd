package dbwarden_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Small migrations on SQLite share a transaction.

// four are migrations that share a transaction, the third of which text is a
// part.
func four(text string) map[string]string {
	return map[string]string{
		"1_t.sql": up("CREATE TABLE t (n INTEGER)"),
		"2_a.sql": up("INSERT INTO t VALUES (2)"),
		"3_b.sql": up("INSERT INTO t VALUES (3)", text),
		"4_c.sql": up("INSERT INTO t VALUES (4)"),
	}
}

// TestAFailureAmongSharedStopsWhatIsBehindIt: what was before it stays, and is
// told once, in order, as step by step.
func TestAFailureAmongSharedStopsWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), four("INSERT INTO\n  nosuch VALUES (1)"))
	sizes := b.sizes()
	var said []string
	b.watch = func(e event.Event) {
		switch e.Kind {
		case event.MigrationStarted, event.MigrationDone, event.MigrationFailed, event.StatementDone:
			said = append(said, fmt.Sprintf("%s %s", e.Kind, e.Version))
		}
	}
	res, err := b.warden().Migrate(t.Context(), plan.Target{})
	var failed *dbwarden.MigrationError
	if !errors.As(err, &failed) || failed.Migration.File != "3_b.sql" || failed.Number != 2 || failed.Pos.Line != 4 || failed.State != dbwarden.Untouched {
		t.Errorf("it ended with %v", err)
	}
	if fmt.Sprint(*sizes) != "[4]" || names(res) != "1_t.sql 2_a.sql" {
		t.Errorf("flushes of %v, want one of four; completed: %s", *sizes, names(res))
	}
	want := "migration_started 1, statement_done 1, migration_completed 1, migration_started 2, statement_done 2, migration_completed 2, " +
		"migration_started 3, statement_done 3, migration_failed 3"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("told %s", got)
	}
	for query, want := range map[string]string{
		"SELECT group_concat(n, ' ') FROM t":                                 "2",
		"SELECT group_concat(version, ' ') FROM dbwarden_migrations":         "1 2",
		"SELECT group_concat(version || ' ' || event) FROM dbwarden_journal": "1 applied,2 applied,3 aborted",
	} {
		if got := b.value(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if b.locked() {
		t.Error("the lock is kept")
	}
	b.put("3_b.sql", up("INSERT INTO t VALUES (3)"))
	b.migrate()
	if got := b.value("SELECT group_concat(n, ' ') FROM t"); got != "2 3 4" {
		t.Errorf("after it was mended: %s", got)
	}
}

// TestSharedAreToldWhenTheyAreThere: that a migration is completed is said when
// others see it, however many share its transaction.
func TestSharedAreToldWhenTheyAreThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), four("SELECT 1"))
	b.put("3_b.sql", up("INSERT INTO t VALUES (3)"))
	sizes := b.sizes()
	var seen []string
	b.watch = func(e event.Event) {
		if e.Kind == event.MigrationDone {
			seen = append(seen, b.value("SELECT COUNT(*) FROM dbwarden_migrations WHERE version = '"+e.Version+"'"))
		}
	}
	b.migrate()
	if fmt.Sprint(*sizes) != "[4]" || fmt.Sprint(seen) != "[1 1 1 1]" {
		t.Errorf("flushes of %v; of the completed the history had %v", *sizes, seen)
	}
}

// TestForeignKeysAreLookedAtForEachMigration: what one migration leaves broken
// is its failure, though the next would mend it.
func TestForeignKeysAreLookedAtForEachMigration(t *testing.T) {
	t.Parallel()
	b := newBench(t, product{sqlite.Engine(), func(t *testing.T) string { return dbtest.SQLite(t) + "?foreign_keys=on" }}, map[string]string{
		"1_t.sql": up("CREATE TABLE parent (n INTEGER PRIMARY KEY)", "CREATE TABLE child (n INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"),
		"2_a.sql": up("INSERT INTO child VALUES (9)"),
		"3_b.sql": up("INSERT INTO parent VALUES (9)"),
	})
	res, err := b.warden().Migrate(t.Context(), plan.Target{})
	var failed *dbwarden.MigrationError
	if !errors.As(err, &failed) || failed.Migration.File != "2_a.sql" || failed.State != dbwarden.Untouched || names(res) != "1_t.sql" {
		t.Errorf("completed %s; it ended with %v", names(res), err)
	}
}

// TestReleasedBeforeSharedCommitsNothing: each of them has its own fence.
func TestReleasedBeforeSharedCommitsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), four("SELECT 1"))
	b.put("3_b.sql", up("INSERT INTO t VALUES (3)"))
	sizes := b.sizes()
	b.watch = func(e event.Event) {
		if e.Kind == event.PlanReady {
			b.exec("UPDATE dbwarden_lock SET locked = 0")
		}
	}
	res, err := b.warden().Migrate(t.Context(), plan.Target{})
	if !errors.Is(err, lock.ErrLost) || len(res.Completed) > 0 || fmt.Sprint(*sizes) != "[4]" {
		t.Errorf("flushes of %v, completed %s; it ended with %v", *sizes, names(res), err)
	}
	if got := b.value("SELECT COUNT(*) FROM sqlite_schema WHERE name = 't'") + b.value("SELECT COUNT(*) FROM dbwarden_migrations"); got != "00" {
		t.Errorf("of the table and the history there are %s", got)
	}
}

// TestASharedCommitThatWaitsInVainIsTriedAgain: a reader keeps the file, so
// that COMMIT has to wait for it.
func TestASharedCommitThatWaitsInVainIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{"0_t.sql": up("CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)")})
	b.migrate()
	for name, text := range four("INSERT INTO t VALUES (33)") {
		if name != "1_t.sql" {
			b.put(name, text)
		}
	}
	sizes := b.sizes()
	b.limits.Lock = 50 * time.Millisecond
	var reader engine.Session
	begin := func(s engine.Session, queries ...string) {
		for _, q := range queries {
			if err := s.Query(t.Context(), func(func(...any) error) error { return nil }, q); err != nil {
				t.Error(err)
			}
		}
	}
	b.watch = func(e event.Event) {
		switch e.Kind {
		case event.PlanReady:
			reader = b.session()
			begin(reader, "BEGIN", "SELECT n FROM t")
		case event.LockTimeout:
			begin(reader, "COMMIT")
		}
	}
	b.migrate()
	if got := b.value("SELECT group_concat(n, ' ') FROM t"); got != "1 2 3 33 4" || fmt.Sprint(*sizes) != "[3 2]" {
		t.Errorf("the table holds %s; flushes of %v", got, *sizes)
	}
}

// TestWhatSharesNoTransaction goes step by step, and is left by itself.
func TestWhatSharesNoTransaction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, sizes string }{
		{"brief", up("INSERT INTO t VALUES (1)"), "[4]"},
		{"its own transaction", up("BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"), "[2]"},
		{"long", up("CREATE INDEX i ON t (n)"), "[2]"},
		{"rows of a table", up("UPDATE t SET n = 1"), "[2]"},
		{"a setting", up("PRAGMA recursive_triggers = ON", "INSERT INTO t VALUES (1)"), "[2]"},
		{"a savepoint", up("SAVEPOINT s", "INSERT INTO t VALUES (1)", "RELEASE s"), "[2]"},
		{"no transaction", "-- transaction: off\n" + up("INSERT INTO t VALUES (1)"), "[2]"},
		{"a limit of its own", "-- lock_timeout: 9s\n" + up("INSERT INTO t VALUES (1)"), "[2]"},
		{"a temporary table", up("CREATE TEMPORARY TABLE tt (n INTEGER)"), "[2]"},
		{"a temporary table in quotes", up(`CREATE TABLE "temp".y (n INTEGER)`), "[4]"}, // tried, and then one by one
		{"the last row", up("INSERT INTO t VALUES (last_insert_rowid())"), "[4]"},
		{"no statement", "-- upgrade\n", "[2]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": up("CREATE TABLE t (n INTEGER)"), "2_x.sql": c.text,
				"3_y.sql": up("CREATE TABLE y (n INTEGER)"), "4_z.sql": up("INSERT INTO y VALUES (1)")})
			sizes := b.sizes()
			b.migrate()
			if got := fmt.Sprint(*sizes); got != c.sizes {
				t.Errorf("flushes of %s, want %s", got, c.sizes)
			}
			if got := b.value("SELECT group_concat(version, ' ') FROM dbwarden_migrations"); got != "1 2 3 4" {
				t.Errorf("the history holds %s", got)
			}
			if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations WHERE duration_ms IS NULL OR duration_ms < 0"); got != "0" {
				t.Errorf("%s have no duration", got)
			}
			if got := b.value("SELECT n FROM y"); got != "1" {
				t.Errorf("what the last one put into the table is %q", got)
			}
			*sizes = nil
			b.plain = true
			b.put("5_z.sql", up("CREATE TABLE z5 (n INTEGER)"))
			b.put("6_z.sql", up("CREATE TABLE z6 (n INTEGER)"))
			if b.migrate(); len(*sizes) > 0 {
				t.Errorf("NoPipeline gave flushes of %v", *sizes)
			}
		})
	}
}

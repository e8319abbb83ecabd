package dbwarden_test

import (
	"errors"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

func atomicBench(t *testing.T, p product, last string) *bench {
	b := newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\n-- rollback\nDROP TABLE a;\n"})
	if !p.engine.Caps.TransactionalDDL {
		b.migrate() // what follows is data alone
	}
	b.put("0002_b.sql", "-- upgrade\nINSERT INTO a VALUES (1);\n-- rollback\nDELETE FROM a WHERE n = 1;\n")
	b.put("0003_empty.sql", "-- upgrade\n-- rollback\n")
	b.put("0004_c.sql", "-- upgrade\nINSERT INTO a VALUES (2);\n"+last+"\n-- rollback\nDELETE FROM a WHERE n = 2;\n")
	return b
}

// TestAnAtomicRunIsAllOrNothing: what fails in the last migration takes the
// first ones back, and there and back again is one transaction each.
func TestAnAtomicRunIsAllOrNothing(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := atomicBench(t, p, "INSERT INTO nowhere VALUES (1);")
		res, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.State != dbwarden.Untouched || failed.Migration.File != "0004_c.sql" || failed.Number != 2 || failed.Pos.Line != 3 || len(failed.With) < 2 {
			t.Fatalf("it ended with %+v", err)
		}
		if len(res.Completed) != 0 || b.locked() {
			t.Errorf("%d completed, locked: %v", len(res.Completed), b.locked())
		}
		if v, err := b.tryValue("SELECT COUNT(*) FROM a"); p.engine.Caps.TransactionalDDL == (err == nil) || err == nil && v != "0" {
			t.Errorf("of what came before there is %q, %v", v, err)
		}

		b.put("0004_c.sql", "-- upgrade\nINSERT INTO a VALUES (2);\n-- rollback\nDELETE FROM a WHERE n = 2;\n")
		if res, err = b.warden().Migrate(t.Context(), plan.Target{Atomic: true}); err != nil {
			t.Fatal(err)
		}
		if len(res.Completed) != len(res.Planned) || b.value("SELECT SUM(n) FROM a") != "3" {
			t.Errorf("%d of %d completed", len(res.Completed), len(res.Planned))
		}
		if res, err = b.warden().Rollback(t.Context(), plan.Target{Count: 3, Atomic: true}); err != nil || len(res.Completed) != 3 {
			t.Fatalf("back: %v", err)
		}
		if v := b.value("SELECT COUNT(*) FROM a"); v != "0" {
			t.Errorf("%s rows after the way back", v)
		}
	})
}

// TestAReleasedAtomicRunCommitsNothing: its history rows share one fence.
func TestAReleasedAtomicRunCommitsNothing(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.SingleWriter {
			t.Skip("nobody can release the lock inside SQLite's write transaction")
		}
		b := atomicBench(t, p, "")
		b.watch = func(e event.Event) {
			if e.Kind == event.StatementDone && e.File == "0004_c.sql" {
				b.exec("UPDATE dbwarden_lock SET locked = FALSE")
			}
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true}); !errors.Is(err, lock.ErrLost) {
			t.Errorf("released in its last migration it ended with %v", err)
		}
		if v, err := b.tryValue("SELECT COUNT(*) FROM a"); err == nil && v != "0" {
			t.Errorf("%s rows are there", v)
		}
		if v := b.value("SELECT COUNT(*) FROM dbwarden_migrations WHERE version = '0002'"); v != "0" {
			t.Error("the history has the second migration")
		}
	})
}

// TestWhatDoesNotFitIntoOneTransactionIsRefused, with its place, before
// anything is touched.
func TestWhatDoesNotFitIntoOneTransactionIsRefused(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		odd := map[string]string{"sqlite": "VACUUM;", "postgres": "CREATE INDEX CONCURRENTLY i ON a (n);", "mysql": "CREATE TABLE c (n INTEGER);"}[p.engine.Name]
		b := atomicBench(t, p, odd)
		_, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true})
		var r *plan.Refusal
		if !errors.As(err, &r) || r.Code != plan.NotAtomic || r.Items[0].File != "0004_c.sql" || r.Items[0].Line != 3 {
			t.Errorf("it ended with %v", err)
		}
		if _, err := b.warden().Preview(t.Context(), "upgrade", plan.Target{Atomic: true}); !errors.As(err, &r) {
			t.Errorf("the preview ended with %v", err)
		}
		b.put("0004_c.sql", "-- transaction: off\n-- upgrade\nINSERT INTO a VALUES (2);\n")
		if _, err = b.warden().Migrate(t.Context(), plan.Target{Atomic: true}); !errors.As(err, &r) || r.Code != plan.NotAtomic {
			t.Errorf("with transaction: off it ended with %v", err)
		}
	})
}

// TestSettingsOfOneFileStopAtTheNextWithinOneTransaction, where an atomic run
// goes on in the same one.
func TestSettingsOfOneFileStopAtTheNextWithinOneTransaction(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		sets := map[string]string{"sqlite": "PRAGMA recursive_triggers = ON;", "postgres": "CREATE SCHEMA other; SET search_path = other; SET ROLE pg_monitor;",
			"mysql": "SET @n = 1;"}[p.engine.Name]
		b := atomicBench(t, p, "CREATE TABLE here (n INTEGER);")
		b.put("0002_b.sql", "-- upgrade\n"+sets+"\n")
		if p.engine.Name == "mysql" {
			b.put("0004_c.sql", "-- upgrade\nINSERT INTO a VALUES (2);\n")
			_, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true})
			var r *plan.Refusal
			if !errors.As(err, &r) || r.Code != plan.NotAtomic || r.Items[0].File != "0002_b.sql" {
				t.Errorf("it ended with %v", err)
			}
			return
		}
		if p.engine.Name == "sqlite" {
			b.put("0003_empty.sql", "-- upgrade\nCREATE TABLE seen AS SELECT recursive_triggers AS v FROM pragma_recursive_triggers;\n")
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true}); err != nil {
			t.Fatal(err)
		}
		switch p.engine.Name {
		case "sqlite":
			if v := b.value("SELECT v FROM seen"); v != "0" {
				t.Errorf("the next file saw recursive_triggers = %s", v)
			}
		case "postgres":
			if v := b.value("SELECT schemaname FROM pg_tables WHERE tablename = 'here'"); v != "public" {
				t.Errorf("the table went into %s", v)
			}
		}
	})
}

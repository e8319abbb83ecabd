package dbwarden_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

func upTo(v string) plan.Target {
	version, err := migration.ParseVersion(v)
	if err != nil {
		panic(err)
	}
	return plan.Target{To: version}
}

// A database that has the tables already goes on behind the baseline, and
// back to it.
func TestABaselineRunsNothing(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{
			"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER); INSERT INTO a VALUES (1);\n-- rollback\nDROP TABLE a;",
			"2_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;",
			"3_c.sql": "-- upgrade\nINSERT INTO a VALUES (3);\n-- rollback\nDELETE FROM a WHERE id = 3;", "RA__r.sql": "-- upgrade\nINSERT INTO a VALUES (9);",
		})
		b.exec("CREATE TABLE a (id INTEGER)")
		b.exec("CREATE TABLE b (id INTEGER)")
		if res, err := b.warden().PreviewBaseline(t.Context(), upTo("2")); err != nil || len(res.Planned) != 2 || len(res.Completed) != 0 {
			t.Fatalf("previewed %+v, %v", res, err)
		}
		res, err := b.warden().Baseline(t.Context(), upTo("2"))
		if err != nil || len(res.Completed) != 2 {
			t.Fatalf("completed %v, %v", res.Completed, err)
		}
		if n := b.value("SELECT COUNT(*) FROM a"); n != "0" {
			t.Errorf("a has %s rows: something ran", n)
		}
		if res, err := b.warden().Baseline(t.Context(), upTo("2")); err != nil || len(res.Planned) != 0 {
			t.Errorf("again: %v, %v", res.Planned, err)
		}
		b.migrate()
		if n := b.value("SELECT COUNT(*) FROM a"); n != "2" {
			t.Errorf("behind it %s rows were inserted, want 2", n)
		}
		history, err := b.warden().History(t.Context())
		if err != nil || len(history) != 4 || history[0].Duration >= 0 || history[0].Statements != 2 || history[2].Duration < 0 {
			t.Errorf("history %+v, %v", history, err)
		}
		entries, err := b.warden().Attempts(t.Context())
		if err != nil || entries[0].What != journal.Applied || entries[0].Detail != journal.BaselineDetail || entries[0].Statements != 2 {
			t.Errorf("journal %+v, %v", entries, err)
		}
		var refused *plan.Refusal
		if _, err := b.warden().Baseline(t.Context(), upTo("2")); !errors.As(err, &refused) || refused.Code != plan.BeyondBaseline {
			t.Errorf("a baseline behind which there is history: %v", err)
		}
		b.rollback(plan.Target{Empty: true})
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations WHERE version IS NOT NULL"); n != "0" {
			t.Errorf("%s versions are left", n)
		}
	})
}

// All of it or nothing, and nothing once the lock is another's.
func TestABaselineIsFenced(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		files := map[string]string{}
		for i := range 300 {
			files[fmt.Sprintf("%d_t.sql", i+1)] = "-- upgrade\nSELECT 1;"
		}
		b := newBench(t, p, files)
		thief := newBench(t, p, nil)
		thief.db = b.db
		b.watch = func(e event.Event) {
			if e.Kind != event.LockAcquired {
				return
			}
			thief.exec("UPDATE dbwarden_lock SET locked = FALSE")
		}
		if _, err := b.warden().Baseline(t.Context(), upTo("300")); !errors.Is(err, lock.ErrLost) {
			t.Fatalf("the lock was another's: %v", err)
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "0" {
			t.Errorf("%s rows were written without the lock", n)
		}
	})
}

// What is half applied is not papered over.
func TestABaselineIsRefusedOverAHalfAppliedMigration(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE a (id INTEGER);\nno sql;", "2_b.sql": "-- upgrade\nSELECT 1;"})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("it ran")
		}
		var refused *plan.Refusal
		if _, err := b.warden().Baseline(t.Context(), upTo("2")); !errors.As(err, &refused) || refused.Code != plan.HalfApplied {
			t.Errorf("refused with %v", err)
		}
	})
}

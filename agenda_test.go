package dbwarden_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A file that changes behind the plan stops an atomic run whole: it does not
// leave out what stands from there on.
func TestAFileThatChangesStopsAnAtomicRunWhole(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0_t.sql": "-- upgrade\nCREATE TABLE t (n INTEGER);"})
		b.migrate()
		for _, name := range []string{"1_a.sql", "2_b.sql", "3_c.sql"} {
			b.put(name, "-- upgrade\nINSERT INTO t VALUES (1);")
		}
		b.watch = func(e event.Event) {
			if e.Kind == event.LockAcquired {
				b.put("2_b.sql", "-- upgrade\nINSERT INTO t VALUES (2);")
			}
		}
		res, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true})
		if !errors.Is(err, migration.ErrFileChanged) || len(res.Completed) != 0 {
			t.Errorf("completed %d, %v", len(res.Completed), err)
		}
		if n := b.value("SELECT COUNT(*) FROM t"); n != "0" {
			t.Errorf("%s rows, want none", n)
		}
	})
}

// A file that is gone when its turn comes is called gone, by its name and line,
// and what stands before it stays.
func TestAFileThatGoesBeforeItsTurn(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE t (n INTEGER);", "2_b.sql": "-- transaction: off\n-- upgrade\nINSERT INTO t VALUES (1);"})
		b.watch = func(e event.Event) {
			if e.Kind == event.StatementDone {
				delete(b.files, "2_b.sql")
			}
		}
		res, err := b.warden().Migrate(t.Context(), plan.Target{})
		if !errors.Is(err, migration.ErrFileGone) || !strings.Contains(err.Error(), "2_b.sql:2: ") || len(res.Completed) != 1 {
			t.Errorf("completed %d, %v", len(res.Completed), err)
		}
		if b.locked() {
			t.Error("the lock is held")
		}
	})
}

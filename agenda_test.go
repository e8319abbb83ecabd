package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
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

// TestAPendingMigrationIsHeldInLittleMemory: what a run holds of each migration
// while it is under way. It looks at the whole heap, and so runs by itself.
func TestAPendingMigrationIsHeldInLittleMemory(t *testing.T) {
	const few, many = 100, 3_100
	held := func(n int) float64 {
		dir := t.TempDir()
		for i := range n {
			text := fmt.Sprintf("-- upgrade\nCREATE TABLE t_%d (n INTEGER);\n\n-- rollback\nDROP TABLE t_%[1]d;\n", i)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d_change.sql", i)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		e := sqlite.Engine()
		db, err := e.Open(dbtest.SQLite(t), engine.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		heap := func() float64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC() // what a pool keeps goes with the second one
			runtime.ReadMemStats(&m)
			return float64(m.HeapAlloc)
		}
		var before, during float64
		ctx, stop := context.WithCancel(t.Context())
		w, err := dbwarden.New(dbwarden.Config{
			Engine: e, Database: db, Migrations: os.DirFS(dir),
			Holder: lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"},
			Observe: func(e event.Event) {
				if e.Kind == event.MigrationStarted && e.Number == 5 {
					during = heap()
					stop()
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		before = heap()
		if _, err := w.Migrate(ctx, plan.Target{}); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want that it was stopped", err)
		}
		return during - before
	}
	if each := (held(many) - held(few)) / (many - few); each < 100 || each > 600 {
		t.Errorf("%.0f bytes a migration", each)
	} else {
		t.Logf("%.0f bytes a migration", each)
	}
}

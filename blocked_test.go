package dbwarden_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// blockedBench is a table that somebody's open transaction holds, and a
// migration that wants to change it.
func blockedBench(t *testing.T, p product) (b *bench, blocker engine.Session) {
	t.Helper()
	b = newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1);\n"})
	b.migrate()
	b.put("0002_b.sql", "-- upgrade\nALTER TABLE a ADD COLUMN m INTEGER;\n-- rollback\nALTER TABLE a DROP COLUMN m;\n")
	blocker = b.session()
	// On SQLite it would keep the lock's own row, too: so it comes when that
	// has been taken.
	b.watch = func(e event.Event) {
		if e.Kind != event.LockAcquired {
			return
		}
		for _, q := range []string{p.engine.Dialect.Begin, "UPDATE a SET n = n"} {
			if _, err := blocker.Exec(t.Context(), q); err != nil {
				t.Error(err)
			}
		}
	}
	return b, blocker
}

// TestABlockedMigrationLetsGoAndComesAgain: an ALTER that has to wait for a
// table lets everybody behind it pass when its lock timeout is over, says who
// is in its way, and succeeds once that one is through.
func TestABlockedMigrationLetsGoAndComesAgain(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, blocker := blockedBench(t, p)
		const limit = 3 * time.Second
		timeouts := make(chan event.Event, 100)
		var running atomic.Int64
		block := b.watch
		b.watch = func(e event.Event) {
			block(e)
			switch e.Kind {
			case event.LockTimeout:
				timeouts <- e
			case event.StatementRunning:
				running.Add(1)
			}
		}
		b.limits.Lock = limit
		ended := make(chan error, 1)
		go func() {
			_, err := b.warden().Migrate(t.Context(), plan.Target{})
			ended <- err
		}()

		// Readers come all the time; none may be kept for longer than the
		// waiting ALTER is.
		reading, stop := context.WithCancel(t.Context())
		longest := make(chan time.Duration, 1)
		reader := b.session()
		go func() {
			var most time.Duration
			for reading.Err() == nil {
				began := time.Now()
				err := reader.Query(t.Context(), func(scan func(...any) error) error { var n int64; return scan(&n) }, "SELECT COUNT(*) FROM a")
				if err != nil {
					t.Errorf("a reader: %v", err)
				}
				most = max(most, time.Since(began))
				time.Sleep(10 * time.Millisecond) // a reader's own pace
			}
			longest <- most
		}()

		var e event.Event
		select {
		case e = <-timeouts:
		case err := <-ended:
			t.Fatalf("the migration ended while the table was held: %v", err)
		}
		if e.Number != 1 || e.Elapsed <= 0 || e.File != "0002_b.sql" {
			t.Errorf("the first timeout is told as %+v", e)
		}
		if p.engine.Activity != nil {
			if id, _, _ := strings.Cut(blocker.ID(), "/"); !strings.Contains(e.Blockers, "session "+id) {
				t.Errorf("the blocker is session %s, and named is %q", id, e.Blockers)
			}
			if running.Load() == 0 {
				t.Error("nobody was told that the statement was still running")
			}
		}
		select {
		case <-timeouts:
		case err := <-ended:
			t.Fatalf("the migration ended while the table was held: %v", err)
		}
		if _, err := blocker.Exec(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatalf("with the table free: %v", err)
		}
		stop()
		if most := <-longest; most > limit+time.Second {
			t.Errorf("a reader waited for %s", most)
		}
		if v := b.value("SELECT COUNT(m) FROM a"); v != "0" {
			t.Errorf("the column counts %s", v)
		}
		if b.locked() {
			t.Error("the lock was kept")
		}
	})
}

// TestABlockedMigrationGivesUpInTheEnd: the error names who was in the way
// and how often it was tried; nothing stays, and the lock is free.
func TestABlockedMigrationGivesUpInTheEnd(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, blocker := blockedBench(t, p)
		b.limits.Lock, b.retry = 2*time.Second, 3*time.Second
		block := b.watch
		b.watch = func(e event.Event) {
			if block(e); e.Kind == event.MigrationFailed {
				// On SQLite nobody could write that the lock is free.
				if _, err := blocker.Exec(t.Context(), "ROLLBACK"); err != nil {
					t.Error(err)
				}
			}
		}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.State != dbwarden.Untouched || !failed.Fault.WaitedOut {
			t.Fatalf("it ended with %+v", err)
		}
		if failed.Tries != 2 {
			t.Errorf("it was tried %d times, want 2", failed.Tries)
		}
		if p.engine.Activity != nil && len(failed.Blockers) == 0 {
			t.Error("nobody was named")
		}
		if b.locked() {
			t.Error("the lock was kept")
		}
	})
}

// TestAReleasedRunDoesNotTryAgain: between two tries the hold is looked at.
func TestAReleasedRunDoesNotTryAgain(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.SingleWriter {
			t.Skip("who blocks a run on SQLite also keeps everybody from releasing its lock")
		}
		b, _ := blockedBench(t, p)
		b.limits.Lock = 200 * time.Millisecond
		tries := 0
		block := b.watch
		b.watch = func(e event.Event) {
			if block(e); e.Kind == event.LockTimeout {
				if tries++; tries == 1 {
					b.exec("UPDATE dbwarden_lock SET locked = FALSE")
				}
			}
		}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		if !errors.Is(err, lock.ErrLost) || tries != 1 {
			t.Errorf("released between two tries it ended after %d with %v", tries, err)
		}
	})
}

// TestABlockerIsNamedWithinAShortTimeout: who is in the way is seen only while
// the statement waits, which is over before the watcher comes by.
func TestABlockerIsNamedWithinAShortTimeout(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Activity == nil {
			t.Skip("SQLite cannot tell")
		}
		b, blocker := blockedBench(t, p)
		b.limits.Lock = time.Second // the least that MariaDB knows
		block := b.watch
		named := 0
		b.watch = func(e event.Event) {
			if block(e); e.Kind != event.LockTimeout {
				return
			}
			id, _, _ := strings.Cut(blocker.ID(), "/")
			if named++; !strings.Contains(e.Blockers, "session "+id) && named < 10 {
				return // the machine may have been busy
			}
			if _, err := blocker.Exec(t.Context(), "COMMIT"); err != nil {
				t.Error(err)
			}
			if !strings.Contains(e.Blockers, "session "+id) {
				t.Errorf("the blocker is session %s, and named is %q", id, e.Blockers)
			}
		}
		b.migrate()
	})
}

// keeps has a transaction that waits for the rows of a, behind something that a
// rollback leaves in the session and that would make the next try another one.
var keeps = map[string]string{
	"postgres": "-- upgrade\nPREPARE p AS SELECT 1;\nUPDATE a SET n = n + 1;\n",
	"mysql": "-- upgrade\nINSERT INTO l VALUES (COALESCE(@seen, 1));\nSET @seen = 5;\nCREATE TEMPORARY TABLE tmp (n INTEGER);\n" +
		"UPDATE a SET n = n + 1;\n",
	"sqlite": "-- upgrade\nCREATE TEMP TABLE tmp (n INTEGER);\nUPDATE a SET n = n + 1;\n",
}

// TestAnotherTryFindsTheSessionAsTheFirstDid: what the first one made of the
// session's own is gone, and what an earlier part of the file had set is there.
func TestAnotherTryFindsTheSessionAsTheFirstDid(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for name, before := range map[string]string{"first": "", "behind settings": set[p.engine.Name]} {
			t.Run(name, func(t *testing.T) {
				b, blocker := blockedBench(t, p)
				b.limits.Lock = time.Second
				block := b.watch
				tries := 0
				b.watch = func(e event.Event) {
					if block(e); e.Kind == event.LockTimeout {
						if tries++; tries == 1 {
							if _, err := blocker.Exec(t.Context(), "COMMIT"); err != nil {
								t.Error(err)
							}
						}
					}
				}
				b.exec("CREATE TABLE l (n INTEGER)")
				body := strings.Replace(keeps[p.engine.Name], "-- upgrade\n", "-- upgrade\n"+before, 1)
				b.put("0002_b.sql", body)
				b.migrate()
				if n := b.value("SELECT n FROM a"); n != "2" || tries != 1 {
					t.Errorf("n is %s behind %d tries that failed", n, tries)
				}
				if p.engine.Name == "mysql" {
					if n := b.value("SELECT SUM(n) FROM l"); n != "1" {
						t.Errorf("it wrote %s", n)
					}
				}
				if before != "" {
					if n := b.value("SELECT COUNT(*) FROM was"); n != "1" {
						t.Errorf("%s rows say that the setting was there", n)
					}
				}
			})
		}
	})
}

// set are a part of a file that is done before the transaction of keeps, and a
// setting in it that the transaction needs.
var set = map[string]string{
	"postgres": "CREATE SCHEMA other;\nSET search_path = other, public;\nCREATE TABLE public.was (n INTEGER);\nVACUUM public.a;\nINSERT INTO was SELECT 1 WHERE current_setting('search_path') LIKE 'other%';\n",
	"mysql":    "CREATE TABLE was (n INTEGER);\nSET div_precision_increment = 7;\nALTER TABLE l COMMENT 'x';\nINSERT INTO was SELECT 1 WHERE @@div_precision_increment = 7;\n",
	"sqlite":   "PRAGMA cache_size = 77;\nCREATE TABLE was (n INTEGER);\nINSERT INTO was SELECT 1 FROM pragma_cache_size WHERE cache_size = 77;\n",
}

// TestWhoStopsBetweenTwoTriesIsTold: that it was asked to stop is what ended the
// run, not the lock that it waited for.
func TestWhoStopsBetweenTwoTriesIsTold(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, _ := blockedBench(t, p)
		b.limits.Lock = 200 * time.Millisecond
		ctx, cancel := context.WithCancelCause(t.Context())
		block := b.watch
		b.watch = func(e event.Event) {
			if block(e); e.Kind == event.LockTimeout {
				cancel(errors.New("stopped by a test"))
			}
		}
		_, err := b.warden().Migrate(ctx, plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || !errors.Is(failed.Err, dbwarden.ErrInterrupted) || failed.Tries > 1 || failed.State != dbwarden.Untouched {
			t.Fatalf("it ended with %v", err)
		}
		if got := failed.Summary(); !strings.Contains(got, "stopped by a test") {
			t.Errorf("in short: %s", got)
		}
	})
}

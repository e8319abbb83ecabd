package dbwarden_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestTheLivingAreNeverTakenOver: the native lock is what tells the living
// from the gone, also to those who may take over from the gone.
func TestTheLivingAreNeverTakenOver(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		var err error
		b.behind("2", 1, func() {
			other := *b
			other.watch, other.recover, other.wait = nil, true, 0
			_, err = other.warden().Migrate(t.Context(), plan.Target{})
		})
		b.migrate()
		var held *lock.HeldError
		if !errors.As(err, &held) || held.Status.Verdict != lock.Alive {
			t.Errorf("beside a living run it ended with %v", err)
		}
		if v := b.value("SELECT COUNT(*) FROM t"); v != "2" {
			t.Errorf("%s rows, want 2", v)
		}
	})
}

// TestASessionReleasedByHandIsEnded: it can commit nothing, but its session
// would keep everybody out, for as long as its process is stopped.
func TestASessionReleasedByHandIsEnded(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.File {
			t.Skip("there is no session apart from the process")
		}
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		var err error
		b.behind("2", 1, func() {
			b.exec("UPDATE dbwarden_lock SET locked = FALSE")
			other := *b
			other.watch = nil
			_, err = other.warden().Migrate(t.Context(), plan.Target{})
		})
		if _, zombie := b.warden().Migrate(t.Context(), plan.Target{}); !errors.Is(zombie, lock.ErrLost) {
			t.Errorf("the released run ended with %v", zombie)
		}
		if err != nil {
			t.Errorf("its successor ended with %v", err)
		}
		if v := b.value("SELECT COUNT(*) FROM t"); v != "2" {
			t.Errorf("%s rows, want 2", v)
		}
	})
}

// TestWhoWaitedPlansAnew: what was pending before the lock was had may have
// been applied by whoever had it.
func TestWhoWaitedPlansAnew(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		type outcome struct {
			res *dbwarden.Result
			err error
		}
		ended := make(chan outcome, 1)
		b.behind("2", 1, func() {
			waits := make(chan bool, 100)
			other := *b
			other.watch = func(e event.Event) {
				if e.Kind == event.LockWaiting {
					waits <- true
				}
			}
			go func() {
				res, err := other.warden().Migrate(t.Context(), plan.Target{})
				ended <- outcome{res, err}
			}()
			<-waits
		})
		b.migrate()
		if o := <-ended; o.err != nil || len(o.res.Completed) != 0 {
			t.Errorf("who waited ended with %v and ran %d migrations", o.err, len(o.res.Completed))
		}
		if v := b.value("SELECT COUNT(*) FROM t"); v != "2" {
			t.Errorf("%s rows, want 2", v)
		}
	})
}

// TestRecoverSparesTheUnknown: a holder that took no native lock we know of
// may be alive.
func TestRecoverSparesTheUnknown(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.exec("UPDATE dbwarden_lock SET locked = TRUE, release_at = NULL, run_id = 'theirs', state = 'running', native = 'of another kind'")
		b.recover, b.wait = true, 0
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var held *lock.HeldError
		if !errors.As(err, &held) || held.Status.Verdict != lock.Unknown {
			t.Errorf("it ended with %v", err)
		}
	})
}

// TestTheLockTimeoutIsOnByDefault: nobody has to ask for it.
func TestTheLockTimeoutIsOnByDefault(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, blocker := blockedBench(t, p)
		b.retry = -1
		block := b.watch
		b.watch = func(e event.Event) {
			if block(e); e.Kind == event.MigrationFailed {
				blocker.Close() // on SQLite nobody could write that the lock is free
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := b.warden().Migrate(ctx, plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || !failed.Fault.WaitedOut {
			t.Errorf("it ended with %v", err)
		}
	})
}

// TestUnlockLeavesWhatANewerRunKept: between the look and the release another
// run has taken over, failed half-way and kept the lock. Nobody has the native
// lock then, and only run and token tell the two apart.
func TestUnlockLeavesWhatANewerRunKept(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.crashAt("2", 1)
		keep := sync.OnceFunc(func() {
			b.exec("UPDATE dbwarden_lock SET fencing_token = fencing_token + 1, run_id = 'newer', state = 'failed'")
		})
		raced := *p.engine
		try := raced.Native.Try
		raced.Native.Try = func(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
			keep()
			return try(ctx, s, k)
		}
		unlocker := *b
		unlocker.engine = &raced
		_, err := unlocker.warden().Unlock(t.Context(), true, "")
		var held *lock.HeldError
		if !errors.As(err, &held) || held.Status.Row.Run != "newer" {
			t.Errorf("unlock gave %v, want the newer run's", err)
		}
		if !b.locked() {
			t.Error("what the newer run kept was released")
		}
	})
}

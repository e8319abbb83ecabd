package dbwarden_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// What the model of the protocol (internal/model) found, on real servers.

// TestAFreezeRevivesNobody: somebody releases by hand in mid-run and then
// locks by hand. The row bears the run and token of the hold again, and is not
// its own: nothing more is run, and nobody takes the freeze over or lifts it.
func TestAFreezeRevivesNobody(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE a (n INTEGER);\nCREATE TABLE b (n INTEGER);\n-- rollback\n"})
		b.behind("1", 1, func() {
			b.exec("UPDATE dbwarden_lock SET locked = FALSE, release_at = CURRENT_TIMESTAMP")
			b.exec("UPDATE dbwarden_lock SET locked = TRUE")
		})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.Is(err, lock.ErrLost) {
			t.Errorf("got %v, want the lock lost", err)
		}
		b.watch = nil
		if _, err := b.tryValue("SELECT COUNT(*) FROM b"); err == nil {
			t.Error("a released holder has run another statement")
		}
		b.wait, b.recover = 0, true
		var held *lock.HeldError
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) || held.Status.Verdict != lock.ByHand {
			t.Errorf("migrate --recover gave %v, want the lock frozen by hand", err)
		}
		if !b.locked() {
			t.Error("the freeze was lifted")
		}
	})
}

// cutting is a database that cancels a run when the server has done a
// statement, before its answer is heard.
type cutting struct {
	engine.Database
	at  string
	cut func()
}

type cuttingSession struct {
	engine.Session
	*cutting
}

func (c *cutting) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	s, err := c.Database.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return cuttingSession{s, c}, nil
}

func (s cuttingSession) Unwrap() engine.Session { return s.Session }

func (s cuttingSession) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	n, err := s.Session.Exec(ctx, query, args...)
	if err == nil && strings.Contains(query, s.at) {
		s.cut()
	}
	return n, err
}

// TestInterruptWhileTheLockIsTaken: a run that is told to stop just when its
// row was written leaves no lock of the gone behind.
func TestInterruptWhileTheLockIsTaken(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		ctx, cancel := context.WithCancel(t.Context())
		interrupted := *b
		interrupted.db = &cutting{b.db, "SET locked = TRUE", cancel}
		if _, err := interrupted.warden().Migrate(ctx, plan.Target{}); err == nil {
			t.Error("the run was not stopped")
		}
		if b.locked() {
			t.Error("the lock is held, by nobody")
		}
		b.migrate()
	})
}

// TestUnlockEndsNobodyWhoAsks: while the holder is gone, somebody else has the
// native lock for a moment, to ask for the row. unlock --force does not end
// that session, and unlock without it is not told that the holder lives.
func TestUnlockEndsNobodyWhoAsks(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.File {
			t.Skip("the lock's file does not tell sessions apart, and nobody is ended there")
		}
		for name, force := range map[string]bool{"unlock": false, "unlock --force": true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"1_t.sql": table})
				b.migrate()
				b.put("2_rows.sql", twoRows)
				b.crashAt("2", 1)
				asks := b.session()
				if got, err := p.engine.Native.Try(t.Context(), asks, b.key()); !got || err != nil {
					t.Fatal(got, err)
				}
				goes := *p.engine
				try := goes.Native.Try
				goes.Native.Try = func(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
					if _, err := p.engine.Native.Free(ctx, asks, k); err != nil {
						t.Errorf("who asked was ended: %v", err)
					}
					return try(ctx, s, k)
				}
				unlocker := *b
				unlocker.engine = &goes
				if _, err := unlocker.warden().Unlock(t.Context(), force, ""); err != nil {
					t.Errorf("unlock: %v", err)
				}
				if b.locked() {
					t.Error("the lock is held")
				}
			})
		}
	})
}

// TestTakenOverAndThroughIsFree: what was taken over is finished, and then the
// run is told to stop. Nothing is half done, so nothing is kept.
func TestTakenOverAndThroughIsFree(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.put("3_u.sql", "-- upgrade\nCREATE TABLE u (n INTEGER);\n-- rollback\nDROP TABLE u;\n")
		b.crashAt("2", 1)
		ctx, cancel := context.WithCancel(t.Context())
		b.recover, b.plain = true, true
		b.watch = func(e event.Event) {
			if e.Kind == event.MigrationDone {
				cancel()
			}
		}
		if _, err := b.warden().Migrate(ctx, plan.Target{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the run stopped", err)
		}
		b.watch = nil
		if b.locked() {
			t.Error("the lock is kept, and nothing is half done")
		}
	})
}

package dbwarden_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// crashAt runs a migrate that dies behind a statement, and waits until its
// lock is one of the gone.
func (b *bench) crashAt(version string, statement int) {
	b.t.Helper()
	b.behind(version, statement, func() { panic("crash") })
	func() {
		defer func() { recover() }()
		b.warden().Migrate(b.t.Context(), plan.Target{})
	}()
	b.watch = nil
	b.awaitGone()
}

// TestUnlockNeverReleasesANewerHolder: between the look and the release the
// lock of the gone is taken over by another run. unlock leaves that one alone
// and says who it is; when it has ended by then there is nothing to release.
func TestUnlockNeverReleasesANewerHolder(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for name, over := range map[string]bool{"at work": false, "through": true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"1_t.sql": table})
				b.migrate()
				b.put("2_rows.sql", twoRows)
				b.crashAt("2", 1)

				working, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
				successor := *b
				successor.recover = true
				successor.watch = func(e event.Event) {
					if e.Kind == event.StatementStarted && e.Statement == 1 {
						close(working)
						<-goOn
					}
				}
				takeOver := sync.OnceFunc(func() {
					go func() {
						_, err := successor.warden().Migrate(context.Background(), plan.Target{})
						ended <- err
					}()
					<-working
					if over {
						close(goOn)
						if err := <-ended; err != nil {
							t.Error(err)
						}
					}
				})
				raced := *p.engine
				try := raced.Native.Try
				raced.Native.Try = func(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
					takeOver()
					return try(ctx, s, k)
				}
				unlocker := *b
				unlocker.engine = &raced
				found, err := unlocker.warden().Unlock(t.Context(), true, "")
				if over {
					if !errors.Is(err, lock.ErrNotHeld) {
						t.Errorf("unlock gave %v, want nothing to release", err)
					}
				} else {
					var held *lock.HeldError
					if !errors.As(err, &held) || found.Verdict != lock.Alive {
						t.Errorf("unlock gave %+v, %v; want the newer holder, alive", found.Status, err)
					}
					close(goOn)
					if err := <-ended; err != nil {
						t.Errorf("the newer holder ended with %v", err)
					}
				}
				if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
					t.Errorf("%s rows, want 2", got)
				}
				if got := b.value("SELECT COUNT(*) FROM dbwarden_journal WHERE event = 'unlocked'"); got != "0" {
					t.Errorf("%s entries say that somebody was unlocked", got)
				}
			})
		}
	})
}

// TestUnlockIsWrittenDownOrNotDone: the row and the journal's entry about it
// are one transaction, so that a row which changed under us stays as it is and
// nothing is written.
func TestUnlockIsWrittenDownOrNotDone(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.crashAt("2", 1)
		raced := *p.engine
		try := raced.Native.Try
		raced.Native.Try = func(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
			b.exec("UPDATE dbwarden_lock SET run_id = 'another'")
			return try(ctx, s, k)
		}
		unlocker := *b
		unlocker.engine = &raced
		var held *lock.HeldError
		if _, err := unlocker.warden().Unlock(t.Context(), true, ""); !errors.As(err, &held) {
			t.Errorf("unlock gave %v, want the lock held", err)
		}
		if !b.locked() {
			t.Error("the lock of another was released")
		}
		if got := b.value("SELECT COUNT(*) FROM dbwarden_journal WHERE event = 'unlocked'"); got != "0" {
			t.Errorf("%s entries say that somebody was unlocked", got)
		}
	})
}

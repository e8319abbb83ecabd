package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

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

// TestAFreezeAfterAReleaseByHandHolds: the row is released by hand in the
// middle of a run and locked by hand right after, before that run could
// notice. It commits nothing, leaves the freeze as it is, and nobody takes a
// freeze over.
func TestAFreezeAfterAReleaseByHandHolds(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		freezeAfterReleaseByHand(t, p, p.engine.Dialect.Now)
	})
}

// TestAReleaseByHandCountsInEveryTimeZone: NOW() is the session's local time
// on MySQL and MariaDB, while all else in the row is UTC. Whatever time it
// writes, before the run began or hours ahead, the run was released.
func TestAReleaseByHandCountsInEveryTimeZone(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		set := map[string]string{"postgres": "SET TIME ZONE INTERVAL '%s' HOUR TO MINUTE", "mysql": "SET time_zone = '%s'"}[p.engine.Name]
		if set == "" {
			t.Skip("SQLite's sessions have no time zone")
		}
		for _, zone := range []string{"+05:30", "-08:00"} {
			freezeAfterReleaseByHand(t, p, "NOW()", fmt.Sprintf(set, zone))
		}
	})
}

func freezeAfterReleaseByHand(t *testing.T, p product, now string, before ...string) {
	t.Helper()
	// Between two statements outside a transaction, which SQLite's file
	// lets others write; the second is the one that must not be recorded.
	b := newBench(t, p, map[string]string{"1_t.sql": table})
	b.migrate()
	b.put("2_rows.sql", "-- transaction: off\n"+strings.Replace(twoRows, "INSERT INTO t VALUES (1)", secretly(p.engine.Name, "INSERT INTO t VALUES (1)"), 1))
	var refused error
	b.behind("2", 1, func() {
		s := b.session()
		for _, q := range append(before, "UPDATE dbwarden_lock SET locked = FALSE, release_at = "+now, "UPDATE dbwarden_lock SET locked = TRUE") {
			_, err := s.Exec(t.Context(), q)
			refused = errors.Join(refused, err)
		}
	})
	_, err := b.warden().Migrate(t.Context(), plan.Target{})
	b.watch = nil
	if refused != nil {
		t.Fatalf("the updates by hand: %v", refused)
	}
	if !errors.Is(err, lock.ErrLost) {
		t.Errorf("the run ended with %v, want its lock lost", err)
	}
	if got := b.value("SELECT COUNT(*) FROM t"); got != "1" {
		t.Errorf("%s rows, want the one that was there before the release", got)
	}
	r, err := b.warden().Lock(t.Context())
	if err != nil || r.Verdict != lock.ByHand {
		t.Errorf("verdict %s, %v; want the freeze", r.Verdict, err)
	}
	b.wait, b.recover = 0, true
	var held *lock.HeldError
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) || held.Status.Verdict != lock.ByHand {
		t.Errorf("a run that recovers got %v, want the freeze", err)
	}
	if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
		t.Error(err)
	}
}

// TestUnlockWaitsForARunThatWasReleasedByHand: it ends by itself, and until then
// its session has the native lock.
func TestUnlockWaitsForARunThatWasReleasedByHand(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", "-- transaction: off\n"+strings.Replace(twoRows, "INSERT INTO t VALUES (1)", secretly(p.engine.Name, "INSERT INTO t VALUES (1)"), 1))
		other := newBench(t, p, nil)
		other.db = b.db
		unlocked := make(chan error, 1)
		b.behind("2", 1, func() {
			s := b.session()
			for _, q := range []string{"UPDATE dbwarden_lock SET locked = FALSE, release_at = " + p.engine.Dialect.Now, "UPDATE dbwarden_lock SET locked = TRUE"} {
				if _, err := s.Exec(t.Context(), q); err != nil {
					t.Error(err)
				}
			}
			go func() {
				_, err := other.warden().Unlock(t.Context(), false, "")
				unlocked <- err
			}()
			select { // the run does not end before this returns
			case err := <-unlocked:
				t.Errorf("unlock, the session being alive: %v", err)
				unlocked <- err
			case <-time.After(300 * time.Millisecond):
			}
		})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.Is(err, lock.ErrLost) {
			t.Errorf("the run ended with %v, want its lock lost", err)
		}
		if err := <-unlocked; err != nil {
			t.Errorf("unlock: %v", err)
		}
	})
}

// TestNobodyIsAliveForEverWithoutABeat: a process that was killed before it
// first said that it lives, while its statement goes on in the server, has
// left a session that holds the lock, and no beat that grows old.
func TestNobodyIsAliveForEverWithoutABeat(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		ago := map[string]string{"postgres": "now() - INTERVAL '%d seconds'", "mysql": "UTC_TIMESTAMP(6) - INTERVAL %d SECOND"}[p.engine.Name]
		if ago == "" {
			t.Skip("the lock's file bears the beat on SQLite")
		}
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		s := b.session()
		if got, err := p.engine.Native.Try(t.Context(), s, b.key()); !got || err != nil {
			t.Fatalf("the native lock: %t, %v", got, err)
		}
		for seconds, want := range map[int]lock.Verdict{3: lock.Alive, 60: lock.Silent} {
			b.exec("UPDATE dbwarden_lock SET locked = TRUE, release_at = NULL, run_id = 'killed', native = 'session', state = 'running', acquired_at = " + fmt.Sprintf(ago, seconds))
			if r, err := b.warden().Lock(t.Context()); err != nil || r.Verdict != want {
				t.Errorf("%d s after it took the lock: %s, %v; want %s", seconds, r.Verdict, err, want)
			}
		}
	})
}

// TestAStoppedUnlockerIsNotTakenForTheHolder: it has the database's own lock,
// and the run whose row it was about to release is gone. Who it is is said.
func TestAStoppedUnlockerIsNotTakenForTheHolder(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.File {
			t.Skip("a file names the process that has it locked, not a session")
		}
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.crashAt("2", 1)
		stopped := b.session()
		if got, err := b.engine.Native.Try(t.Context(), stopped, b.key()); err != nil || !got {
			t.Fatal(got, err)
		}
		r, err := b.warden().Lock(t.Context())
		if err != nil || r.Verdict != lock.Gone || !r.Owner.Held || r.Owner.Session != stopped.ID() {
			t.Errorf("seen is %+v, %v", r.Status, err)
		}
		_, err = b.warden().Unlock(t.Context(), false, "")
		var stuck *lock.EvictError
		if !errors.As(err, &stuck) || stuck.Ending || stuck.Status.Owner.Session != stopped.ID() || !strings.Contains(err.Error(), "its session has ended, and another one ("+stopped.ID()+")") {
			t.Errorf("unlock gave %v", err)
		}
		stopped.Close()
		b.unlock()
	})
}

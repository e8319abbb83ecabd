package dbwarden_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

const outside = "-- transaction: off\n"

// drop is a statement of a migration that gives back the native lock of the
// session that it runs in.
type drop struct{ header, statement string }

// drops says also what keeps a statement of the product busy for long.
var drops = map[string]struct {
	ways  map[string]drop
	sleep string
}{
	"postgres": {map[string]drop{
		"in a transaction":      {"", "DO 'BEGIN PERFORM pg_advisory_unlock_all(); END';"},
		"outside a transaction": {outside, "DO 'BEGIN PERFORM pg_advisory_unlock_all(); END';"},
	}, "SELECT pg_sleep(60);"},
	"mysql": {map[string]drop{
		"in a transaction":      {"", "EXECUTE IMMEDIATE 'DO RELEASE_ALL_LOCKS()';"},
		"outside a transaction": {outside, "EXECUTE IMMEDIATE 'DO RELEASE_ALL_LOCKS()';"},
	}, "DO SLEEP(60);"},
}

// onEveryDrop has 2_rows.sql write a row, give back the lock, and go on.
func onEveryDrop(t *testing.T, test func(t *testing.T, b *bench, file func(next string))) {
	onEvery(t, func(t *testing.T, p product) {
		for name, d := range drops[p.engine.Name].ways {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"1_t.sql": table})
				b.migrate()
				test(t, b, func(next string) {
					b.put("2_rows.sql", strings.Join([]string{d.header + "-- upgrade", "INSERT INTO t VALUES (1);", d.statement, next, "-- rollback", ""}, "\n"))
				})
			})
		}
	})
}

// TestAMigrationThatDropsItsLockIsStopped: the statement behind it would go on
// for a minute without the lock; the watcher ends the run.
func TestAMigrationThatDropsItsLockIsStopped(t *testing.T) {
	onEveryDrop(t, func(t *testing.T, b *bench, file func(string)) {
		file(drops[b.engine.Name].sleep)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := b.warden().Migrate(ctx, plan.Target{}); !errors.Is(err, lock.ErrLost) {
			t.Fatalf("it ended with %v, want the lock lost", err)
		}
		if r, err := b.warden().Lock(t.Context()); err != nil || r.Verdict != lock.Gone {
			t.Errorf("verdict %s, %v; want gone", r.Verdict, err)
		}
		if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
			t.Errorf("unlock: %v", err)
		}
	})
}

// TestAMigrationThatDropsItsLockWritesNothingBesideASuccessor: what another
// run takes over in that moment is its alone.
func TestAMigrationThatDropsItsLockWritesNothingBesideASuccessor(t *testing.T) {
	onEveryDrop(t, func(t *testing.T, b *bench, file func(string)) {
		file("INSERT INTO t VALUES (2);")
		var next error
		b.behind("2", 2, func() {
			other := *b
			other.watch, other.recover = nil, true
			_, next = other.warden().Migrate(t.Context(), plan.Target{})
		})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.Is(err, lock.ErrLost) {
			t.Errorf("it ended with %v, want the lock lost", err)
		}
		// The successor's own file drops its lock as well, which it learns at
		// the latest when it gives it back. Or it cannot know whether the
		// statement that dropped it has ended, and then it runs nothing.
		rows, history := "2", "2"
		var doubt *plan.Refusal
		if errors.As(next, &doubt) && doubt.Code == plan.InDoubt {
			rows, history = "1", "1"
		} else if next != nil && !errors.Is(next, lock.ErrLost) {
			t.Errorf("its successor ended with %v", next)
		}
		if got := b.value("SELECT COUNT(*) FROM t"); got != rows {
			t.Errorf("%s rows, want %s; its successor ended with %v", got, rows, next)
		}
		if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); got != history {
			t.Errorf("%s migrations in the history, want %s", got, history)
		}
	})
}

// TestTheServersTimeLimitBetweenTwoStatements: the run is silent for longer
// than the server lets a session be, whether in a transaction or not. The
// session goes, and with it the lock; the run says so, and the next is right.
func TestTheServersTimeLimitBetweenTwoStatements(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.File {
			t.Skip("there is no session apart from the process")
		}
		for name, header := range map[string]string{"in a transaction": "", "outside a transaction": outside} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"1_t.sql": table})
				b.migrate()
				b.put("2_rows.sql", header+twoRows)
				b.limits = engine.Limits{Idle: time.Second}
				b.behind("2", 1, func() {
					within30(t, "the server ends the session", func() bool {
						r, err := b.warden().Lock(t.Context())
						return err == nil && r.Verdict == lock.Gone
					})
				})
				if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.Is(err, lock.ErrLost) {
					t.Errorf("it ended with %v, want the lock lost", err)
				}
				b.watch, b.limits, b.recover = nil, engine.Limits{}, true
				b.migrate()
				if got := b.value("SELECT COUNT(*) FROM t"); got != "2" || b.locked() {
					t.Errorf("%s rows, locked %v; want 2, and free", got, b.locked())
				}
			})
		}
	})
}

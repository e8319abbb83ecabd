package dbwarden_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestWhoStopsBetweenTwoGroupsIsTold: no statement is at fault, and it is said
// behind which one the run was stopped.
func TestWhoStopsBetweenTwoGroupsIsTold(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE x (n INTEGER);\nCREATE TABLE y (n INTEGER);\n"})
		ctx, cancel := context.WithCancelCause(t.Context())
		b.watch = func(e event.Event) {
			if e.Kind == event.StatementDone && e.Statement == 1 {
				cancel(errors.New("stopped by a test"))
			}
		}
		_, err := b.warden().Migrate(ctx, plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || !errors.Is(failed.Err, dbwarden.ErrInterrupted) || failed.State != dbwarden.Partial || failed.Done != 1 || !failed.LockKept {
			t.Fatalf("it ended with %#v", err)
		}
		if want := "upgrade 1_t.sql was interrupted behind statement 1 of 2: stopped by a test"; failed.Summary() != want {
			t.Errorf("in short: %s, want %s", failed.Summary(), want)
		}
	})
}

// endOf is what ends another session.
var endOf = map[string]string{"postgres": "SELECT pg_terminate_backend(%s)", "mysql": "KILL CONNECTION %s"}

// TestAConnectionThatBreaksInAStatementIsCalledSo: the lock is lost with it, and
// nobody has taken it away.
func TestAConnectionThatBreaksInAStatementIsCalledSo(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if endOf[p.engine.Name] == "" {
			t.Skip("SQLite has no connection that breaks")
		}
		b := newBench(t, p, map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE x (n INTEGER);\n" + drops[p.engine.Name].sleep})
		other, ended := b.session(), false
		b.watch = func(e event.Event) {
			if e.Kind != event.StatementRunning || ended {
				return
			}
			ended = true
			id := b.value("SELECT session_id FROM dbwarden_lock")
			id, _, _ = strings.Cut(id, "/")
			does(t, other, strings.Replace(endOf[p.engine.Name], "%s", id, 1))
		}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || !errors.Is(err, lock.ErrLost) || failed.State != dbwarden.Undecided || failed.Fault.Kind != engine.Lost {
			t.Fatalf("it ended with %#v", err)
		}
	})
}

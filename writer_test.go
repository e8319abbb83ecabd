package dbwarden_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// does has another program do something.
func does(t *testing.T, s engine.Session, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// TestALockIsWaitedForPastAWriterAsLongAsSaid: another program's transaction on
// a SQLite file is waited for as another run is, whatever the lock timeout; it
// is told, and told apart from a run.
func TestALockIsWaitedForPastAWriterAsLongAsSaid(t *testing.T) {
	for _, begin := range []string{"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"} {
		t.Run(begin, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": table})
			b.migrate()
			b.put("2_rows.sql", twoRows)
			b.limits.Lock = time.Hour // which the lock has nothing to do with
			other := b.session()
			does(t, other, begin)

			b.wait = 0
			_, err := b.warden().Migrate(t.Context(), plan.Target{})
			var blocked *lock.BlockedError
			if !errors.As(err, &blocked) || blocked.Waited > time.Minute || !blocked.File {
				t.Errorf("without a wait it ended with %#v", err)
			}

			b.wait = time.Hour
			told := 0
			b.watch = func(e event.Event) {
				if e.Kind == event.LockWaiting {
					if told++; e.Detail != event.Writer || e.Elapsed < time.Second {
						t.Errorf("the wait is told as %+v", e)
					}
					does(t, other, "COMMIT")
				}
			}
			b.migrate()
			if told != 1 {
				t.Errorf("the wait was told %d times", told)
			}
		})
	}
}

// barred is a database whose sessions find it locked by another program when
// they ask for the lock's row.
type barred struct {
	engine.Database
	bar func()
}

type barredSession struct {
	engine.Session
	bar func()
}

func (d barred) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	s, err := d.Database.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return &barredSession{s, d.bar}, nil
}

func (s *barredSession) Unwrap() engine.Session { return s.Session }

func (s *barredSession) Query(ctx context.Context, each func(func(...any) error) error, q string, args ...any) error {
	if strings.Contains(q, "dbwarden_lock") {
		s.bar()
	}
	return s.Session.Query(ctx, each, q, args...)
}

// TestNothingToDoIsNoFailureBesideAWriter who comes when the plan is made and
// before the lock is looked at. It is waited for; one that stays keeps the lock
// from being seen, which is a warning.
func TestNothingToDoIsNoFailureBesideAWriter(t *testing.T) {
	for name, stays := range map[string]bool{"leaves": false, "stays": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": table})
			b.migrate()
			other, came := b.session(), false
			b.db = barred{b.db, func() {
				if !came {
					came = true
					does(t, other, "BEGIN EXCLUSIVE")
				}
			}}
			b.wait = 0
			if !stays {
				b.wait = time.Hour
				b.watch = func(e event.Event) {
					if e.Kind == event.LockWaiting {
						does(t, other, "COMMIT")
					}
				}
			}
			res, err := b.warden().Migrate(t.Context(), plan.Target{})
			if err != nil || !came || len(res.Warnings) > 0 != stays {
				t.Errorf("it ended with %v and the warnings %q; was there a writer: %v", err, res.Warnings, came)
			}
		})
	}
}

// TestWhoOnlyLooksIsToldSoonOfAWriter, where that one keeps it from reading.
func TestWhoOnlyLooksIsToldSoonOfAWriter(t *testing.T) {
	b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": table})
	b.migrate()
	b.limits.Lock = time.Hour
	other := b.session()
	does(t, other, "BEGIN IMMEDIATE")
	if _, err := b.warden().Status(t.Context()); err != nil {
		t.Errorf("beside a writer: %v", err)
	}
	does(t, other, "COMMIT", "BEGIN EXCLUSIVE")
	if _, err := b.warden().Status(t.Context()); !b.engine.Fault(err).WaitedOut {
		t.Errorf("kept from reading it said %v", err)
	}
}

// TestARunComesAgainPastAWriter, wherever in its work it meets one: in the
// statement, in COMMIT, and where it writes down what runs outside of a
// transaction.
func TestARunComesAgainPastAWriter(t *testing.T) {
	const alone = "-- transaction: off\n-- upgrade\nINSERT OR FAIL INTO t VALUES (1);\n"
	for name, c := range map[string]struct {
		file string
		when event.Kind
		does []string
	}{
		"COMMIT":                {"-- upgrade\nINSERT INTO t VALUES (1);\n", event.StatementStarted, []string{"BEGIN", "SELECT COUNT(*) FROM t"}},
		"opening":               {alone, event.MigrationStarted, []string{"BEGIN IMMEDIATE"}},
		"closing":               {alone, event.StatementDone, []string{"BEGIN IMMEDIATE"}},
		"commit of the closing": {alone, event.StatementDone, []string{"BEGIN", "SELECT COUNT(*) FROM t"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE t (id INTEGER)"})
			b.migrate()
			b.put("2_rows.sql", c.file)
			b.limits.Lock = 100 * time.Millisecond
			other := b.session()
			met, tries := false, 0
			b.watch = func(e event.Event) {
				switch {
				case e.Kind == c.when && !met:
					met = true
					for _, q := range c.does {
						if q == "BEGIN" || q == "BEGIN IMMEDIATE" {
							does(t, other, q)
						} else if err := other.Query(t.Context(), func(func(...any) error) error { return nil }, q); err != nil {
							t.Error(err)
						}
					}
				case e.Kind == event.LockTimeout:
					if tries++; tries == 1 {
						does(t, other, "COMMIT")
					}
				}
			}
			b.migrate()
			if rows := b.value("SELECT COUNT(*) FROM t"); rows != "1" || tries == 0 {
				t.Errorf("%s rows behind %d tries that failed", rows, tries)
			}
			if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "2" || b.locked() {
				t.Errorf("the history has %s migrations, and the lock is held: %v", n, b.locked())
			}
		})
	}
}

// TestALockThatCannotBeFreedIsNotCalledFree: a writer that stays keeps the run
// from saying that its lock is free, which is said.
func TestALockThatCannotBeFreedIsNotCalledFree(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": table})
	b.migrate()
	b.put("2_rows.sql", twoRows)
	b.limits.Lock, b.retry = 100*time.Millisecond, -1
	other, warned := b.session(), false
	b.watch = func(e event.Event) {
		if e.Kind == event.LockAcquired {
			does(t, other, "BEGIN IMMEDIATE")
		}
		warned = warned || e.Kind == event.Warning
	}
	_, err := b.warden().Migrate(t.Context(), plan.Target{})
	var failed *dbwarden.MigrationError
	if !errors.As(err, &failed) || !failed.Fault.WaitedOut || failed.State != dbwarden.Untouched || !failed.LockKept || !warned {
		t.Errorf("it ended with %#v, and warned: %v", err, warned)
	}
	does(t, other, "COMMIT")
	if !b.locked() {
		t.Error("the lock is free")
	}
}

package dbwarden_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestRecoverFreesADeadRunsLockWithNothingLeftToDo: who died behind the last
// migration left the lock, which is warned of; with Recover it is freed, by one
// of several at once, and the others do not fail for it.
func TestRecoverFreesADeadRunsLockWithNothingLeftToDo(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.killed(func(e event.Event) bool { return e.Kind == event.RunDone })

		b.recover = false
		res, err := b.warden().Migrate(t.Context(), plan.Target{})
		if err != nil || len(res.Warnings) == 0 || !b.locked() {
			t.Fatalf("without Recover: %v, the warnings %q, is it held: %v", err, res.Warnings, b.locked())
		}

		b.recover, b.wait = true, 0
		var all sync.WaitGroup
		var freed atomic.Int64
		for range 6 {
			w := b.warden()
			all.Go(func() {
				res, err := w.Migrate(t.Context(), plan.Target{})
				if err != nil || len(res.Completed) > 0 {
					t.Errorf("with Recover it ended with %v, and applied %d", err, len(res.Completed))
				}
				for _, warning := range res.Warnings {
					if strings.HasSuffix(warning, "it has been freed") {
						freed.Add(1)
					}
				}
			})
		}
		all.Wait()
		if n := freed.Load(); n != 1 {
			t.Errorf("%d said that they freed it, want one", n)
		}
		if r, err := b.warden().Lock(t.Context()); err != nil || r.Verdict != lock.Free {
			t.Errorf("the lock is %s: %v", r.Verdict, err)
		}
	})
}

// TestALockThatCannotBeFreedIsNoErrorWithNothingToDo: it is warned of, as
// without Recover.
func TestALockThatCannotBeFreedIsNoErrorWithNothingToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		p      product
		server *dbtest.Server
		reader func(t *testing.T, b *bench, s *dbtest.Server) (url string)
		why    string
	}{
		{"SQLite, read-only", sqliteProduct(), nil, func(_ *testing.T, b *bench, _ *dbtest.Server) string { return b.url + "?mode=ro" }, "the URL says mode=ro"},
		{"PostgreSQL, read-only", product{engine: postgres.Engine()}, dbtest.Postgres(t), func(_ *testing.T, b *bench, _ *dbtest.Server) string {
			b.exec("ALTER DATABASE " + dbtest.DatabaseName(b.url) + " SET default_transaction_read_only = on")
			return b.url
		}, "default_transaction_read_only is on"},
		{"PostgreSQL, a right is missing", product{engine: postgres.Engine()}, dbtest.Postgres(t), func(t *testing.T, b *bench, s *dbtest.Server) string {
			user, password := s.NewRole(t)
			b.exec("GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + user)
			return s.WithUser(b.url, user, password)
		}, "permission denied"},
		{"MariaDB, a right is missing", product{engine: mysql.Engine()}, dbtest.MariaDB(t), func(t *testing.T, b *bench, s *dbtest.Server) string {
			user, password := s.NewRole(t)
			s.Exec(t, fmt.Sprintf("GRANT SELECT ON `%s`.* TO '%s'", dbtest.DatabaseName(b.url), user))
			return s.WithUser(b.url, user, password)
		}, "command denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.server != nil {
				c.p.url = func(t *testing.T) string { return c.server.NewDatabase(t) }
			}
			b := newBench(t, c.p, map[string]string{"1_t.sql": table})
			b.killed(func(e event.Event) bool { return e.Kind == event.RunDone })
			b.wait = 0
			var err error
			if b.db, err = b.engine.Open(c.reader(t, b, c.server), engine.OpenOptions{}); err != nil {
				t.Fatal(err)
			}
			res, err := b.warden().Migrate(t.Context(), plan.Target{})
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(res.Warnings, "\n"); !strings.Contains(all, "whose process is gone, and could not be freed: ") || !strings.Contains(all, c.why) {
				t.Errorf("the warnings %q; want whose lock it is, and %q", all, c.why)
			}
		})
	}
}

// TestWhoFreesALockWaitsForNobody: another that took it over first is at work, and
// there is nothing to wait for.
func TestWhoFreesALockWaitsForNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": table})
	b.killed(func(e event.Event) bool { return e.Kind == event.RunDone })
	other := *b
	other.files = maps.Clone(b.files)
	other.put("2_rows.sql", twoRows)
	inside, through, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	goOn := sync.OnceFunc(func() { close(through) })
	other.watch = func(e event.Event) {
		if e.Kind == event.StatementStarted && e.Statement == 1 {
			close(inside)
			<-through
		}
	}
	ahead := sync.OnceFunc(func() {
		go func() {
			_, err := other.warden().Migrate(context.Background(), plan.Target{})
			ended <- err
		}()
		<-inside
	})
	b.watch = func(e event.Event) {
		if e.Kind == event.LockWaiting {
			t.Error("it waits for " + e.Holder)
			goOn()
		}
	}
	b.db = connecting{b.db, func(o engine.ConnectOptions) {
		if !o.ReadOnly { // it has looked, and comes to free
			ahead()
		}
	}}
	res, err := b.warden().Migrate(t.Context(), plan.Target{})
	if err != nil || len(res.Warnings) > 0 {
		t.Errorf("it ended with %v, and the warnings %q", err, res.Warnings)
	}
	goOn()
	if err := <-ended; err != nil {
		t.Errorf("the other ended with %v", err)
	}
}

package dbwarden_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// sleeping is a statement that takes ten minutes, or, where a product has none,
// one that takes about as long as it is let.
func sleeping(p product) string {
	switch p.engine.Name {
	case "postgres":
		return "SELECT pg_sleep(600);\n"
	case "mysql":
		return "DO SLEEP(600);\n"
	}
	return "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;\n"
}

// TestNoGoroutineSurvivesAVerb: what a verb began ends with it, also where it
// failed, was refused, waited in vain, or was cancelled at the start, in a
// statement, in a hook, and while it waited for the lock.
//
// It is not parallel, so that what other tests run is no matter.
func TestNoGoroutineSurvivesAVerb(t *testing.T) {
	products := map[string]func(t *testing.T) product{"SQLite": func(*testing.T) product { return sqliteProduct() }}
	if !testing.Short() {
		products["PostgreSQL"] = func(t *testing.T) product {
			s := dbtest.Postgres(t)
			return product{postgres.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}
		}
		products["MariaDB"] = func(t *testing.T) product {
			s := dbtest.MariaDB(t)
			return product{mysql.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}
		}
	}
	for name, get := range products {
		t.Run(name, func(t *testing.T) { noneSurvives(t, get(t)) })
	}
}

func noneSurvives(t *testing.T, p product) {
	b := newBench(t, p, map[string]string{
		"0001_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n",
		"0002_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;\n",
	})
	b.session().Close()
	old := goleak.IgnoreCurrent()
	ctx := t.Context()
	stopped := errors.New("stopped")
	check := func(what string, failed bool, err error) {
		t.Helper()
		if (err != nil) != failed {
			t.Fatalf("%s: %v", what, err)
		}
		if err := goleak.Find(old); err != nil {
			t.Fatalf("behind %s: %v", what, err)
		}
	}
	// cancelling has a run cancelled at the first event that is asked for.
	cancelling := func(at func(event.Event) bool) (*dbwarden.Warden, context.Context) {
		ctx, cancel := context.WithCancelCause(ctx)
		t.Cleanup(func() { cancel(nil) })
		b.watch = func(e event.Event) {
			if at(e) {
				cancel(stopped)
			}
		}
		w := b.warden()
		b.watch = nil
		return w, ctx
	}
	isStopped := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, stopped) {
			t.Fatalf("%s: %v", what, err)
		}
		check(what, true, err)
	}
	w := b.warden()
	verbs := func(ctx context.Context, failed bool) {
		t.Helper()
		_, err := w.Migrate(ctx, plan.Target{})
		check("Migrate", failed, err)
		_, err = w.Status(ctx)
		check("Status", failed, err)
		_, err = w.History(ctx)
		check("History", failed, err)
		_, err = w.Attempts(ctx)
		check("Attempts", failed, err)
		_, err = w.Lock(ctx)
		check("Lock", failed, err)
		_, err = w.Rollback(ctx, plan.Target{Count: 2})
		check("Rollback", failed, err)
		_, err = w.Plan(ctx, plan.Target{})
		check("Plan", failed, err)
		v, err := w.Preview(ctx, migration.Up, plan.Target{})
		if v != nil {
			for _, s := range v.Steps {
				s.Close()
			}
		}
		check("Preview", failed, err)
		to, _ := migration.ParseVersion("0001")
		_, err = w.Baseline(ctx, plan.Target{To: to})
		check("Baseline", failed, err)
		_, err = w.Unlock(ctx, false, "")
		check("Unlock", true, err) // nobody has it
		_, err = w.Resolve(ctx, "0001", true, 0)
		check("Resolve", true, err)
		_, err = w.Skip(ctx, "0001", 0)
		check("Skip", true, err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	verbs(ended, true)
	verbs(ctx, false)

	b.put("0003_c.sql", "-- upgrade\nINSERT INTO nowhere VALUES (1);\n")
	_, err := w.Migrate(ctx, plan.Target{})
	check("a migration that fails", true, err)
	if b.locked() {
		t.Fatal("the failed one has kept the lock")
	}
	b.put("0003_c.sql", "-- upgrade\n"+sleeping(p))
	stop, running := cancelling(func(e event.Event) bool { return e.Kind == event.StatementStarted && e.Version == "0003" })
	_, err = stop.Migrate(running, plan.Target{})
	isStopped("a statement that is cancelled", err)

	// Under the lock: others wait for it, or do not.
	b.put("0003_c.sql", "-- upgrade\nCREATE TABLE c (id INTEGER);\n")
	b.hooks = []dbwarden.Hook{{At: dbwarden.HookBeforeRun, Call: func(ctx context.Context, _ dbwarden.Facts, _ func(string)) error {
		b.hooks, b.wait = nil, 0
		_, refused := b.warden().Migrate(ctx, plan.Target{})
		b.wait = 1 << 40
		waits, waiting := cancelling(func(e event.Event) bool { return e.Kind == event.LockWaiting })
		_, gaveUp := waits.Migrate(waiting, plan.Target{})
		if refused == nil || !strings.Contains(refused.Error(), "lock is held") || !errors.Is(gaveUp, stopped) {
			t.Errorf("with the lock held: %v; and one that waits: %v", refused, gaveUp)
		}
		return stopped
	}}}
	_, err = b.warden().Migrate(ctx, plan.Target{})
	isStopped("a hook that fails, one that is refused and one that gives up", err)

	panics := func() (err any) {
		defer func() { err = recover() }()
		b.watch = func(e event.Event) {
			if e.Kind == event.MigrationStarted {
				panic(stopped)
			}
		}
		w := b.warden()
		b.watch = nil
		_, _ = w.Migrate(ctx, plan.Target{})
		return nil
	}
	if got := panics(); got != stopped {
		t.Fatalf("the observer's panic came out as %v", got)
	}
	check("an observer that panics", false, nil)

	b.code = []migration.Go{{Version: "4", Up: func(ctx context.Context, tx migration.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT id FROM c") // left open
		if err == nil {
			err = rows.Err()
		}
		return err
	}}, {Version: "5", UpConn: func(context.Context, migration.Conn) error { panic(stopped) }}}
	b.recover = true // the observer's panic has left the lock held
	_, err = b.warden().Migrate(ctx, plan.Target{})
	check("migrations in Go that leave rows open, and panic", true, err)
	if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations WHERE migration_type = 'go'"); n != "1" {
		t.Errorf("%s migrations in Go have run: %v", n, err)
	}
}

package dbwarden_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// newPooled is one database with one folder, worked on through a pooler and
// past it.
func newPooled(t *testing.T, pool *dbtest.Server, files map[string]string) (through, direct *bench) {
	t.Helper()
	address := pool.NewDatabase(t)
	at := func(url string) *bench {
		return newBench(t, product{postgres.Engine(), func(*testing.T) string { return url }}, files)
	}
	through, direct = at(address), at(dbtest.WithDatabase(pool.Direct().URL(), dbtest.DatabaseName(address)))
	direct.files = through.files
	return through, direct
}

func pgbouncer(t *testing.T) *dbtest.Server {
	t.Helper()
	return dbtest.PgBouncer(t, dbtest.Postgres(t))
}

// noLocks is asked past the pooler: nothing is left on its connections.
func (b *bench) noLocks() {
	b.t.Helper()
	if got := b.value("SELECT string_agg(classid || '/' || objid || ' of ' || pid, ', ') FROM pg_locks WHERE locktype = 'advisory'" +
		" AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); got != "" {
		b.t.Errorf("locks were left behind: %s", got)
	}
}

// until waits for the query's one value.
func (b *bench) until(want, query string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); b.value(query) != want; {
		if time.Now().After(end) {
			b.t.Fatalf("%s: never %s", query, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// meanwhile runs a migrate that waits in its first statement of version 2 for
// a table lock, and returns its end and how to let it go on.
func (b *bench) meanwhile(direct *bench) (ended chan error, goOn func()) {
	b.t.Helper()
	b.put("1_t.sql", table)
	b.migrate()
	b.put("2_wait.sql", "-- lock_timeout: 0\n-- upgrade\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n-- rollback\n")
	blocker := direct.session()
	for _, q := range []string{"BEGIN", "LOCK TABLE t"} {
		if _, err := blocker.Exec(b.t.Context(), q); err != nil {
			b.t.Fatal(err)
		}
	}
	ended = make(chan error, 1)
	go func() {
		_, err := b.warden().Migrate(b.t.Context(), plan.Target{})
		ended <- err
	}()
	direct.until("1", "SELECT COUNT(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted")
	return ended, func() {
		b.t.Helper()
		if _, err := blocker.Exec(b.t.Context(), "ROLLBACK"); err != nil {
			b.t.Error(err)
		}
	}
}

func TestManyMigrateThroughAPoolerAndPastItExactlyOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{"0_t.sql": "-- upgrade\nCREATE TABLE t (n INTEGER);\n-- rollback\n"}
	for i := range 5 {
		files[fmt.Sprintf("%d_x.sql", i+1)] = fmt.Sprintf("-- upgrade\nINSERT INTO t VALUES (%d);\nSELECT pg_sleep(0.05);\n-- rollback\n", i)
	}
	through, direct := newPooled(t, pgbouncer(t), files)
	through.wait, direct.wait = time.Minute, time.Minute
	var mu sync.Mutex
	running, completed := 0, 0
	watch := func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case event.MigrationStarted:
			if running++; running > 1 {
				t.Error("two migrations run at a time")
			}
		case event.MigrationDone, event.MigrationFailed:
			running--
		}
	}
	through.watch, direct.watch = watch, watch
	var wg sync.WaitGroup
	for i := range 13 {
		b := through
		if i >= 10 {
			b = direct
		}
		w := b.warden()
		wg.Go(func() {
			res, err := w.Migrate(t.Context(), plan.Target{})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			completed += len(res.Completed)
		})
	}
	wg.Wait()
	if got := direct.value("SELECT COUNT(*) || ' ' || COUNT(DISTINCT n) FROM t"); got != "5 5" || completed != 6 {
		t.Errorf("%s rows, %d migrations", got, completed)
	}
	direct.noLocks()
	if through.locked() || direct.locked() {
		t.Error("the lock is held still")
	}
}

func TestAHolderBehindAPoolerIsSeenAndWaitedFor(t *testing.T) {
	t.Parallel()
	through, direct := newPooled(t, pgbouncer(t), nil)
	ended, goOn := through.meanwhile(direct)
	for name, b := range map[string]*bench{"through the pooler": through, "past it": direct} {
		r, err := b.warden().Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != lock.Alive || r.Row.Native != "xact" || r.Row.Session == "" || r.Owner.Session != r.Row.Session {
			t.Errorf("%s: %+v", name, r.Status)
		}
		if !strings.Contains(r.Owner.App, lock.RunMark(r.Row.Run)) || !strings.Contains(r.Owner.Doing, "INSERT INTO t") {
			t.Errorf("%s: %q does %q", name, r.Owner.App, r.Owner.Doing)
		}
		quick := *b
		quick.wait = 0
		var held *lock.HeldError
		if _, err := quick.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) {
			t.Errorf("%s: a second run: %v", name, err)
		}
		if _, err := b.warden().Unlock(t.Context(), false, ""); !errors.As(err, &held) {
			t.Errorf("%s: unlock: %v", name, err)
		}
	}
	goOn()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := direct.value("SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s rows", got)
	}
	direct.noLocks()
}

func TestReleasedByHandNothingCommitsThroughAPooler(t *testing.T) {
	t.Parallel()
	for _, d := range []migration.Direction{migration.Up, migration.Down} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			b, direct := newPooled(t, pgbouncer(t), map[string]string{"1_t.sql": table})
			b.migrate()
			b.put("2_rows.sql", twoRows)
			want := "0"
			if d == migration.Down {
				b.migrate()
				want = "2"
			}
			b.behind("2", 1, func() { direct.exec("UPDATE dbwarden_lock SET locked = FALSE") })
			run := b.warden().Migrate
			if d == migration.Down {
				run = b.warden().Rollback
			}
			if _, err := run(t.Context(), plan.Target{}); !errors.Is(err, lock.ErrLost) {
				t.Fatalf("got %v, want the lock lost", err)
			}
			if got := direct.value("SELECT COUNT(*) FROM t"); got != want {
				t.Errorf("%s rows, want %s: a released holder has committed", got, want)
			}
			direct.noLocks()
		})
	}
}

func TestUnlockByForceEndsAHolderBehindAPooler(t *testing.T) {
	t.Parallel()
	for name, pick := range map[string]func(through, direct *bench) *bench{
		"through the pooler": func(through, _ *bench) *bench { return through },
		"past it":            func(_, direct *bench) *bench { return direct },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			through, direct := newPooled(t, pgbouncer(t), nil)
			ended, goOn := through.meanwhile(direct)
			found, err := pick(through, direct).warden().Unlock(t.Context(), true, "a test")
			if err != nil {
				t.Fatal(err)
			}
			if found.Verdict != lock.Alive {
				t.Errorf("found %+v", found)
			}
			goOn()
			if err := <-ended; !errors.Is(err, lock.ErrLost) {
				t.Errorf("the holder: %v, want the lock lost", err)
			}
			if got := direct.value("SELECT COUNT(*) FROM t"); got != "0" {
				t.Errorf("%s rows: the evicted holder has committed", got)
			}
			direct.noLocks()
			through.migrate()
			if got := direct.value("SELECT COUNT(*) FROM t"); got != "2" {
				t.Errorf("%s rows after the next run", got)
			}
		})
	}
}

// The connection that holds the lock ends while the other one works: what is
// open cannot be committed beside a successor, and the run ends.
func TestARunWhoseLockEndedBehindAPoolerCommitsNothingAfterASuccessor(t *testing.T) {
	t.Parallel()
	through, direct := newPooled(t, pgbouncer(t), nil)
	ended, goOn := through.meanwhile(direct)
	r, err := direct.warden().Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pid, _, _ := strings.Cut(r.Row.Session, "/")
	direct.exec("SELECT pg_terminate_backend(" + pid + ")")

	// Its open transaction keeps a successor out, whatever it would take over.
	next := *direct
	next.recover, next.wait = true, 0
	var held *lock.HeldError
	if _, err := next.warden().Migrate(t.Context(), plan.Target{}); err == nil || errors.As(err, &held) && held.Status.Verdict == lock.Gone {
		t.Errorf("a successor: %v", err)
	}
	// The watcher sees that the lock is gone and ends the work.
	if err := <-ended; !errors.Is(err, lock.ErrLost) {
		t.Errorf("the run: %v, want the lock lost", err)
	}
	goOn()
	if got := direct.value("SELECT COUNT(*) FROM t"); got != "0" {
		t.Errorf("%s rows", got)
	}
	next.wait = 20 * time.Second
	next.migrate()
	if got := direct.value("SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s rows after the successor", got)
	}
	direct.noLocks()
}

func TestWhatAPoolerCannotGuardIsRefusedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, why string
		line      int
	}{
		"an index that is built concurrently": {"-- upgrade\nSELECT 1;\nCREATE INDEX CONCURRENTLY i ON t (n);\n-- rollback\n", "outside a transaction", 3},
		"a file without transaction":          {"-- transaction: off\n-- upgrade\nCREATE TABLE u (n INTEGER);\n-- rollback\n", "outside a transaction", 3},
		"a channel that is listened to":       {"-- upgrade\nLISTEN news;\n-- rollback\n", "belongs to its connection", 2},
		"a lock of the session's":             {"-- upgrade\nSELECT pg_advisory_lock(1);\n-- rollback\n", "belongs to its connection", 2},
		"a setting for several transactions":  {"-- upgrade\nBEGIN;\nSET search_path TO x;\nCOMMIT;\nBEGIN;\nSELECT 1;\nCOMMIT;\n-- rollback\n", "whole session", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, direct := newPooled(t, pgbouncer(t), map[string]string{"1_t.sql": table, "2_x.sql": c.file})
			for what, run := range map[string]func() error{
				"migrate": func() error { _, err := b.warden().Migrate(t.Context(), plan.Target{}); return err },
				"preview": func() error { _, err := b.warden().Preview(t.Context(), migration.Up, plan.Target{}); return err },
			} {
				var r *plan.Refusal
				if err := run(); !errors.As(err, &r) || r.Code != plan.BehindPooler || !strings.Contains(err.Error(), c.why) || r.Items[0].Line != c.line {
					t.Errorf("%s: %v", what, err)
				}
			}
			if got := direct.value("SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); got != "0" {
				t.Errorf("%s tables were made", got)
			}
			if strings.Contains(c.file, "CONCURRENTLY") {
				direct.migrate()
			}
		})
	}
}

func TestADumpRunsThroughAPoolerAndLeavesNoSettingBehind(t *testing.T) {
	t.Parallel()
	pool := dbtest.OwnPgBouncer(t, dbtest.Postgres(t), "default_pool_size = 3")
	b, direct := newPooled(t, pool, map[string]string{
		"1_dump.sql": "-- upgrade\nSET statement_timeout = 0;\nSET lock_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n" +
			"SET client_min_messages = warning;\nSET row_security = off;\nCREATE TABLE public.t (n INTEGER);\n" +
			"COPY public.t (n) FROM stdin;\n1\n2\n\\.\n-- rollback\nDROP TABLE t;\n",
		"2_next.sql": "-- upgrade\nCREATE TABLE u (n INTEGER);\n-- rollback\nDROP TABLE u;\n",
	})
	b.migrate()
	if got := direct.value("SELECT COUNT(*) FROM t") + direct.value("SELECT COUNT(*) FROM public.u"); got != "20" {
		t.Error(got)
	}
	// Three clients at a time see all that the pool has.
	var seen []engine.Session
	for range 3 {
		s := b.session()
		if _, err := s.Exec(t.Context(), "BEGIN"); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, s)
	}
	for _, s := range seen {
		if _, err := s.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
	c := dbtest.Dial(t, dbtest.WithDatabase(pool.URL(), dbtest.DatabaseName(direct.db.Label())))
	for query, want := range map[string]string{
		"SHOW statement_timeout": "0", "SHOW lock_timeout": "0", "SHOW search_path": `"$user", public`,
		"SHOW client_min_messages": "notice", "SHOW row_security": "on", "SHOW application_name": "",
		"SHOW idle_in_transaction_session_timeout": "0", "SHOW default_transaction_isolation": "read committed",
	} {
		for range 3 {
			if got := c.Rows(t, query)[0][0]; got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
	b.rollback(plan.Target{Empty: true})
	direct.noLocks()
}

func TestAPoolOfOneConnectionIsRefusedSoon(t *testing.T) {
	t.Parallel()
	pool := dbtest.OwnPgBouncer(t, dbtest.Postgres(t), "default_pool_size = 1")
	b, direct := newPooled(t, pool, map[string]string{"1_t.sql": table})
	started := time.Now()
	_, err := b.warden().Migrate(t.Context(), plan.Target{})
	var failed *dbwarden.MigrationError
	if err == nil || !strings.Contains(err.Error(), "no second server connection") || errors.As(err, &failed) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(started); took > 9*time.Second {
		t.Errorf("it took %s", took)
	}
	if b.engine.Fault(err).Hint == "" {
		t.Error("no hint")
	}
	direct.noLocks()
	if b.locked() {
		t.Error("the lock is held")
	}
	direct.migrate()
}

// The lock, the work and the watcher: with two connections the watcher waits,
// and the work is done all the same.
func TestAPoolOfTwoConnectionsWorks(t *testing.T) {
	t.Parallel()
	pool := dbtest.OwnPgBouncer(t, dbtest.Postgres(t), "default_pool_size = 2")
	b, direct := newPooled(t, pool, map[string]string{"1_t.sql": table, "2_slow.sql": "-- upgrade\nSELECT pg_sleep(5);\n-- rollback\n"})
	b.migrate()
	direct.noLocks()
}

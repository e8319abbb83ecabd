package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// flushing is a database that notes how many migrations share a round trip.
type flushing struct {
	engine.Database
	sizes *[]int
}

type flushingSession struct {
	engine.Session
	sizes *[]int
}

func (f flushing) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	s, err := f.Database.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return &flushingSession{s, f.sizes}, nil
}

func (s *flushingSession) Unwrap() engine.Session { return s.Session }

func (s *flushingSession) RunAll(ctx context.Context, units []engine.Unit) (int, error) {
	*s.sizes = append(*s.sizes, len(units))
	return s.Session.RunAll(ctx, units)
}

// sizes has the bench note them.
func (b *bench) sizes() *[]int {
	var sizes []int
	b.db = flushing{b.db, &sizes}
	return &sizes
}

func postgresProduct(t *testing.T) product {
	t.Helper()
	s := dbtest.Postgres(t)
	return product{postgres.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}
}

// up is a file that goes only one way.
func up(statements ...string) string { return "-- upgrade\n" + strings.Join(statements, ";\n") + ";\n" }

// five are migrations that share a flush, the third of which text is a part.
func five(text string) map[string]string {
	return map[string]string{
		"1_t.sql": up("CREATE TABLE t (n INTEGER)", "CREATE SEQUENCE s"),
		"2_a.sql": up("INSERT INTO t VALUES (2)"),
		"3_b.sql": up("INSERT INTO t VALUES (3)", text),
		"4_c.sql": up("INSERT INTO t VALUES (nextval('s'))"),
		"5_d.sql": up("INSERT INTO t VALUES (5)"),
	}
}

func names(res *dbwarden.Result) string {
	var out []string
	for _, m := range res.Completed {
		out = append(out, m.File)
	}
	return strings.Join(out, " ")
}

// TestAFailureInAFlushStopsWhatIsBehindIt: what was sent behind the statement
// that fails has not run, and what was before it stays.
func TestAFailureInAFlushStopsWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, postgresProduct(t), five("INSERT INTO\n  nosuch VALUES (nextval('s'))"))
	sizes := b.sizes()
	var said []string
	b.watch = func(e event.Event) {
		switch e.Kind {
		case event.MigrationStarted, event.MigrationDone, event.MigrationFailed:
			said = append(said, fmt.Sprintf("%s %s", e.Kind, e.Version))
		}
	}
	res, err := b.warden().Migrate(t.Context(), plan.Target{})
	var failed *dbwarden.MigrationError
	if !errors.As(err, &failed) || failed.Migration.File != "3_b.sql" || failed.Number != 2 || failed.Pos.Line != 4 || failed.Pos.Column != 3 ||
		failed.State != dbwarden.Untouched || failed.Fault.Code != "42P01" || !strings.Contains(err.Error(), `relation "nosuch" does not exist`) {
		t.Errorf("it ended with %v", err)
	}
	if fmt.Sprint(*sizes) != "[5]" {
		t.Errorf("flushes of %v, want one of five", *sizes)
	}
	if got := names(res); got != "1_t.sql 2_a.sql" {
		t.Errorf("completed: %s", got)
	}
	want := "migration_started 1, migration_completed 1, migration_started 2, migration_completed 2, migration_started 3, migration_failed 3"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("told %s", got)
	}
	for query, want := range map[string]string{
		"SELECT string_agg(n::text, ' ' ORDER BY n) FROM t":                                  "2",
		"SELECT is_called::text FROM s":                                                      "false",
		"SELECT string_agg(version, ' ' ORDER BY id) FROM dbwarden_migrations":               "1 2",
		"SELECT string_agg(version || ' ' || event, ', ' ORDER BY id) FROM dbwarden_journal": "1 applied, 2 applied, 3 aborted",
		"SELECT count(*) FROM pg_prepared_statements":                                        "0",
	} {
		if got := b.value(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if b.locked() {
		t.Error("the lock is kept")
	}
	b.put("3_b.sql", up("INSERT INTO t VALUES (3)"))
	b.migrate()
	if got := b.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"); got != "1 2 3 5" {
		t.Errorf("after it was mended: %s", got)
	}
}

// TestARefusedCommitInAFlushStopsWhatIsBehindIt: a deferred constraint is
// looked at in COMMIT, behind the history row.
func TestARefusedCommitInAFlushStopsWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, postgresProduct(t), five("INSERT INTO child VALUES (9)"))
	b.put("0_parent.sql", up("CREATE TABLE parent (n INTEGER PRIMARY KEY)", "CREATE TABLE child (n INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"))
	sizes := b.sizes()
	res, err := b.warden().Migrate(t.Context(), plan.Target{})
	var failed *dbwarden.MigrationError
	if !errors.As(err, &failed) || failed.Migration.File != "3_b.sql" || failed.Behind != 2 || failed.State != dbwarden.Untouched || failed.Fault.Code != "23503" {
		t.Errorf("it ended with %v", err)
	}
	if fmt.Sprint(*sizes) != "[6]" || names(res) != "0_parent.sql 1_t.sql 2_a.sql" {
		t.Errorf("flushes of %v, completed: %s", *sizes, names(res))
	}
	if got := b.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t") + "/" + b.value("SELECT string_agg(version, ' ' ORDER BY id) FROM dbwarden_migrations"); got != "2/0 1 2" {
		t.Errorf("the tables hold %s", got)
	}
}

// stuck is a flush of five that waits in the third for a table.
type stuck struct {
	*bench
	sizes   *[]int
	blocker engine.Session
	said    func() string // what was told, besides statements
	ended   chan error
	res     *dbwarden.Result
}

func newStuck(t *testing.T, ctx context.Context, change func(*bench)) *stuck {
	t.Helper()
	b := newBench(t, postgresProduct(t), five("INSERT INTO gate VALUES (1)"))
	b.exec("CREATE TABLE gate (n INTEGER)")
	b.limits.Lock = -1
	s := &stuck{bench: b, sizes: b.sizes(), ended: make(chan error, 1)}
	s.blocker = b.session()
	for _, q := range []string{"BEGIN", "LOCK TABLE gate"} {
		if _, err := s.blocker.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var said []string
	b.watch = func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case event.MigrationStarted, event.MigrationDone, event.MigrationFailed, event.LockTimeout:
			said = append(said, fmt.Sprintf("%s %s", e.Kind, e.Version))
		}
	}
	s.said = func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(said, ", ")
	}
	if change != nil {
		change(b)
	}
	go func() {
		var err error
		s.res, err = b.warden().Migrate(ctx, plan.Target{})
		s.ended <- err
	}()
	b.until("1", "SELECT count(*) FROM pg_locks WHERE relation = 'gate'::regclass AND NOT granted")
	return s
}

// open lets the flush go on.
func (s *stuck) open() {
	s.t.Helper()
	if _, err := s.blocker.Exec(s.t.Context(), "COMMIT"); err != nil {
		s.t.Error(err)
	}
}

func (s *stuck) holds(want string) {
	s.t.Helper()
	if fmt.Sprint(*s.sizes) != "[5]" {
		s.t.Errorf("flushes of %v, want one of five", *s.sizes)
	}
	if got := s.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"); got != want {
		s.t.Errorf("the table holds %s, want %s", got, want)
	}
}

// TestReleasedInAFlushCommitsNothingMore: each migration of a flush has its
// own fence, which the server itself looks at.
func TestReleasedInAFlushCommitsNothingMore(t *testing.T) {
	t.Parallel()
	s := newStuck(t, t.Context(), nil)
	s.exec("UPDATE dbwarden_lock SET locked = FALSE")
	s.open()
	err := <-s.ended
	var failed *dbwarden.MigrationError
	if !errors.Is(err, lock.ErrLost) || !errors.As(err, &failed) || failed.Migration.File != "3_b.sql" || failed.State != dbwarden.Untouched {
		t.Errorf("it ended with %v", err)
	}
	s.holds("2")
	if got := names(s.res); got != "1_t.sql 2_a.sql" {
		t.Errorf("completed: %s", got)
	}
	if got := s.value("SELECT is_called::text FROM s"); got != "false" {
		t.Error("what was sent behind the fence has run")
	}
}

// TestALostSessionInAFlushLeavesAllOfItUndecided: what was answered need not
// be on the disk. The next run finds out and does the rest, each once.
func TestALostSessionInAFlushLeavesAllOfItUndecided(t *testing.T) {
	t.Parallel()
	s := newStuck(t, t.Context(), nil)
	s.exec("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'gate'::regclass AND NOT granted")
	err := <-s.ended
	var failed *dbwarden.MigrationError
	if !errors.Is(err, lock.ErrLost) || !errors.As(err, &failed) || failed.State != dbwarden.Undecided || failed.Migration.File != "1_t.sql" ||
		len(failed.Sent) != 4 || failed.Sent[3].File != "5_d.sql" {
		t.Errorf("it ended with %v", err)
	}
	if len(s.res.Completed) != 0 {
		t.Errorf("completed: %s", names(s.res))
	}
	if got := s.said(); got != "migration_started 1, migration_failed 1" {
		t.Errorf("told %s", got)
	}
	s.open()
	s.holds("2")
	s.recover = true
	s.migrate()
	if got := s.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"); got != "1 2 3 5" {
		t.Errorf("the next run left %s", got)
	}
}

// TestALockTimeoutInAFlushIsTriedAgain by itself, and the rest follows.
func TestALockTimeoutInAFlushIsTriedAgain(t *testing.T) {
	t.Parallel()
	var s *stuck
	timeouts := make(chan event.Event, 100)
	s = newStuck(t, t.Context(), func(b *bench) {
		b.limits.Lock = 2 * time.Second
		watch := b.watch
		b.watch = func(e event.Event) {
			if watch(e); e.Kind == event.LockTimeout {
				timeouts <- e
			}
		}
	})
	if e := <-timeouts; e.Version != "3" || e.Number != 1 {
		t.Errorf("told of try %d of %s", e.Number, e.Version)
	}
	s.open()
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(*s.sizes) != "[5 2]" || names(s.res) != "1_t.sql 2_a.sql 3_b.sql 4_c.sql 5_d.sql" {
		t.Errorf("flushes of %v, completed: %s", *s.sizes, names(s.res))
	}
	if got := s.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"); got != "1 2 3 5" {
		t.Errorf("the table holds %s", got)
	}
	want := "migration_started 3, lock_timeout 3, migration_completed 3, migration_started 4"
	if got := s.said(); !strings.Contains(got, want) {
		t.Errorf("told %s", got)
	}
}

// TestAStoppedFlushSaysWhatItReached: the request to stop reaches the server,
// and its answers tell where. Meanwhile the watcher names the migration that
// runs, as if it ran by itself.
func TestAStoppedFlushSaysWhatItReached(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	s := newStuck(t, ctx, nil)
	s.until("3_b.sql", "SELECT migration FROM dbwarden_lock_run")
	why := errors.New("told to stop")
	stop(why)
	err := <-s.ended
	var failed *dbwarden.MigrationError
	if !errors.Is(err, dbwarden.ErrInterrupted) || !errors.Is(err, why) || !errors.As(err, &failed) ||
		failed.Migration.File != "3_b.sql" || failed.Number != 2 || failed.State != dbwarden.Untouched {
		t.Errorf("it ended with %v", err)
	}
	if got := names(s.res); got != "1_t.sql 2_a.sql" {
		t.Errorf("completed: %s", got)
	}
	s.open()
	s.holds("2")
	if s.locked() {
		t.Error("the lock is kept")
	}
}

// TestNothingLeaksWithinAFlush: role, settings, temporary tables and the
// values of sequences are the next file's own, also where a function made
// them and no statement shows it.
func TestNothingLeaksWithinAFlush(t *testing.T) {
	t.Parallel()
	b := newBench(t, postgresProduct(t), map[string]string{
		"1_leak.sql": up(`CREATE FUNCTION leak() RETURNS INTEGER LANGUAGE plpgsql AS 'BEGIN
			SET search_path TO pg_catalog; SET ROLE pg_monitor; SET work_mem = 64; SET standard_conforming_strings = off;
			CREATE TEMPORARY TABLE u (m INTEGER);
			RETURN 1; END'`, "CREATE TABLE t (n INTEGER)", "CREATE TABLE u (v TEXT, w TEXT)"),
		"2_call.sql": up("INSERT INTO t VALUES (leak())"),
		"3_see.sql":  up(`INSERT INTO u VALUES (current_user || current_setting('work_mem') || '\n', current_setting('search_path'))`),
	})
	sizes := b.sizes()
	want := b.value("SELECT current_user || current_setting('work_mem')") + `\n` + b.value("SELECT current_setting('search_path')")
	b.migrate()
	if got := b.value("SELECT v || w FROM public.u"); got != want || fmt.Sprint(*sizes) != "[3]" {
		t.Errorf("behind a file that sets all it can the session has %q, want %q; flushes of %v", got, want, *sizes)
	}
}

// TestAFlushIsAsDurableAsItsUserWants: all but the last commit without
// waiting, and the last as the user set it, up or down.
func TestAFlushIsAsDurableAsItsUserWants(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"on", "local", "off"} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			note := up("INSERT INTO t VALUES (current_setting('synchronous_commit'))")
			b := newBench(t, postgresProduct(t), map[string]string{"1_t.sql": up("CREATE TABLE t (v TEXT)"), "2_a.sql": note, "3_b.sql": note, "4_c.sql": note})
			b.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = " + set + "', current_database()); END $$")
			sizes := b.sizes()
			b.migrate()
			if got := b.value("SELECT string_agg(v, ' ' ORDER BY ctid) FROM t"); got != "off off "+set || fmt.Sprint(*sizes) != "[4]" {
				t.Errorf("they committed with %s; flushes of %v", got, *sizes)
			}
		})
	}
}

// TestWhatDoesNotFitTakesThePlainRoad, and is one of a flush no more.
func TestWhatDoesNotFitTakesThePlainRoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, sizes string }{
		{"brief", up("INSERT INTO t VALUES (1)"), "[3]"},
		{"its own transaction", up("BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"), "[3]"},
		{"long", up("CREATE INDEX ON t (n)"), "[1 1 1]"},
		{"rows of a table", up("UPDATE t SET n = 1"), "[1 1 1]"},
		{"a block", up("DO 'BEGIN END'"), "[1 1 1]"},
		{"a setting", up("SET work_mem = 64", "INSERT INTO t VALUES (1)"), "[1 1]"},
		{"a setting of the transaction", up("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "INSERT INTO t VALUES (1)"), "[1 1]"},
		{"a savepoint", up("SAVEPOINT s", "INSERT INTO t VALUES (1)", "ROLLBACK TO SAVEPOINT s"), "[1 1]"},
		{"copy", "-- upgrade\nCOPY t FROM stdin;\n1\n\\.\n", "[1 1]"},
		{"no transaction", "-- transaction: off\n" + up("CREATE INDEX CONCURRENTLY ON t (n)"), "[1 1]"},
		{"a limit of its own", "-- lock_timeout: 9s\n" + up("INSERT INTO t VALUES (1)"), "[1 1]"},
		{"a temporary table", up("CREATE TEMPORARY TABLE tt (n INTEGER)"), "[1 1]"},
		{"no statement", "-- upgrade\n", "[1 1]"},
		{"a placeholder", up("INSERT INTO t SELECT 1 /* $1 */ UNION ALL SELECT 2"), "[1 1 1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, postgresProduct(t), map[string]string{"1_t.sql": up("CREATE TABLE t (n INTEGER)"), "2_x.sql": c.text, "3_y.sql": up("CREATE TABLE y (n INTEGER)")})
			sizes := b.sizes()
			b.migrate()
			if got := fmt.Sprint(*sizes); got != c.sizes {
				t.Errorf("flushes of %s, want %s", got, c.sizes)
			}
			if got := b.value("SELECT string_agg(version, ' ' ORDER BY id) FROM dbwarden_migrations"); got != "1 2 3" {
				t.Errorf("the history holds %s", got)
			}
			*sizes = nil
			b.plain = true
			b.put("4_z.sql", up("CREATE TABLE z (n INTEGER)"))
			if b.migrate(); len(*sizes) > 0 {
				t.Errorf("NoPipeline gave flushes of %v", *sizes)
			}
		})
	}
}

// TestARoundTripAMigrationAndLess counts what the run's session asks for,
// which no noise can blur.
func TestARoundTripAMigrationAndLess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		most       int // requests for 99 migrations more
	}{
		{"brief", "CREATE TABLE t%[1]d (n INTEGER PRIMARY KEY, v TEXT NOT NULL);\nCOMMENT ON TABLE t%[1]d IS 'x';\nINSERT INTO t%[1]d VALUES (1, 'one')", 3},
		{"long", "CREATE TABLE t%[1]d (n INTEGER);\nCREATE INDEX ON t%[1]d (n);\nUPDATE t%[1]d SET n = 1", 108},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			requests := func(n int) int {
				address := postgresProduct(t).url(t)
				u, err := url.Parse(address)
				if err != nil {
					t.Fatal("the database's URL cannot be read")
				}
				proxy, err := wirelab.Start(u.Host, wirelab.Postgres, wirelab.Fault{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(proxy.Close)
				u.Host = proxy.Addr()
				b := newBench(t, product{postgres.Engine(), func(*testing.T) string { return u.String() }}, nil)
				for i := range n {
					b.put(fmt.Sprintf("%04d_x.sql", i+1), up(fmt.Sprintf(c.text, i)))
				}
				b.migrate()
				mine := 0
				for _, r := range proxy.Requests() {
					if r.Session == 1 { // the watcher's come and go with the clock
						mine++
					}
				}
				return mine
			}
			one, many := requests(1), requests(100)
			if many-one > c.most {
				t.Errorf("100 migrations took %d requests and one took %d: %d for 99 more, want at most %d", many, one, many-one, c.most)
			}
			t.Logf("%d requests for one, %d for 100", one, many)
		})
	}
}

// TestAFlushThroughAPooler: behind a pooler each migration goes by itself.
func TestAFlushThroughAPooler(t *testing.T) {
	t.Parallel()
	through, direct := newPooled(t, pgbouncer(t), five("INSERT INTO t VALUES (33)"))
	sizes := through.sizes()
	through.migrate()
	if got := direct.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"); got != "1 2 3 5 33" || len(*sizes) > 0 {
		t.Errorf("the table holds %s; flushes of %v", got, *sizes)
	}
}

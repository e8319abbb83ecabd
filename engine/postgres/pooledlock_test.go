package postgres_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// pooled is one database, reached through a pooler and past it.
func pooled(t *testing.T, pool *dbtest.Server) (through, direct string) {
	t.Helper()
	through = pool.NewDatabase(t)
	return through, dbtest.WithDatabase(pool.Direct().URL(), dbtest.DatabaseName(through))
}

const advisoryLocks = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

func TestPooledAndDirectSessionsExcludeEachOther(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	a := connect(t, through, engine.ConnectOptions{App: "through"})
	b := connect(t, through, engine.ConnectOptions{})
	c := connect(t, direct, engine.ConnectOptions{App: "past"})
	k := key("a")
	if a.ID() != "" {
		t.Errorf("without the lock the session is %q", a.ID())
	}
	lock(t, a, k)
	if try(t, b, k) || try(t, c, k) {
		t.Fatal("two hold the lock")
	}
	for name, s := range map[string]engine.Session{"the holder": a, "another through the pooler": b, "one past it": c} {
		if o := look(t, s, k); !o.Held || o.Session != a.ID() || o.Session == "" || o.App != "through" {
			t.Errorf("%s sees %+v, want %q", name, o, a.ID())
		}
	}
	if free(t, b, k) || free(t, c, k) || !free(t, a, k) || a.ID() != "" {
		t.Errorf("freed by whom? the session is %q", a.ID())
	}
	lock(t, c, k)
	if try(t, a, k) {
		t.Fatal("two hold the lock")
	}
	if o := look(t, a, k); o.Session != c.ID() {
		t.Errorf("seen through the pooler: %+v, want %q", o, c.ID())
	}
	free(t, c, k)
	lock(t, b, k)
}

func TestNoRoundThroughAPoolerLeavesALockBehind(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	watch := connect(t, direct, engine.ConnectOptions{})
	var wg sync.WaitGroup
	for range 4 {
		s := connect(t, through, engine.ConnectOptions{})
		wg.Go(func() {
			for range 50 {
				ok, err := native().Try(t.Context(), s, key("a"))
				if err != nil {
					t.Error(err)
					return
				}
				if !ok {
					continue
				}
				if err := s.Run(t.Context(), unit(postgres.Engine().Dialect.Begin, "SELECT 1")); err != nil {
					t.Error(err)
				}
				if ok, err := native().Free(t.Context(), s, key("a")); !ok || err != nil {
					t.Errorf("free: %v, %v", ok, err)
				}
			}
		})
	}
	wg.Wait()
	if got := ask(t, watch, advisoryLocks); got != "0" {
		t.Errorf("%s locks were left behind", got)
	}
	if got := ask(t, watch, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"); got != "0" {
		t.Errorf("%s transactions were left open", got)
	}
}

// line is a way to a server that can be cut.
type line struct {
	net.Listener
	mu    sync.Mutex
	conns []*net.TCPConn
}

// cuttable returns the URL by way of a line.
func cuttable(t *testing.T, address string) (string, *line) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	there := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: listener}
	t.Cleanup(l.cut)
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", there)
			if err != nil {
				near.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, near.(*net.TCPConn), far.(*net.TCPConn))
			l.mu.Unlock()
			go io.Copy(near, far)
			go io.Copy(far, near)
		}
	}()
	u.Host = listener.Addr().String()
	return u.String(), l
}

// cut ends all connections as a program that is killed does, without a word.
func (l *line) cut() {
	l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.SetLinger(0)
		c.Close()
	}
	l.conns = nil
}

func TestTheLockOfAKilledProgramIsSoonFreeBehindAPooler(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	by, line := cuttable(t, through)
	a, b := connect(t, by, engine.ConnectOptions{}), connect(t, through, engine.ConnectOptions{})
	watch := connect(t, direct, engine.ConnectOptions{})
	k := key("a")
	exec(t, b, "CREATE TABLE t (x int)")
	lock(t, a, k)
	exec(t, a, postgres.Engine().Dialect.Begin, "INSERT INTO t VALUES (1)")
	line.cut()
	until(t, watch, "0", advisoryLocks)
	lock(t, b, k)
	if got := ask(t, b, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("the open transaction left %s rows", got)
	}
}

func TestALockWhoseTransactionEndedLetsNoOtherBegin(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	a, b := connect(t, through, engine.ConnectOptions{}), connect(t, direct, engine.ConnectOptions{})
	lock(t, a, key("a"))
	exec(t, b, "SELECT pg_terminate_backend("+pid(a)+")")
	until(t, b, "0", advisoryLocks)
	err := a.Run(t.Context(), unit(postgres.Engine().Dialect.Begin, "CREATE TABLE t (x int)"))
	u, ok := errors.AsType[*engine.UnitError](err)
	if !ok || u.Part != engine.PartBegin || !u.RolledBack || faultOf(err).Kind != engine.Lost {
		t.Errorf("fault %+v of %v", faultOf(err), err)
	}
	lock(t, b, key("a"))
	if try(t, connect(t, through, engine.ConnectOptions{}), key("a")) {
		t.Error("two hold the lock")
	}
	if free(t, a, key("a")) {
		t.Error("freed what was lost")
	}
}

// A program that slept may have lost its lock and still have a transaction
// open: it cannot commit, and nobody works beside it either.
func TestATransactionThatOutlivedItsLockKeepsOthersOut(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	a := connect(t, through, engine.ConnectOptions{App: "sleeper"})
	b, c := connect(t, direct, engine.ConnectOptions{}), connect(t, through, engine.ConnectOptions{})
	k := key("a")
	sleep := func() {
		t.Helper()
		lock(t, a, k)
		exec(t, a, postgres.Engine().Dialect.Begin)
		exec(t, b, "SELECT pg_terminate_backend("+pid(a)+")")
		until(t, b, "1", advisoryLocks)
	}
	sleep()
	if try(t, b, k) {
		t.Error("taken past the pooler, beside an open transaction")
	}
	if try(t, c, k) {
		t.Error("taken through the pooler, beside an open transaction")
	}
	o := look(t, b, k)
	if !o.Held || o.App != "sleeper" || o.Session == a.ID() || o.Session == "" {
		t.Errorf("seen: %+v; the lock was %q", o, a.ID())
	}
	exec(t, a, "ROLLBACK")
	if free(t, a, k) {
		t.Error("freed what was lost")
	}
	lock(t, c, k)
	free(t, c, k)

	sleep()
	o = look(t, c, k)
	if err := native().Evict(within(t, 10*time.Second), c, k, o); err != nil {
		t.Errorf("evict the transaction: %v", err)
	}
	lock(t, b, k)
	if _, err := a.Exec(t.Context(), "SELECT 1"); faultOf(err).Kind != engine.Lost {
		t.Errorf("the sleeper goes on: %v", err)
	}
}

func TestEvictingAPooledHolderEndsItsTransactionToo(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	for name, address := range map[string]string{"past the pooler": direct, "through it": through} {
		a, b := connect(t, through, engine.ConnectOptions{App: "a"}), connect(t, address, engine.ConnectOptions{App: "b"})
		k := key(name)
		lock(t, a, k)
		exec(t, a, postgres.Engine().Dialect.Begin, "CREATE TABLE t (x int)")
		o := look(t, b, k)
		if err := native().Evict(within(t, 10*time.Second), b, k, o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		lock(t, b, k)
		if _, err := a.Exec(t.Context(), "COMMIT"); err == nil {
			t.Errorf("%s: the evicted holder has committed", name)
		}
		free(t, b, k)
	}
}

func TestAPooledLockStandsInNoIndexBuildsWay(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	a, b, c := connect(t, through, engine.ConnectOptions{}), connect(t, through, engine.ConnectOptions{}), connect(t, direct, engine.ConnectOptions{})
	exec(t, c, "CREATE TABLE t (x int)")
	lock(t, a, key("a"))
	if try(t, b, key("a")) {
		t.Fatal("two hold the lock")
	}
	if _, err := c.Exec(within(t, 10*time.Second), "CREATE INDEX CONCURRENTLY i ON t (x)"); err != nil {
		t.Error(err)
	}
	if !free(t, a, key("a")) {
		t.Error("the lock is lost")
	}
}

// The pooler ends what is silent for 2 s; the sign of life is what keeps the
// lock.
func TestThePooledLockIsKeptAlive(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.OwnPgBouncer(t, server(t), "idle_transaction_timeout = 2"))
	watch := connect(t, direct, engine.ConnectOptions{})
	hold := func(every time.Duration) engine.Session {
		d, err := postgres.Engine().Open(through, engine.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		postgres.KeepEvery(d, every)
		s, err := d.Connect(t.Context(), engine.ConnectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	kept, silent := hold(100*time.Millisecond), hold(time.Hour)
	lock(t, kept, key("kept"))
	lock(t, silent, key("silent"))
	until(t, watch, "1", advisoryLocks)
	if o := look(t, watch, key("kept")); o.Session != kept.ID() {
		t.Errorf("the silent one was kept: %+v", o)
	}
	lost := hold(2500 * time.Millisecond)
	lock(t, lost, key("lost"))
	until(t, watch, "1", advisoryLocks)
	ctx := within(t, 20*time.Second)
	for {
		// The next sign of life finds the pooler's word.
		_, err := lost.Exec(ctx, postgres.Engine().Dialect.Begin)
		if faultOf(err).Kind != engine.Lost {
			t.Fatalf("%v", err)
		}
		if strings.Contains(err.Error(), "idle_transaction_timeout") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !free(t, kept, key("kept")) {
		t.Error("the lock was lost")
	}
}

func TestAPoolOfOneConnectionIsRefused(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.OwnPgBouncer(t, server(t), "default_pool_size = 1"))
	s := connect(t, through, engine.ConnectOptions{})
	started := time.Now()
	ok, err := native().Try(t.Context(), s, key("a"))
	if ok || err == nil || !strings.Contains(err.Error(), "no second server connection") {
		t.Errorf("%v, %v", ok, err)
	}
	if took := time.Since(started); took > 9*time.Second {
		t.Errorf("it took %s", took)
	}
	if f := faultOf(err); f.Hint == "" || f.Kind == engine.Lost {
		t.Errorf("fault %+v", f)
	}
	if got := ask(t, s, "SELECT 1"); got != "1" || s.ID() != "" {
		t.Errorf("the session is of no use: %s, %q", got, s.ID())
	}
	if got := ask(t, connect(t, direct, engine.ConnectOptions{}), advisoryLocks); got != "0" {
		t.Errorf("%s locks were left behind", got)
	}
}

func TestALimitOfThePoolersIsNamed(t *testing.T) {
	t.Parallel()
	t.Run("no connection becomes free", func(t *testing.T) {
		t.Parallel()
		through, _ := pooled(t, dbtest.OwnPgBouncer(t, server(t), "default_pool_size = 1", "query_wait_timeout = 1"))
		a, b := connect(t, through, engine.ConnectOptions{}), connect(t, through, engine.ConnectOptions{})
		exec(t, b, postgres.Engine().Dialect.Begin)
		if _, err := native().Try(t.Context(), a, key("a")); err == nil || !strings.Contains(err.Error(), "query_wait_timeout") || faultOf(err).Hint == "" {
			t.Errorf("the lock: %v", err)
		}
		if _, err := a.Exec(t.Context(), "SELECT 1"); err == nil || !strings.Contains(err.Error(), "query_wait_timeout") || faultOf(err).Kind != engine.Lost {
			t.Errorf("a statement: %v", err)
		}
	})
	t.Run("its clients are too many", func(t *testing.T) {
		t.Parallel()
		through, _ := pooled(t, dbtest.OwnPgBouncer(t, server(t), "max_client_conn = 2"))
		a := connect(t, through, engine.ConnectOptions{})
		connect(t, through, engine.ConnectOptions{})
		_, err := native().Try(t.Context(), a, key("a"))
		if err == nil || !strings.Contains(err.Error(), "max_client_conn") || faultOf(err).Hint == "" {
			t.Errorf("fault %+v of %v", faultOf(err), err)
		}
	})
}

// Whoever holds the lock and finds the transaction of an earlier run open
// waits for its end, though not for ever.
func TestATransactionWaitsForOneThatOutlivedItsLock(t *testing.T) {
	t.Parallel()
	through, direct := pooled(t, dbtest.PgBouncer(t, server(t)))
	a, b := connect(t, through, engine.ConnectOptions{}), connect(t, direct, engine.ConnectOptions{})
	k := key("a")
	lock(t, a, k)
	work := strconv.FormatInt(^int64(binary.BigEndian.Uint64(k.Digest[:8])), 10)
	exec(t, b, "SELECT pg_advisory_lock("+work+")")
	ended := make(chan error, 1)
	go func() {
		ended <- a.Run(t.Context(), unit(postgres.Engine().Dialect.Begin, "CREATE TABLE t (x int)"))
	}()
	until(t, b, "1", "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%pg_try_advisory_xact_lock("+work+")%'")
	if got := ask(t, b, "SELECT count(*) FROM pg_class WHERE relname = 't'"); got != "0" {
		t.Error("it did not wait")
	}
	exec(t, b, "SELECT pg_advisory_unlock("+work+")")
	if err := <-ended; err != nil {
		t.Error(err)
	}

	exec(t, b, "SELECT pg_advisory_lock("+work+")")
	err := a.Run(t.Context(), unit(postgres.Engine().Dialect.Begin, "CREATE TABLE u (x int)"))
	u, ok := errors.AsType[*engine.UnitError](err)
	if !ok || u.Part != engine.PartBegin || !u.RolledBack || !strings.Contains(err.Error(), "an earlier run is still open") || faultOf(err).Hint == "" {
		t.Errorf("got %v", err)
	}
	if !free(t, a, k) {
		t.Error("the lock was lost over it")
	}
}

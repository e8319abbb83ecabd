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
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// cluster is one database as each of three nodes has it.
type cluster [3]*bench

func newCluster(t *testing.T, c *dbtest.Cluster, files map[string]string) cluster {
	t.Helper()
	var out cluster
	for i, url := range c.NewDatabase(t) {
		out[i] = newBench(t, product{mysql.Engine(), func(*testing.T) string { return url }}, files)
	}
	return out
}

// lock is the lock with a lease short enough for a test.
func (c cluster) lock(t *testing.T, node int, term time.Duration) (lock.Lock, engine.Session) {
	t.Helper()
	s := c[node].session()
	return lock.Lock{Engine: c[node].engine, Schema: s.Server().Schema, Term: term}, s
}

func (c cluster) beside(node int) func(context.Context) (engine.Session, error) {
	return func(ctx context.Context) (engine.Session, error) {
		return c[node].db.Connect(ctx, engine.ConnectOptions{App: "test"})
	}
}

func nowhere() lock.Progress { return lock.Progress{} }

// TestGalera sits on three real nodes. The tests that need all of them come
// first, together; the last one ends a node.
func TestGalera(t *testing.T) {
	t.Parallel()
	nodes := dbtest.Galera(t)
	t.Run("three nodes", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *dbtest.Cluster){
			"writers on all nodes at once apply each migration once":    galeraWriters,
			"a holder is seen from another node, and alive":             galeraAlive,
			"a lease that is not renewed runs out":                      galeraExpiry,
			"unlock of a living holder on another node waits for it":    galeraForce,
			"unlock of a living holder on the same node ends it":        galeraForceHere,
			"released on one node, nothing of it lands beside the next": galeraZombie,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, nodes)
			})
		}
	})
	if !t.Failed() {
		t.Run("a node dies in mid-run", func(t *testing.T) { galeraNodeDies(t, nodes) })
	}
}

func galeraWriters(t *testing.T, nodes *dbtest.Cluster) {
	files := map[string]string{}
	for i := range 6 {
		files[fmt.Sprintf("%04d_t%d.sql", i+1, i)] = fmt.Sprintf("-- upgrade\nCREATE TABLE t%d (a INT PRIMARY KEY);\nINSERT INTO t%[1]d VALUES (1);\n-- rollback\nDROP TABLE t%[1]d;\n", i)
	}
	c := newCluster(t, nodes, files)
	var all sync.WaitGroup
	var mu sync.Mutex
	applied := map[string]int{}
	for i := range 20 {
		w := c[i%3].warden()
		all.Go(func() {
			res, err := w.Migrate(t.Context(), plan.Target{})
			if err != nil {
				t.Errorf("migrate on node %d: %v", i%3+1, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range res.Completed {
				applied[m.File]++
			}
		})
	}
	all.Wait()
	for name := range files {
		if applied[name] != 1 {
			t.Errorf("%s was applied %d times", name, applied[name])
		}
	}
	if got := c[1].value("SELECT GROUP_CONCAT(version ORDER BY id) FROM dbwarden_migrations"); got != "0001,0002,0003,0004,0005,0006" {
		t.Errorf("the history is %s", got)
	}
	for i := range c {
		if c[i].locked() {
			t.Errorf("node %d says that the lock is held", i+1)
		}
	}
}

// hold takes the lock on a node, and watches over it.
func (c cluster) hold(t *testing.T, node int, term time.Duration) (*lock.Hold, engine.Session, context.Context, func()) {
	t.Helper()
	l, s := c.lock(t, node, term)
	h, err := l.Acquire(t.Context(), s, lock.Holder{User: "ada", Host: "test", Pid: 1, Program: "dbwarden test", Command: "migrate"}, lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	held, stop := h.Watch(t.Context(), c.beside(node), nowhere, nil, nil)
	t.Cleanup(stop)
	return h, s, held, stop
}

func galeraAlive(t *testing.T, nodes *dbtest.Cluster) {
	c := newCluster(t, nodes, nil)
	h, _, _, _ := c.hold(t, 0, 30*time.Second)
	for i := range c {
		started := time.Now()
		r, err := c[i].warden().Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != lock.Alive || r.Row.Native != "lease" || r.Row.Run != h.Run || !strings.Contains(r.Row.Session, "@n1/") {
			t.Errorf("seen from node %d: %s, %+v", i+1, r.Verdict, r.Row)
		}
		if took := time.Since(started); took > 15*time.Second {
			t.Errorf("a look took %s", took)
		}
	}
	w := c[1]
	w.wait = 0
	w.put("0001_x.sql", "-- upgrade\nSELECT 1;\n-- rollback\n")
	_, err := w.warden().Migrate(t.Context(), plan.Target{})
	if held, ok := errors.AsType[*lock.HeldError](err); !ok || held.Status.Verdict != lock.Alive {
		t.Errorf("migrate --no-wait on another node: %v", err)
	}
	_, err = c[2].warden().Unlock(t.Context(), false, "")
	if _, ok := errors.AsType[*lock.HeldError](err); !ok {
		t.Errorf("unlock of a living holder: %v", err)
	}
	if err := h.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if c[2].locked() {
		t.Error("released, and held for another node")
	}
}

func galeraExpiry(t *testing.T, nodes *dbtest.Cluster) {
	const term = 6 * time.Second
	c := newCluster(t, nodes, nil)
	h, _, held, stop := c.hold(t, 0, term)
	// A holder whose renewals do not arrive: its watcher is stopped, and one
	// without a connection takes its place.
	stop()
	if held.Err() == nil {
		t.Error("the context goes on without a watcher")
	}
	started := time.Now()
	cut, stopCut := h.Watch(t.Context(), func(context.Context) (engine.Session, error) { return nil, errors.New("no network") }, nowhere, nil, nil)
	defer stopCut()

	l, s := c.lock(t, 1, term)
	_, err := l.Acquire(t.Context(), s, lock.Holder{Command: "migrate"}, lock.Options{Wait: time.Minute})
	gone, ok := errors.AsType[*lock.HeldError](err)
	if !ok || gone.Status.Verdict != lock.Gone {
		t.Fatalf("a waiter on another node, after %s: %v", time.Since(started), err)
	}
	if !errors.Is(context.Cause(cut), lock.ErrLost) {
		t.Errorf("gone for others after %s, and still trusted by its holder", time.Since(started))
	}
	// Expiry alone hands nothing on; --recover does.
	next, err := l.Acquire(t.Context(), s, lock.Holder{Command: "migrate"}, lock.Options{Wait: time.Minute, Recover: true})
	if err != nil || next.From == nil || next.From.Row.Run != h.Run || next.Token <= h.Token {
		t.Fatalf("taken over: %+v, %v", next, err)
	}
	if err := h.Release(t.Context()); !errors.Is(err, lock.ErrLost) {
		t.Errorf("the old holder releases the new one's lock: %v", err)
	}
	if err := next.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func galeraForce(t *testing.T, nodes *dbtest.Cluster) {
	const term = 6 * time.Second
	c := newCluster(t, nodes, nil)
	h, _, held, _ := c.hold(t, 0, term)
	l, s := c.lock(t, 1, term)
	if _, err := l.Break(t.Context(), s, lock.BreakOptions{}); err == nil {
		t.Fatal("released a living holder without force")
	}
	var said string
	started := time.Now()
	found, err := l.Break(t.Context(), s, lock.BreakOptions{Force: true, Observe: func(e event.Event) { said += e.Detail }})
	if err != nil || found.Row.Run != h.Run {
		t.Fatalf("%+v, %v", found, err)
	}
	if took := time.Since(started); took < term {
		t.Errorf("released after %s, within the lease", took)
	}
	if !errors.Is(context.Cause(held), lock.ErrLost) {
		t.Error("released before the holder had stopped")
	}
	if !strings.Contains(said, "node n1/") {
		t.Errorf("it did not say where the holder is: %q", said)
	}
	if st, err := l.Inspect(t.Context(), s); err != nil || st.Active {
		t.Errorf("%+v, %v", st, err)
	}
}

func galeraForceHere(t *testing.T, nodes *dbtest.Cluster) {
	c := newCluster(t, nodes, nil)
	_, victim, _, _ := c.hold(t, 2, 30*time.Second)
	l, s := c.lock(t, 2, 30*time.Second)
	started := time.Now()
	if _, err := l.Break(t.Context(), s, lock.BreakOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := victim.Exec(t.Context(), "DO 1"); c[2].engine.Fault(err).Kind != engine.Lost {
		t.Errorf("its session goes on: %v", err)
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("took %s: a session that was ended needs no wait", took)
	}
}

// galeraZombie: the row is released by hand under a run that is in mid-file,
// on another node; the successor there runs, and then the first one goes on.
func galeraZombie(t *testing.T, nodes *dbtest.Cluster) {
	c := newCluster(t, nodes, map[string]string{
		"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INT);\nCREATE TABLE b (n INT);\nCREATE TABLE c (n INT);\n-- rollback\n",
	})
	reached, proceed := make(chan struct{}), make(chan struct{})
	c[0].watch = func(e event.Event) {
		if e.Kind == event.StatementDone && e.Statement == 1 {
			close(reached)
			<-proceed
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := c[0].warden().Migrate(t.Context(), plan.Target{})
		ended <- err
	}()
	<-reached
	c[1].exec("UPDATE dbwarden_lock SET locked = FALSE, release_at = NOW()")
	// The successor finds a half-applied file, and what is in doubt; what
	// matters here is that it gets the lock, and the old one nothing more.
	l, s := c.lock(t, 1, 30*time.Second)
	next, err := l.Acquire(t.Context(), s, lock.Holder{Command: "migrate"}, lock.Options{Wait: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	close(proceed)
	if err := <-ended; !errors.Is(err, lock.ErrLost) {
		t.Errorf("the released run: %v", err)
	}
	if got := c[1].value("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('b', 'c')"); got != "0" {
		t.Errorf("%s more statements of the released run took effect", got)
	}
	if got := c[1].value("SELECT COUNT(*) FROM dbwarden_migrations"); got != "0" {
		t.Errorf("the released run is in the history: %s", got)
	}
	if err := next.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// galeraNodeDies: the machine of the holder's node crashes under a statement.
func galeraNodeDies(t *testing.T, nodes *dbtest.Cluster) {
	c := newCluster(t, nodes, map[string]string{
		"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INT);\n-- rollback\n",
		"0002_b.sql": "-- upgrade\nINSERT INTO a VALUES (1);\nINSERT INTO a SELECT SLEEP(60);\n-- rollback\n",
		"0003_c.sql": "-- upgrade\nCREATE TABLE c (n INT);\n-- rollback\n",
	})
	reached := make(chan struct{})
	c[2].watch = func(e event.Event) {
		if e.Kind == event.StatementStarted && e.Version == "0002" && e.Statement == 2 {
			close(reached)
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := c[2].warden().Migrate(t.Context(), plan.Target{})
		ended <- err
	}()
	<-reached
	nodes.Nodes[2].Kill(t)
	if err := <-ended; !errors.Is(err, lock.ErrLost) {
		t.Errorf("the run on the node that died: %v", err)
	}
	l, s := c.lock(t, 0, 6*time.Second)
	gone, err := l.Inspect(t.Context(), s)
	if err != nil || gone.Verdict != lock.Gone || !strings.HasPrefix(gone.Node, "n3/") {
		t.Fatalf("seen from another node: %s, %v", gone.Verdict, err)
	}
	for i := range 2 {
		c[i].put("0002_b.sql", "-- upgrade\nINSERT INTO a VALUES (1);\nINSERT INTO a SELECT SLEEP(0);\n-- rollback\n")
	}
	started := time.Now()
	if _, err := l.Break(t.Context(), s, lock.BreakOptions{Seen: gone}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("a lease that had been seen to run out was watched for another %s", took)
	}
	c[1].migrate()
	if got := c[0].value("SELECT CONCAT(COUNT(*), ' ', SUM(n)) FROM a"); got != "2 1" {
		t.Errorf("rows and their sum: %s", got)
	}
	if got := c[0].value("SELECT GROUP_CONCAT(version ORDER BY id) FROM dbwarden_migrations"); got != "0001,0002,0003" {
		t.Errorf("the history is %s", got)
	}
}

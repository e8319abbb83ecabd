package dbwarden_test

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/migration"
)

// wired is a product whose wire can be broken.
type wired struct {
	engine   *engine.Engine
	protocol wirelab.Protocol
	server   *dbtest.Server
}

func onEveryWire(t *testing.T, test func(t *testing.T, w wired)) {
	if os.Getenv("DBWARDEN_TEST_LONG") == "" {
		t.Skip("the matrix of faults on the wire takes minutes: DBWARDEN_TEST_LONG=1 runs it")
	}
	t.Parallel()
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, wired{postgres.Engine(), wirelab.Postgres, dbtest.Postgres(t)})
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		test(t, wired{mysql.Engine(), wirelab.MySQL, dbtest.MariaDB(t)})
	})
}

// lab is a journey over a wire: far goes through the proxy, near past it.
type lab struct {
	near, far *bench
	proxy     *wirelab.Proxy
}

func (w wired) lab(t *testing.T, j journey, f wirelab.Fault) *lab {
	t.Helper()
	address := w.server.NewDatabase(t)
	near := j.bench(t, product{w.engine, func(*testing.T) string { return address }})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the database's URL cannot be read")
	}
	proxy, err := wirelab.Start(u.Host, w.protocol, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	u.Host = proxy.Addr()
	far := *near
	if far.db, err = w.engine.Open(u.String(), engine.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	return &lab{near, &far, proxy}
}

// tally collects what a matrix has met.
type tally struct {
	lock   sync.Mutex
	points int
	texts  map[wirelab.Action][]string
}

func (c *tally) add(a wirelab.Action, text string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.points++
	if c.texts == nil {
		c.texts = map[wirelab.Action][]string{}
	}
	c.texts[a] = append(c.texts[a], text)
}

// overWire runs test for every request of a journey and every action; back is
// for the way back, which differs from the way up in fewer places.
func overWire(t *testing.T, w wired, up, back []wirelab.Action, test func(t *testing.T, l func(wirelab.Fault) *lab, f wirelab.Fault, j journey) wirelab.Request) {
	for _, d := range []migration.Direction{migration.Up, migration.Down} {
		t.Run(string(d), func(t *testing.T) {
			j := journey{chapters(w.engine.Name), d}
			plain := w.lab(t, j, wirelab.Fault{})
			if _, err := j.run(plain.far); err != nil {
				t.Fatal(err)
			}
			j.finished(plain.near)
			all, actions := plain.proxy.Requests(), up
			if d == migration.Down {
				actions = back
			}
			met := &tally{}
			var group errgroup.Group
			group.SetLimit(atOnce)
			for n := 1; n <= len(all); n++ {
				for _, a := range actions {
					group.Go(func() error {
						t.Run(fmt.Sprintf("%03d %s", n, a), func(t *testing.T) {
							r := test(t, func(f wirelab.Fault) *lab { return w.lab(t, j, f) }, wirelab.Fault{At: n, Action: a}, j)
							if t.Failed() {
								t.Logf("the request was: %.300s", r.Text)
							}
							met.add(a, r.Text)
						})
						return nil
					})
				}
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			for _, a := range actions {
				if !strings.Contains(strings.Join(met.texts[a], "\n"), "COMMIT") {
					t.Errorf("%s: COMMIT was not met", a)
				}
			}
			t.Logf("%d requests, %d points", len(all), met.points)
		})
	}
}

// TestEveryFaultOnTheWireIsSettled breaks a run at each of its requests, in
// each way, and has it settled: nothing is lost, nothing happens twice, and
// what the broken run said of itself was true.
func TestEveryFaultOnTheWireIsSettled(t *testing.T) {
	onEveryWire(t, func(t *testing.T, w wired) {
		up := []wirelab.Action{wirelab.CutBefore, wirelab.CutWithin, wirelab.CutAfter, wirelab.Refuse}
		back := []wirelab.Action{wirelab.CutBefore, wirelab.CutAfter}
		overWire(t, w, up, back, func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) wirelab.Request {
			l := open(f)
			res, err := j.run(l.far)
			r, ok := l.proxy.Met()
			if !ok {
				t.Fatalf("request %d was not met", f.At)
			}
			left := j.truthful(l.near, res, err)
			j.settle(l.near, left, f.At%2 == 0)
			j.finished(l.near)
			return r
		})
	})
}

// TestHeldRunWakesUpToNothing: a run freezes at each of its requests, its
// lock is released with force and a successor finishes the work. What then
// wakes up changes nothing any more.
func TestHeldRunWakesUpToNothing(t *testing.T) {
	onEveryWire(t, func(t *testing.T, w wired) {
		hold := []wirelab.Action{wirelab.Hold}
		overWire(t, w, hold, hold, func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) wirelab.Request {
			met, resume := make(chan wirelab.Request, 1), make(chan struct{})
			f.Met = func(r wirelab.Request) {
				met <- r
				<-resume
			}
			l := open(f)
			type outcome struct {
				res *dbwarden.Result
				err error
			}
			ended := make(chan outcome, 1)
			go func() {
				res, err := j.run(l.far)
				ended <- outcome{res, err}
			}()
			wake := sync.OnceFunc(func() { close(resume) })
			t.Cleanup(wake)
			r := <-met
			succeeded := j.succeed(l.near)
			before := l.near.everything()
			wake()
			o := <-ended
			if !succeeded {
				if o.err != nil {
					t.Errorf("nobody took the lock from it, and it ended with %v", o.err)
				}
			} else if after := l.near.everything(); before != after {
				t.Errorf("the held run woke up, ended with %v, and changed the database from\n%s\nto\n%s", o.err, before, after)
			}
			j.finished(l.near)
			return r
		})
	})
}

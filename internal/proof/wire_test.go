package proof_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// lab is a journey over a wire: far goes through the proxy, near past it.
type lab struct {
	near, far *bench
	proxy     *wirelab.Proxy
}

func (p product) lab(t *testing.T, j journey, f wirelab.Fault) *lab {
	t.Helper()
	near := j.bench(t, p)
	u, err := url.Parse(near.address)
	if err != nil {
		t.Fatal("the database's URL cannot be read")
	}
	proxy, err := wirelab.Start(u.Host, p.protocol, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	u.Host = proxy.Addr()
	return &lab{near, near.at(u.String()), proxy}
}

// A wireTest tries one point: the journey begins in a lab that open makes,
// and meets the fault at one request. It returns the request, and false
// where this journey made fewer: the program's own clock adds some.
type wireTest func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) (wirelab.Request, bool)

// overWire runs test for every request of a journey and every action; back is
// for the way back, which differs from the way up in fewer places.
func overWire(t *testing.T, p product, up, back []wirelab.Action, test wireTest) {
	for _, d := range []migration.Direction{migration.Up, migration.Down} {
		// On both roads: of the plain one, fewer points.
		for _, plain := range []bool{false, true} {
			name, every, soaks := string(d), 1, os.Getenv("DBWARDEN_TEST_SOAK") != ""
			if plain {
				name, every = name+" step by step", 4
				if p.protocol != wirelab.Postgres {
					every = 8 // it makes more requests
				}
			}
			t.Run(name, func(t *testing.T) {
				j := journey{chapters(p.engine.Name), d, plain}
				plain := p.lab(t, j, wirelab.Fault{})
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
				try := func(name string, f wirelab.Fault) {
					group.Go(func() error {
						t.Run(name+" "+string(f.Action), func(t *testing.T) {
							r, ok := test(t, func(f wirelab.Fault) *lab { return p.lab(t, j, f) }, f, j)
							if t.Failed() {
								t.Logf("the request was: %.300s", r.Text)
							}
							met.add(ok)
						})
						return nil
					})
				}
				commits := 0
				for n, r := range all {
					// The program's own clock adds requests to some runs, so that
					// a COMMIT is counted apart. All are tried, or every fourth or
					// eighth.
					commit := strings.Contains(r.Text, "COMMIT")
					if commit {
						commits++
					}
					for i, a := range actions {
						switch {
						case every > 1 && !soaks && (n/2+i)%every > 0:
						case commit && (raced || testing.Short()) && (commits+i)%4 > 0:
						case commit:
							try(fmt.Sprintf("COMMIT %d", commits), wirelab.Fault{At: commits, Text: "COMMIT", Action: a})
						case sample(n+1, i):
							try(fmt.Sprintf("%03d", n+1), wirelab.Fault{At: n + 1, Action: a})
						}
					}
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
				if commits == 0 {
					t.Error("no COMMIT was seen")
				}
				// A slow first run has more requests than those that follow.
				if met.points >= 40 && 2*met.missed > met.points {
					t.Errorf("of %d points, %d were not met", met.points, met.missed)
				}
				t.Logf("%d requests, %d points", len(all), met.points)
			})
		}
	}
}

// tally counts the points of a matrix, and those where there was nothing to
// meet.
type tally struct {
	lock           sync.Mutex
	points, missed int
}

func (c *tally) add(met bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.points++
	if !met {
		c.missed++
	}
}

// TestEveryFaultOnTheWireIsSettled breaks a run at each of its requests, in
// each way, and has it settled: nothing is lost, nothing happens twice, and
// what the broken run said of itself was true.
func TestEveryFaultOnTheWireIsSettled(t *testing.T) {
	onEveryServer(t, func(t *testing.T, p product) {
		up := []wirelab.Action{wirelab.CutBefore, wirelab.CutWithin, wirelab.CutAfter, wirelab.Refuse}
		back := []wirelab.Action{wirelab.CutBefore, wirelab.CutAfter}
		overWire(t, p, up, back, func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) (wirelab.Request, bool) {
			l := open(f)
			res, err := j.run(l.far)
			r, ok := l.proxy.Met()
			if !ok && err != nil {
				t.Fatalf("nothing was broken, and the run failed: %v", err)
			}
			left := j.truthful(l.near, res, err)
			// Who reads the history and leaves the lock behind has lost it.
			reads := strings.HasPrefix(r.Text, "SELECT") && strings.Contains(r.Text, "dbwarden_migrations")
			if ok && reads && left.Verdict == lock.Gone && !errors.Is(err, lock.ErrLost) {
				t.Errorf("the run was cut off with the lock in its hands, and ended with %v", err)
			}
			// A session that ends behind the release of the row ends well.
			frees := strings.Contains(r.Text, "THEN pg_catalog.pg_advisory_unlock") || strings.Contains(r.Text, "RELEASE_LOCK")
			if ok && frees && f.Action != wirelab.Refuse && err != nil {
				t.Errorf("all was done and the row released, and the run ended with %v", err)
			}
			j.settle(l.near, left, f.At%2 == 0)
			j.finished(l.near)
			return r, ok
		})
	})
}

// held is a run that waits in the middle of a message.
type held struct {
	request wirelab.Request
	wake    func()
	ended   chan outcome
}

type outcome struct {
	res *dbwarden.Result
	err error
}

// hold starts the journey and returns when it has met its fault, or nil when
// it has ended without.
func (j journey) hold(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault) (*lab, *held) {
	t.Helper()
	met, resume := make(chan wirelab.Request, 1), make(chan struct{})
	f.Met = func(r wirelab.Request) {
		met <- r
		<-resume
	}
	l := open(f)
	h := &held{wake: sync.OnceFunc(func() { close(resume) }), ended: make(chan outcome, 1)}
	t.Cleanup(h.wake)
	go func() {
		res, err := j.run(l.far)
		h.ended <- outcome{res, err}
	}()
	select {
	case h.request = <-met:
		return l, h
	case o := <-h.ended:
		if o.err != nil {
			t.Fatalf("nothing was held, and the run failed: %v", o.err)
		}
		j.finished(l.near)
		return l, nil
	}
}

// TestHeldRunWakesUpToNothing: a run freezes at each of its requests, its
// lock is released with force and a successor finishes the work. What then
// wakes up changes nothing any more.
func TestHeldRunWakesUpToNothing(t *testing.T) {
	onEveryServer(t, func(t *testing.T, p product) {
		actions := []wirelab.Action{wirelab.Hold}
		overWire(t, p, actions, actions, func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) (wirelab.Request, bool) {
			l, h := j.hold(t, open, f)
			if h == nil {
				return wirelab.Request{}, false
			}
			succeeded := j.succeed(l.near)
			before := l.near.everything()
			h.wake()
			o := <-h.ended
			if !succeeded {
				if o.err != nil {
					t.Errorf("nobody took the lock from it, and it ended with %v", o.err)
				}
			} else if after := l.near.everything(); before != after {
				t.Errorf("the held run woke up, ended with %v, and changed the database from\n%s\nto\n%s", o.err, before, after)
			}
			j.finished(l.near)
			return h.request, true
		})
	})
}

// TestDelayedMessagesLetNobodyElseIn: each request, and each reply, is late;
// meanwhile another run wants to do the same. It is refused, or was first;
// both end well, and everything happens once.
func TestDelayedMessagesLetNobodyElseIn(t *testing.T) {
	// Where the late run holds a lock on a table of ours, the other waits
	// for it inside the database, and gives no answer until it goes on.
	const delay = 500 * time.Millisecond
	onEveryServer(t, func(t *testing.T, p product) {
		actions := []wirelab.Action{wirelab.Hold, wirelab.HoldReply}
		overWire(t, p, actions, actions, func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) (wirelab.Request, bool) {
			l, h := j.hold(t, open, f)
			if h == nil {
				return wirelab.Request{}, false
			}
			second := *l.near
			second.wait = 0
			other := make(chan error, 1)
			go func() {
				_, err := j.run(&second)
				other <- err
			}()
			answered := true
			var err error
			select {
			case err = <-other:
			case <-time.After(delay):
				answered = false
			}
			h.wake()
			o := <-h.ended
			if !answered {
				err = <-other
			}
			var refused *lock.HeldError
			if err != nil && !(errors.As(err, &refused) && (refused.Status.Verdict == lock.Alive || refused.Status.Verdict == lock.Free)) {
				t.Errorf("the second run: %v", err)
			}
			if o.err != nil {
				t.Errorf("the run with the late message: %v; the second: %v", o.err, err)
			}
			j.finished(l.near)
			return h.request, true
		})
	})
}

package wirelab_test

import (
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
)

func onEveryServer(t *testing.T, test func(t *testing.T, s *dbtest.Server, p wirelab.Protocol)) {
	t.Run("PostgreSQL", func(t *testing.T) { test(t, dbtest.Postgres(t), wirelab.Postgres) })
	t.Run("MariaDB", func(t *testing.T) { test(t, dbtest.MariaDB(t), wirelab.MySQL) })
}

// through starts a proxy before a database, and returns the address by it.
func through(t *testing.T, address string, p wirelab.Protocol, f wirelab.Fault) (*wirelab.Proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the server's URL cannot be read")
	}
	proxy, err := wirelab.Start(u.Host, p, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	u.Host = proxy.Addr()
	return proxy, u.String()
}

const insert = "INSERT INTO t VALUES (1)"

// TestEachActionDoesWhatItSays to an INSERT: whether the server has done it,
// what the client hears, and whether its session goes on.
func TestEachActionDoesWhatItSays(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *dbtest.Server, p wirelab.Protocol) {
		address := s.NewDatabase(t)
		direct := dbtest.Dial(t, address)
		direct.Exec(t, "CREATE TABLE t (n INTEGER)")
		count, plain := through(t, address, p, wirelab.Fault{})
		dbtest.Dial(t, plain).Exec(t, insert)
		all := count.Requests()
		at := len(all)
		if at == 0 || all[at-1].Text != insert || all[at-1].N != at || all[at-1].Session != 1 {
			t.Fatalf("the proxy saw %+v, want it to end with the INSERT", all)
		}
		for _, c := range []struct {
			action            wirelab.Action
			done, fails, ends bool
		}{
			{wirelab.CutBefore, false, true, true},
			{wirelab.CutWithin, false, true, true},
			{wirelab.CutBehind, true, true, true},
			{wirelab.CutAfter, true, true, true},
			{wirelab.Refuse, false, true, false},
			{wirelab.Hold, true, false, false},
			{wirelab.HoldReply, true, false, false},
		} {
			t.Run(string(c.action), func(t *testing.T) {
				direct.Exec(t, "DELETE FROM t")
				// Met is called on the proxy's goroutine.
				var whileHeld atomic.Value
				whileHeld.Store("")
				var way atomic.Pointer[wirelab.Proxy]
				proxy, far := through(t, address, p, wirelab.Fault{At: at, Action: c.action, Met: func(r wirelab.Request) {
					if r.Text == insert && c.action == wirelab.CutBehind {
						// A driver that hears of the cut asks the server, by a
						// connection of its own, to cancel what is to be done.
						way.Load().Refuse()
					}
					if r.Text == insert {
						whileHeld.Store(direct.Rows(t, "SELECT COUNT(*) FROM t")[0][0])
					}
				}})
				way.Store(proxy)
				session := dbtest.Dial(t, far)
				err := session.Try(t.Context(), insert)
				if (err != nil) != c.fails {
					t.Errorf("the client heard %v", err)
				}
				before := "0"
				if c.action == wirelab.HoldReply {
					before = "1"
				}
				if r, ok := proxy.Met(); !ok || r.Text != insert || whileHeld.Load() != before {
					t.Errorf("met %+v, %v, while t had %q rows", r, ok, whileHeld.Load())
				}
				want := "0"
				if c.done {
					want = "1"
				}
				got := func() string { return direct.Rows(t, "SELECT COUNT(*) FROM t")[0][0] }
				for end := time.Now().Add(time.Minute); c.action == wirelab.CutBehind && got() != want && time.Now().Before(end); {
					time.Sleep(10 * time.Millisecond) // the server is at it
				}
				if got := got(); got != want {
					t.Errorf("%s rows, want %s", got, want)
				}
				if err := session.Try(t.Context(), "SELECT 1"); (err != nil) != c.ends {
					t.Errorf("the next statement of the session gave %v", err)
				}
			})
		}
	})
}

// TestEveryRequestOfALoginCanBeBroken, from the first on, and a proxy that is
// closed leaves no goroutine and no session behind.
func TestEveryRequestOfALoginCanBeBroken(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *dbtest.Server, p wirelab.Protocol) {
		address := s.NewDatabase(t)
		before := goleak.IgnoreCurrent()
		for _, a := range []wirelab.Action{wirelab.CutBefore, wirelab.CutWithin, wirelab.CutAfter, wirelab.Refuse} {
			for n := 1; ; n++ {
				proxy, far := through(t, address, p, wirelab.Fault{At: n, Action: a})
				c, err := dbtest.TryDial(t, far)
				if err == nil {
					c.Close()
				}
				_, met := proxy.Met()
				proxy.Close()
				if !met {
					if err != nil || n == 1 {
						t.Errorf("%s: no request %d, and the login gave %v", a, n, err)
					}
					break
				}
				if err == nil {
					t.Errorf("%s at request %d, and the login succeeded", a, n)
				}
			}
		}
		goleak.VerifyNone(t, before)
	})
}

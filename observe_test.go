package dbwarden_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Whoever reads the events needs no other word of a run: it begins and ends
// with one, however it ended, and knows what is left.
func TestEveryRunBeginsAndEndsWithAnEvent(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{
		"0001_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n\n-- rollback\nDROP TABLE a;\n",
		"0002_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);\n\n-- rollback\nDROP TABLE b;\n",
		"0003_c.sql": "-- upgrade\nCREATE TABLE c (id INTEGER);\n\n-- rollback\nDROP TABLE c;\n",
	})
	var seen []event.Event
	b.watch = func(e event.Event) { seen = append(seen, e) }
	// ends looks at the events of one run, and clears them.
	ends := func(what, direction string, pending int, run string, err error) {
		t.Helper()
		first, last := seen[0], seen[len(seen)-1]
		if first.Kind != event.RunStarted || last.Kind != event.RunEnded {
			t.Fatalf("%s: from %s to %s", what, first.Kind, last.Kind)
		}
		if n := len(slices.DeleteFunc(slices.Clone(seen), func(e event.Event) bool { return e.Kind != event.RunStarted && e.Kind != event.RunEnded })); n != 2 {
			t.Errorf("%s: %d events of begin and end", what, n)
		}
		for _, e := range []event.Event{first, last} {
			if e.Run != run || e.Direction != direction {
				t.Errorf("%s: %s of run %q, %s", what, e.Kind, e.Run, e.Direction)
			}
		}
		if last.Pending != pending || !errors.Is(last.Err, err) || err == nil && last.Err != nil {
			t.Errorf("%s: pending %d, error %v", what, last.Pending, last.Err)
		}
		seen = nil
	}
	run := func(what string, up bool, target plan.Target, pending int) error {
		t.Helper()
		verb, direction := b.warden().Migrate, "upgrade"
		if !up {
			verb, direction = b.warden().Rollback, "rollback"
		}
		res, err := verb(t.Context(), target)
		if res.Pending != pending {
			t.Errorf("%s: the result says that %d are pending", what, res.Pending)
		}
		ends(what, direction, pending, res.Run, err)
		return err
	}

	run("a count", true, plan.Target{Count: 1}, 2)
	run("a target", true, upTo("0002"), 1)
	run("nothing to do up to a target", true, upTo("0002"), 1)
	b.put("0004_d.sql", "-- upgrade\nCREATE TABLE d (nonsense;\n")
	b.put("0005_e.sql", "-- upgrade\nCREATE TABLE e (id INTEGER);\n")
	var failed *dbwarden.MigrationError
	if err := run("a failing one", true, plan.Target{}, 2); !errors.As(err, &failed) {
		t.Errorf("the failing one: %v", err)
	}
	run("a rollback", false, plan.Target{Count: 1}, -1)
	var refused *plan.Refusal
	if err := run("a refusal", true, upTo("0999"), -1); !errors.As(err, &refused) {
		t.Errorf("the refusal: %v", err)
	}
}

// The end of a run's id is in the name of its session, so that whoever reads a
// log finds the session, and the other way round.
func TestTheServerKnowsARunByTheEndOfItsId(t *testing.T) {
	t.Parallel()
	nameOf := func(run string) string {
		return fmt.Sprintf("dbwarden migrate %s ada@test:%d", run[len(run)-12:], os.Getpid())
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s := dbtest.Postgres(t)
		b := newBench(t, product{postgres.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}, map[string]string{
			"1_who.sql": "-- upgrade\nCREATE TABLE who AS SELECT current_setting('application_name') AS name;\n"})
		res, err := b.warden().Migrate(t.Context(), plan.Target{})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.value("SELECT name FROM who"); got != nameOf(res.Run) {
			t.Errorf("the run %s calls itself %s", res.Run, got)
		}
	})
	// A MariaDB tells it where its performance schema is on, which it seldom
	// is: what it is told is looked at on its way.
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		s := dbtest.MariaDB(t)
		var said recording
		b := newBench(t, product{mysql.Engine(), func(t *testing.T) string { return said.through(t, s.NewDatabase(t)) }}, map[string]string{
			"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n"})
		res, err := b.warden().Migrate(t.Context(), plan.Target{})
		if err != nil {
			t.Fatal(err)
		}
		if !said.has("program_name", nameOf(res.Run)) {
			t.Errorf("the run %s was not named to the server", res.Run)
		}
	})
}

// recording is what clients have said to a server.
type recording struct {
	mu   sync.Mutex
	said []byte
}

func (r *recording) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, p...)
	return len(p), nil
}

// has reports whether name, followed by its value, was said; between them is
// the value's length.
func (r *recording) has(name, value string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Contains(r.said, []byte(name+string(rune(len(value)))+value))
}

// through returns a URL that leads to the one of address, past the recorder.
func (r *recording) through(t *testing.T, address string) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	target := to.Host
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			go func() {
				io.Copy(io.MultiWriter(server, r), client)
				server.Close()
			}()
			go func() {
				io.Copy(client, server)
				client.Close()
			}()
		}
	}()
	to.Host = l.Addr().String()
	return to.String()
}

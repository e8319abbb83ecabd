package dbwarden_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// cutOffVariable makes this test binary a run whose network is cut.
const cutOffVariable = "DBWARDEN_TEST_CUT_OFF"

func TestMain(m *testing.M) {
	if text := os.Getenv(cutOffVariable); text != "" {
		os.Exit(cutOff(text))
	}
	os.Exit(m.Run())
}

// cutOffRun is what that program is told.
type cutOffRun struct {
	Engine, URL string
	File        string        // the migration, version 2
	Pause       bool          // stop behind the first statement until told to go on
	Idle        time.Duration // engine.Limits
}

// cutOffEnd is what it prints.
type cutOffEnd struct {
	Lost    bool
	Err     string
	Applied int
}

// cutOff says "2" when the second statement begins, or "1" when it stops
// behind the first, and at last how it ended.
func cutOff(text string) int {
	var c cutOffRun
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	e := postgres.Engine()
	if c.Engine != e.Name {
		e = mysql.Engine()
	}
	db, err := e.Open(c.URL, engine.OpenOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	told := bufio.NewReader(os.Stdin)
	w, err := dbwarden.New(dbwarden.Config{
		Engine: e, Database: db, Limits: engine.Limits{Idle: c.Idle}, NoPipeline: c.Pause,
		Migrations: fstest.MapFS{"1_t.sql": {Data: []byte(table)}, "2_rows.sql": {Data: []byte(c.File)}},
		Holder:     lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"},
		Observe: func(ev event.Event) {
			switch {
			case c.Pause && ev.Kind == event.StatementDone && ev.Statement == 1:
				fmt.Println("1")
				_, _ = told.ReadString('\n') // the test tells, or is over
			case !c.Pause && ev.Kind == event.StatementStarted && ev.Statement == 2:
				fmt.Println("2")
			}
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	res, err := w.Migrate(context.Background(), plan.Target{})
	end := cutOffEnd{Lost: errors.Is(err, lock.ErrLost), Applied: len(res.Completed)}
	if err != nil {
		end.Err = err.Error()
	}
	out, err := json.Marshal(end)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Println(string(out))
	return 0
}

// TestACableThatIsPulledFreesTheLock: the network of a run dies, at a moment
// when the server waits for it and at one when it waits for the server. The
// server frees the lock within the promised time, the run ends with the truth
// and does not hang, and the next one does the work, once.
func TestACableThatIsPulledFreesTheLock(t *testing.T) {
	t.Parallel()
	rows := "-- upgrade\nINSERT INTO t VALUES (1);\n%sINSERT INTO t VALUES (2);\n"
	for _, c := range []struct {
		name   string
		engine *engine.Engine
		server func(*dbtest.Network, testing.TB) *dbtest.Server
		slow   string
		idle   time.Duration
		free   time.Duration // within which the server must have noticed
		ended  time.Duration // within which the run must
	}{
		// With the defaults. Half a minute, and a look every five seconds.
		{"PostgreSQL", postgres.Engine(), (*dbtest.Network).Postgres, "SELECT pg_sleep(600);\n", 0, 40 * time.Second, 45 * time.Second},
		// The server is told nothing but how long a silent session may last:
		// 60 s unless asked for less. A statement in flight runs to its end.
		{"MariaDB", mysql.Engine(), (*dbtest.Network).MariaDB, "DO SLEEP(6);\n", 15 * time.Second, 30 * time.Second, 45 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := dbtest.NewNetwork(t)
			s := c.server(n, t)
			var cases []*cutOffCase
			for _, pause := range []bool{true, false} {
				k := &cutOffCase{name: "while a statement runs", pause: pause, file: fmt.Sprintf(rows, c.slow)}
				if pause {
					k.name, k.file = "between two statements", fmt.Sprintf(rows, "")
				}
				k.start(t, n, s, c.engine, c.idle)
				cases = append(cases, k)
			}
			for _, k := range cases {
				k.await(t)
			}
			n.Cut(t)
			cut := time.Now()
			for _, k := range cases {
				_, _ = io.WriteString(k.in, "go on\n") // it waits for this, or for nothing
			}
			notice(t, cases, cut, c.free)
			for _, k := range cases {
				k.judge(t, cut, c.ended)
			}
		})
	}
}

// cutOffCase is one run that is cut off, seen from outside.
type cutOffCase struct {
	name, file string
	pause      bool
	bench      *bench
	in         io.Writer
	out        *bufio.Reader
	noticed    time.Duration
	ended      chan time.Time
	end        cutOffEnd
}

func (k *cutOffCase) start(t *testing.T, n *dbtest.Network, s *dbtest.Server, e *engine.Engine, idle time.Duration) {
	t.Helper()
	far := s.NewDatabase(t)
	k.bench = newBench(t, product{e, func(*testing.T) string { return s.Near(far) }}, map[string]string{"1_t.sql": table})
	k.bench.migrate()
	k.bench.put("2_rows.sql", twoRows)
	text, err := json.Marshal(cutOffRun{Engine: e.Name, URL: far, File: k.file, Pause: k.pause, Idle: idle})
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), cutOffVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	n.Client(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it was killed, if it had to be
	k.in, k.out = in, bufio.NewReader(out)
}

// await waits until the run is where it is to be cut off, and tells when it
// ends from then on.
func (k *cutOffCase) await(t *testing.T) {
	t.Helper()
	if line, err := k.out.ReadString('\n'); err != nil || len(line) != 2 {
		t.Fatalf("%s: the run said %q, %v", k.name, line, err)
	}
	if !k.pause {
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(k.lock(t).Owner.Doing, "SLEEP") && !strings.Contains(k.lock(t).Owner.Doing, "pg_sleep"); {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the second statement does not run", k.name)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	k.ended = make(chan time.Time, 1)
	go func() {
		line, _ := k.out.ReadString('\n') // nothing: the test is over
		if json.Unmarshal([]byte(line), &k.end) == nil {
			k.ended <- time.Now()
		}
		close(k.ended)
	}()
}

func (k *cutOffCase) lock(t *testing.T) dbwarden.LockReport {
	t.Helper()
	r, err := k.bench.warden().Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// notice waits until the server has noticed in every case.
func notice(t *testing.T, cases []*cutOffCase, cut time.Time, free time.Duration) {
	t.Helper()
	for left := len(cases); left > 0; time.Sleep(100 * time.Millisecond) {
		for _, k := range cases {
			if k.noticed != 0 {
				continue
			}
			if r := k.lock(t); r.Verdict == lock.Gone {
				k.noticed = time.Since(cut)
				left--
			} else if time.Since(cut) > free {
				t.Fatalf("%s: the lock is still %s after %s", k.name, r.Verdict, free)
			}
		}
	}
}

func (k *cutOffCase) judge(t *testing.T, cut time.Time, ended time.Duration) {
	t.Helper()
	t.Logf("%s: the server noticed after %s", k.name, k.noticed.Round(100*time.Millisecond))
	select {
	case at := <-k.ended:
		t.Logf("%s: the run ended after %s: %s", k.name, at.Sub(cut).Round(100*time.Millisecond), k.end.Err)
		if !k.end.Lost || k.end.Applied != 0 {
			t.Errorf("%s: the run ended with %+v, want the lock lost and nothing applied", k.name, k.end)
		}
	case <-time.After(time.Until(cut.Add(ended))):
		t.Errorf("%s: the run still hangs after %s", k.name, ended)
	}
	if got := k.bench.value("SELECT COUNT(*) FROM t"); got != "0" {
		t.Errorf("%s: %s rows, want none", k.name, got)
	}
	if _, err := k.bench.warden().Unlock(t.Context(), false, ""); err != nil {
		t.Fatalf("%s: unlock: %v", k.name, err)
	}
	k.bench.migrate()
	if got := k.bench.value("SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s: %s rows, want 2", k.name, got)
	}
}

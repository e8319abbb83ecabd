//go:build unix

package dbwarden_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// crashVariable makes this test binary the program that is killed.
const crashVariable = "DBWARDEN_TEST_CRASH"

// crash is what that program is told.
type crash struct {
	Engine    string
	URL       string
	Direction migration.Direction
	At        int // the point at which it kills itself, from 1; 0: never
}

func TestMain(m *testing.M) {
	if text := os.Getenv(crashVariable); text != "" {
		os.Exit(crashing(text))
	}
	os.Exit(m.Run())
}

// crashing makes the journey in this process, and prints how many points it
// came by.
func crashing(text string) int {
	var c crash
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var e *engine.Engine
	for _, x := range []*engine.Engine{sqlite.Engine(), postgres.Engine(), mysql.Engine()} {
		if x.Name == c.Engine {
			e = x
		}
	}
	db, err := e.Open(c.URL, engine.OpenOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	clock := &fuse{at: int64(c.At)}
	j := journey{chapters(e.Name), c.Direction}
	files := fstest.MapFS{}
	for name, text := range j.files() {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	w, err := dbwarden.New(dbwarden.Config{
		Engine: e, Database: doomed{db, e.Dialect, clock}, Migrations: files,
		Holder: lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"},
	})
	if err == nil {
		_, err = j.by(context.Background(), w)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(clock.passed.Load())
	return 0
}

// fuse kills the process at its n-th point.
type fuse struct {
	at     int64
	passed atomic.Int64
}

func (f *fuse) point() {
	if f.passed.Add(1) == f.at {
		// Nothing of ours runs behind this.
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// doomed is a database whose sessions pass points: before and behind every
// call, around every statement of a unit, and before each of a unit's own
// queries and its COMMIT.
type doomed struct {
	engine.Database
	dialect engine.Dialect
	fuse    *fuse
}

func (d doomed) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	s, err := d.Database.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return &doomedSession{s, d}, nil
}

type doomedSession struct {
	engine.Session
	doomed
}

// Unwrap lets an engine find its own session.
func (s *doomedSession) Unwrap() engine.Session { return s.Session }

func (s *doomedSession) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	s.fuse.point()
	defer s.fuse.point()
	return s.Session.Exec(ctx, q, args...)
}

func (s *doomedSession) Query(ctx context.Context, each func(func(...any) error) error, q string, args ...any) error {
	s.fuse.point()
	return s.Session.Query(ctx, each, q, args...)
}

func (s *doomedSession) Run(ctx context.Context, u engine.Unit) error {
	s.fuse.point()
	defer s.fuse.point()
	watch := u.Watch
	u.Watch = func(p engine.Progress) {
		if watch != nil {
			watch(p)
		}
		s.fuse.point()
	}
	if u.Begin != "" || len(u.Closing) > 1 {
		// Nothing is told before COMMIT: a query that does nothing tells it.
		u.Closing = append(u.Closing, engine.Query{Text: "SELECT " + s.dialect.Bind(1) + " + 0", Args: []any{int64(0)}})
	}
	u.Opening, u.Closing = s.tell(u.Opening), s.tell(u.Closing)
	return s.Session.Run(ctx, u)
}

// tell puts a point before each query: its values are asked for when it is
// sent.
func (s *doomedSession) tell(queries []engine.Query) []engine.Query {
	out := make([]engine.Query, len(queries))
	for i, q := range queries {
		if len(q.Args) > 0 {
			first, rest := q.Args[0], q.Args[1:]
			late := engine.Late(func() any {
				s.fuse.point()
				if l, ok := first.(engine.Late); ok {
					return l()
				}
				return first
			})
			q.Args = append([]any{late}, rest...)
		}
		out[i] = q
	}
	return out
}

func (s *doomedSession) Reset(ctx context.Context, l engine.Limits) error {
	s.fuse.point()
	return s.Session.Reset(ctx, l)
}

func (s *doomedSession) Close() error {
	s.fuse.point()
	return s.Session.Close()
}

// start runs the program to its end, and returns what it printed and whether
// it was killed.
func (c crash) start(t *testing.T) (printed string, killed bool) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), crashVariable+"="+string(text))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && state.Signaled() && state.Signal() == syscall.SIGKILL {
		return string(out), true
	}
	if err != nil {
		t.Fatalf("the program ended with %v: %s", err, said.String())
	}
	return string(out), false
}

// TestKilledAnywhereAndRunAgain kills the process itself at every point of a
// run. The lock never calls the dead alive for long, unlocking takes no
// force, and what is there in the end is what an undisturbed run makes.
func TestKilledAnywhereAndRunAgain(t *testing.T) {
	if os.Getenv("DBWARDEN_TEST_LONG") == "" {
		t.Skip("the matrix of kills takes a minute: DBWARDEN_TEST_LONG=1 runs it")
	}
	onEvery(t, func(t *testing.T, p product) {
		for _, d := range []migration.Direction{migration.Up, migration.Down} {
			t.Run(string(d), func(t *testing.T) {
				j := journey{chapters(p.engine.Name), d}
				lab := func(t *testing.T, at int) (*bench, crash) {
					address := p.url(t)
					b := j.bench(t, product{p.engine, func(*testing.T) string { return address }})
					return b, crash{p.engine.Name, address, d, at}
				}
				b, c := lab(t, 0)
				printed, _ := c.start(t)
				j.finished(b)
				points, err := strconv.Atoi(printed)
				if err != nil {
					t.Fatal(err)
				}
				step := 1
				if testing.Short() {
					step = 7
				}
				var group errgroup.Group
				group.SetLimit(atOnce)
				for n := 1; n <= points; n += step {
					group.Go(func() error {
						t.Run(fmt.Sprintf("%03d", n), func(t *testing.T) {
							b, c := lab(t, n)
							if _, killed := c.start(t); !killed {
								t.Fatalf("the program has not come by point %d", n)
							}
							j.settle(b, b.awaitQuiet(), n%2 == 0)
							j.finished(b)
						})
						return nil
					})
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
				t.Logf("%d points, every %d. of them tried", points, step)
			})
		}
	})
}

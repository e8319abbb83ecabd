package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// program is the folder with the program, as it is built for a release: the
// scripts run real processes.
var program string

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dbwarden-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	c := exec.Command("go", "build", "-trimpath", "-ldflags", "-X main.version=1.2.3", "-o", dir, "github.com/dbwarden-go/dbwarden/cmd/dbwarden")
	c.Env, c.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	program = dir
	return m.Run()
}

// The scripts in testdata/script run once on every engine, each on a fresh
// database whose URL is in DBWARDEN_DATABASE_URL; $ENGINE names the engine.
// A script that is about one engine says so in its first lines.
func TestScriptsOnSQLite(t *testing.T) {
	t.Parallel()
	scripts(t, "sqlite", sqlite.Engine(), nil)
}

func TestScriptsOnPostgres(t *testing.T) {
	t.Parallel()
	scripts(t, "postgres", postgres.Engine(), dbtest.Postgres(t))
}

func TestScriptsOnMariaDB(t *testing.T) {
	t.Parallel()
	scripts(t, "mysql", mysql.Engine(), dbtest.MariaDB(t))
}

// TestLockScriptsOnOtherVersions: what is told of the lock is so on the oldest
// and the newest PostgreSQL, too.
func TestLockScriptsOnOtherVersions(t *testing.T) {
	t.Parallel()
	for _, version := range dbtest.PostgresVersions(t) {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			t.Parallel()
			files := []string{"testdata/script/signals.txtar", "testdata/script/zombie.txtar"}
			if version < 14 {
				files = append(files, "testdata/versions/killed_before_14.txtar")
			} else {
				files = append(files, "testdata/script/seed_page.txtar")
			}
			scripts(t, "postgres", postgres.Engine(), dbtest.PostgresVersion(t, version), files...)
		})
	}
}

// scripts runs the named ones, or all.
func scripts(t *testing.T, name string, e *engine.Engine, server *dbtest.Server, files ...string) {
	dir := "testdata/script"
	if len(files) > 0 {
		dir = ""
	}
	var gates gates
	var holders holders
	var sites sites
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Files:               files,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			url := "sqlite:///test.db"
			if server != nil {
				url = server.NewDatabase(t)
				env.Setenv("ADMIN_URL", server.URL())
				env.Setenv("NAME", dbtest.DatabaseName(url))
			}
			env.Setenv("PATH", program+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("DBWARDEN_DATABASE_URL", url)
			env.Setenv("DATABASE_OF_SCRIPT", url)
			env.Setenv("ENGINE", name)
			env.Setenv("USER", "alice")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "sqlite", "postgres", "mysql":
				return cond == name, nil
			case "dot":
				_, err := exec.LookPath("dot") // Graphviz
				return err == nil, nil
			case "root":
				return asRoot(), nil
			case "unshare":
				return exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sql":        func(ts *testscript.TestScript, neg bool, args []string) { sqlCommand(ts, e, neg, args) },
			"admin":      func(ts *testscript.TestScript, neg bool, args []string) { adminCommand(ts, e, neg, args) },
			"role":       func(ts *testscript.TestScript, _ bool, _ []string) { roleCommand(t, ts, server) },
			"url":        func(ts *testscript.TestScript, _ bool, args []string) { urlCommand(ts, args) },
			"stranger":   strangerCommand,
			"json":       jsonCommand,
			"prom":       promCommand,
			"waitfor":    func(ts *testscript.TestScript, _ bool, args []string) { waitFor(ts, e, args[0], args[1]) },
			"eventually": func(ts *testscript.TestScript, _ bool, args []string) { eventually(ts, args) },
			"swarm":      func(ts *testscript.TestScript, _ bool, args []string) { swarm(ts, args) },
			"holder":     func(ts *testscript.TestScript, _ bool, args []string) { holders.do(ts, e, args[0]) },
			"interrupt":  func(ts *testscript.TestScript, _ bool, args []string) { interrupt(ts, args) },
			"site":       func(ts *testscript.TestScript, _ bool, args []string) { sites.do(ts, args) },
			"gate":       func(ts *testscript.TestScript, _ bool, args []string) { gates.do(ts, e, args[0]) },
		},
	})
}

// sqlCommand is "sql QUERY": it runs a query as another program would, and
// prints the rows. On SQLite the database is the file of the URL.
func sqlCommand(ts *testscript.TestScript, e *engine.Engine, neg bool, args []string) {
	err := query(ts, e, ts.Getenv("DBWARDEN_DATABASE_URL"), strings.Join(args, " "))
	if neg && err == nil {
		ts.Fatalf("the query succeeded")
	}
	if neg {
		fmt.Fprintln(ts.Stderr(), err)
	} else {
		ts.Check(err)
	}
}

func query(ts *testscript.TestScript, e *engine.Engine, url, q string) error {
	ctx := context.Background()
	db, err := e.Open(url, engine.OpenOptions{Dir: ts.Getenv("WORK")})
	if err != nil {
		return err
	}
	s, err := db.Connect(ctx, engine.ConnectOptions{App: "test"})
	if err != nil {
		return err
	}
	defer s.Close()
	if !strings.HasPrefix(strings.ToUpper(q), "SELECT") {
		_, err := s.Exec(ctx, q)
		return err
	}
	rows, err := texts(ctx, s, q)
	for _, r := range rows {
		fmt.Fprintln(ts.Stdout(), r)
	}
	return err
}

// texts runs a query and returns its rows, columns parted by bars.
func texts(ctx context.Context, s engine.Session, q string) (rows []string, err error) {
	columns := strings.Count(q[:strings.Index(strings.ToUpper(q)+" FROM ", " FROM ")], ",") + 1
	err = s.Query(ctx, func(scan func(...any) error) error {
		values, into := make([]sql.NullString, columns), make([]any, columns)
		for i := range values {
			into[i] = &values[i]
		}
		if err := scan(into...); err != nil {
			return err
		}
		cells := make([]string, columns)
		for i, v := range values {
			cells[i] = v.String
		}
		rows = append(rows, strings.Join(cells, "|"))
		return nil
	}, q)
	return rows, err
}

// patience is how long a script waits for what must come.
const patience = 60 * time.Second

// poll asks until done says yes.
func poll(ts *testscript.TestScript, limit time.Duration, what string, done func() bool) {
	deadline := time.Now().Add(limit)
	for !done() {
		if time.Now().After(deadline) {
			ts.Fatalf("%s did not come within %s", what, limit)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// waitFor is "waitfor QUERY RESULT".
func waitFor(ts *testscript.TestScript, e *engine.Engine, q, want string) {
	ctx := context.Background()
	db, err := e.Open(ts.Getenv("DBWARDEN_DATABASE_URL"), engine.OpenOptions{Dir: ts.Getenv("WORK")})
	ts.Check(err)
	s, err := db.Connect(ctx, engine.ConnectOptions{App: "test", ReadOnly: true})
	ts.Check(err)
	defer s.Close()
	poll(ts, patience, q, func() bool {
		rows, err := texts(ctx, s, q)
		return err == nil && len(rows) == 1 && rows[0] == want
	})
}

// eventually is "eventually TIME REGEXP COMMAND...": the command is run until
// its output matches.
func eventually(ts *testscript.TestScript, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	want := regexp.MustCompile("(?m)" + args[1])
	poll(ts, limit, args[1], func() bool {
		ts.Exec(args[2], args[3:]...) // its exit code is not the question
		return want.MatchString(ts.ReadFile("stdout"))
	})
}

// swarm is "swarm N COMMAND...": so many processes at once. It prints how
// often each exit code came and every process's standard error.
func swarm(ts *testscript.TestScript, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	codes, outs := make([]int, n), make([]bytes.Buffer, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			c := command(ts, args[1:])
			c.Stdout, c.Stderr = &outs[i], &outs[i]
			c.Run() // its exit code is looked at below
			codes[i] = c.ProcessState.ExitCode()
		})
	}
	running.Wait()
	counts := map[int]int{}
	for i, c := range codes {
		counts[c]++
		fmt.Fprintf(ts.Stderr(), "%s\n", &outs[i])
	}
	for _, c := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(ts.Stdout(), "exit %d: %d\n", c, counts[c])
	}
}

// command makes a process of a script's own program.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	var path string
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, args[0]); path == "" && isFile(p) {
			path = p
		}
	}
	c := exec.Command(path, args[1:]...)
	c.Dir = ts.MkAbs(".")
	for _, k := range []string{"PATH", "HOME", "USER", "DBWARDEN_DATABASE_URL", "GOCOVERDIR"} {
		c.Env = append(c.Env, k+"="+ts.Getenv(k))
	}
	return c
}

// interrupt is "interrupt SIGNALS REGEXP COMMAND...": when the command's standard error
// matches, it is sent the signals, and the script's output says how it ended.
// A signal behind the first is sent until the process has ended.
func interrupt(ts *testscript.TestScript, args []string) {
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}
	when := regexp.MustCompile(args[1])
	c := command(ts, args[2:])
	stderr, err := c.StderrPipe()
	ts.Check(err)
	ts.Check(c.Start())
	names := strings.Split(args[0], ",")
	ended := make(chan struct{})
	lines := bufio.NewScanner(stderr)
	for sent := false; lines.Scan(); {
		fmt.Fprintln(ts.Stderr(), lines.Text())
		if !sent && when.MatchString(lines.Text()) {
			sent = true
			ts.Check(c.Process.Signal(signals[names[0]]))
			for _, name := range names[1:] {
				go func() {
					for {
						select {
						case <-ended:
							return
						case <-time.After(100 * time.Millisecond):
							c.Process.Signal(signals[name])
						}
					}
				}()
			}
		}
	}
	c.Wait() // its exit code is what is printed
	close(ended)
	fmt.Fprintf(ts.Stdout(), "exit %d\n", c.ProcessState.ExitCode())
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

// gates are locks that a migration in a script waits for: of the database's
// own, or, on SQLite, the write lock of another file, gate.db. "gate close"
// takes the script's, "gate open" gives it back.
type gates struct{ open sync.Map }

func (g *gates) do(ts *testscript.TestScript, e *engine.Engine, what string) {
	work := ts.Getenv("WORK")
	if what == "open" {
		if s, ok := g.open.LoadAndDelete(work); ok {
			ts.Check(s.(engine.Session).Close())
		}
		return
	}
	url, take := ts.Getenv("DBWARDEN_DATABASE_URL"), []string{"CREATE TABLE IF NOT EXISTS gate (n INTEGER)", "BEGIN IMMEDIATE"}
	switch e.Name {
	case "postgres":
		take = []string{"SELECT pg_advisory_lock(4711)::text"}
	case "mysql":
		take = []string{"SELECT GET_LOCK(CONCAT(DATABASE(), 'gate'), 0)"}
	default:
		url = "sqlite:///gate.db"
	}
	ctx := context.Background()
	db, err := e.Open(url, engine.OpenOptions{Dir: work})
	ts.Check(err)
	s, err := db.Connect(ctx, engine.ConnectOptions{App: "gate", Limits: engine.Limits{Idle: -1}})
	ts.Check(err)
	for _, q := range take {
		if strings.HasPrefix(q, "SELECT") {
			ts.Check(s.Query(ctx, func(func(...any) error) error { return nil }, q))
			continue
		}
		_, err := s.Exec(ctx, q)
		ts.Check(err)
	}
	g.open.Store(work, s)
	ts.Defer(func() { g.do(ts, e, "open") })
}

// holders are the processes of holders that a script has stopped: "holder
// STOP" stops the one that the lock's row names, "holder CONT" lets the same
// one go on.
type holders struct{ stopped sync.Map }

func (h *holders) do(ts *testscript.TestScript, e *engine.Engine, what string) {
	work := ts.Getenv("WORK")
	if what == "CONT" {
		pid, ok := h.stopped.LoadAndDelete(work)
		if !ok {
			return
		}
		// A script may have ended it meanwhile.
		if err := syscall.Kill(pid.(int), syscall.SIGCONT); err != syscall.ESRCH {
			ts.Check(err)
		}
		return
	}
	ctx := context.Background()
	db, err := e.Open(ts.Getenv("DBWARDEN_DATABASE_URL"), engine.OpenOptions{Dir: work})
	ts.Check(err)
	s, err := db.Connect(ctx, engine.ConnectOptions{App: "test", ReadOnly: true})
	ts.Check(err)
	defer s.Close()
	rows, err := texts(ctx, s, "SELECT holder FROM dbwarden_lock WHERE locked IS TRUE")
	ts.Check(err)
	found := regexp.MustCompile(`pid (\d+)`).FindStringSubmatch(strings.Join(rows, ""))
	if found == nil {
		ts.Fatalf("no holder in %q", rows)
	}
	pid, err := strconv.Atoi(found[1])
	ts.Check(err)
	ts.Check(syscall.Kill(pid, syscall.SIGSTOP))
	h.stopped.Store(work, pid)
	ts.Defer(func() { h.do(ts, e, "CONT") })
}

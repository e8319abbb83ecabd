package dbwarden_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/plan"
)

// build makes a program of this repository, as small as releases are.
func build(t *testing.T, folder string, flags ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	c := exec.Command("go", slices.Concat([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", name}, flags, []string{"./" + folder})...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", folder, err, out)
	}
	return name
}

// TestTenReplicasMigrateOnce: ten processes of each example begin together. All
// end well, one has applied both migrations, and the nine others none; on an
// empty database, and while somebody has the lock, so that they must wait.
func TestTenReplicasMigrateOnce(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		folder := "examples/service/" + p.engine.Name
		program := build(t, folder)
		b := newBench(t, p, nil)
		replicas(b, program, func(begin func()) { begin() })

		b = newBench(t, p, nil)
		enough := errors.New("they have come")
		replicas(b, program, func(begin func()) {
			w, err := dbwarden.New(dbwarden.Config{Engine: p.engine, Database: b.db, Migrations: os.DirFS(folder + "/migrations"),
				BeforeRun: func(context.Context, dbwarden.Before) error {
					begin()
					// A machine so slow that they come later makes the test
					// weaker, not wrong.
					time.Sleep(time.Second)
					return enough
				}})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := w.Migrate(t.Context(), plan.Target{}); !errors.Is(err, enough) {
				t.Errorf("the first holder: %v", err)
			}
		})
	})
}

// replicas has ten processes begin when start says so, and looks at what they
// have done together.
func replicas(b *bench, program string, start func(begin func())) {
	t := b.t
	t.Helper()
	const number = 10
	said := make([]string, number)
	begin := make(chan bool)
	var all sync.WaitGroup
	for i := range number {
		c := exec.Command(program)
		c.Env = append(os.Environ(), "DATABASE_URL="+b.url)
		all.Go(func() {
			<-begin
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("a replica: %v\n%s", err, out)
			}
			said[i] = string(bytes.TrimSpace(out))
		})
	}
	once := sync.OnceFunc(func() { close(begin) })
	start(once)
	once()
	all.Wait()
	applied, found := 0, 0
	for _, text := range said {
		switch {
		case strings.HasSuffix(text, " 2 migrations applied"):
			applied++
		case strings.HasSuffix(text, " 0 migrations applied"):
			found++
		}
	}
	if applied != 1 || found != number-1 {
		t.Errorf("one replica applies both migrations and the others none; they said:\n%s", strings.Join(said, "\n"))
	}
	for query, want := range map[string]string{
		"SELECT COUNT(*) FROM notes":                       "1",
		"SELECT COUNT(*) FROM dbwarden_migrations":         "2",
		"SELECT DISTINCT program FROM dbwarden_migrations": filepath.Base(program),
	} {
		if got := b.value(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if b.locked() {
		t.Error("the lock is held")
	}
}

// TestAServiceThatIsStoppedLetsGo: SIGTERM in the middle of a migration, as a
// rolling deployment sends it, ends each example and leaves nothing that the next
// replica would stop at.
func TestAServiceThatIsStoppedLetsGo(t *testing.T) {
	long := map[string]string{
		"sqlite":   "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n);",
		"postgres": "SELECT pg_sleep(600);",
		"mysql":    "DO SLEEP(600);",
	}
	onEvery(t, func(t *testing.T, p product) {
		folder := "examples/service/" + p.engine.Name
		// The same program, but for a migration that does not come to its end.
		dir := t.TempDir()
		file := filepath.Join(dir, "long.sql")
		if err := os.WriteFile(file, []byte("-- upgrade\n"+long[p.engine.Name]+"\n\n-- rollback\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		place, err := filepath.Abs(folder + "/migrations/0002_first_note.sql")
		if err != nil {
			t.Fatal(err)
		}
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: file}})
		if err != nil {
			t.Fatal(err)
		}
		list := filepath.Join(dir, "overlay.json")
		if err := os.WriteFile(list, overlay, 0o600); err != nil {
			t.Fatal(err)
		}
		slow, program := build(t, folder, "-overlay", list), build(t, folder)

		b := newBench(t, p, nil)
		var said bytes.Buffer
		c := exec.Command(slow)
		c.Env, c.Stderr = append(os.Environ(), "DATABASE_URL="+b.url), &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		for !b.locked() {
			select {
			case err := <-ended:
				t.Fatalf("it ended by itself: %v\n%s", err, &said)
			case <-t.Context().Done():
				t.Fatal("it never took the lock")
			default:
			}
		}
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || c.ProcessState.ExitCode() != 1 {
			t.Errorf("stopped in the middle, it ended with %v:\n%s", err, &said)
		}
		if b.locked() {
			t.Errorf("the lock is held; it said:\n%s", &said)
		}
		c = exec.Command(program)
		c.Env = append(os.Environ(), "DATABASE_URL="+b.url)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("the next replica: %v\n%s", err, out)
		}
		if got := b.value("SELECT COUNT(*) FROM notes"); got != "1" {
			t.Errorf("%s notes, want the one of the second migration", got)
		}
	})
}

// TestAServiceHasThirtyLines, blank ones not counted: what the examples show is
// short enough to be read, and is the same on each engine.
func TestAServiceHasThirtyLines(t *testing.T) {
	t.Parallel()
	var first string
	for _, name := range []string{"postgres", "mysql", "sqlite"} {
		text, err := os.ReadFile("examples/service/" + name + "/main.go")
		if err != nil {
			t.Fatal(err)
		}
		_, program, ok := strings.Cut(string(text), "\npackage main\n")
		n := 1 // package main
		for line := range strings.Lines(program) {
			if strings.TrimSpace(line) != "" {
				n++
			}
		}
		if !ok || n > 30 {
			t.Errorf("the service on %s has %d lines behind its comment", name, n)
		}
		if program = strings.ReplaceAll(program, name, "ENGINE"); first == "" {
			first = program
		} else if program != first {
			t.Errorf("the service on %s differs from that on postgres by more than its engine", name)
		}
	}
}

// TestAProgramLinksTheEngineItChose: a service on PostgreSQL alone pays for no
// other driver and nothing of the command, and is at most 3 MB larger than the
// smallest program that uses pgx.
func TestAProgramLinksTheEngineItChose(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds two programs")
	}
	out, err := exec.Command("go", "list", "-deps", "./examples/service/postgres").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	if !slices.Contains(linked, "github.com/jackc/pgx/v5/pgconn") {
		t.Fatal("go list does not tell what is linked")
	}
	for _, name := range linked {
		for _, not := range []string{"modernc.org/", "github.com/go-sql-driver/", "github.com/spf13/", "github.com/pelletier/", "net/http",
			"github.com/jackc/puddle/", "github.com/dbwarden-go/dbwarden/schema", "github.com/dbwarden-go/dbwarden/verify", "github.com/dbwarden-go/dbwarden/internal/"} {
			if strings.HasPrefix(name, not) {
				t.Errorf("the program links %s", name)
			}
		}
	}
	ours, bare := size(t, build(t, "examples/service/postgres")), size(t, build(t, "testdata/barepgx"))
	t.Logf("%.1f MB, and %.1f MB with pgx alone", float64(ours)/1e6, float64(bare)/1e6)
	if ours-bare > 3_000_000 {
		t.Errorf("the program has %d bytes, %d more than one with pgx alone, which is over 3 MB", ours, ours-bare)
	}
}

// TestOpenSaysWhatItLacks: what is missing, or there twice, is said before
// anything is opened, and no error shows the password.
func TestOpenSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	p := sqliteProduct()
	db, err := p.engine.Open("sqlite:///:memory:", engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for url, c := range map[string]dbwarden.Config{
		"sqlite:///a.db":                      {},
		"sqlite:///b.db":                      {Engine: p.engine, Database: db},
		"postgres://app:geheim@host:nix/shop": {Engine: postgres.Engine()},
	} {
		if w, err := dbwarden.Open(url, c); err == nil || w != nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestAnErrorNamesTheDatabaseOnce: what the engine has said already is not said
// again.
func TestAnErrorNamesTheDatabaseOnce(t *testing.T) {
	t.Parallel()
	const want = "connect to postgres://app@db:5432/shop: connection refused"
	for _, said := range []string{"connection refused", want} {
		if got := (&dbwarden.ConnectError{Label: "postgres://app@db:5432/shop", Err: errors.New(said)}).Error(); got != want {
			t.Errorf("%q", got)
		}
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

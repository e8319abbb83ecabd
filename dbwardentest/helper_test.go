package dbwardentest_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/dbwardentest"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// TestMain has the templates of files in a folder that goes with the tests, and
// makes of a process that was started as a child a child.
func TestMain(m *testing.M) {
	if os.Getenv(childOf) != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "dbwardentest-cache-")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"XDG_CACHE_HOME", "LocalAppData"} {
		os.Setenv(name, dir)
	}
	if runtime.GOOS == "darwin" {
		os.Setenv("HOME", dir)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// product is an engine with its server.
type product struct {
	engine *engine.Engine
	server *dbtest.Server // nil for SQLite
	url    string         // of the database that is only the pattern
}

func products() map[string]func(t testing.TB) product {
	return map[string]func(t testing.TB) product{
		"sqlite": func(testing.TB) product {
			return product{engine: sqlite.Engine(), url: "sqlite:///not-there.db?_pragma=foreign_keys(1)&mode=ro"}
		},
		"postgres": func(t testing.TB) product {
			s := dbtest.Postgres(t)
			return product{postgres.Engine(), s, dbtest.WithDatabase(s.URL(), "not_there")}
		},
		"mysql": func(t testing.TB) product {
			s := dbtest.MariaDB(t)
			return product{mysql.Engine(), s, dbtest.WithDatabase(s.URL(), "not_there")}
		},
	}
}

func onEvery(t *testing.T, test func(t *testing.T, p product)) {
	for name, of := range products() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, of(t))
		})
	}
}

// folder is one of two migrations; mark makes it another one than those of
// other tests.
func folder(mark string) fstest.MapFS {
	return fstest.MapFS{
		"0001_notes.sql": {Data: []byte("-- upgrade\nCREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR(100)); -- " + mark + "\n-- rollback\nDROP TABLE notes;\n")},
		"0002_first.sql": {Data: []byte("-- upgrade\nINSERT INTO notes VALUES (1, 'first');\n-- rollback\nDELETE FROM notes;\n")},
	}
}

// fresh is a mark of which there is no template yet.
func fresh(mark string) string { return mark + " " + rand.Text() }

// value is the one value of a query.
func (p product) value(t testing.TB, url, query string) string {
	t.Helper()
	var v sql.NullString
	if err := p.query(url, query, func(scan func(...any) error) error { return scan(&v) }); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v.String
}

func (p product) query(url, query string, each func(func(...any) error) error) error {
	d, err := p.engine.Open(url, engine.OpenOptions{})
	if err != nil {
		return err
	}
	s, err := d.Connect(context.Background(), engine.ConnectOptions{App: "test"})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Query(context.Background(), each, query)
}

// session is one that the test closes.
func (p product) session(t testing.TB, url string) engine.Session {
	t.Helper()
	d, err := p.engine.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(context.Background(), engine.ConnectOptions{App: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (p product) exec(t testing.TB, url, query string) {
	t.Helper()
	s := p.session(t, url)
	defer s.Close()
	if _, err := s.Exec(context.Background(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// gone says whether nothing is left of a database.
func (p product) gone(url string) bool {
	d, err := p.engine.Open(url, engine.OpenOptions{})
	if err != nil {
		return false
	}
	s, err := d.Connect(context.Background(), engine.ConnectOptions{App: "test", ReadOnly: true})
	if err == nil {
		s.Close()
	}
	k := p.engine.Fault(err).Kind
	return k == engine.NoSuchDatabase || p.engine.Caps.File && k == engine.Unreachable // its folder is gone, too
}

// copies says whether the product copies databases.
func (p product) copies() bool { return p.engine.Caps.File || p.engine.Fresh.Copy != nil }

// childOf is the variable that makes a process of this test binary a child: the
// engine's name.
const childOf = "DBWARDENTEST_CHILD"

// child is a process that runs TestChild with these variables. It is killed when the
// test ends.
type child struct {
	*exec.Cmd
	said *bufio.Scanner
}

func (p product) child(t *testing.T, mark, do string) *child {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.parallel=8")
	c.Env = append(os.Environ(), childOf+"="+p.engine.Name, "CHILD_URL="+p.url, "CHILD_MARK="+mark, "CHILD_DO="+do)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it has ended, as a rule
		_ = c.Wait()
	})
	return &child{c, bufio.NewScanner(out)}
}

// TestChild is what the child processes of other tests do.
func TestChild(t *testing.T) {
	name := os.Getenv(childOf)
	if name == "" {
		t.Skip("this is for the child processes of other tests")
	}
	e := map[string]func() *engine.Engine{"sqlite": sqlite.Engine, "postgres": postgres.Engine, "mysql": mysql.Engine}[name]()
	p := product{engine: e, url: os.Getenv("CHILD_URL")}
	c := dbwarden.Config{Engine: e, Migrations: folder(os.Getenv("CHILD_MARK"))}
	if os.Getenv("CHILD_DO") == "stop half-way" {
		c.NoPipeline = true
		c.Observe = func(e event.Event) {
			if e.Kind == event.MigrationStarted && e.Number == 2 {
				fmt.Println("half")
				select {}
			}
		}
		dbwardentest.New(t, p.url, c)
	}
	number, err := strconv.Atoi(os.Getenv("CHILD_DO"))
	if err != nil {
		t.Fatal(err)
	}
	c.Observe = func(e event.Event) {
		if e.Kind == event.RunStarted {
			fmt.Println("migrated")
		}
	}
	for range number {
		t.Run("one", func(t *testing.T) {
			t.Parallel()
			url := dbwardentest.New(t, p.url, c)
			p.exec(t, url, "INSERT INTO notes VALUES (2, 'second')")
			if got := p.value(t, url, "SELECT COUNT(*) FROM notes"); got != "2" {
				t.Errorf("%s notes, want 2", got)
			}
		})
	}
}

// lines are what it says until it ends, which it does well.
func (c *child) lines(t *testing.T) (all []string) {
	for c.said.Scan() {
		all = append(all, c.said.Text())
	}
	if err := c.Wait(); err != nil {
		t.Errorf("a child: %v\n%s", err, strings.Join(all, "\n"))
	}
	return all
}

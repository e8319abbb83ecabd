package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/plan"
)

func newPool(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func wardenFor(t *testing.T, d engine.Database, text string, observe event.Observer) *dbwarden.Warden {
	t.Helper()
	w, err := dbwarden.New(dbwarden.Config{Engine: Engine(), Database: d, Recover: true, Observe: observe,
		Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// unsettling leaves behind in its session whatever a session can keep.
const unsettling = `-- upgrade
CREATE TABLE IF NOT EXISTS parents (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS children (parent INTEGER REFERENCES parents);
PRAGMA recursive_triggers = 1;
PRAGMA cache_size = 77;
PRAGMA case_sensitive_like = 1;
CREATE TEMP TABLE hidden (id INT);
`

// TestAPoolStaysAsItWas: what the pool's one connection has is the same behind
// a run as before it, however the run ends. Migrations have the program's
// settings: with its foreign keys an orphan is refused.
func TestAPoolStaysAsItWas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "with spaces & 100% #1.db")
	db := newPool(t, "file:"+url.PathEscape(path)+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(4321)")
	d, err := FromDB(t.Context(), db, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	look := func() (out []string) {
		for _, name := range kept {
			column := name
			if name == "busy_timeout" {
				column = "timeout"
			}
			var value sql.NullString
			if err := db.QueryRowContext(t.Context(), "SELECT "+quote(column)+" FROM pragma_"+name).Scan(&value); err != nil {
				t.Fatal(err)
			}
			out = append(out, name+"="+value.String)
		}
		var hidden, like string
		if err := db.QueryRowContext(t.Context(), "SELECT count(*), 'a' LIKE 'A' FROM sqlite_temp_schema").Scan(&hidden, &like); err != nil {
			t.Fatal(err)
		}
		return append(out, hidden, like)
	}
	before := look()
	errStop := errors.New("enough")
	for _, c := range []struct {
		name, more string
		observe    func(cancel func()) event.Observer
		ends       func(err error, panicked any) bool
	}{
		{"failed", "INSERT INTO children VALUES (4711);\n", nil, func(err error, _ any) bool {
			return err != nil && strings.Contains(err.Error(), "FOREIGN KEY")
		}},
		{"cancelled", "SELECT 1;\n", func(cancel func()) event.Observer {
			return func(e event.Event) {
				if e.Kind == event.StatementStarted && strings.Contains(e.SQL, "SELECT 1") {
					cancel()
				}
			}
		}, func(err error, _ any) bool { return errors.Is(err, errStop) }},
		{"panic", "", func(func()) event.Observer {
			return func(e event.Event) {
				if e.Kind == event.MigrationStarted {
					panic(errStop)
				}
			}
		}, func(_ error, p any) bool { return p == errStop }},
		{"done", "", nil, func(err error, p any) bool { return err == nil && p == nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var observe event.Observer
			if c.observe != nil {
				observe = c.observe(func() { cancel(errStop) })
			}
			w := wardenFor(t, d, unsettling+c.more, observe)
			panicked, err := func() (panicked any, err error) {
				defer func() { panicked = recover() }()
				_, err = w.Migrate(ctx, plan.Target{})
				return nil, err
			}()
			if !c.ends(err, panicked) {
				t.Fatalf("the run ended with %v, panic %v", err, panicked)
			}
			if diff := cmp.Diff(before, look()); diff != "" {
				t.Errorf("the pool's connection is another one:\n%s", diff)
			}
		})
	}
	var tables int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE name IN ('parents', 'children')").Scan(&tables); err != nil || tables != 2 {
		t.Errorf("the pool sees %d of 2 tables: %v", tables, err)
	}
}

// TestAPoolThatIsInUse: with all connections in use there is none to borrow,
// which the error says; from then on a run needs none.
func TestAPoolThatIsInUse(t *testing.T) {
	t.Parallel()
	db := newPool(t, filepath.Join(t.TempDir(), "a.db"))
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = FromDB(short, db, engine.OpenOptions{})
	if busy, ok := errors.AsType[*engine.PoolError](err); !ok || busy.Most != 1 || busy.InUse != 1 {
		t.Errorf("with the one connection in use: %v", err)
	}
	c.Close()
	d, err := FromDB(t.Context(), db, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err = db.Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := wardenFor(t, d, "-- upgrade\nCREATE TABLE a (id INT);\n", nil).Migrate(t.Context(), plan.Target{}); err != nil {
		t.Errorf("with all of the pool in use: %v", err)
	}
}

// TestPoolsThatCannotBe: what cannot be reached, or not safely, is refused with
// what to do instead.
func TestPoolsThatCannotBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.db")
	gone := filepath.Join(t.TempDir(), "gone.db")
	removed := newPool(t, gone)
	if _, err := removed.ExecContext(t.Context(), "CREATE TABLE a (id INT)"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(gone); err != nil {
		t.Skip(err) // a system that keeps open files
	}
	stranger := sql.OpenDB(stranger{})
	defer stranger.Close()
	for name, c := range map[string]struct {
		db   *sql.DB
		o    engine.OpenOptions
		says string
	}{
		"nothing":        {nil, engine.OpenOptions{}, "no *sql.DB"},
		"in memory":      {newPool(t, ":memory:"), engine.OpenOptions{}, "in memory"},
		"shared memory":  {newPool(t, "file:x?mode=memory&cache=shared"), engine.OpenOptions{}, "in memory"},
		"memdb":          {newPool(t, "file:/nowhere/x?vfs=memdb"), engine.OpenOptions{}, "in memory"},
		"no file":        {removed, engine.OpenOptions{}, "is no file"},
		"exclusive":      {newPool(t, file+"?_pragma=locking_mode(exclusive)"), engine.OpenOptions{}, "locking_mode exclusive"},
		"another schema": {newPool(t, file), engine.OpenOptions{Schema: "other"}, "one schema"},
		"another driver": {stranger, engine.OpenOptions{}, "sqlite.strangerConn"},
	} {
		if _, err := FromDB(t.Context(), c.db, c.o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stranger is a driver that is not the engine's.
type stranger struct{}

func (stranger) Connect(context.Context) (driver.Conn, error) { return strangerConn{}, nil }
func (stranger) Driver() driver.Driver                        { return nil }

type strangerConn struct{ driver.Conn }

func (strangerConn) Close() error { return nil }

// TestAReadOnlyPool: what the program opened for reading is not written to.
func TestAReadOnlyPool(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := newPool(t, path).ExecContext(t.Context(), "CREATE TABLE a (id INT)"); err != nil {
		t.Fatal(err)
	}
	d, err := FromDB(t.Context(), newPool(t, "file:"+path+"?mode=ro"), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wardenFor(t, d, "-- upgrade\nCREATE TABLE b (id INT);\n", nil).Migrate(t.Context(), plan.Target{}); err == nil {
		t.Error("a file that the program opened with mode=ro was migrated")
	}
}

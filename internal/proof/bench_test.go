package proof_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/lock"
)

// product is an engine with its server, and what is spoken with it.
type product struct {
	engine   *engine.Engine
	server   *dbtest.Server // nil: SQLite
	protocol wirelab.Protocol
}

func (p product) newDatabase(t *testing.T) string {
	t.Helper()
	if p.server == nil {
		return dbtest.SQLite(t)
	}
	return p.server.NewDatabase(t)
}

func onPostgres(t *testing.T, test func(t *testing.T, p product)) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, product{postgres.Engine(), dbtest.Postgres(t), wirelab.Postgres})
	})
}

// onEveryServer runs a test on every engine whose server can be had.
func onEveryServer(t *testing.T, test func(t *testing.T, p product)) {
	t.Parallel()
	onPostgres(t, test)
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		test(t, product{mysql.Engine(), dbtest.MariaDB(t), wirelab.MySQL})
	})
}

func onSQLite(t *testing.T, test func(t *testing.T, p product)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, product{engine: sqlite.Engine()})
	})
}

// onEvery runs a test on SQLite and on every server.
func onEvery(t *testing.T, test func(t *testing.T, p product)) {
	onEveryServer(t, test)
	onSQLite(t, test)
}

// bench is one database with a folder of migrations.
type bench struct {
	t       *testing.T
	engine  *engine.Engine
	address string // as the program is told
	db      engine.Database
	dir     string // the program's working directory
	wait    time.Duration
	recover bool
	limits  engine.Limits
	plain   bool // no pipeline
}

func newBench(t *testing.T, p product, address string, files map[string]string) *bench {
	t.Helper()
	db, err := p.engine.Open(address, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, engine: p.engine, address: address, db: db, dir: t.TempDir(), wait: 30 * time.Second}
	if err := os.Mkdir(filepath.Join(b.dir, "migrations"), 0o755); err != nil {
		t.Fatal(err)
	}
	if !p.engine.Caps.File {
		// What a look at the schema adds to a run is reads, and one fenced
		// write behind all others. On a file it is killed at each of them too;
		// on a server the twenty more round trips are not worth their time.
		if err := os.WriteFile(filepath.Join(b.dir, "warden.toml"), []byte("drift = \"off\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		b.put(name, text)
	}
	return b
}

// at is the same bench with its database at another address.
func (b *bench) at(address string) *bench {
	b.t.Helper()
	far := *b
	far.address = address
	var err error
	if far.db, err = b.engine.Open(address, engine.OpenOptions{}); err != nil {
		b.t.Fatal(err)
	}
	return &far
}

func (b *bench) put(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "migrations", name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// stepByStep has the library and the program take the plain road.
func (b *bench) stepByStep() {
	b.t.Helper()
	b.plain = true
	if err := os.WriteFile(filepath.Join(b.dir, "warden.toml"), []byte("[run]\npipeline = \"off\"\n"), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// warden is the library, as this process uses it.
func (b *bench) warden() *dbwarden.Warden {
	b.t.Helper()
	w, err := dbwarden.New(dbwarden.Config{
		Engine: b.engine, Database: b.db, Migrations: os.DirFS(filepath.Join(b.dir, "migrations")), Wait: b.wait, Recover: b.recover, Limits: b.limits, NoPipeline: b.plain,
		Holder: lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

// session is a connection as another program has one.
func (b *bench) session() engine.Session {
	b.t.Helper()
	s, err := b.db.Connect(context.Background(), engine.ConnectOptions{App: "test", Limits: engine.Limits{Idle: -1}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { s.Close() })
	return s
}

// value is the one value of a query.
func (b *bench) value(query string) string {
	b.t.Helper()
	v, err := b.tryValue(query)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return v
}

func (b *bench) tryValue(query string) (string, error) {
	b.t.Helper()
	s := b.session()
	defer s.Close()
	var v sql.NullString
	err := s.Query(b.t.Context(), func(scan func(...any) error) error { return scan(&v) }, query)
	return v.String, err
}

// await polls until done says yes.
func (b *bench) await(limit time.Duration, what string, done func() bool) {
	b.t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("%s did not come within %s", what, limit)
		}
	}
}

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

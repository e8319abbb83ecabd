package dbwarden_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// product is an engine with its server.
type product struct {
	engine *engine.Engine
	url    func(*testing.T) string // of a fresh database
}

// onEvery runs a test on every engine whose server can be had.
func onEvery(t *testing.T, test func(t *testing.T, p product)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, sqliteProduct())
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s := dbtest.Postgres(t)
		test(t, product{postgres.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }})
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		s := dbtest.MariaDB(t)
		test(t, product{mysql.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }})
	})
}

// onEveryVersion is onEvery, and other versions of PostgreSQL.
func onEveryVersion(t *testing.T, test func(t *testing.T, p product)) {
	onEvery(t, test)
	for _, version := range dbtest.PostgresVersions(t) {
		t.Run(fmt.Sprintf("PostgreSQL %d", version), func(t *testing.T) {
			t.Parallel()
			s := dbtest.PostgresVersion(t, version)
			test(t, product{postgres.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }})
		})
	}
}

func sqliteProduct() product {
	return product{sqlite.Engine(), func(t *testing.T) string { return dbtest.SQLite(t) }}
}

// bench is one database with a folder.
type bench struct {
	t       *testing.T
	engine  *engine.Engine
	url     string
	db      engine.Database
	files   fstest.MapFS
	watch   event.Observer
	wait    time.Duration
	recover bool
	limits  engine.Limits
	retry   time.Duration
	plain   bool // step by step
	schema  func(context.Context, engine.Session) (map[string]string, error)
	vars    map[string]migration.Value
	env     string
	hooks   []dbwarden.Hook
	hooking time.Duration
	code    []migration.Go
	before  func(context.Context, dbwarden.Before) error

	fingerprint *dbwarden.Fingerprint
	refuse      bool // drift
}

func newBench(t *testing.T, p product, files map[string]string) *bench {
	t.Helper()
	url := p.url(t)
	db, err := p.engine.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, engine: p.engine, url: url, db: db, files: fstest.MapFS{}, wait: 30 * time.Second}
	for name, text := range files {
		b.put(name, text)
	}
	return b
}

func (b *bench) put(name, text string) { b.files[name] = &fstest.MapFile{Data: []byte(text)} }

func (b *bench) warden() *dbwarden.Warden {
	b.t.Helper()
	w, err := dbwarden.New(dbwarden.Config{
		Engine: b.engine, Database: b.db, Migrations: b.files, Wait: b.wait, Recover: b.recover, Observe: b.watch, Limits: b.limits, LockRetry: b.retry, NoPipeline: b.plain, Schema: b.schema, Vars: b.vars, Env: b.env, Hooks: b.hooks, HookTimeout: b.hooking, Go: b.code,
		Fingerprint: b.fingerprint, RefuseDrift: b.refuse, BeforeRun: b.before,
		Holder: lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bench) migrate() {
	b.t.Helper()
	if _, err := b.warden().Migrate(b.t.Context(), plan.Target{}); err != nil {
		b.t.Fatalf("migrate: %v", err)
	}
}

func (b *bench) rollback(t plan.Target) {
	b.t.Helper()
	if _, err := b.warden().Rollback(b.t.Context(), t); err != nil {
		b.t.Fatalf("rollback: %v", err)
	}
}

// session is a connection as another program has one.
func (b *bench) session() engine.Session {
	b.t.Helper()
	s, err := b.db.Connect(context.Background(), engine.ConnectOptions{App: "test"})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { s.Close() })
	return s
}

func (b *bench) exec(query string) {
	b.t.Helper()
	if _, err := b.session().Exec(b.t.Context(), query); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
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

func (b *bench) locked() bool {
	b.t.Helper()
	r, err := b.warden().Lock(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Active
}

// secretly is an INSERT that tells nobody what it does, and so shares no
// transaction with its journal entry.
func secretly(engine, insert string) string {
	switch engine {
	case "postgres":
		return "DO 'BEGIN " + insert + "; END'"
	case "mysql":
		return "EXECUTE IMMEDIATE '" + insert + "'"
	}
	return strings.Replace(insert, "INSERT", "INSERT OR FAIL", 1)
}

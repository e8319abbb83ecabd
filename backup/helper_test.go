package backup_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

type inspector = func(context.Context, engine.Session, schema.Options) (*schema.State, error)

// product is an engine with its server, nil for SQLite.
type product struct {
	engine  *engine.Engine
	inspect inspector
	server  *dbtest.Server
}

func lite() product { return product{sqlite.Engine(), liteschema.Inspect, nil} }
func pg(t *testing.T) product {
	return product{postgres.Engine(), pgschema.Inspect, dbtest.Postgres(t)}
}
func maria(t *testing.T) product {
	return product{mysql.Engine(), myschema.Inspect, dbtest.MariaDB(t)}
}

func (p product) url(t *testing.T) string {
	if p.server == nil {
		return dbtest.SQLite(t)
	}
	return p.server.NewDatabase(t)
}

func onEvery(t *testing.T, test func(t *testing.T, p product)) {
	t.Run("SQLite", func(t *testing.T) { test(t, lite()) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, pg(t)) })
	t.Run("MariaDB", func(t *testing.T) { test(t, maria(t)) })
}

// bench is one database with a folder of migrations and one of backups.
type bench struct {
	t      *testing.T
	p      product
	url    string
	db     engine.Database
	files  fstest.MapFS
	dir    string
	limits engine.Limits
}

func newBench(t *testing.T, p product, url string) *bench {
	t.Helper()
	b := &bench{t: t, p: p, url: url, files: fstest.MapFS{}, dir: filepath.Join(t.TempDir(), "copies")}
	b.open(engine.OpenOptions{})
	return b
}

func (b *bench) open(o engine.OpenOptions) {
	b.t.Helper()
	var err error
	if b.db, err = b.p.engine.Open(b.url, o); err != nil {
		b.t.Fatal(err)
	}
}

// put adds a migration without a way back.
func (b *bench) put(name, up string) {
	b.files[name] = &fstest.MapFile{Data: []byte("-- upgrade\n" + up + "\n")}
}

func (b *bench) options() backup.Options {
	return backup.Options{Engine: b.p.engine, Database: b.db, Dir: b.dir}
}

func (b *bench) warden(before func(context.Context, dbwarden.Before) error) *dbwarden.Warden {
	b.t.Helper()
	w, err := dbwarden.New(dbwarden.Config{Engine: b.p.engine, Database: b.db, Migrations: b.files, Limits: b.limits, LockRetry: -1, BeforeRun: before,
		Holder: lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"}})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bench) migrate() {
	b.t.Helper()
	if _, err := b.warden(nil).Migrate(b.t.Context(), plan.Target{}); err != nil {
		b.t.Fatalf("migrate: %v", err)
	}
}

// migrateWith migrates behind a backup.
func (b *bench) migrateWith(ctx context.Context) (made *backup.File, err error) {
	_, err = b.warden(func(ctx context.Context, before dbwarden.Before) (err error) {
		made, err = backup.Take(ctx, b.options(), before)
		return err
	}).Migrate(ctx, plan.Target{})
	return made, err
}

func (b *bench) mustMigrateWith() *backup.File {
	b.t.Helper()
	f, err := b.migrateWith(b.t.Context())
	if err != nil || f == nil {
		b.t.Fatalf("migrate with a backup: %v, %v", f, err)
	}
	return f
}

// restore does what the command does behind its question.
func (b *bench) restore(path string) error {
	b.t.Helper()
	f, err := backup.Open(path)
	if err != nil {
		return err
	}
	from, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := f.Verify(b.t.Context(), from, func(int64, int64) {}); err != nil {
		return err
	}
	return b.warden(nil).Restore(b.t.Context(), dbwarden.Restoration{Name: filepath.Base(path), From: from, Run: backup.Run, Schema: f.Schema})
}

func (b *bench) mustRestore(path string) {
	b.t.Helper()
	if err := b.restore(path); err != nil {
		b.t.Fatalf("restore: %v", err)
	}
}

func (b *bench) session() engine.Session {
	b.t.Helper()
	s, err := b.db.Connect(context.Background(), engine.ConnectOptions{App: "test", ReadOnly: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) strings(query string) (out []string) {
	b.t.Helper()
	s := b.session()
	defer s.Close()
	err := s.Query(b.t.Context(), func(scan func(...any) error) error {
		var v sql.NullString
		err := scan(&v)
		out = append(out, v.String)
		return err
	}, query)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return out
}

func (b *bench) exec(query string) {
	b.t.Helper()
	s, err := b.db.Connect(b.t.Context(), engine.ConnectOptions{App: "test"})
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Exec(b.t.Context(), query); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
}

// rows are what stands in every table but the lock's, and the journal's, which
// a restore adds to.
func (b *bench) rows() map[string]string {
	b.t.Helper()
	list := map[string]string{
		"sqlite":   "SELECT name FROM sqlite_schema WHERE type = 'table'",
		"postgres": "SELECT quote_ident(schemaname)||'.'||quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
		"mysql":    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'",
	}[b.p.engine.Name]
	out := map[string]string{}
	for _, table := range b.strings(list) {
		if strings.Contains(table, "dbwarden_lock") || strings.Contains(table, "dbwarden_journal") {
			continue
		}
		var q string
		switch b.p.engine.Name {
		case "postgres":
			q = "SELECT count(*)||' '||coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), '') FROM " + table + " AS t"
		case "mysql":
			out[table] = b.checksum(table)
			continue
		default:
			s := b.session()
			columns, err := b.p.engine.Columns(b.t.Context(), s, "", table)
			s.Close()
			if err != nil {
				b.t.Fatal(err)
			}
			for i, c := range columns {
				columns[i] = "quote(\"" + c + "\")"
			}
			q = "SELECT rowid||' '||" + strings.Join(columns, "||'|'||") + " FROM \"" + table + "\" ORDER BY rowid"
			if table == "sqlite_sequence" {
				q = "SELECT name||seq FROM sqlite_sequence WHERE name <> 'dbwarden_journal'"
			}
		}
		out[table] = strings.Join(b.strings(q), "\n")
	}
	return out
}

func (b *bench) checksum(table string) (sum string) {
	b.t.Helper()
	s := b.session()
	defer s.Close()
	err := s.Query(b.t.Context(), func(scan func(...any) error) error { return scan(new(string), &sum) }, "CHECKSUM TABLE `"+table+"` EXTENDED")
	if err != nil {
		b.t.Fatal(err)
	}
	return sum + " " + strings.Join(b.strings("SELECT COUNT(*) FROM `"+table+"`"), "")
}

// state is the schema as check-db reads it.
func (b *bench) state() *schema.State {
	b.t.Helper()
	s := b.session()
	defer s.Close()
	st, err := b.p.inspect(b.t.Context(), s, schema.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	return st
}

// same compares rows and schema with what they were.
func (b *bench) same(rows map[string]string, state *schema.State) {
	b.t.Helper()
	now := b.rows()
	for table, was := range rows {
		if is, there := now[table]; !there || is != was {
			b.t.Errorf("table %s: there %v\n%.300s\nwas\n%.300s", table, there, is, was)
		}
	}
	for table := range now {
		if _, was := rows[table]; !was {
			b.t.Errorf("table %s is new", table)
		}
	}
	if changes := schema.Diff(state, b.state()); len(changes) > 0 {
		b.t.Errorf("the schema differs: %v", changes)
	}
}

func (b *bench) free() {
	b.t.Helper()
	r, err := b.warden(nil).Lock(b.t.Context())
	if err != nil || r.Active {
		b.t.Errorf("the lock: active %v, %v %v", r.Active, r.Verdict, err)
	}
}

// nothing says that a folder is empty, or not there.
func nothing(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("%s holds %v", dir, entries)
	}
}

// eventually waits for what must come.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lines are those of the processes of this machine that hold all words.
func lines(t *testing.T, words ...string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		line := strings.ReplaceAll(string(text), "\x00", " ")
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			found = append(found, fmt.Sprint(f, ": ", line))
		}
	}
	return found
}

// Package oracle has the other tools themselves make a database, and takes it
// over: nothing may run again, and a fresh database must come to be the same.
package oracle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/mysql"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	_ "github.com/golang-migrate/migrate/v4/source/file"
	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	ternmigrate "github.com/jackc/tern/v2/migrate"
	"github.com/pressly/goose/v3"
	sqlmigrate "github.com/rubenv/sql-migrate"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// product is one server, with how Go's drivers reach it.
type product struct {
	engine  *engine.Engine
	inspect func(context.Context, engine.Session, schema.Options) (*schema.State, error)
	server  *dbtest.Server
	driver  string
	dialect string // sql-migrate's and goose's name
}

func products(t *testing.T) map[string]product {
	return map[string]product{
		"PostgreSQL": {postgres.Engine(), pgschema.Inspect, dbtest.Postgres(t), "pgx", "postgres"},
		"MariaDB":    {mysql.Engine(), myschema.Inspect, dbtest.MariaDB(t), "mysql", "mysql"},
	}
}

// dsn is a URL as the driver wants it.
func (p product) dsn(t *testing.T, u string) string {
	t.Helper()
	if p.driver != "mysql" {
		return u
	}
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	c := mysqldriver.NewConfig()
	c.User, c.Net, c.Addr, c.DBName, c.ParseTime = parsed.User.Username(), "tcp", parsed.Host, strings.TrimPrefix(parsed.Path, "/"), true
	c.Passwd, _ = parsed.User.Password()
	return c.FormatDSN()
}

// A tool applies what is in a folder, all of it.
type tool struct {
	name  string
	up    func(t *testing.T, p product, url, dir string) error
	times bool // its history has them
}

var tools = []tool{
	{"goose", upGoose, true},
	{"golang-migrate", upGolang, false},
	{"sql-migrate", upRubenv, true},
	{"tern", upTern, false},
}

func open(t *testing.T, p product, u string) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.driver, p.dsn(t, u))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func upGoose(t *testing.T, p product, u, dir string) error {
	g, err := goose.NewProvider(goose.Dialect(p.dialect), open(t, p, u), os.DirFS(dir))
	if err != nil {
		return err
	}
	_, err = g.Up(t.Context())
	return err
}

func upGolang(t *testing.T, p product, u, dir string) error {
	target := strings.Replace(u, "postgres://", "pgx5://", 1)
	target = strings.Replace(target, "postgresql://", "pgx5://", 1)
	if p.driver == "mysql" {
		target = "mysql://" + p.dsn(t, u) + "&multiStatements=true"
	}
	m, err := migrate.New("file://"+dir, target)
	if err != nil {
		return err
	}
	err = m.Up()
	source, database := m.Close()
	return errors.Join(err, source, database)
}

func upRubenv(t *testing.T, p product, u, dir string) error {
	_, err := sqlmigrate.Exec(open(t, p, u), p.dialect, sqlmigrate.FileMigrationSource{Dir: dir}, sqlmigrate.Up)
	return err
}

func upTern(t *testing.T, _ product, u, dir string) error {
	c, err := pgx.Connect(t.Context(), u)
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	m, err := ternmigrate.NewMigrator(t.Context(), c, "public.schema_version")
	if err != nil {
		return err
	}
	if err := m.LoadMigrations(os.DirFS(dir)); err != nil {
		return err
	}
	return m.Migrate(t.Context())
}

// own are the tables that are no part of what migrations make.
var own = []string{lock.Table, lock.RunTable, journal.HistoryTable, journal.EntryTable, "goose_db_version", "schema_migrations", "gorp_migrations", "schema_version"}

func (p product) open(t *testing.T, u string) engine.Database {
	t.Helper()
	d, err := p.engine.Open(u, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (p product) state(t *testing.T, d engine.Database) *schema.State {
	t.Helper()
	s, err := d.Connect(t.Context(), engine.ConnectOptions{App: "oracle", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	state, err := p.inspect(t.Context(), s, schema.Options{Own: own})
	if err != nil {
		t.Fatal(err)
	}
	state = state.Theirs()
	// A sequence of a tool's own table goes with it.
	state.Sequences = slices.DeleteFunc(state.Sequences, func(q schema.Sequence) bool { return strings.HasPrefix(q.Name, "goose_db_version") })
	return state
}

// rows are what the migrations put into the table they all have.
func (p product) rows(t *testing.T, d engine.Database) (n string) {
	t.Helper()
	s, err := d.Connect(t.Context(), engine.ConnectOptions{App: "oracle", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Query(t.Context(), func(scan func(...any) error) error { return scan(&n) }, "SELECT CONCAT(COUNT(*), ' ', MAX(name)) FROM users")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// warden is over a folder of migrations of ours.
func (p product) warden(t *testing.T, d engine.Database, files []foreign.File) *dbwarden.Warden {
	t.Helper()
	w, err := dbwarden.New(dbwarden.Config{Engine: p.engine, Database: d, Migrations: foreign.Folder(files), Holder: lock.Holder{User: "oracle", Command: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheToolsThemselves(t *testing.T) {
	for title, p := range products(t) {
		for _, tool := range tools {
			dir := filepath.Join("testdata", tool.name, p.engine.Name)
			if _, err := os.Stat(dir); tool.name == "tern" && p.driver == "mysql" {
				continue // tern knows PostgreSQL alone
			} else if err != nil {
				t.Fatal(err)
			}
			t.Run(title+"/"+tool.name, func(t *testing.T) {
				t.Parallel()
				takenOver(t, p, tool, dir)
			})
		}
	}
}

func takenOver(t *testing.T, p product, tool tool, dir string) {
	theirURL := p.server.NewDatabase(t)
	began := time.Now()
	if err := tool.up(t, p, theirURL, dir); err != nil {
		t.Fatalf("%s: %v", tool.name, err)
	}
	o := foreign.Options{Lexis: p.engine.Lexis, Product: p.engine.Name}
	project, err := foreign.Read(foreign.Find(tool.name), os.DirFS(dir), o)
	if err != nil {
		t.Fatal(err)
	}
	files, err := project.Files(o)
	if err != nil {
		t.Fatal(err)
	}

	// A fresh database comes to be what the tool made.
	theirs := p.open(t, theirURL)
	ours := p.open(t, p.server.NewDatabase(t))
	if _, err := p.warden(t, ours, files).Migrate(t.Context(), plan.Target{}); err != nil {
		t.Fatal(err)
	}
	same := func(what string, d engine.Database) {
		t.Helper()
		for _, c := range schema.Diff(unnamed(p.state(t, d)), unnamed(p.state(t, theirs))) {
			t.Errorf("%s: another schema: %s", what, c)
		}
		if got, want := p.rows(t, d), p.rows(t, theirs); got != want {
			t.Errorf("%s: the rows are %q, and %q of %s", what, got, want, tool.name)
		}
	}
	same("migrated", ours)

	// What the tool made is taken over, and nothing runs again.
	names := map[*foreign.Change]string{}
	for _, f := range files {
		names[f.Change] = f.Name
	}
	w := p.warden(t, theirs, files)
	res, err := w.Adopt(t.Context(), func(ctx context.Context, s engine.Session) (out []dbwarden.Adopted, err error) {
		record, err := project.History(ctx, s, p.engine, foreign.HistoryOptions{})
		if err != nil || record == nil {
			return nil, fmt.Errorf("no history: %w", err)
		}
		for _, r := range record.Rows {
			if away := r.At.Sub(began).Abs(); tool.times && away > time.Minute || !tool.times && !r.At.IsZero() {
				t.Errorf("%s was applied at %v, and it is %v", names[r.Change], r.At, began)
			}
			out = append(out, dbwarden.Adopted{File: names[r.Change], Elsewhere: journal.Elsewhere{Tool: tool.name, At: r.At, By: r.By, Duration: r.Duration}})
		}
		return out, nil
	})
	if err != nil || len(res.Completed) != len(files) {
		t.Fatalf("%d of %d migrations were taken over: %v", len(res.Completed), len(files), err)
	}
	if res, err := w.Migrate(t.Context(), plan.Target{}); err != nil || len(res.Planned) > 0 {
		t.Errorf("ran again: %v, %v", res.Planned, err)
	}
	same("taken over", theirs)
	if _, err := w.Rollback(t.Context(), plan.Target{Empty: true}); err != nil {
		t.Errorf("the ways back do not run: %v", err)
	}
	if left := p.state(t, theirs); len(left.Tables)+len(left.Routines) > 0 {
		t.Errorf("the ways back leave %d tables and %d routines", len(left.Tables), len(left.Routines))
	}

	// What is exported runs with the tool itself, and leads there, too.
	outlet := foreign.FindOutlet(tool.name)
	if outlet == nil {
		return
	}
	out := t.TempDir()
	exported, _, err := foreign.Export(outlet, foreign.Folder(files), foreign.ExportOptions{Engine: p.engine})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range exported {
		if err := os.WriteFile(filepath.Join(out, f.Name), []byte(f.Text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	againURL := p.server.NewDatabase(t)
	if err := tool.up(t, p, againURL, out); err != nil {
		t.Fatalf("%s with what was exported: %v", tool.name, err)
	}
	again := p.open(t, againURL)
	for _, c := range schema.Diff(unnamed(p.state(t, again)), unnamed(p.state(t, ours))) {
		t.Errorf("exported: another schema: %s", c)
	}
	if got, want := p.rows(t, again), p.rows(t, ours); got != want {
		t.Errorf("exported: the rows are %q, want %q", got, want)
	}
}

// unnamed takes the name of the database out of a state.
func unnamed(s *schema.State) *schema.State {
	blank := func(name *string) {
		if *name == s.Home {
			*name = ""
		}
	}
	for i := range s.Tables {
		blank(&s.Tables[i].Schema)
	}
	for i := range s.Routines {
		blank(&s.Routines[i].Schema)
	}
	for i := range s.Views {
		blank(&s.Views[i].Schema)
	}
	s.Schemas = slices.DeleteFunc(s.Schemas, func(n schema.Namespace) bool { return n.Name == s.Home })
	s.Home = ""
	return s
}

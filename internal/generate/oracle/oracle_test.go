// Package oracle asks atlas, which reads and compares schemas in its own way,
// whether the plans between two schemas lead where they should.
package oracle

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"
	atlasmysql "ariga.io/atlas/sql/mysql"
	atlaspostgres "ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	atlassqlite "ariga.io/atlas/sql/sqlite"
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// product is one server, with how the two sides reach it.
type product struct {
	pairs   string // the folder of the corpus, below engine
	engine  *engine.Engine
	inspect func(context.Context, engine.Session, schema.Options) (*schema.State, error)
	plan    func(from, to *schema.State) ([]schema.Step, []schema.Change)
	lexis   sqltext.Lexis

	open  func(t *testing.T) (url, driver, dsn string)
	atlas func(atlas.ExecQuerier) (migrate.Driver, error)
	// clear makes it empty again; nil: another one is opened. All is done in a
	// place of one name, one thing after another, so that names are no difference.
	clear func(home string) []string

	every  int // of how many pairs one is tried
	judged int // of how many at least atlas sees the change
}

var products = map[string]product{
	"SQLite": {
		pairs: "sqlite/liteschema", engine: sqlite.Engine(), inspect: liteschema.Inspect, lexis: sqltext.SQLite,
		plan: func(from, to *schema.State) ([]schema.Step, []schema.Change) {
			return liteschema.Plan(from, liteschema.Spell(to))
		},
		open: func(t *testing.T) (url, driver, dsn string) {
			file := filepath.ToSlash(filepath.Join(t.TempDir(), "x.db"))
			return "sqlite:///" + file + "?synchronous=off", "sqlite", file
		},
		atlas: atlassqlite.Open, every: 2, judged: 50,
	},
	"PostgreSQL": {
		pairs: "postgres/pgschema", engine: postgres.Engine(), inspect: pgschema.Inspect, plan: pgschema.Plan, lexis: sqltext.PostgreSQL,
		open: func(t *testing.T) (url, driver, dsn string) {
			url = dbtest.Postgres(t).NewDatabase(t)
			return url, "pgx", url
		},
		atlas: atlaspostgres.Open, every: 6, judged: 15,
		clear: func(home string) []string {
			return []string{"DROP SCHEMA IF EXISTS " + home + " CASCADE", "CREATE SCHEMA " + home}
		},
	},
	"MariaDB": {
		pairs: "mysql/myschema", engine: mysql.Engine(), inspect: myschema.Inspect, plan: myschema.Plan, lexis: sqltext.MySQL,
		open: func(t *testing.T) (url, driver, dsn string) {
			url = dbtest.MariaDB(t).NewDatabase(t)
			_, rest, _ := strings.Cut(url, "://")
			account, place, _ := strings.Cut(rest, "@")
			host, name, _ := strings.Cut(place, "/")
			return url, "mysql", account + "@tcp(" + host + ")/" + name
		},
		atlas: atlasmysql.Open, every: 8, judged: 12,
		clear: func(home string) []string {
			return []string{"DROP DATABASE " + home, "CREATE DATABASE " + home, "USE " + home}
		},
	},
}

// place is where schemas are made, seen by both.
type place struct {
	product
	session engine.Session
	driver  migrate.Driver
	home    string // as the product calls it
	theirs  string // as atlas does
}

func (p product) place(t *testing.T) *place {
	t.Helper()
	url, driver, dsn := p.open(t)
	d, err := p.engine.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	at := &place{product: p, session: s, home: s.Server().Schema, theirs: s.Server().Schema}
	if p.clear == nil {
		at.theirs = "main"
	}
	if at.driver, err = p.atlas(db); err != nil {
		t.Fatal(err)
	}
	return at
}

// emptied is an empty place: this one, or another one.
func (p *place) emptied(t *testing.T) *place {
	t.Helper()
	if p.clear == nil {
		return p.place(t)
	}
	for _, text := range p.clear(p.home) {
		p.exec(t, text)
	}
	return p
}

func (p *place) exec(t *testing.T, text string) {
	t.Helper()
	if _, err := p.session.Exec(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func (p *place) run(t *testing.T, script string) {
	t.Helper()
	all, err := sqltext.All(script, p.lexis)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range all {
		p.exec(t, st.Text)
	}
}

func (p *place) state(t *testing.T) *schema.State {
	t.Helper()
	st, err := p.inspect(t.Context(), p.session, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func (p *place) look(t *testing.T) (*atlas.Schema, error) {
	t.Helper()
	s, err := p.driver.InspectSchema(t.Context(), p.theirs, nil)
	if err != nil {
		return nil, err
	}
	// What SQLite calls the index of a unique constraint is a number and no
	// name; atlas gives it one only in the schema that it is to lead to.
	for _, table := range s.Tables {
		for _, x := range table.Indexes {
			if strings.HasPrefix(x.Name, "sqlite_autoindex_") {
				x.Name = "unique"
				for _, part := range x.Parts {
					x.Name += " " + part.C.Name
				}
			}
		}
	}
	return s, nil
}

func (p *place) follow(t *testing.T, from, to *schema.State) {
	t.Helper()
	steps, _ := p.plan(from, to)
	for _, st := range steps {
		p.exec(t, st.SQL)
	}
}

// What is neither read nor compared by atlas's free packages (views,
// functions, triggers, sequences, domains and so on) is no matter here; where they
// cannot read a schema at all, nobody is judged.
func TestAtlasSeesNoDifferenceBehindAPlan(t *testing.T) {
	for name, p := range products {
		t.Run(name, func(t *testing.T) {
			at, judged := p.place(t), 0
			for n, c := range corpus(t, filepath.Join("../../../engine", p.pairs)) {
				if n%p.every != 0 {
					continue
				}
				t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
					judged += at.judge(t, c)
				})
			}
			if t.Logf("%d changes judged", judged); judged < p.judged {
				t.Errorf("%d changes judged, want %d", judged, p.judged)
			}
		})
	}
}

// judge returns 1 where atlas sees the change at all.
func (p *place) judge(t *testing.T, c pair) int {
	at := p.emptied(t)
	at.run(t, c.after)
	to := at.state(t)
	wanted, err := at.look(t)
	if err != nil {
		t.Skipf("atlas cannot read the second schema: %v", err)
	}
	at = p.emptied(t)
	at.run(t, c.before)
	at.run(t, c.rows)
	from := at.state(t)
	was, err := at.look(t)
	if err != nil {
		t.Skipf("atlas cannot read the first schema: %v", err)
	}
	at.follow(t, from, to)
	at.same(t, "there", wanted)
	at.follow(t, at.state(t), from)
	at.same(t, "back", was)
	if changes, err := at.driver.SchemaDiff(was, wanted); err != nil || len(changes) == 0 {
		return 0
	}
	return 1
}

func (p *place) same(t *testing.T, way string, wanted *atlas.Schema) {
	t.Helper()
	is, err := p.look(t)
	if err != nil {
		t.Fatalf("%s: atlas cannot read what is there: %v", way, err)
	}
	changes, err := p.driver.SchemaDiff(is, wanted)
	if err != nil {
		t.Fatalf("%s: %v", way, err)
	}
	for _, change := range changes {
		t.Errorf("%s: atlas would %s", way, told(change))
	}
}

// told is a change in words.
func told(c atlas.Change) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", c), "*schema.")
	switch c := c.(type) {
	case *atlas.ModifyTable:
		for _, one := range c.Changes {
			name += " " + c.T.Name + ": " + told(one)
		}
	case *atlas.AddTable:
		name += " " + c.T.Name
	case *atlas.DropTable:
		name += " " + c.T.Name
	case *atlas.AddColumn:
		name += " " + c.C.Name
	case *atlas.DropColumn:
		name += " " + c.C.Name
	case *atlas.ModifyColumn:
		name += fmt.Sprintf(" %s (%b)", c.To.Name, c.Change)
	case *atlas.AddIndex:
		name += " " + c.I.Name
	case *atlas.DropIndex:
		name += " " + c.I.Name
	case *atlas.ModifyIndex:
		name += fmt.Sprintf(" %s (%b)", c.To.Name, c.Change)
	case *atlas.AddForeignKey:
		name += " " + c.F.Symbol
	case *atlas.DropForeignKey:
		name += " " + c.F.Symbol
	case *atlas.AddCheck:
		name += " " + c.C.Name + " " + c.C.Expr
	case *atlas.DropCheck:
		name += " " + c.C.Name + " " + c.C.Expr
	case *atlas.AddAttr:
		name += fmt.Sprintf(" %T", c.A)
	case *atlas.DropAttr:
		name += fmt.Sprintf(" %T", c.A)
	case *atlas.ModifyAttr:
		name += fmt.Sprintf(" %T", c.To)
	}
	return name
}

// Package oracle asks gorm and bun themselves what tables they make of structs,
// on the servers, and compares that with what gomodel reads from the source.
package oracle

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/jinzhu/inflection"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	bunschema "github.com/uptrace/bun/schema"
	gormmysql "gorm.io/driver/mysql"
	gormpostgres "gorm.io/driver/postgres"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/desired"
	"github.com/dbwarden-go/dbwarden/internal/gomodel"
	"github.com/dbwarden-go/dbwarden/internal/gomodel/oracle/bunpostgres"
	"github.com/dbwarden-go/dbwarden/internal/gomodel/oracle/bunshop"
	"github.com/dbwarden-go/dbwarden/internal/gomodel/oracle/gormshop"
	"github.com/dbwarden-go/dbwarden/schema"
)

// server is one product, with how the libraries reach it.
type server struct {
	e       *engine.Engine
	inspect func(context.Context, engine.Session, schema.Options) (*schema.State, error)
	url     func(t *testing.T) string
	gorm    func(dsn string) gorm.Dialector
	bun     func() bunschema.Dialect
	driver  string
	dsn     func(url string) string
}

var servers = map[string]server{
	"SQLite": {sqlite.Engine(), liteschema.Inspect, func(t *testing.T) string { return dbtest.SQLite(t) },
		func(dsn string) gorm.Dialector {
			return gormsqlite.New(gormsqlite.Config{DriverName: "sqlite", DSN: dsn})
		}, func() bunschema.Dialect { return sqlitedialect.New() }, "sqlite",
		func(url string) string { return strings.TrimPrefix(url, "sqlite:///") }},
	"PostgreSQL": {postgres.Engine(), pgschema.Inspect, func(t *testing.T) string { return dbtest.Postgres(t).NewDatabase(t) },
		gormpostgres.Open, func() bunschema.Dialect { return pgdialect.New() }, "pgx",
		func(url string) string { return url }},
	"MariaDB": {mysql.Engine(), myschema.Inspect, func(t *testing.T) string { return dbtest.MariaDB(t).NewDatabase(t) },
		gormmysql.Open, func() bunschema.Dialect { return mysqldialect.New() }, "mysql",
		func(url string) string {
			_, rest, _ := strings.Cut(url, "://")
			account, place, _ := strings.Cut(rest, "@")
			host, name, _ := strings.Cut(place, "/")
			return account + "@tcp(" + host + ")/" + name + "?parseTime=true"
		}},
}

// TestTheSourceSaysWhatGormMakes: a database that AutoMigrate has made and one
// of our definitions have the same catalogue.
func TestTheSourceSaysWhatGormMakes(t *testing.T) {
	for name, s := range servers {
		t.Run(name, func(t *testing.T) {
			url := s.url(t)
			db, err := gorm.Open(s.gorm(s.dsn(url)), &gorm.Config{Logger: logger.Default.LogMode(logger.Silent)})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.AutoMigrate(gormshop.All()...); err != nil {
				t.Fatal(err)
			}
			pool, _ := db.DB()
			pool.Close()
			compare(t, s, url, "gormshop")
		})
	}
}

func TestTheSourceSaysWhatBunMakes(t *testing.T) {
	for name, s := range servers {
		t.Run(name, func(t *testing.T) {
			url := s.url(t)
			pool, err := sql.Open(s.driver, s.dsn(url))
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			db := bun.NewDB(pool, s.bun())
			db.RegisterModel((*bunshop.UserGroup)(nil))
			folders, models := []string{"bunshop"}, bunshop.All()
			if s.e.Name == "postgres" {
				folders, models = append(folders, "bunpostgres"), append(models, (*bunpostgres.Setting)(nil))
			}
			for _, m := range models {
				if _, err := db.NewCreateTable().Model(m).WithForeignKeys().Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, s, url, folders...)
		})
	}
}

func compare(t *testing.T, s server, theirs string, folders ...string) {
	t.Helper()
	tables, err := gomodel.Read(folders, s.e.Name, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	var models []desired.Model
	for _, table := range tables {
		models = append(models, desired.Model{Name: table.File, From: table.Type, Text: table.SQL})
	}
	ours := s.url(t)
	db := open(t, s, ours)
	if _, err := desired.Run(t.Context(), s.e, db, models); err != nil {
		t.Fatal(err)
	}
	want, got := state(t, s, open(t, s, theirs)), state(t, s, db)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the library's (-) and ours (+):\n%s", diff)
	}
}

func open(t *testing.T, s server, url string) engine.Database {
	t.Helper()
	db, err := s.e.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// state is the catalogue, spelled for comparison.
func state(t *testing.T, s server, db engine.Database) map[string]any {
	t.Helper()
	session, err := db.Connect(t.Context(), engine.ConnectOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	st, err := s.inspect(t.Context(), session, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	home := session.Server().Schema
	if s.e.Name == "mysql" {
		text = []byte(strings.ReplaceAll(string(text), home, "HOME"))
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	delete(out, "database")
	tables := map[string]any{}
	for _, table := range out["tables"].([]any) {
		m := table.(map[string]any)
		if s.e.Name == "sqlite" {
			delete(m, "definition") // its blanks and quotes
		}
		strip(m)
		tables[m["name"].(string)] = m
	}
	out["tables"] = tables
	return out
}

// strip takes away definitions, of which the fields tell as much; on SQLite
// they are the statement's own text.
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "definition")
		// The order of constraints is that of Go's maps in gorm.
		for _, key := range []string{"foreign_keys", "checks", "indexes"} {
			if list, ok := v[key].([]any); ok {
				byName := map[string]any{}
				for _, x := range list {
					text, _ := json.Marshal(x)
					m := x.(map[string]any)
					strip(m)
					name, _ := m["name"].(string)
					if name == "" {
						name = string(text)
					}
					byName[name] = m
				}
				v[key] = byName
			}
		}
		for _, x := range v {
			strip(x)
		}
	case []any:
		for _, x := range v {
			strip(x)
		}
	}
}

// TestPluralsAreThoseOfTheLibraries compares words of all endings.
func TestPluralsAreThoseOfTheLibraries(t *testing.T) {
	words := strings.Fields(`user order category box bus status alias person man woman child sex move quiz ox axis crisis virus octopus buffalo
		tomato potato datum medium index matrix vertex mouse louse hive wife half wolf leaf safe cliff day key query soliloquy fish church dish
		pass address analysis basis test equipment information rice money species series sheep jeans police news photo hero zoo piano company
		user_status order_item_status sales_person tax_index api_key media data x y s ss process access gas lens schema criterion salesman human
		german foot tooth goose history library library_branch inventory staff shelf knife life chief roof proof belief thief dwarf scarf`)
	for _, w := range words {
		if got, want := gomodel.Plural(w), inflection.Plural(w); got != want {
			t.Errorf("the plural of %s is %s, and %s there", w, got, want)
		}
	}
}

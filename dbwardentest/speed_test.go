package dbwardentest_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/dbwardentest"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// sakila is the public sample database: its schema, and on PostgreSQL its 47,000
// rows.
func sakila(b *testing.B, engine string) fstest.MapFS {
	b.Helper()
	forAClient := regexp.MustCompile("(?im)^(DROP DATABASE|CREATE DATABASE|DROP SCHEMA|CREATE SCHEMA|USE ).*$")
	definer := regexp.MustCompile(`(?i)DEFINER\s*=\s*\S+`)
	read := func(name string) *fstest.MapFile {
		text, err := os.ReadFile(filepath.Join(dbtest.DataDir(b), "sakila", name))
		if err != nil {
			b.Fatal(err)
		}
		up := definer.ReplaceAllString(strings.ReplaceAll(forAClient.ReplaceAllString(string(text), ""), "sakila.", ""), "")
		return &fstest.MapFile{Data: []byte("-- upgrade\n" + up + "\n-- rollback\nSELECT 1;\n")}
	}
	switch engine {
	case "postgres":
		return fstest.MapFS{"0001_schema.sql": read("postgres-schema.sql"), "0002_rows.sql": read("postgres-data-copy.sql")}
	case "mysql":
		return fstest.MapFS{"0001_schema.sql": read("mysql-schema.sql")}
	}
	return fstest.MapFS{"0001_schema.sql": read("sqlite-schema.sql")}
}

// BenchmarkNew compares a test's database, with its dropping, to one that is
// made, migrated and dropped without this package.
func BenchmarkNew(b *testing.B) {
	for name, of := range products() {
		b.Run(name, func(b *testing.B) {
			if name != "sqlite" && testing.Short() {
				b.Skip("a server: not asked for under -short")
			}
			p := of(b)
			c := dbwarden.Config{Engine: p.engine, Migrations: sakila(b, name)}
			b.Run("New", func(b *testing.B) {
				end := func(f *failing) { f.end() }
				f := &failing{TB: b, ctx: b.Context()}
				dbwardentest.New(f, p.url, c) // the template
				end(f)
				for b.Loop() {
					f := &failing{TB: b, ctx: b.Context()}
					if made, said := f.run(p.url, c); made == "" {
						b.Fatal(said)
					}
					end(f)
				}
			})
			b.Run("migrated", func(b *testing.B) {
				for b.Loop() {
					url, drop := empty(b, p)
					w, err := dbwarden.Open(url, c)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := w.Migrate(b.Context(), plan.Target{}); err != nil {
						b.Fatal(err)
					}
					drop()
				}
			})
		})
	}
}

// empty makes an empty database in the plain way.
func empty(b *testing.B, p product) (url string, drop func()) {
	b.Helper()
	if p.server == nil {
		return "sqlite:///" + filepath.ToSlash(filepath.Join(b.TempDir(), "test.db")), func() {}
	}
	d, err := p.engine.Open(p.server.URL(), engine.OpenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := d.Connect(context.Background(), engine.ConnectOptions{App: "test"})
	if err != nil {
		b.Fatal(err)
	}
	name := "speed_of_tests"
	if _, err := s.Exec(b.Context(), "CREATE DATABASE "+name); err != nil {
		b.Fatal(err)
	}
	return dbtest.WithDatabase(p.server.URL(), name), func() {
		if _, err := s.Exec(context.Background(), "DROP DATABASE "+name); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Whole scripts that were written for SQLite's own shell run as they are, and
// the schema that they leave is read.
func TestSampleDatabasesRunAndAreRead(t *testing.T) {
	t.Parallel()
	dir := dbtest.DataDir(t)
	for name, want := range map[string]struct {
		tables, foreign, indexes int
		count, rows              string
	}{
		"chinook/sqlite.sql":       {11, 11, 11, "SELECT (SELECT count(*) FROM Track) || ' ' || (SELECT Name FROM Artist WHERE ArtistId = 90)", "3503 Iron Maiden"},
		"sakila/sqlite-schema.sql": {16, 22, 24, "SELECT count(*) FROM sqlite_schema WHERE type IN ('trigger', 'view')", "35"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := sqlite.Engine()
			script, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Open(dbtest.SQLite(t), engine.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			s, err := d.Connect(t.Context(), engine.ConnectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			run := func(ctx context.Context, last string) error {
				return s.Run(ctx, engine.Unit{Begin: e.Dialect.Begin, Statements: func(yield func(sqltext.Statement, error) bool) {
					all, err := sqltext.All(string(script)+last, e.Lexis)
					if err != nil {
						t.Error(err)
					}
					for _, st := range all {
						if !yield(st, nil) {
							return
						}
					}
				}})
			}
			if run(t.Context(), "\n;nonsense") == nil {
				t.Fatal("nonsense ran")
			}
			state, err := liteschema.Inspect(t.Context(), s, schema.Options{})
			if err != nil || len(state.Tables) != 0 {
				t.Fatalf("after a rollback: %d tables, %v", len(state.Tables), err)
			}
			if err := run(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if state, err = liteschema.Inspect(t.Context(), s, schema.Options{}); err != nil {
				t.Fatal(err)
			}
			foreign, indexes := 0, 0
			for _, table := range state.Tables {
				foreign += len(table.ForeignKeys)
				indexes += len(table.Indexes)
				if table.PrimaryKey == nil {
					t.Errorf("%s has no primary key", table.Name)
				}
				for _, k := range table.ForeignKeys {
					if len(k.Columns) != len(k.RefColumns) || k.Definition == "" {
						t.Errorf("%s: %+v", table.Name, k)
					}
				}
			}
			if diff := cmp.Diff([]int{want.tables, want.foreign, want.indexes}, []int{len(state.Tables), foreign, indexes}); diff != "" {
				t.Error(diff)
			}
			var got string
			if err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&got) }, want.count); err != nil || got != want.rows {
				t.Errorf("got %s, want %s (%v)", got, want.rows, err)
			}
		})
	}
}

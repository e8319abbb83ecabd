package pgschema_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// roundTrip writes the schema of url down, makes it again in an empty
// database, and wants the same to be read there.
func roundTrip(t *testing.T, server *dbtest.Server, url string, o schema.Options, before ...string) *schema.State {
	t.Helper()
	first := inspect(t, connect(t, url), o)
	other := server.NewDatabase(t)
	db := dbtest.Dial(t, other)
	db.Exec(t, before...)
	var script strings.Builder
	if err := render.Script(&script, render.Style{}, pgschema.Statements(first), sqltext.PostgreSQL); err != nil {
		t.Fatal(err)
	}
	all, err := sqltext.All(script.String(), sqltext.PostgreSQL)
	if err != nil || len(all) != len(pgschema.Statements(first)) {
		t.Fatalf("the script is cut into %d statements: %v", len(all), err)
	}
	for _, s := range all {
		if err := db.Try(t.Context(), s.Text); err != nil {
			t.Errorf("%s\n%v", s.Text, err)
		}
	}
	second := inspect(t, connect(t, other), o)
	second.Database, first.Depends, second.Depends = first.Database, nil, nil
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("made again, it is another one (-first +second):\n%s", diff)
	}
	if got := schema.Diff(first, second); len(got) > 0 {
		t.Errorf("changes are found: %v", got)
	}
	return first
}

const far = `CREATE SCHEMA "Far Away"; CREATE TYPE "Far Away"."Kind" AS ENUM ('it''s', 'b"c', '')`

func TestStatementsMakeEverythingAgain(t *testing.T) {
	t.Parallel()
	for name, server := range servers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := server(t)
			role, _ := server.NewRole(t)
			url := server.NewDatabase(t)
			text, tables, views, routines, types := torture, 19, 6, 9, 5
			if connect(t, url).Server().Number >= 150000 {
				text, tables, views, routines, types = torture+torture15, tables+2, views+1, routines+1, types+1
			}
			all, err := sqltext.All(strings.ReplaceAll(text, "$role", `"`+role+`"`), sqltext.PostgreSQL)
			if err != nil {
				t.Fatal(err)
			}
			db := dbtest.Dial(t, url)
			for _, s := range all {
				db.Exec(t, s.Text)
			}
			st := roundTrip(t, server, url, schema.Options{}, far)
			if len(st.Tables) != tables || len(st.Views) != views || len(st.Routines) != routines || len(st.Types) != types {
				t.Errorf("%d tables, %d views, %d routines, %d types", len(st.Tables), len(st.Views), len(st.Routines), len(st.Types))
			}
			// Of several schemas every name bears its own.
			roundTrip(t, server, url, schema.Options{Schemas: []string{"public", "Far Away"}})
		})
	}
}

func servers(t *testing.T) map[string]func(testing.TB) *dbtest.Server {
	all := map[string]func(testing.TB) *dbtest.Server{"here": dbtest.Postgres}
	for _, v := range dbtest.PostgresVersions(t) {
		all[fmt.Sprint(v)] = func(t testing.TB) *dbtest.Server { return dbtest.PostgresVersion(t, v) }
	}
	return all
}

var forPsql = regexp.MustCompile(`(?im)^(DROP DATABASE|CREATE DATABASE|\\c ).*$`)

func TestStatementsMakeSampleDatabasesAgain(t *testing.T) {
	t.Parallel()
	dir, server := dbtest.DataDir(t), dbtest.Postgres(t)
	for file, want := range map[string]string{
		"chinook/postgres.sql":       "11 tables, 0 views, 0 routines, 0 types, 0 sequences",
		"sakila/postgres-schema.sql": "21 tables, 7 views, 10 routines, 2 types, 13 sequences",
	} {
		t.Run(strings.ReplaceAll(file, "/", "_"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			script := forPsql.ReplaceAllString(string(text), "")
			// Its rows are not what this is about.
			script, _, _ = strings.Cut(script, "\nINSERT INTO")
			url := server.NewDatabase(t)
			dbtest.Dial(t, url).Exec(t, script)
			st := roundTrip(t, server, url, schema.Options{})
			got := fmt.Sprintf("%d tables, %d views, %d routines, %d types, %d sequences", len(st.Tables), len(st.Views), len(st.Routines), len(st.Types), len(st.Sequences))
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
)

// forAShell are the lines of the sample databases that a shell client runs,
// or that are about accounts and no part of a schema.
var forAShell = regexp.MustCompile(`(?im)^(DROP DATABASE|CREATE DATABASE|CREATE SCHEMA|DROP SCHEMA|USE |\\c |.* OWNER TO ).*$`)

// A schema that people use becomes one migration out of nothing: behind it the
// database is what the models say, and behind its rollback there is nothing.
func TestRealSchemasBecomeOneMigration(t *testing.T) {
	t.Parallel()
	data := dbtest.DataDir(t)
	for _, c := range []struct {
		file   string
		url    func(t *testing.T) string
		within string // the database that its names name
	}{
		{"sakila/postgres-schema.sql", postgresURL, ""},
		{"chinook/postgres.sql", postgresURL, ""},
		{"sakila/mysql-schema.sql", mariadbURL, "sakila"},
		{"chinook/mysql.sql", mariadbURL, ""},
		{"sakila/sqlite-schema.sql", sqliteURL, ""},
		{"chinook/sqlite.sql", sqliteURL, ""},
	} {
		t.Run(strings.ReplaceAll(c.file, "/", "_"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(data, c.file))
			if err != nil {
				t.Fatal(err)
			}
			model, _, _ := strings.Cut(forAShell.ReplaceAllString(string(text), ""), "\nINSERT INTO")
			if c.within != "" {
				model = byDefiner.ReplaceAllString(strings.ReplaceAll(model, c.within+".", ""), "")
			}
			p := newProject(t, c.url(t))
			p.write("models/schema.sql", model)
			p.write("migrations/.gitkeep", "")
			if out := p.run(0, "make-migrations"); out != "Created migration: migrations/0001_initial.sql\n" {
				t.Errorf("got %s", out)
			}
			p.run(0, "migrate", "-q")
			if out := p.run(0, "diff", "models", "--exit-code"); out != "The database is what the models say.\n" {
				t.Errorf("got %s", out)
			}
			if out := p.run(0, "make-migrations"); out != nothingToGenerate {
				t.Errorf("a second time: %s", out)
			}
			if st := p.schema(); len(st.Tables) < 10 {
				t.Errorf("only %d tables", len(st.Tables))
			}
			p.run(0, "rollback", "-q")
			if left := schema.Diff(&schema.State{Home: p.schema().Home, Schemas: p.schema().Schemas}, p.schema()); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
		})
	}
}

const nothingToGenerate = "No new migrations to generate - all models already covered by existing migrations.\n"

// byDefiner names an account that the test's server does not have.
var byDefiner = regexp.MustCompile(`(?i)DEFINER\s*=\s*\S+`)

func mariadbURL(t *testing.T) string { return dbtest.MariaDB(t).NewDatabase(t) }

func postgresURL(t *testing.T) string { return dbtest.Postgres(t).NewDatabase(t) }

func sqliteURL(t *testing.T) string { return "sqlite:///" + filepath.Join(t.TempDir(), "test.db") }

// project is a folder with models and migrations.
type project struct {
	t        *testing.T
	dir, url string
}

func newProject(t *testing.T, url string) *project { return &project{t, t.TempDir(), url} }

func (p *project) write(name, text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs the program and returns what it prints.
func (p *project) run(code int, args ...string) string {
	p.t.Helper()
	c := exec.CommandContext(p.t.Context(), filepath.Join(program, "dbwarden"), args...)
	c.Dir, c.Env = p.dir, append(os.Environ(), "DBWARDEN_DATABASE_URL="+p.url)
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if got := c.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("%v: exit code %d and not %d: %v\n%s%s", args, got, code, err, out, said.String())
	}
	return string(out)
}

// schema is the live schema, without our own tables.
func (p *project) schema() *schema.State {
	p.t.Helper()
	var doc struct{ Schema schema.State }
	if err := json.Unmarshal([]byte(p.run(0, "check-db", "-o", "json")), &doc); err != nil {
		p.t.Fatal(err)
	}
	return doc.Schema.Theirs()
}

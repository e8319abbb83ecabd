package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/cli"
	"github.com/dbwarden-go/dbwarden/schema"
)

// A plan that does not lead where it should is found by running it, and never
// becomes a file.
func TestAMigrationThatDoesNotDoWhatItShouldIsNotKept(t *testing.T) {
	t.Parallel()
	const (
		grown  = "CREATE TABLE a (id INTEGER, old TEXT, n TEXT);"
		shrunk = "CREATE TABLE a (id INTEGER);"
		kept   = ""
	)
	step := func(text string) schema.Step { return schema.Step{SQL: text} }
	add, drop := step("ALTER TABLE a ADD COLUMN n TEXT"), step("ALTER TABLE a DROP COLUMN n")
	without, with := step("ALTER TABLE a DROP COLUMN old"), step("ALTER TABLE a ADD COLUMN old TEXT")
	other, none, nowhere := step("CREATE TABLE b (id INTEGER)"), step("DROP TABLE b"), step("DROP TABLE nowhere")
	for _, c := range []struct {
		what, model, seed string
		there, back       []schema.Step
		want              string
	}{
		{"as it should be", grown, "", []schema.Step{add}, []schema.Step{drop}, kept},
		{"it leads elsewhere", grown, "", []schema.Step{add, other}, []schema.Step{drop, none}, "it does not lead to what the models say\n" +
			"  state: nothing was written, and no database was changed\n  state: is not as it should be: removed table b\n"},
		{"it leads nowhere", grown, "", []schema.Step{other}, []schema.Step{none}, "it does not lead to what the models say\n"},
		{"the way back leads elsewhere", grown, "", []schema.Step{add}, []schema.Step{drop, other}, "its rollback does not lead back\n" +
			"  state: nothing was written, and no database was changed\n  state: is not as it should be: removed table b\n"},
		{"the way back stops half-way", grown, "", []schema.Step{add}, nil, "its rollback does not lead back\n"},
		{"it fails", grown, "", []schema.Step{add, nowhere}, []schema.Step{drop}, "it fails on the way there: apply 0003_add_n_to_a.sql:3:12, statement 2 of 2: "},
		{"the way back fails", grown, "", []schema.Step{add}, []schema.Step{nowhere}, "it fails on the way back: "},
		{"it fails a second time", grown + "CREATE UNIQUE INDEX u ON a (id);", "", []schema.Step{add, step("INSERT INTO a (id) VALUES (1)"), step("CREATE UNIQUE INDEX u ON a (id)")},
			[]schema.Step{drop, step("DROP INDEX u")}, "it fails on the way there again: "},
		{"a seed stands behind it", shrunk, "INSERT INTO a (id) VALUES (1);", []schema.Step{without}, []schema.Step{with}, kept},
		{"a seed fails behind it", shrunk, "INSERT INTO a (old) VALUES (1);", []schema.Step{without}, []schema.Step{with},
			"the folder with it cannot be run on an empty database: "},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, "")
			p.write("models/m.sql", c.model)
			p.write("migrations/0001_a.sql", "-- upgrade\nCREATE TABLE a (id INTEGER, old TEXT);\n-- rollback\nDROP TABLE a;\n")
			p.write("migrations/0002_fill.sql", "-- seed\n-- upgrade\n"+c.seed)
			var out, said bytes.Buffer
			code := cli.Main(t.Context(), cli.Env{
				Args: []string{"make-migrations", "--url", "sqlite:///app.db"}, Dir: p.dir,
				Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said, Getenv: func(string) (string, bool) { return "", false },
				Products: []cli.Product{{
					Engine: sqlite.Engine(), Inspect: liteschema.Inspect, Statements: liteschema.Statements, Rename: liteschema.Rename,
					Plan: func(from, _ *schema.State) ([]schema.Step, []schema.Change) {
						if from.Database == "models" {
							return c.back, nil
						}
						return c.there, nil
					},
				}},
			})
			files, err := filepath.Glob(filepath.Join(p.dir, "migrations", "0003*"))
			if err != nil {
				t.Fatal(err)
			}
			if c.want == kept {
				if code != 0 || len(files) != 1 {
					t.Errorf("exit code %d, %v\n%s", code, files, &said)
				}
				return
			}
			if code != 1 || len(files) != 0 || !strings.Contains(said.String(), " was not written: "+c.want) {
				t.Errorf("exit code %d, %v\ngot  %s\nwant %s", code, files, &said, c.want)
			}
			if !strings.HasPrefix(out.String(), "-- upgrade\n") {
				t.Errorf("the draft is not shown: %s", &out)
			}
			if _, err := os.Stat(filepath.Join(p.dir, "app.db")); err == nil {
				t.Error("the database was made")
			}
		})
	}
}

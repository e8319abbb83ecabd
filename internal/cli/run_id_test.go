package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// One id leads from each of the places where a run is seen to all others: the
// table of docs/observability.md.
func TestARunHasOneIdWhereverItIsSeen(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(testing.TB) *dbtest.Server{"PostgreSQL": dbtest.Postgres, "MariaDB": dbtest.MariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, c := server(t).NewDatabase(t), newCollects(t)
			who := "CREATE TABLE who AS SELECT current_setting('application_name') AS name"
			if name == "MariaDB" {
				// What it is told of its sessions it tells nobody, unless its
				// performance schema is on: TestTheServerKnowsARunByTheEndOfItsId.
				who = "CREATE TABLE who AS SELECT 'untold' AS name"
			}
			d := newDesk(t, map[string]string{
				"migrations/0001_a.sql": "-- upgrade\n" + who + ";\n",
				"migrations/0002_b.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE b (id INTEGER);\nSELECT nothing;\n",
				"warden.toml":           "database_url = \"" + url + "\"\n[hooks]\nbefore_run = [\"sh\", \"-c\", \"cat >facts.json; '" + filepath.Join(program, "dbwarden") + "' lock-status -o json --metrics-file lock.prom >lock.json\"]\n",
			})
			text := func(file string) string {
				t.Helper()
				text, err := os.ReadFile(filepath.Join(d.dir, file))
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			read := func(what, text string, into any) {
				t.Helper()
				if err := json.Unmarshal([]byte(text), into); err != nil {
					t.Fatalf("%s: %v in %s", what, err, text)
				}
			}
			out, said := d.run(c.env(), 3, "migrate", "-o", "json", "-v", "--metrics-file", "run.prom")
			var doc struct{ Run string }
			read("the document", out, &doc)
			id := doc.Run
			is := func(where, got string) {
				t.Helper()
				if got != id || id == "" {
					t.Errorf("%s: %q, want %q", where, got, id)
				}
			}

			for line := range strings.Lines(said) {
				var e struct{ Event, Run string }
				read("a line", line, &e)
				is(e.Event, e.Run)
			}
			var facts struct{ Run string }
			read("a hook's facts", text("facts.json"), &facts)
			is("a hook's facts", facts.Run)
			var lock struct{ Holder struct{ Run string } }
			read("the lock", text("lock.json"), &lock)
			is("the lock", lock.Holder.Run)

			for file, metric := range map[string]string{"run.prom": "dbwarden_run_info", "lock.prom": "dbwarden_lock_info"} {
				samples, err := readMetrics(text(file))
				if err != nil {
					t.Fatal(err)
				}
				of := 0
				for series := range samples {
					if strings.HasPrefix(series, metric+"{") && strings.Contains(series, `run="`+id+`"`) {
						of++
					}
				}
				if of != 1 {
					t.Errorf("%s: %d of %s bear the id %s: %v", file, of, metric, id, samples)
				}
			}

			_, spans := c.tree()
			for _, s := range spans {
				if s.Name != "dbwarden migrate" { // the command, which may be of several runs
					is("the span "+s.Name, s.is("dbwarden.run.id"))
				}
			}
			if len(spans) < 4 {
				t.Errorf("%d spans", len(spans))
			}

			conn := dbtest.Dial(t, url)
			for _, table := range []string{"dbwarden_migrations", "dbwarden_journal", "dbwarden_lock"} {
				rows := conn.Rows(t, "SELECT DISTINCT run_id FROM "+table)
				if len(rows) != 1 {
					t.Fatalf("%s: %v", table, rows)
				}
				is(table, rows[0][0])
			}
			if session := conn.Rows(t, "SELECT name FROM who")[0][0]; name == "PostgreSQL" && !strings.HasPrefix(session, "dbwarden migrate "+id[len(id)-12:]+" ") {
				t.Errorf("the session calls itself %q in the run %s", session, id)
			}
		})
	}
}

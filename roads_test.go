package dbwarden_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Small migrations may share a round trip or a transaction, or be one of a
// single message; step by step they go when asked to. What is left behind, and what is said of it,
// is the same: of folders at random, with a mistake in the middle, and again
// when that is mended. What is drawn is the same in every run; -rapid.seed and
// -rapid.checks choose other ones, and more.
func TestBothRoadsLeadToTheSame(t *testing.T) {
	dbtest.DrawsTheSame(t, "6")
	for _, e := range []struct {
		engine *engine.Engine
		server func(testing.TB) *dbtest.Server
	}{{postgres.Engine(), dbtest.Postgres}, {mysql.Engine(), dbtest.MariaDB}, {sqlite.Engine(), nil}} {
		t.Run(e.engine.Name, func(t *testing.T) {
			p := sqliteProduct()
			if e.server != nil {
				server := e.server(t)
				p = product{e.engine, func(t *testing.T) string { return server.NewDatabase(t) }}
			}
			rapid.Check(t, func(r *rapid.T) {
				files := drawFolder(r, p.engine.Name)
				var left [2][]string
				for i, plain := range []bool{false, true} {
					b := newBench(t, p, files)
					b.plain = plain
					for range 2 {
						_, err := b.warden().Migrate(t.Context(), plan.Target{})
						name := b.value("SELECT " + b.here())
						left[i] = append(left[i], strings.ReplaceAll(told(err), name+".", ""), strings.ReplaceAll(b.remains(), name+".", ""))
						b.recover = true
						for name, text := range files {
							b.put(name, strings.ReplaceAll(text, "missing", "first"))
						}
					}
				}
				for n := range left[0] {
					if left[0][n] != left[1][n] {
						r.Fatalf("the two differ:\n%s\n\nstep by step:\n%s\n\nof %v", left[0][n], left[1][n], files)
					}
				}
			})
		})
	}
}

// drawFolder is a folder of up to seven small migrations behind a first one.
func drawFolder(r *rapid.T, engine string) map[string]string {
	files := map[string]string{"1_first.sql": "-- upgrade\nCREATE TABLE first (id INTEGER, n INTEGER);\nINSERT INTO first VALUES (1, 1);"}
	wrong := rapid.IntRange(2, 12).Draw(r, "wrong")
	for i := 2; i < 2+rapid.IntRange(1, 7).Draw(r, "migrations"); i++ {
		table := fmt.Sprintf("t%d", i)
		pieces := []string{
			"CREATE TABLE " + table + " (id INTEGER PRIMARY KEY, n INTEGER);",
			"INSERT INTO first VALUES (" + fmt.Sprint(i) + ", 2);\nUPDATE first SET n = n + 1;",
			"ALTER TABLE first ADD COLUMN c" + fmt.Sprint(i) + " INTEGER DEFAULT 7;",
			"CREATE INDEX i" + fmt.Sprint(i) + " ON first (n);",
			"BEGIN;\nINSERT INTO first VALUES (100, 3);\nCOMMIT;\nINSERT INTO first VALUES (101, 4);",
			"SELECT 1;",
			"CREATE VIEW v" + fmt.Sprint(i) + " AS SELECT n FROM first;",
			map[string]string{"postgres": "SET search_path = pg_catalog;\nCREATE TABLE public." + table + " (id int);", "mysql": "SET sql_mode = 'ANSI_QUOTES';\nCREATE TABLE \"" + table + "\" (id INT);",
				"sqlite": "PRAGMA recursive_triggers = ON;\nCREATE TABLE " + table + " (id INT);"}[engine],
		}
		text := rapid.SampledFrom(pieces).Draw(r, "text")
		if strings.Contains(text, "INSERT INTO first VALUES (") {
			text = strings.ReplaceAll(text, "INTO first VALUES", "INTO first (id, n) VALUES")
		}
		if i == wrong {
			text += "\nINSERT INTO missing (id, n) VALUES (7, 7);"
		}
		head := ""
		if rapid.IntRange(0, 5).Draw(r, "outside") == 0 && !strings.Contains(text, "BEGIN") {
			head = outside
		}
		files[fmt.Sprintf("%d_m.sql", i)] = head + "-- upgrade\n" + text
	}
	return files
}

// told is what an error says that anybody acts on.
func told(err error) string {
	var failed *dbwarden.MigrationError
	if !errors.As(err, &failed) {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%s statement %d of %d at %d:%d, done %d, %s, kept %v: %s", failed.Migration.File, failed.Number, failed.Total, failed.Pos.Line, failed.Pos.Column,
		failed.Done, failed.State, failed.LockKept, failed.Fault.Message)
}

// remains is what is in the database, of ours and of the user's.
func (b *bench) remains() string {
	b.t.Helper()
	s := b.session()
	defer s.Close()
	var out strings.Builder
	for _, q := range []struct {
		query   string
		columns int
	}{
		{b.columns(), 3},
		{"SELECT CAST(id AS CHAR(9)), CAST(n AS CHAR(9)), '' FROM first ORDER BY id, n", 3},
		{"SELECT version, statement_hashes, checksum FROM dbwarden_migrations ORDER BY id", 3},
		{"SELECT CONCAT(event, ' ', direction, ' ', filename), CONCAT(statement_from, ' ', statement_to, ' ', statements), CONCAT(checksum, ' ', detail) FROM dbwarden_journal ORDER BY id", 3},
		{"SELECT CONCAT(locked, ''), '', '' FROM dbwarden_lock", 3},
	} {
		row := make([]*string, q.columns)
		into := make([]any, q.columns)
		for i := range row {
			into[i] = &row[i]
		}
		err := s.Query(b.t.Context(), func(scan func(...any) error) error {
			if err := scan(into...); err != nil {
				return err
			}
			for _, v := range row {
				if v == nil {
					out.WriteString("- ")
				} else {
					out.WriteString(*v + " ")
				}
			}
			out.WriteString("\n")
			return nil
		}, q.query)
		if err != nil {
			b.t.Fatalf("%s: %v", q.query, err)
		}
	}
	return out.String()
}

// here is the schema of the session, as SQL.
func (b *bench) here() string {
	return map[string]string{"postgres": "CURRENT_SCHEMA()", "mysql": "DATABASE()", "sqlite": "'main'"}[b.engine.Name]
}

// columns is a query for all columns of the user's.
func (b *bench) columns() string {
	if b.engine.Name == "sqlite" {
		return "SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.name NOT LIKE 'dbwarden%' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, 2"
	}
	return "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'mysql', 'sys', 'performance_schema') AND table_schema IN (" + b.here() + ") AND table_name NOT LIKE 'dbwarden%' ORDER BY 1, 2"
}

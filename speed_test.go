package dbwarden_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// longHistory is a database in which n migrations are applied: one by a run,
// whose row the others' are copies of.
func longHistory(b *testing.B, e *engine.Engine, url string, n int) *dbwarden.Warden {
	b.Helper()
	dir := b.TempDir()
	for i := 1; i <= n; i++ {
		text := fmt.Sprintf("-- upgrade\nSELECT %d, 'the fact number %[1]d';\n\n-- rollback\nSELECT 1;\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d_change.sql", i)), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	db, err := e.Open(url, engine.OpenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	w, err := dbwarden.New(dbwarden.Config{
		Engine: e, Database: db, Migrations: os.DirFS(dir),
		Holder: lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"},
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.Migrate(b.Context(), plan.Target{Count: 1}); err != nil {
		b.Fatal(err)
	}
	set, err := migration.Load(os.DirFS(dir), e.Lexis)
	if err != nil {
		b.Fatal(err)
	}
	s, err := db.Connect(b.Context(), engine.ConnectOptions{App: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const rest = "description, migration_type, applied_at, checksum_kind, statements, statement_hashes, duration_ms, run_id, fencing_token, applied_by, program, runs"
	for at := 1; at < n; at += 500 {
		var rows []string
		for _, m := range set.Migrations[at:min(at+500, n)] {
			rows = append(rows, fmt.Sprintf("SELECT %d AS n, '%s' AS v, '%s' AS f, '%s' AS c", len(rows), m.Version, m.File, m.Upgrade.Checksum()))
		}
		q := "INSERT INTO dbwarden_migrations (version, filename, checksum, " + rest + ") SELECT x.v, x.f, x.c, " + rest +
			" FROM dbwarden_migrations h, (" + strings.Join(rows, " UNION ALL ") + ") x WHERE h.id = (SELECT MIN(id) FROM dbwarden_migrations) ORDER BY x.n"
		if _, err := s.Exec(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	return w
}

// benchProducts are the engines, each with a maker of empty databases.
var benchProducts = []struct {
	name   string
	engine *engine.Engine
	url    func(b *testing.B) string
}{
	{"SQLite", sqlite.Engine(), func(b *testing.B) string { return dbtest.SQLite(b) }},
	{"PostgreSQL", postgres.Engine(), func(b *testing.B) string { return dbtest.Postgres(b).NewDatabase(b) }},
	{"MariaDB", mysql.Engine(), func(b *testing.B) string { return dbtest.MariaDB(b).NewDatabase(b) }},
}

// onLongHistories runs a benchmark at a short and a long history of each
// engine.
func onLongHistories(b *testing.B, do func(b *testing.B, w *dbwarden.Warden)) {
	for _, p := range benchProducts {
		for _, n := range []int{1_000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", p.name, n), func(b *testing.B) {
				w := longHistory(b, p.engine, p.url(b), n)
				b.ReportAllocs()
				for b.Loop() {
					do(b, w)
				}
			})
		}
	}
}

func BenchmarkNothingToDo(b *testing.B) {
	onLongHistories(b, func(b *testing.B, w *dbwarden.Warden) {
		if res, err := w.Migrate(b.Context(), plan.Target{}); err != nil || len(res.Planned) > 0 {
			b.Fatal(len(res.Planned), err)
		}
	})
}

func BenchmarkStatus(b *testing.B) {
	onLongHistories(b, func(b *testing.B, w *dbwarden.Warden) {
		if s, err := w.Status(b.Context()); err != nil || !s.Clean() {
			b.Fatal(err)
		}
	})
}

// BenchmarkApply is the run loop: a hundred migrations on an empty database.
func BenchmarkApply(b *testing.B) {
	dir := b.TempDir()
	for i := range 100 {
		text := fmt.Sprintf("-- upgrade\nCREATE TABLE t_%d (id INTEGER NOT NULL, name VARCHAR(100));\n\n-- rollback\nDROP TABLE t_%[1]d;\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d_change.sql", i)), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range benchProducts {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				db, err := p.engine.Open(p.url(b), engine.OpenOptions{})
				if err != nil {
					b.Fatal(err)
				}
				w, err := dbwarden.New(dbwarden.Config{
					Engine: p.engine, Database: db, Migrations: os.DirFS(dir),
					Holder: lock.Holder{User: "ada", Host: "test", Pid: os.Getpid(), Program: "dbwarden test", Command: "migrate"},
				})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if res, err := w.Migrate(b.Context(), plan.Target{}); err != nil || len(res.Completed) != 100 {
					b.Fatal(err)
				}
			}
		})
	}
}

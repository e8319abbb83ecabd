package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgcheck"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/squash"
	"github.com/dbwarden-go/dbwarden/migration"
)

// made is something that a migration makes and a later one changes.
type made struct{ base, then string }

// TestASquashedFileDumpsAsTheOldOnes compares what the product's own dump program says
// of a database that ran the old files and of one that ran the new file alone. The
// dump knows of everything that a schema can have; what proves a squash
// compares what an inspector knows. So a definition which the inspector does not know
// must not be planned.
func TestASquashedFileDumpsAsTheOldOnes(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := dbtest.Postgres(t)
		role, _ := server.NewRole(t)
		var planned, kept []made
		for _, m := range postgresMade {
			m.base, m.then = strings.ReplaceAll(m.base, "$ROLE", role), strings.ReplaceAll(m.then, "$ROLE", role)
			if plannable(t, m) {
				planned = append(planned, m)
			} else {
				kept = append(kept, m)
			}
		}
		if len(planned) < 10 || len(kept) < 10 {
			t.Fatalf("%d are planned, and %d kept", len(planned), len(kept))
		}
		squashedAlike(t, server, planned, "planned")
		squashedAlike(t, server, kept, "")
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		squashedAlike(t, dbtest.MariaDB(t), mariadbMade, "combined")
	})
}

// plannable says whether a plan would take the place of both.
func plannable(t *testing.T, m made) bool {
	t.Helper()
	e := postgres.Engine()
	set, err := migration.Load(fstest.MapFS{
		"0001_base.sql": &fstest.MapFile{Data: []byte("-- upgrade\n" + m.base)},
		"0002_then.sql": &fstest.MapFile{Data: []byte("-- upgrade\n" + m.then)},
	}, e.Lexis)
	if err != nil {
		t.Fatalf("%v: %v", m, err)
	}
	r, err := squash.Choose(set, migration.Version{}, migration.Version{})
	if err != nil {
		t.Fatalf("%v: %v", m, err)
	}
	n, err := r.Plannable(e, engine.Server{Product: "PostgreSQL", Number: 150000}, pgcheck.Product().Dialect)
	if err != nil {
		t.Fatalf("%v: %v", m, err)
	}
	return n == 2
}

// squashedAlike runs files with all of these, and the squashed one.
func squashedAlike(t *testing.T, server *dbtest.Server, all []made, how string) {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, "migrations")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var base, then strings.Builder
	for _, m := range all {
		base.WriteString(m.base + ";\n")
		if m.then != "" {
			then.WriteString(m.then + ";\n")
		}
	}
	for name, text := range map[string]string{"0001_base.sql": base.String(), "0002_then.sql": then.String(), "0003_last.sql": "CREATE TABLE last_of_all (n int);\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("-- upgrade\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(url string, words ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), filepath.Join(program, "dbwarden"), append(words, "--url", url)...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", words, err, out)
		}
		return string(out)
	}
	old, now := server.NewDatabase(t), server.NewDatabase(t)
	run(old, "migrate")
	said := run(old, "squash", "--offline", "-o", "json")
	if how != "" && !strings.Contains(strings.ReplaceAll(said, " ", ""), fmt.Sprintf(`"how":%q`, how)) {
		t.Errorf("it is not %s: %s", how, said)
	}
	for _, name := range []string{"0001_base.sql", "0002_then.sql", "0003_last.sql"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	run(now, "migrate")
	was, is := strings.Split(dbtest.Schema(t, old), "\n"), strings.Split(dbtest.Schema(t, now), "\n")
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			from := max(i-3, 0)
			t.Fatalf("the dumps part at line %d.\nthe old files:\n%s\n\nthe new file:\n%s", i+1,
				strings.Join(was[min(from, len(was)):min(i+8, len(was))], "\n"), strings.Join(is[min(from, len(is)):min(i+8, len(is))], "\n"))
		}
	}
}

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// TestAKilledRestore: killed while it waits for a table in its middle, a
// restore leaves everything as it was where it is one transaction, and
// elsewhere pieces, which no run goes on with. Either way the next restore takes
// over by itself and puts all of it back.
func TestAKilledRestore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		server  func(testing.TB) *dbtest.Server
		hold    string // keeps others from dropping z
		waiting string // whether somebody waits for that
		there   string // whether somebody else is connected
		pieces  bool
	}{
		{"PostgreSQL", dbtest.Postgres, "BEGIN; LOCK TABLE z IN ACCESS SHARE MODE",
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dbwarden%'", false},
		{"MariaDB", dbtest.MariaDB, "BEGIN; SELECT * FROM z",
			"SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state = 'Waiting for table metadata lock'",
			"SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command <> 'Sleep'", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url, dir := c.server(t).NewDatabase(t), t.TempDir()
			put := func(name, text string) {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put("warden.toml", "[run]\nlock_timeout = \"1m\"\n")
			put("migrations/0001_a.sql", "-- upgrade\nCREATE TABLE a (n int);\nCREATE TABLE z (n int);\nINSERT INTO a VALUES (1);\n")
			put("migrations/0002_b.sql", "-- upgrade\nCREATE TABLE b (n int);\nINSERT INTO a VALUES (2);\n")
			run := func(args ...string) *exec.Cmd {
				cmd := exec.Command(filepath.Join(program, "dbwarden"), args...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "DBWARDEN_DATABASE_URL="+url)
				return cmd
			}
			said := func(code int, want string, args ...string) {
				t.Helper()
				cmd := run(args...)
				if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != code || !strings.Contains(string(out), want) {
					t.Errorf("%v: exit %d, want %d and %q\n%s", args, cmd.ProcessState.ExitCode(), code, want, out)
				}
			}
			said(0, "1 migrations applied", "migrate", "-c", "1")
			said(0, "1 migrations applied", "migrate", "-b")
			files, err := filepath.Glob(filepath.Join(dir, "backups", "*_0001.*[lp]"))
			if err != nil || len(files) != 1 {
				t.Fatalf("%v, %v", files, err)
			}
			file := files[0]

			other, look := dbtest.Dial(t, url), dbtest.Dial(t, url)
			await := func(want, query string) {
				t.Helper()
				for deadline := time.Now().Add(patience); look.Rows(t, query)[0][0] != want; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("not %s: %s", want, query)
					}
				}
			}
			other.Exec(t, c.hold)
			victim := run("restore", "--yes", file)
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			await("1", c.waiting)
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = victim.Wait() // killed
			other.Exec(t, "COMMIT")
			await("0", c.there)

			said(0, "GONE", "lock-status")
			if c.pieces {
				said(1, "the database is in pieces", "migrate", "--recover")
				said(0, "In pieces", "status")
			} else {
				if rows := look.Rows(t, "SELECT count(*) FROM a"); rows[0][0] != "2" {
					t.Errorf("%v rows", rows)
				}
				said(0, "up to date", "migrate", "--recover")
			}
			said(0, "Restored", "restore", "--yes", file)
			said(0, "INACTIVE", "lock-status")
			if rows := look.Rows(t, "SELECT count(*) FROM a"); rows[0][0] != "1" {
				t.Errorf("%v rows", rows)
			}
			said(0, "1 migrations applied", "migrate")
		})
	}
}

package cli_test

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// A scratch database goes away also where a signal ends its plan in the
// middle of a statement.
func TestASignalLeavesNoScratchDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e                   *engine.Engine
		server              func(testing.TB) *dbtest.Server
		slow, running, left string
	}{
		{postgres.Engine(), dbtest.Postgres, "DO $$ BEGIN PERFORM pg_sleep(4711), '%s'; END $$;",
			"SELECT datname FROM pg_stat_activity WHERE query LIKE 'DO $$%%%s%%'", "SELECT datname FROM pg_database WHERE datname = '%s'"},
		{mysql.Engine(), dbtest.MariaDB, "CREATE TABLE nap AS SELECT SLEEP(4711) AS a, '%s' AS b;",
			"SELECT DB FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CREATE TABLE nap%%%s%%'", "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '%s'"},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(c.e.Title+" "+sig.String(), func(t *testing.T) {
				t.Parallel()
				url := c.server(t).NewDatabase(t)
				name := dbtest.DatabaseName(url)
				db, err := c.e.Open(url, engine.OpenOptions{})
				if err != nil {
					t.Fatal(err)
				}
				s, err := db.Connect(t.Context(), engine.ConnectOptions{App: "test", Limits: engine.Limits{Idle: -1}})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				ask := func(query string, args ...any) (answer string) {
					err := s.Query(t.Context(), func(scan func(...any) error) error {
						var v sql.NullString
						err := scan(&v)
						answer = v.String
						return err
					}, fmt.Sprintf(query, args...))
					if err != nil {
						t.Fatal(err)
					}
					return answer
				}
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "m.sql"), fmt.Appendf(nil, c.slow, name), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "warden.toml"), []byte("model_paths = 'm.sql'\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				run := exec.Command(filepath.Join(program, "dbwarden"), "models", "--url", url)
				run.Dir = dir
				if err := run.Start(); err != nil {
					t.Fatal(err)
				}
				made := ""
				for end := time.Now().Add(patience); made == ""; made = ask(c.running, name) {
					if time.Now().After(end) {
						t.Fatal("the definition does not run")
					}
					time.Sleep(20 * time.Millisecond)
				}
				if !engine.IsScratchName(made) {
					t.Errorf("it runs in %s", made)
				}
				if err := run.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				run.Wait() // its code is looked at
				if got, want := run.ProcessState.ExitCode(), 128+int(sig); got != want {
					t.Errorf("exit code %d and not %d", got, want)
				}
				if got := ask(c.left, made); got != "" {
					t.Errorf("%s is still there", got)
				}
			})
		}
	}
}

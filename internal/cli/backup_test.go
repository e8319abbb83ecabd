package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// TestSignalsInABackup: told to stop, the process ends the client program and
// leaves no file, no secret and no lock. Killed, it leaves no file under the
// name of a finished backup, and the client program ends all the same.
func TestSignalsInABackup(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	dir := t.TempDir()
	secrets := filepath.Join(dir, "tmp")
	for name, text := range map[string]string{
		"tmp/.keep": "", "warden.toml": "", "migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a (n int);\n", "migrations/0002_b.sql": "-- upgrade\nCREATE TABLE b (n int);\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(program, "dbwarden"), args...)
		c.Dir, c.Env = dir, append(os.Environ(), "DBWARDEN_DATABASE_URL="+url, "TMPDIR="+secrets)
		return c
	}
	must := func(want string, args ...string) {
		t.Helper()
		if out, err := run(args...).CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	must("applied", "migrate", "-c", "1")
	c, look := dbtest.Dial(t, url), dbtest.Dial(t, url)
	dumps := func(state string) string {
		return look.Rows(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pg_dump'"+state)[0][0]
	}
	await := func(want, state string) {
		t.Helper()
		for deadline := time.Now().Add(patience); dumps(state) != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s sessions of pg_dump%s did not come", want, state)
			}
		}
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		c.Exec(t, "BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE")
		m := run("migrate", "-b")
		var out bytes.Buffer
		m.Stdout, m.Stderr = &out, &out
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
		await("1", " AND wait_event_type = 'Lock'")
		if err := m.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err := m.Wait()
		c.Exec(t, "COMMIT")
		await("0", "")
		whole, _ := filepath.Glob(filepath.Join(dir, "backups", "[0-9]*"))
		parts, _ := filepath.Glob(filepath.Join(dir, "backups", ".*"))
		if len(whole) > 0 {
			t.Errorf("%v left %v", signal, whole)
		}
		if left, _ := filepath.Glob(filepath.Join(secrets, "[a-z]*")); len(left) > 0 {
			t.Errorf("%v left secrets: %v", signal, left)
		}
		if signal == syscall.SIGKILL {
			must("GONE", "lock-status")
			must("released", "unlock")
			must("pending  0002", "status")
			break
		}
		if m.ProcessState.ExitCode() != 143 || !strings.Contains(out.String(), "stopped by SIGTERM") {
			t.Errorf("%v, %v\n%s", signal, err, &out)
		}
		if len(parts) > 0 {
			t.Errorf("%v left %v", signal, parts)
		}
		must("INACTIVE", "lock-status")
		must("pending  0002", "status")
	}
	must("1 migrations applied", "migrate", "-b")
}

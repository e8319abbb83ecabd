package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// A password that is changed in the middle of a run, within the minute in which
// one is used again, opens the run's further connections: on PostgreSQL the
// session that watches over it and names who is in its way, on MariaDB the one
// that kills its statement. The lock that a killed run leaves is released by
// the next one's.
func TestAPasswordThatChangesInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server              func(testing.TB) *dbtest.Server
		rights, change      string
		slow, hold, release string
	}{
		"PostgreSQL": {dbtest.Postgres, "GRANT CREATE, USAGE ON SCHEMA public TO ROLE; ALTER TABLE a OWNER TO ROLE", "ALTER ROLE ROLE PASSWORD 'SECRET'", "ALTER TABLE a ADD n int;\nSELECT pg_sleep(600)", "BEGIN; LOCK TABLE a IN ACCESS SHARE MODE", "COMMIT"},
		"MariaDB":    {dbtest.MariaDB, "GRANT ALL ON *.* TO ROLE", "ALTER USER ROLE IDENTIFIED BY 'SECRET'", "SELECT SLEEP(600)", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := c.server(t)
			url := server.NewDatabase(t)
			role, _ := server.NewRole(t)
			admin := dbtest.Dial(t, url)
			admin.Exec(t, "CREATE TABLE a (id int)")
			sql := func(text, word string) {
				for _, one := range strings.Split(strings.NewReplacer("ROLE ROLE", "ROLE "+role, "ROLE", role, "SECRET", word).Replace(text), "; ") {
					admin.Exec(t, one)
				}
			}
			sql(c.rights, "")
			d := newDesk(t, map[string]string{
				"migrations/0001_a.sql": "-- upgrade\n" + c.slow + ";\n",
				"password":              "#!/bin/sh\necho asked >>asked\ncat word\n",
				"hook":                  "#!/bin/sh\necho >began\nuntil test -e changed; do sleep 0.02; done\n",
				"warden.toml":           "database_url = \"" + server.WithUser(url, role, "") + "\"\npassword_command = [\"./password\"]\n[run]\nlock_timeout = \"5m\"\n[hooks]\nbefore_run = [\"./hook\"]\n",
			})
			put := func(name, text string) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			change := func(word string) {
				t.Helper()
				sql(c.change, word)
				put("word", word)
			}
			change("of-yesterday-1")
			run := d.command(nil, "migrate", "-o", "json", "-v")
			said, err := run.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(d.dir, "began")); err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the run did not begin")
				}
			}
			change("of-today-2")
			if c.hold != "" {
				sql(c.hold, "")
			}
			put("changed", "")
			// In a minute the old one would have been forgotten anyway.
			const soon = passwordAge / 2
			late := time.AfterFunc(soon, func() { _ = run.Process.Kill() })
			defer late.Stop()
			var all strings.Builder
			for lines := json.NewDecoder(said); ; {
				var line struct{ Event, Blockers string }
				if err := lines.Decode(&line); err != nil {
					t.Fatalf("the new password was not asked for within %s: %v behind\n%s", soon, err, all.String())
				}
				all.WriteString(line.Event + " " + line.Blockers + "\n")
				if line.Event == "statement_running" && (c.hold == "" || line.Blockers != "") {
					break
				}
			}
			late.Stop()
			if c.release != "" {
				sql(c.release, "")
			}
			begun := time.Now()
			if err := run.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			go func() {
				for lines := json.NewDecoder(said); ; {
					if lines.Decode(&struct{}{}) != nil {
						return
					}
				}
			}()
			_ = run.Wait() // the code tells
			if code := run.ProcessState.ExitCode(); code != 130 || time.Since(begun) > patience {
				t.Errorf("exit code %d behind %s", code, time.Since(begun))
			}
			if asked, _ := os.ReadFile(filepath.Join(d.dir, "asked")); strings.Count(string(asked), "asked") != 2 {
				t.Errorf("asked for it %d times", strings.Count(string(asked), "asked"))
			}
			if out, _ := d.run(nil, 0, "lock-status"); !strings.Contains(out, "INACTIVE") {
				t.Error(out)
			}
		})
	}
}

// passwordAge is how long the program uses one again.
const passwordAge = time.Minute

// A password that is wrong is tried once: an account is locked soon enough.
func TestAWrongPasswordIsTriedOnce(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(testing.TB) *dbtest.Server{"PostgreSQL": dbtest.Postgres, "MariaDB": dbtest.MariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server(t)
			role, _ := s.NewRole(t)
			d := newDesk(t, map[string]string{
				"migrations/0001_a.sql": "-- upgrade\nSELECT 1;\n",
				"password":              "#!/bin/sh\necho asked >>asked\necho wrong-word\n",
				"warden.toml":           "database_url = \"" + s.WithUser(s.NewDatabase(t), role, "") + "\"\npassword_command = [\"./password\"]\n",
			})
			if _, said := d.run(nil, 1, "migrate"); strings.Contains(said, "wrong-word") || strings.Contains(said, "get the password") {
				t.Error(said)
			}
			if asked, _ := os.ReadFile(filepath.Join(d.dir, "asked")); string(asked) != "asked\n" {
				t.Errorf("asked for it:\n%s", asked)
			}
		})
	}
}

// The program that makes a backup is handed a password, and tries it once. One
// that is changed between the two is got anew.
func TestABackupWhosePasswordHasJustChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server          func(testing.TB) *dbtest.Server
		rights, change  string
		program, suffix string
	}{
		"PostgreSQL": {dbtest.Postgres, "GRANT CREATE, USAGE ON SCHEMA public TO ROLE", "ALTER ROLE ROLE PASSWORD 'SECRET'", "pg_dump", ".dump"},
		"MariaDB":    {dbtest.MariaDB, "GRANT ALL ON *.* TO ROLE", "ALTER USER ROLE IDENTIFIED BY 'SECRET'", "mariadb-dump", ".sql"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := c.server(t)
			real, err := exec.LookPath(c.program)
			if err != nil {
				t.Skipf("%v; ./test installs what is missing", err)
			}
			url := server.NewDatabase(t)
			role, _ := server.NewRole(t)
			admin := dbtest.Dial(t, url)
			sql := func(text, word string) {
				t.Helper()
				admin.Exec(t, strings.NewReplacer("ROLE ROLE", "ROLE "+role, "ROLE", role, "SECRET", word).Replace(text))
			}
			sql(c.rights, "")
			d := newDesk(t, map[string]string{
				"migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a (id int);\n",
				"password":              "#!/bin/sh\necho asked >>asked\ncat word\n",
				// It is at the door with the old one when that is changed.
				"bin/" + c.program: "#!/bin/sh\ncase \"$*\" in\n*--version*) ;;\n*)\n\t: >began\n\tuntil test -e changed; do sleep 0.02; done\nesac\nexec '" + real + "' \"$@\"\n",
				"warden.toml":      "database_url = \"" + server.WithUser(url, role, "") + "\"\npassword_command = [\"./password\"]\n",
			})
			change := func(word string) {
				t.Helper()
				sql(c.change, word)
				if err := os.WriteFile(filepath.Join(d.dir, "word"), []byte(word), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			change("of-yesterday-1")
			run := d.command([]string{"PATH=" + filepath.Join(d.dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")}, "migrate", "-b")
			var said bytes.Buffer
			run.Stdout, run.Stderr = &said, &said
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(d.dir, "began")); err == nil {
					break
				}
				if time.Now().After(end) {
					_ = run.Process.Kill()
					t.Fatalf("the backup did not begin: %v", run.Wait())
				}
			}
			change("of-today-2")
			if err := os.WriteFile(filepath.Join(d.dir, "changed"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_ = run.Wait() // the code tells
			if code := run.ProcessState.ExitCode(); code != 0 || strings.Contains(said.String(), "of-today") {
				t.Errorf("exit code %d\n%s", code, said.String())
			}
			if made, _ := filepath.Glob(filepath.Join(d.dir, "backups", "*"+c.suffix)); len(made) != 1 {
				t.Errorf("backups: %v", made)
			}
			if asked, _ := os.ReadFile(filepath.Join(d.dir, "asked")); strings.Count(string(asked), "asked") != 2 {
				t.Errorf("asked for it %d times", strings.Count(string(asked), "asked"))
			}
		})
	}
}

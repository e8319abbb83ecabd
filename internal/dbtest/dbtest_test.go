package dbtest_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func servers(t *testing.T, each func(t *testing.T, s *dbtest.Server)) {
	t.Helper()
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		each(t, dbtest.Postgres(t))
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		each(t, dbtest.MariaDB(t))
	})
	t.Run("PgBouncer", func(t *testing.T) {
		t.Parallel()
		each(t, dbtest.PgBouncer(t, dbtest.Postgres(t)))
	})
}

func TestDatabasesAreEmptyAndOnesOwn(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s *dbtest.Server) {
		a, b := s.NewDatabase(t), s.NewDatabase(t)
		if a == b {
			t.Fatalf("two databases at %s", dbtest.DatabaseName(a))
		}
		for _, url := range []string{a, b} {
			c := dbtest.Dial(t, url)
			c.Exec(t, "CREATE TABLE one (x int)", "INSERT INTO one VALUES (7), (NULL)")
			rows := c.Rows(t, "SELECT x FROM one ORDER BY x IS NULL")
			if len(rows) != 2 || rows[0][0] != "7" || rows[1][0] != "NULL" {
				t.Errorf("rows %v", rows)
			}
		}
	})
}

func TestADatabaseInUseIsDropped(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s *dbtest.Server) {
		var url string
		t.Run("user", func(t *testing.T) {
			url = s.NewDatabase(t)
			// Not Dial: its cleanup would run first.
			busy := dbtest.Dial(outlive{t}, url)
			busy.Exec(t, "CREATE TABLE one (x int)", "BEGIN", "INSERT INTO one VALUES (1)")
		})
		// Not by way of a pooler, which says yes before it knows.
		url = dbtest.WithDatabase(s.Direct().URL(), dbtest.DatabaseName(url))
		if _, err := dbtest.TryDial(t, url); err == nil {
			t.Error("the database is still there")
		}
	})
}

// outlive is a test whose cleanups never run.
type outlive struct{ *testing.T }

func (outlive) Cleanup(func()) {}

func TestAccountsNeedTheirPassword(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(testing.TB) *dbtest.Server{"PostgreSQL": dbtest.Postgres, "MariaDB": dbtest.MariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := of(t)
			url := s.NewDatabase(t)
			user, password := s.NewRole(t)
			if name == "MariaDB" {
				s.Exec(t, "GRANT SELECT ON "+dbtest.DatabaseName(url)+".* TO "+user)
			}
			dbtest.Dial(t, s.WithUser(url, user, password)).Exec(t, "SELECT 1")
			for _, wrong := range []string{"", "wrong"} {
				if _, err := dbtest.TryDial(t, s.WithUser(url, user, wrong)); err == nil {
					t.Errorf("the password %q was taken", wrong)
				}
			}
			if err := dbtest.Dial(t, s.WithUser(url, user, password)).Try(t.Context(), "CREATE TABLE two (x int)"); err == nil && name == "MariaDB" {
				t.Error("the account may create tables")
			}
		})
	}
}

// The servers of a process that dies without a word die too, and leave
// nothing behind.
func TestServersEndWithTheirProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("DBTEST_HOLD") != "" {
		hold(t)
	}
	if testing.Short() {
		t.Skip("starts servers: not asked for under -short")
	}
	temp, err := os.MkdirTemp("/tmp", "dbtest-kill-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersEndWithTheirProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "DBTEST_HOLD=1", dbtest.ServerDirVariable+"="+temp, dbtest.PostgresVariable+"=", dbtest.MariaDBVariable+"=")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for buf := make([]byte, 4096); !strings.Contains(said.String(), "HOLDING"); {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if strings.Contains(said.String(), "SKIP") {
			_ = cmd.Wait()
			t.Skip(said.String())
		}
		if err != nil {
			t.Fatalf("the process ended early: %s", said.String())
		}
	}
	var pids []string
	for _, pattern := range []string{"*/data/postmaster.pid", "*/pid"} {
		found, _ := filepath.Glob(filepath.Join(temp, pattern))
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, strings.Fields(string(text))[0])
		}
	}
	if len(pids) != 2 {
		t.Errorf("found the servers %v, want two", pids)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, of course
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		var alive []string
		for _, pid := range pids {
			if _, err := os.Stat("/proc/" + pid); err == nil {
				alive = append(alive, pid)
			}
		}
		if len(left) == 0 && len(alive) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: folders %v, processes %v", left, alive)
		}
	}
}

func hold(t *testing.T) {
	dbtest.Postgres(t)
	dbtest.MariaDB(t)
	os.Stdout.WriteString("HOLDING\n")
	select {}
}

// A file that the server does not know of is in a database's folder: the
// database goes nevertheless when its test ends.
func TestADatabaseWhoseFolderIsNotEmptyGoes(t *testing.T) {
	server := dbtest.MariaDB(t)
	if data := dbtest.Dial(t, server.URL()).Rows(t, "SELECT @@datadir")[0][0]; !strings.Contains(data, "/dbwarden-mariadb-") {
		t.Skip("the server was not started for tests")
	}
	var dir string
	t.Run("stray", func(t *testing.T) {
		url := server.NewDatabase(t)
		dir = filepath.Join(dbtest.Dial(t, url).Rows(t, "SELECT @@datadir")[0][0], dbtest.DatabaseName(url))
		if err := os.WriteFile(filepath.Join(dir, "FTS_0000.ibd"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there still: %v", dir, err)
	}
}

package dbtest

import (
	"os/exec"
	"strings"
	"testing"
)

// Copy restores a dump of one database into another, empty one, with the
// product's own programs.
func Copy(t testing.TB, from, to string) {
	t.Helper()
	var dump, restore *exec.Cmd
	if productOf(from) == (postgres{}) {
		dump, restore = exec.Command("pg_dump", "-d", from), exec.Command("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", to)
	} else {
		client := func(program, address string, more ...string) *exec.Cmd {
			u := mustParse(address)
			password, _ := u.User.Password()
			c := exec.Command(program, append([]string{"--no-defaults", "-h", u.Hostname(), "-P", u.Port(), "-u", u.User.Username()}, more...)...)
			c.Args = append(c.Args, DatabaseName(address))
			c.Env = append(c.Environ(), "MYSQL_PWD="+password)
			return c
		}
		dump, restore = client("mariadb-dump", from, "--single-transaction"), client("mariadb", to)
	}
	for _, c := range []*exec.Cmd{dump, restore} {
		if c.Err != nil {
			t.Skipf("a dump: %v; ./test installs what is missing", c.Err)
		}
	}
	var said [2]strings.Builder
	dump.Stderr, restore.Stderr = &said[0], &said[1]
	pipe, err := dump.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	restore.Stdin = pipe
	if err := dump.Start(); err != nil {
		t.Fatal(err)
	}
	restored := restore.Run()
	if err := dump.Wait(); err != nil || restored != nil {
		t.Fatalf("dbtest: dump: %v %s; restore: %v %s", err, &said[0], restored, &said[1])
	}
}

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
		dump, restore = myProgram("mariadb-dump", from, "--single-transaction"), myProgram("mariadb", to)
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

// Schema is a database's schema as the product's own dump program writes it,
// without the tables of DBWarden and without lines that differ from dump to dump.
func Schema(t testing.TB, address string) string {
	t.Helper()
	dump := exec.Command("pg_dump", "-d", address, "--schema-only", "--exclude-table=dbwarden_*")
	if productOf(address) != (postgres{}) {
		more := []string{"--no-data", "--routines", "--triggers", "--events", "--skip-comments", "--skip-dump-date"}
		for _, table := range []string{"journal", "lock", "migrations", "schema"} {
			more = append(more, "--ignore-table="+DatabaseName(address)+".dbwarden_"+table)
		}
		dump = myProgram("mariadb-dump", address, more...)
	}
	if dump.Err != nil {
		t.Skipf("a dump: %v; ./test installs what is missing", dump.Err)
	}
	var said strings.Builder
	dump.Stderr = &said
	text, err := dump.Output()
	if err != nil {
		t.Fatalf("dbtest: dump: %v %s", err, &said)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, `\restrict `) && !strings.HasPrefix(line, `\unrestrict `) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// myProgram is one of MariaDB's own programs, on this database.
func myProgram(program, address string, more ...string) *exec.Cmd {
	u := mustParse(address)
	password, _ := u.User.Password()
	c := exec.Command(program, append([]string{"--no-defaults", "-h", u.Hostname(), "-P", u.Port(), "-u", u.User.Username()}, more...)...)
	c.Args = append(c.Args, DatabaseName(address))
	c.Env = append(c.Environ(), "MYSQL_PWD="+password)
	return c
}

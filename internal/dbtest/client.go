package dbtest

import (
	"context"
	"net/url"
	"os/exec"
	"strings"
	"testing"
)

// Client has a product's own client program run a script in the database of
// this URL, as a person would, and returns what it says. A test without the
// program is skipped.
func Client(ctx context.Context, t testing.TB, address, script string) (string, error) {
	t.Helper()
	c := ClientCommand(ctx, t, address)
	c.Stdin = strings.NewReader(script)
	out, err := c.CombinedOutput()
	return string(out), err
}

// ClientCommand is that program, which runs what it is given to read.
func ClientCommand(ctx context.Context, t testing.TB, address string) *exec.Cmd {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var c *exec.Cmd
	switch u.Scheme {
	case "postgres", "postgresql":
		c = exec.CommandContext(ctx, "psql", "-X", "-f", "-", address)
	case "mariadb", "mysql":
		args := []string{"--no-defaults", "--comments", "-h", u.Hostname(), "-u", u.User.Username()}
		if p := u.Port(); p != "" {
			args = append(args, "-P", p)
		}
		if socket := u.Query().Get("socket"); socket != "" {
			args = append(args, "-S", socket)
		}
		c = exec.CommandContext(ctx, "mariadb", append(args, strings.TrimPrefix(u.Path, "/"))...)
		if p, ok := u.User.Password(); ok {
			c.Env = append(c.Environ(), "MYSQL_PWD="+p)
		}
	default:
		c = exec.CommandContext(ctx, "sqlite3", "-batch", "-init", "/dev/null", strings.TrimPrefix(strings.TrimPrefix(address, "sqlite:///"), "sqlite3:///"))
	}
	if c.Err != nil {
		t.Skipf("%v: the product's own client is not installed", c.Err)
	}
	return c
}

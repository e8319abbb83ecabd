package cli_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/litecheck"
	"github.com/dbwarden-go/dbwarden/internal/cli"
)

// A person is a terminal at which somebody does something before the answer.
type person struct {
	before func()
	answer *strings.Reader
}

func (p *person) Write(b []byte) (int, error) { return len(b), nil }

func (p *person) Read(b []byte) (int, error) {
	if do := p.before; do != nil {
		p.before = nil
		do()
	}
	return p.answer.Read(b)
}

// TestNothingIsAskedWhileTheLockIsHeld: others may migrate while somebody
// thinks; and then another rollback than the one that was shown is refused.
func TestNothingIsAskedWhileTheLockIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("warden.toml", `database_url = "sqlite:///app.db"`)
	put("migrations/0001_a.sql", "-- upgrade\nCREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);\n-- rollback\nDROP TABLE a;\n")
	run := func(in io.Reader, args ...string) (int, string) {
		var out bytes.Buffer
		code := cli.Main(context.Background(), cli.Env{
			Args: args, Dir: dir, Stdin: in, Stdout: &out, Stderr: &out, Getenv: func(string) (string, bool) { return "", false },
			Terminal: func(io.Writer) (int, bool) { return 80, true }, User: "alice", Host: "test",
			Products: []cli.Product{{Engine: sqlite.Engine(), Check: litecheck.Product}},
		})
		return code, out.String()
	}
	if code, out := run(strings.NewReader(""), "migrate"); code != 0 {
		t.Fatal(out)
	}
	thinks := &person{answer: strings.NewReader("yes\n"), before: func() {
		if code, out := run(strings.NewReader(""), "lock-status", "--exit-code"); code != 0 {
			t.Errorf("while it is asked: %d\n%s", code, out)
		}
		put("migrations/0002_b.sql", "-- upgrade\nCREATE TABLE b (n INTEGER);\n-- rollback\nDROP TABLE b;\n")
		if code, out := run(strings.NewReader(""), "migrate", "--no-wait"); code != 0 {
			t.Errorf("while it is asked: %d\n%s", code, out)
		}
	}}
	code, out := run(thinks, "rollback")
	if code != 1 || !strings.Contains(out, "table a with 1 rows") || !strings.Contains(out, "it would be 0002 that is rolled back now") {
		t.Errorf("%d\n%s", code, out)
	}
	if _, out := run(strings.NewReader(""), "status"); !strings.Contains(out, "Applied: 2") {
		t.Error(out)
	}
	if code, out := run(strings.NewReader(""), "lock-status", "--exit-code"); code != 0 {
		t.Errorf("%d\n%s", code, out)
	}
}

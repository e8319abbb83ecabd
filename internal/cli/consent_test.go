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
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
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

// TestSquashAsksWithoutTheLock: it says what would be lost, holds no lock while
// somebody thinks, and writes nothing without a yes. Likewise what deletes files.
func TestSquashAsksWithoutTheLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "migrations"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"warden.toml":           `database_url = "sqlite:///app.db"`,
		"migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);\n",
		"migrations/0002_b.sql": "-- upgrade\nCREATE TABLE b (n INTEGER);\n-- rollback\nDROP TABLE b;\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(in io.Reader, args ...string) (int, string) {
		var out bytes.Buffer
		code := cli.Main(context.Background(), cli.Env{
			Args: args, Dir: dir, Stdin: in, Stdout: &out, Stderr: &out, Getenv: func(string) (string, bool) { return "", false },
			Terminal: func(io.Writer) (int, bool) { return 80, true }, User: "alice", Host: "test",
			Products: []cli.Product{{Engine: sqlite.Engine(), Inspect: liteschema.Inspect, Plan: liteschema.Plan, Check: litecheck.Product}},
		})
		return code, out.String()
	}
	if code, out := run(strings.NewReader(""), "migrate"); code != 0 {
		t.Fatal(out)
	}
	files := func() string {
		found, err := filepath.Glob(filepath.Join(dir, "migrations", "*"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range found {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".sql"))
		}
		return strings.Join(names, " ")
	}
	for _, c := range []struct {
		args        []string
		lost        string
		with, after string // the files behind a yes, and behind a no
	}{
		{[]string{"squash"}, "the way back: migrations/0001_a.sql has no rollback section", "0001_a 0002_b 0003_squashed_0001_to_0002", "0001_a 0002_b"},
		{[]string{"squash", "--undo"}, "migrations/0003_squashed_0001_to_0002.sql, which is deleted", "0001_a 0002_b", "0001_a 0002_b 0003_squashed_0001_to_0002"},
		{[]string{"squash"}, "the versions in between", "0001_a 0002_b 0003_squashed_0001_to_0002", "0001_a 0002_b"},
		{[]string{"squash", "--prune"}, "0002_b.sql", "0003_squashed_0001_to_0002", "0001_a 0002_b 0003_squashed_0001_to_0002"},
	} {
		asked := 0
		thinks := func(answer string) *person {
			return &person{answer: strings.NewReader(answer), before: func() {
				asked++
				if code, out := run(strings.NewReader(""), "lock-status", "--exit-code"); code != 0 {
					t.Errorf("%v, while it is asked: %d\n%s", c.args, code, out)
				}
			}}
		}
		code, out := run(thinks("no\n"), c.args...)
		if code != 1 || files() != c.after || !strings.Contains(out, c.lost) {
			t.Errorf("%v, no: %d, files %s\n%s", c.args, code, files(), out)
		}
		if code, out = run(thinks("yes\n"), c.args...); code != 0 || files() != c.with {
			t.Errorf("%v, yes: %d, files %s\n%s", c.args, code, files(), out)
		}
		if asked != 2 {
			t.Errorf("%v asked %d times of 2", c.args, asked)
		}
	}
}

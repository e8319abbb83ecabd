package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/litecheck"
	"github.com/dbwarden-go/dbwarden/internal/cli"
)

// stoppedAt is a database whose first connection is cut off by a signal, as a
// driver tells it that knows nothing of signals.
type stoppedAt struct {
	engine.Database
	stop func()
}

func (d stoppedAt) Connect(ctx context.Context, _ engine.ConnectOptions) (engine.Session, error) {
	d.stop()
	return nil, fmt.Errorf("context already done: %w", ctx.Err())
}

// TestASignalIsNamedWhereADriverOnlyKnowsThatItsContextIsOver, in a target's line
// and in the report.
func TestASignalIsNamedWhereADriverOnlyKnowsThatItsContextIsOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"warden.toml":           "database_url = \"sqlite:///app.db\"\n[targets]\nlist = [\"a.db\", \"b.db\"]\n",
		"migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"--all", "migrate"}, {"--all", "migrate", "-o", "json"}, {"--target", "a.db", "migrate"}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		product := sqlite.Engine()
		open := product.Open
		product.Open = func(url string, o engine.OpenOptions) (engine.Database, error) {
			d, err := open(url, o)
			return stoppedAt{d, func() { cancel(cli.Signal{Signal: syscall.SIGINT}) }}, err
		}
		var out bytes.Buffer
		code := cli.Main(ctx, cli.Env{
			Args: args, Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) (string, bool) { return "", false },
			Terminal: func(io.Writer) (int, bool) { return 0, false }, User: "alice", Host: "test",
			Products: []cli.Product{{Engine: product, Check: litecheck.Product}},
		})
		cancel(nil)
		if code != 130 || !strings.Contains(out.String(), "stopped by SIGINT") || strings.Contains(out.String(), "context ") {
			t.Errorf("%v: exit code %d\n%s", args, code, &out)
		}
	}
}

package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

const actEnv = "DBWARDEN_TEST_ACT"

// act is what the test binary does as another process. It says "ok" when it
// is done with its part and then waits for its input to end, so that it
// holds what it has.
func act(what string, args []string) {
	ctx := context.Background()
	d, err := Engine().Open("sqlite:///"+args[0], engine.OpenOptions{})
	if err == nil {
		switch what {
		case "lock":
			var s engine.Session
			if s, err = d.Connect(ctx, engine.ConnectOptions{App: "dbwarden migrate"}); err == nil {
				var ok bool
				if ok, err = native().Try(ctx, s, engine.Key{}); err == nil && !ok {
					err = fmt.Errorf("held")
				}
			}
		case "write": // fills more than the cache holds, so that the file is half changed
			var s engine.Session
			if s, err = d.Connect(ctx, engine.ConnectOptions{}); err == nil {
				for _, q := range []string{
					"PRAGMA cache_size = 10", "BEGIN IMMEDIATE", "CREATE TABLE half (x)",
					"INSERT INTO half WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) SELECT 'row ' || i FROM n",
				} {
					if _, err = s.Exec(ctx, q); err != nil {
						break
					}
				}
			}
		case "look":
			var s engine.Session
			if s, err = d.Connect(ctx, engine.ConnectOptions{ReadOnly: true}); err == nil {
				var o engine.Owner
				if o, err = native().Look(ctx, s, engine.Key{}); err == nil {
					fmt.Printf("held %v pid %d ", o.Held, o.Pid)
				}
			}
		case "read":
			var s engine.Session
			if s, err = d.Connect(ctx, engine.ConnectOptions{ReadOnly: true}); err == nil {
				fmt.Printf("read-only %q ", s.Server().ReadOnly)
				err = s.Query(ctx, func(scan func(...any) error) error {
					var n int
					if err := scan(&n); err != nil {
						return err
					}
					fmt.Printf("rows %d ", n)
					return nil
				}, "SELECT count(*) FROM t")
			}
		case "connect":
			_, err = d.Connect(ctx, engine.ConnectOptions{})
		}
	}
	if err != nil {
		fmt.Printf("error %d: %v\n", fault(err).Kind, err)
		return
	}
	fmt.Println("ok")
	io.Copy(io.Discard, os.Stdin)
}

type process struct {
	cmd   *exec.Cmd
	in    io.Closer
	reply string
}

// other starts the test binary to do its part, and returns when it has.
func other(t *testing.T, what, path string, change ...func(*exec.Cmd)) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, path)
	cmd.Env = append(os.Environ(), actEnv+"="+what)
	cmd.Stderr = os.Stderr
	for _, f := range change {
		f(cmd)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, in: in}
	t.Cleanup(p.kill)
	if p.reply, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return p
}

// kill is kill -9, and returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.in.Close()
}

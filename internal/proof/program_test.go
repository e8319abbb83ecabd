package proof_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest/trap"
	"github.com/dbwarden-go/dbwarden/migration"
)

// built is the program as it is built for a release, made when the first
// test asks for it.
var built struct {
	sync.Once
	dir, path string
	err       error
}

func TestMain(m *testing.M) {
	trap.Main()
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "dbwarden-program-"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.dir, "dbwarden")
		c := exec.Command("go", "build", "-trimpath", "-o", built.path, "github.com/dbwarden-go/dbwarden/cmd/dbwarden")
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("build the program: %v", built.err)
	}
	return built.path
}

// process is the program, running or ended.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// command makes a process of the program in the bench's folder; it is not
// started yet.
func (b *bench) command(args ...string) *process {
	b.t.Helper()
	p := &process{cmd: exec.Command(program(b.t), args...)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = b.dir, &p.stdout, &p.stderr
	p.cmd.Env = []string{"DBWARDEN_DATABASE_URL=" + b.address, "USER=alice", "HOME=" + b.dir, "NO_COLOR=1"}
	return p
}

// start starts it. What still runs when the test ends is killed.
func (b *bench) start(args ...string) *process {
	b.t.Helper()
	p := b.command(args...)
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	return p
}

// wait waits for its end and returns its exit code, -1 for a killed one.
func (p *process) wait() int {
	_ = p.cmd.Wait() // the exit code is what counts
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) String() string {
	return fmt.Sprintf("%s: exit %d\n%s%s", strings.Join(p.cmd.Args[1:], " "), p.cmd.ProcessState.ExitCode(), &p.stdout, &p.stderr)
}

// dbwarden runs the program to its end.
func (b *bench) dbwarden(args ...string) (*process, int) {
	b.t.Helper()
	p := b.start(args...)
	return p, p.wait()
}

// must runs the program and demands an exit code.
func (b *bench) must(code int, args ...string) *process {
	b.t.Helper()
	p, got := b.dbwarden(args...)
	if got != code {
		b.t.Fatalf("want exit %d: %s", code, p)
	}
	return p
}

// seen is what the tests read of the program's JSON documents.
type seen struct {
	Lock       string
	Holder     holder
	Direction  string
	Unfinished *struct {
		Version, File, Direction string

		Doubt int `json:"in_doubt"`
	}
	SessionLives bool `json:"released_session_alive"`
	Planned      []struct{ File string }
	Completed    []struct{ File string }
	Warnings     []string
	Error        struct {
		Code, Message, File string
		Exit                int
		Next                []string
	}
}

// holder is an object, or, where its name alone is told, a text.
type holder struct {
	Name, Verdict, State string
	Progress             struct {
		File      string
		Statement int
	}
}

func (h *holder) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &h.Name) == nil {
		return nil
	}
	type object holder
	return json.Unmarshal(text, (*object)(h))
}

// document reads the one document that a command wrote.
func (p *process) document() (seen, error) {
	var doc, more seen
	d := json.NewDecoder(bytes.NewReader(p.stdout.Bytes()))
	if err := d.Decode(&doc); err != nil {
		return doc, fmt.Errorf("%w: %s", err, p)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return doc, fmt.Errorf("more than one document: %s", p)
	}
	return doc, nil
}

// ask runs the program for its document, and demands one of some exit codes.
func (b *bench) ask(codes []int, args ...string) (seen, int) {
	b.t.Helper()
	p, code := b.dbwarden(append(args, "-o", "json")...)
	doc, err := p.document()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range codes {
		if c == code {
			return doc, code
		}
	}
	b.t.Fatalf("want exit %v: %s", codes, p)
	return doc, code
}

// words are the command of a journey.
func (j journey) words() []string {
	if j.direction == migration.Up {
		return []string{"migrate"}
	}
	return []string{"rollback", "-t", "1"}
}

package backup

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// grace is what a program gets to end by itself, once it has been asked to.
const grace = 5 * time.Second

// Run runs a client program (engine.RunProgram).
func Run(ctx context.Context, p engine.Program) (err error) {
	path, name, err := find(p.Names)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, path)
	paths, done, err := hand(c, p.Files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	in := []string{"{none}", nowhere}
	for name, path := range paths {
		in = append(in, "{"+name+"}", path)
	}
	placed := strings.NewReplacer(in...)
	for _, arg := range p.Args {
		c.Args = append(c.Args, placed.Replace(arg))
	}
	c.Env = environment(c.Environ(), p.Env, placed)
	var said tail
	c.Stderr = &said
	if p.Stdin != nil {
		c.Stdin = p.Stdin
	}
	// A wrapper, so that the program has no file of ours but a pipe: what comes
	// through is seen, and a disk that is full is our error and not its.
	var disk diskError
	c.Stdout = writeFunc(func(b []byte) (int, error) {
		if err := done(); err != nil {
			return 0, err
		}
		n, err := p.Stdout.Write(b)
		if err != nil {
			disk.err = err
		}
		return n, err
	})
	alone(c)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = grace
	err = c.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case disk.err != nil:
		return disk.err
	}
	return &engine.ProgramError{Name: name, Stderr: said.String(), Err: err}
}

type diskError struct{ err error }

type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(p []byte) (int, error) { return f(p) }

// find is the first of the names that is there.
func find(names []string) (path, name string, err error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, name, nil
		}
	}
	return "", "", &engine.NoProgramError{Names: names}
}

// environment is that of the process with changes.
func environment(have []string, changes map[string]string, placed *strings.Replacer) []string {
	var out []string
	for _, pair := range have {
		key, _, _ := strings.Cut(pair, "=")
		if _, changed := changes[key]; !changed {
			out = append(out, pair)
		}
	}
	for key, value := range changes {
		if value != "" {
			out = append(out, key+"="+placed.Replace(value))
		}
	}
	// Messages that a person, or a test, can search for.
	return append(out, "LC_MESSAGES=C")
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

const tailSize = 4000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Write(p)
	if over := t.b.Len() - tailSize; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(t.b.String(), ""))
}

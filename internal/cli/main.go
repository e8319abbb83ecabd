// Package cli is the command line: flags in, one call of the house below,
// text or JSON out. It is the only place that maps errors to exit codes and
// hints. It keeps no package variables, so that a test can run the whole
// program in its own process.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Env is all that the program takes from outside.
type Env struct {
	Args   []string // without the program's name
	Dir    string   // working directory
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) (string, bool)

	// Environ is the whole environment, as os.Environ has it; nil is an empty one.
	Environ func() []string

	// Terminal says whether w is one and how wide; nil: nothing is.
	Terminal func(w io.Writer) (width int, ok bool)

	// Unstopped calls asked when somebody wants to stop the process (Ctrl-Z),
	// which goes on nevertheless, until undo is called; nil: nobody can.
	Unstopped func(asked func()) (undo func())

	// LastWords has words called ahead of the end when a second signal ends
	// the process at once, until undo is called; nil: none does.
	LastWords func(words func(Signal)) (undo func())

	Products []Product
	Build    Build

	User, Host string
	Pid        int
	Now        func() time.Time // for names of new files; nil is time.Now
}

// Product is an engine with what reads a schema and writes it down, and the
// rules of check.
type Product struct {
	Engine     *engine.Engine
	Inspect    func(context.Context, engine.Session, schema.Options) (*schema.State, error)
	Statements func(*schema.State) []string

	// Digest tells two states of one database apart for less than Inspect;
	// nil where nothing does.
	Digest func(context.Context, engine.Session) (string, error)

	// Plan spells the way from one state to another one; nil where nobody has
	// written that yet.
	Plan func(from, to *schema.State) (steps []schema.Step, left []schema.Change)

	// PlanSaysDefaults: what a database gave a table because nothing else was
	// said, such as its collation, stands in a plan in so many words. It would be
	// another in another database.
	PlanSaysDefaults bool

	// Spell is a state whose definitions, where Plan takes them as they are,
	// have one spelling for what is the same; nil where they have that from the
	// server.
	Spell func(*schema.State) *schema.State

	// Rename spells what gives an object of a state another name; "" where the
	// product has no statement for that.
	Rename func(st *schema.State, r schema.Renaming) string

	Check func() *check.Product // called by check alone
}

func (p Product) spelled(st *schema.State) *schema.State {
	if p.Spell == nil {
		return st
	}
	return p.Spell(st)
}

// Build is what this program is.
type Build struct {
	Version string // "1.3.0", "dev"
	Commit  string
	Date    string
}

// Main runs one command and returns the process's exit code.
func Main(ctx context.Context, env Env) int {
	if env.Terminal == nil {
		env.Terminal = func(io.Writer) (int, bool) { return 0, false }
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	out := &result{w: env.Stdout}
	terminal := env.Terminal
	env.Stdout, env.Terminal = out, func(w io.Writer) (int, bool) {
		if w == out {
			w = out.w
		}
		return terminal(w)
	}
	a := &app{Env: env}
	root := a.root()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetContext(ctx)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil {
		a.report(cmd, err)
	}
	code := exitCode(ctx, err)
	a.publish(ctx, code)
	a.sendTelemetry(ctx, code, err)
	// That nobody reads on (EPIPE) does not change what was done.
	if out.err == nil || errors.Is(out.err, syscall.EPIPE) {
		return code
	}
	if code == exitOK || a.json() { // else the error has been told
		fmt.Fprintln(env.Stderr, "Error: the result cannot be written:", out.err)
	}
	return max(code, exitError)
}

// result is the standard output, which remembers that it could not be written.
type result struct {
	w   io.Writer
	err error
}

func (r *result) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n, err
}

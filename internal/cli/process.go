package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
)

// Process runs the command line of this process and returns its exit code.
func Process(products []Product, b Build) int {
	spare()
	last := &lastWords{}
	ctx, stop := withSignals(context.Background(), last.say)
	defer stop()
	env := Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.LookupEnv, Environ: os.Environ,
		Products: products, Build: complete(b), Pid: os.Getpid(), Terminal: terminal,
		Unstopped: unstopped, LastWords: last.set,
	}
	env.Dir, _ = os.Getwd() // a deleted one makes relative paths fail, with their own message
	env.Host, _ = os.Hostname()
	env.User = os.Getenv("USER")
	if env.User == "" {
		if u, err := user.Current(); err == nil {
			env.User = u.Username
		}
	}
	return Main(ctx, env)
}

// burst is how long, from the first request to stop on, further ones are the
// same: whoever ends a group of processes may well send INT and TERM together,
// and some pass on what the process has got already.
const burst = 250 * time.Millisecond

// withSignals ends the context at the first request to stop; one behind the
// burst, which somebody means, ends the process at once, as a crash would, with
// last words. A reader that goes away (dbwarden history | head) must not end a
// run that holds the lock, so SIGPIPE becomes an error of the write. What nohup
// has set aside stays so.
func withSignals(ctx context.Context, last func(Signal)) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		var first time.Time
		for s := range signals {
			switch {
			case first.IsZero():
				first = time.Now()
				cancel(Signal{Signal: s})
			case time.Since(first) >= burst:
				last(Signal{Signal: s})
				os.Exit(128 + int(s.(syscall.Signal)))
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
	}
}

// lastWords are what a run that holds the lock has to say when its process is
// ended at once.
type lastWords struct{ words atomic.Pointer[func(Signal)] }

func (l *lastWords) set(words func(Signal)) (undo func()) {
	l.words.Store(&words)
	return func() { l.words.Store(nil) }
}

// say does not wait for a standard error that nobody reads.
func (l *lastWords) say(s Signal) {
	words := l.words.Load()
	if words == nil {
		return
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		(*words)(s)
	}()
	select {
	case <-said:
	case <-time.After(time.Second):
	}
}

func terminal(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return width, true
}

// complete takes from the module what the linker did not set.
func complete(b Build) Build {
	if b.Version == "" {
		b.Version = "dev"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
			b.Version = shortVersion(info.Main.Version)
		}
	}
	return b
}

// pseudo is the end of what the go command makes up where no tag names a
// commit: v0.0.0-20261125170609-aa0bfcb40310.
var pseudo = lazy.Regexp(`[-.][0-9]{14}-([0-9a-f]{7})[0-9a-f]{5}(\+dirty)?$`)

// shortVersion makes a module's version fit into a line about a holder, and
// spells it as a release does.
func shortVersion(v string) string {
	if m := pseudo().FindStringSubmatch(v); m != nil {
		return "dev-" + m[1] + m[2]
	}
	return strings.TrimPrefix(v, "v")
}

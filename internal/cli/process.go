package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"os/user"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// Process runs the command line of this process and returns its exit code.
func Process(products []Product, b Build) int {
	ctx, stop := withSignals(context.Background())
	defer stop()
	env := Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.LookupEnv, Environ: os.Environ,
		Products: products, Build: complete(b), Pid: os.Getpid(), Terminal: terminal,
		Unstopped: unstopped,
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

// withSignals ends the context at the first request to stop; the second one
// ends the process at once, as a crash would. A reader that goes away
// (dbwarden history | head) must not end a run that holds the lock, so
// SIGPIPE becomes an error of the write. What nohup has set aside stays so.
func withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		first, ok := <-signals
		if !ok {
			return
		}
		cancel(Signal{Signal: first})
		if second, ok := <-signals; ok {
			os.Exit(128 + int(second.(syscall.Signal)))
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
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
var pseudo = regexp.MustCompile(`[-.][0-9]{14}-([0-9a-f]{7})[0-9a-f]{5}(\+dirty)?$`)

// shortVersion makes a module's version fit into a line about a holder, and
// spells it as a release does.
func shortVersion(v string) string {
	if m := pseudo.FindStringSubmatch(v); m != nil {
		return "dev-" + m[1] + m[2]
	}
	return strings.TrimPrefix(v, "v")
}

//go:build unix

// Withservers runs a command with a PostgreSQL and a MariaDB server of its
// own, named by the environment variables that package dbtest reads:
//
//	go run ./internal/dbtest/withservers -- go test ./...
//
// A server that cannot be started is told on stderr and left out; one that
// the environment names already is left alone. Everything ends with the
// command, whose exit code is the program's, and with INT or TERM, which are
// passed on.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func main() { os.Exit(run()) }

func run() int {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withservers [--] command [argument ...]")
		return 2
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)

	stop := startServers()
	defer stop()
	select {
	case s := <-signals:
		return code(s)
	default:
		return command(args, signals)
	}
}

func startServers() (stop func()) {
	var wait sync.WaitGroup
	var started [2]*dbtest.Server
	for i, kind := range []struct {
		name, variable string
		start          func() (*dbtest.Server, error)
	}{
		{"PostgreSQL", dbtest.PostgresVariable, dbtest.StartPostgres},
		{"MariaDB", dbtest.MariaDBVariable, dbtest.StartMariaDB},
	} {
		if os.Getenv(kind.variable) != "" {
			continue
		}
		wait.Go(func() {
			s, err := kind.start()
			if err != nil {
				fmt.Fprintf(os.Stderr, "withservers: no %s: %v\n", kind.name, err)
				return
			}
			started[i] = s
			os.Setenv(kind.variable, s.URL())
		})
	}
	wait.Wait()
	return func() {
		for _, s := range started {
			if s != nil {
				wait.Go(s.Stop)
			}
		}
		wait.Wait()
	}
}

// grace is what the command gets to end after a signal.
const grace = 10 * time.Second

func command(args []string, signals <-chan os.Signal) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// A group of its own: a signal reaches what the command has started, too,
	// and once only.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "withservers: %v\n", err)
		return 127
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()

	var got os.Signal
	var patience <-chan time.Time
	for {
		select {
		case s := <-signals:
			if got == nil {
				got, patience = s, time.After(grace)
			}
			_ = syscall.Kill(-cmd.Process.Pid, s.(syscall.Signal)) // it may just have ended
		case <-patience:
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // as above
		case err := <-done:
			if got != nil {
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // stragglers of the group
				return code(got)
			}
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
					return code(status.Signal())
				}
				return exit.ExitCode()
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "withservers: %v\n", err)
				return 1
			}
			return 0
		}
	}
}

func code(s os.Signal) int { return 128 + int(s.(syscall.Signal)) }

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/lock"
)

// hookGrace is how long a hook that was told to end has for that.
const hookGrace = 2 * time.Second

// hookMost is what is told of a hook's output, in bytes. One that prints more
// has not failed for that: the rest is read, so that it goes on, and dropped.
const hookMost = 256 << 10

// moments are when hooks are called, in their order.
var moments = []dbwarden.Moment{dbwarden.HookBeforeRun, dbwarden.HookBeforeMigration, dbwarden.HookAfterMigration, dbwarden.HookAfterRun}

// hooks are those of the configuration, for a target where there are many. A program that is not there is said
// before anything is done.
func (a *app) hooks(c config.HookConfig, target string) (all []dbwarden.Hook, err error) {
	for _, at := range moments {
		if text := c.SQL[string(at)]; text != "" {
			all = append(all, dbwarden.Hook{At: at, SQL: text})
		}
		program := c.Programs[string(at)]
		if len(program) == 0 {
			continue
		}
		path, err := programPath(c.Dir, program[0])
		if err != nil {
			return nil, &usageError{fmt.Sprintf("hooks.%s: %v", at, err), "dbwarden config shows where it is named; a path starts at the folder of warden.toml"}
		}
		all = append(all, dbwarden.Hook{At: at, Call: func(ctx context.Context, f dbwarden.Facts, say func(string)) error {
			f.Error, f.Target = a.masked(f.Error), target
			return callProgram(ctx, c.Dir, append([]string{path}, program[1:]...), a.traceparent(f.Run), f, say)
		}})
	}
	return all, nil
}

// programPath finds a program by its name, or by a path from dir.
func programPath(dir, name string) (string, error) {
	path := name
	if strings.ContainsRune(path, filepath.Separator) && !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("the program %s cannot be run: %w", name, errors.Unwrap(err))
	}
	return path, nil
}

// callProgram runs a program that gets the facts and nothing else to read, these
// variables beside those of ours, and whose output is told line by line. It, and what it has started, ends with
// ctx.
func callProgram(ctx context.Context, dir string, command, variables []string, f dbwarden.Facts, say func(string)) error {
	facts, err := json.Marshal(f)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	out := &lineWriter{lines: make(chan string)}
	c.Env = append(c.Environ(), variables...)
	c.Dir, c.Stdin, c.Stdout, c.Stderr = dir, bytes.NewReader(append(facts, '\n')), out, out
	ended := make(chan error, 1)
	apart(c)
	c.WaitDelay = hookGrace
	go func() {
		ended <- runApart(c)
		close(out.lines)
	}()
	for line := range out.lines {
		say(line)
	}
	if out.rest.Len() > 0 {
		say(out.told(out.rest.String()))
	}
	switch err = <-ended; {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // what it left behind holds its output open
	case err != nil:
		return fmt.Errorf("%s: %w", filepath.Base(command[0]), err)
	}
	return nil
}

// lineWriter cuts what is written into lines, hookMost bytes of them. What comes
// behind is dropped as it comes: whoever prints without end is not kept waiting,
// under the lock, for each of its lines to be looked at.
type lineWriter struct {
	lines chan string
	rest  bytes.Buffer
	size  int // of the lines that were told
}

// longestLine is where a line without an end is cut.
const longestLine = 4 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	if w.size > hookMost {
		return len(p), nil
	}
	w.rest.Write(p)
	for {
		text := w.rest.Bytes()
		i := bytes.IndexByte(text, '\n')
		if i < 0 && len(text) < longestLine {
			return len(p), nil
		}
		if i < 0 {
			i = longestLine - 1
		}
		w.lines <- w.told(strings.TrimRight(string(w.rest.Next(i+1)), "\r\n"))
		if w.size > hookMost {
			w.rest.Reset()
			return len(p), nil
		}
	}
}

// told is a line, or in place of the first one that is too much, that the rest
// is left out.
func (w *lineWriter) told(line string) string {
	if w.size += len(line) + 1; w.size > hookMost {
		return fmt.Sprintf("… it printed more than %d KiB: the rest is left out", hookMost>>10)
	}
	return line
}

// hookFailed says what state a hook that failed has left.
func (a *app) hookFailed(d *description, t *target, run *runError, e *dbwarden.HookError) {
	d.Code = "hook"
	name := "hooks." + string(e.At)
	if e.SQL {
		name += "_sql"
	}
	what := e.Err.Error()
	var late *dbwarden.HookTimeoutError
	if t != nil {
		if f := t.product.Engine.Fault(e.Err); e.SQL && f.Message != "" && !errors.As(e.Err, &late) {
			what = f.Message
		}
	}
	d.Message = name + " failed: " + what
	done, planned := 0, 0
	verb := "migrate"
	if run != nil && run.result != nil {
		done, planned = len(run.result.Completed), len(run.result.Planned)
		if run.result.Direction == "rollback" {
			verb = "rollback"
		}
	}
	switch {
	case errors.Is(e.Err, lock.ErrLost), run != nil && errors.Is(run.err, lock.ErrLost):
		d.State = []string{"the lock was lost meanwhile"}
		d.Next = []string{"dbwarden lock-status", "dbwarden status"}
		return
	case done > 0 && done == planned:
		d.State = []string{"all migrations of the run were completed and stay"}
	case done == 1:
		d.State = []string{"1 migration was completed and stays"}
	case done > 1:
		d.State = []string{fmt.Sprintf("%d migrations were completed and stay", done)}
	default:
		d.State = []string{"nothing was run"}
	}
	if run != nil && run.result != nil && run.result.TookOver && done == 0 {
		d.State = append(d.State, "the lock is kept, as it was found")
	} else {
		d.State[0] += "; the lock is released"
	}
	see := "see to what the hook says"
	if errors.As(e.Err, &late) {
		d.Message += " (hooks.timeout)"
		see = "see what keeps the hook, or give it longer with hooks.timeout in warden.toml"
	}
	if d.Next = []string{see + ", then: " + a.again(verb, "")}; done > 0 && done == planned {
		d.Next = []string{see + ", and do by hand what it was for: it is not called again for this run"}
	}
}

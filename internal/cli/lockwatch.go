package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/render"
)

// watchPause is the time between two looks of lock-status --watch.
const watchPause = time.Second

// watchLock looks until the lock is free. On a terminal the screenful is
// drawn anew each time; in a pipe there is a line for each change, as a
// document with --out json. What cannot be looked at is UNKNOWN, and looked
// at again.
func (a *app) watchLock(ctx context.Context, cmd *cobra.Command, t *target) error {
	redraw := a.style(a.Stdout).Terminal && !a.json()
	last, lines := "", 0
	for {
		report, err := t.warden.Lock(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line := lockLine(report)
		if err != nil {
			line = "UNKNOWN: " + a.describe(&runError{err: err, target: t}, ctx).Message
		}
		switch {
		case redraw:
			var screen bytes.Buffer
			if err != nil {
				fmt.Fprintf(&screen, "Migration lock: %s\n", line)
			} else {
				a.lockText(&screen, t, report)
			}
			if _, err := fmt.Fprint(a.Stdout, up(lines)+screen.String()); err != nil {
				return unread(err)
			}
			lines = a.height(screen.String())
		case line == last:
		case a.json() && err != nil:
			a.lockUnknown(cmd, t, err)
			a.shown = false
		case a.json():
			if err := a.document(cmd, t, a.lockFields(t, report)); err != nil {
				return unread(err)
			}
		default:
			if _, err := fmt.Fprintf(a.Stdout, "%s %s\n", a.Now().UTC().Format(timeLayout), a.masked(render.Plain(line))); err != nil {
				return unread(err)
			}
		}
		last = line
		if err == nil && !report.Active {
			return nil
		}
		if err := waitFor(ctx, watchPause); err != nil {
			return err
		}
	}
}

// waitFor waits for so long; its error is why ctx ended before.
func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// unread ends a watch that nobody reads any more, without a word: the lock
// was not seen free.
func unread(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return foundError{exitError}
	}
	return err
}

// lockLine is a report in a line, without what changes with every look.
func lockLine(r dbwarden.LockReport) string {
	if !r.Active {
		return "INACTIVE"
	}
	text := fmt.Sprintf("ACTIVE, %s: %s", r.Verdict, r.Who())
	if b := r.Beat; b != nil && b.Migration != "" {
		text += fmt.Sprintf(", %s statement %d of %d", b.Migration, b.Statement, b.Statements)
	}
	return text
}

// up moves to the top of what was drawn last and clears it.
func up(lines int) string {
	if lines == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\x1b[J", lines)
}

// height is how many lines of the terminal a text takes.
func (a *app) height(text string) int {
	width, n := a.style(a.Stdout).Width, 0
	for line := range strings.Lines(text) {
		n++
		if columns := render.Columns(strings.TrimRight(unpainted(line), "\n")); width > 0 && columns > width {
			n += (columns - 1) / width
		}
	}
	return n
}

// unpainted is a text without its colours.
func unpainted(text string) string {
	for {
		from := strings.Index(text, "\x1b[")
		if from < 0 {
			return text
		}
		to := strings.IndexByte(text[from:], 'm')
		if to < 0 {
			return text
		}
		text = text[:from] + text[from+to+1:]
	}
}

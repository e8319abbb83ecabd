// Package eventlog writes the events of runs to a structured log.
package eventlog

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/event"
)

// Observer logs to l; nil: to slog.Default(), as it is at that time.
//
// A record's message is the event's kind in words. Its attributes have the
// names of the JSON lines that the program writes: event, run, database,
// direction, version, file, elapsed_ms and so on, each only where there is
// something to say. The text of a statement is not among them; file, line and
// number name it.
//
// What somebody must look at is an Error: a migration or a run that failed, a
// lock that stays held. What gets in the way of a run, or was not expected, is
// a Warn. What a run does is Info, and single statements and sessions are
// Debug.
func Observer(l *slog.Logger) event.Observer {
	return func(e event.Event) {
		to := l
		if to == nil {
			to = slog.Default()
		}
		ctx, at := context.Background(), level(e)
		if !to.Enabled(ctx, at) {
			return
		}
		r := slog.NewRecord(e.At, at, strings.ReplaceAll(string(e.Kind), "_", " "), 0)
		r.AddAttrs(attributes(e)...)
		to.Handler().Handle(ctx, r)
	}
}

func level(e event.Event) slog.Level {
	switch e.Kind {
	case event.MigrationFailed, event.LockKept:
		return slog.LevelError
	case event.RunEnded:
		if e.Err != nil {
			return slog.LevelError
		}
	case event.LockTimeout, event.Drifted, event.Warning:
		return slog.LevelWarn
	case event.StatementRunning:
		if e.Blockers != "" {
			return slog.LevelWarn
		}
		return slog.LevelDebug
	case event.Connected, event.StatementStarted, event.StatementDone, event.ConditionHeld, event.BackupRunning, event.RestoreRunning:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func attributes(e event.Event) []slog.Attr {
	out := []slog.Attr{slog.String("event", string(e.Kind))}
	text := func(name, value string) {
		if value != "" {
			out = append(out, slog.String(name, value))
		}
	}
	number := func(name string, value int64) {
		if value > 0 {
			out = append(out, slog.Int64(name, value))
		}
	}
	list := func(name string, values []string) {
		if len(values) > 0 {
			out = append(out, slog.Any(name, values))
		}
	}
	text("database", e.Database)
	text("target", e.Target)
	text("run", e.Run)
	text("direction", e.Direction)
	text("version", e.Version)
	text("file", e.File)
	number("line", int64(e.Line))
	number("number", int64(e.Number))
	number("total", int64(e.Total))
	number("statement", int64(e.Statement))
	number("statements", int64(e.Statements))
	if e.Kind == event.StatementDone {
		out = append(out, slog.Int64("rows", e.Rows))
	}
	if e.Shared {
		out = append(out, slog.Bool("shared", true))
	}
	list("versions", e.Versions)
	list("objects", e.Objects)
	text("holder", e.Holder)
	if e.Elapsed > 0 {
		out = append(out, slog.Int64("elapsed_ms", e.Elapsed.Round(time.Millisecond).Milliseconds()))
	}
	if e.Kind == event.StatementRunning && e.Percent >= 0 {
		out = append(out, slog.Float64("percent", e.Percent))
	}
	number("bytes", e.Bytes)
	number("of_bytes", e.OfBytes)
	if e.Kind == event.RunEnded && e.Pending >= 0 {
		out = append(out, slog.Int("pending", e.Pending))
	}
	text("blockers", e.Blockers)
	text("detail", e.Detail)
	if e.Err != nil {
		out = append(out, slog.String("error", e.Err.Error()))
	}
	return out
}

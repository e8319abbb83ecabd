package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/otlp"
)

// traced are the commands whose traces and metrics are sent: those that change
// a database, its history or its lock.
var traced = []string{"migrate", "rollback", "restore", "unlock", "resolve", "repair", "squash", "import"}

// trace begins to record a command, where the environment names somebody to
// send to.
func (a *app) trace(cmd *cobra.Command) {
	if !slices.Contains(traced, cmd.Name()) {
		return
	}
	for _, looks := range []string{"dry-run", "sql"} { // which change nothing
		if f := cmd.Flags().Lookup(looks); f != nil && f.Value.String() == "true" {
			return
		}
	}
	s := otlp.Read(a.Getenv)
	if s == nil {
		return
	}
	a.hidden = append(a.hidden, s.Secrets()...)
	a.telemetry = otlp.NewRecorder(s, cmd.Name(), time.Now())
}

// recorded is an observer that records as well.
func (a *app) recorded(show event.Observer) event.Observer {
	if a.telemetry == nil {
		return show
	}
	return func(e event.Event) {
		a.telemetry.Observe(e)
		show.Emit(e)
	}
}

// released notes a lock that unlock has taken away.
func (a *app) released(d config.Database, found dbwarden.LockReport) {
	if a.telemetry != nil {
		a.telemetry.Released(d.Name, d.Target, found.Who(), string(found.Verdict), found.Row.Run)
	}
}

// traceparent is what a program that is called for a run gets of its trace.
func (a *app) traceparent(run string) []string {
	if a.telemetry == nil {
		return nil
	}
	return a.telemetry.Environ(run)
}

// sendTelemetry sends what was recorded, behind the last run and its lock. That
// it cannot be sent is a warning.
func (a *app) sendTelemetry(ctx context.Context, code int, err error) {
	if a.telemetry == nil {
		return
	}
	p := otlp.Process{Version: a.Build.Version, Host: a.Host, Pid: a.Pid, Mask: a.masked}
	if err := a.telemetry.Send(context.WithoutCancel(ctx), p, code, err); err != nil {
		a.warn(err.Error())
	}
}

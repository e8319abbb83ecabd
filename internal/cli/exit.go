package cli

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/desired"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/internal/squash"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// The exit codes, as documented.
const (
	exitOK        = 0
	exitError     = 1
	exitUsage     = 2
	exitMigration = 3
	exitHeld      = 4
	exitLost      = 5
	exitFound     = 6
)

// A Signal is the cause of a context that ended because somebody asked the
// program to stop.
type Signal struct{ Signal os.Signal }

func (s Signal) Error() string { return "stopped by " + s.name() }

// name is what kill and the manuals call it: the system's own word for
// SIGTERM is "terminated".
func (s Signal) name() string {
	switch s.Signal {
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP"
	}
	return s.Signal.String()
}

// foundError ends a command that was asked to say by its exit code that it
// found something. It is not shown.
type foundError struct{ code int }

func (foundError) Error() string { return "found something" }

// exitCode is the one place where errors become codes.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	var (
		sig     Signal
		found   foundError
		usage   *usageError
		cfg     *config.Error
		refusal *plan.Refusal
		drift   *dbwarden.DriftError
		failed  *dbwarden.MigrationError
		held    *lock.HeldError
		blocked *lock.BlockedError
		evict   *lock.EvictError
		noModel *desired.PathError
		unfit   *scratch.UnfitError
		renamed *renameError
		draft   *unprovenError
		noRange *squash.RangeError
	)
	switch {
	case errors.As(err, &sig) || errors.As(context.Cause(ctx), &sig):
		if n, ok := sig.Signal.(syscall.Signal); ok {
			return 128 + int(n)
		}
		return exitError
	case errors.As(err, &found):
		return found.code
	case errors.As(err, &usage), errors.As(err, &cfg), errors.As(err, &noModel), errors.As(err, &unfit), errors.As(err, &renamed), errors.As(err, &noRange):
		return exitUsage
	case errors.As(err, &draft):
		return exitError
	case errors.As(err, &drift):
		return exitFound
	case errors.As(err, &refusal):
		switch refusal.Code {
		case plan.UnknownVersion, plan.NotApplied, plan.BeyondBaseline, plan.InsideSquashed:
			return exitUsage
		case plan.InDoubt:
			return exitHeld
		}
		return exitError
	case errors.Is(err, lock.ErrLost):
		return exitLost
	case errors.As(err, &failed):
		return exitMigration
	case errors.As(err, &held), errors.As(err, &blocked), errors.As(err, &evict):
		return exitHeld
	}
	return exitError
}

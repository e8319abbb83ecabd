package cli

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// waitFlags say how long to wait for the lock.
type waitFlags struct {
	wait   string
	noWait bool
	again  bool
	parsed *time.Duration
}

func (f *waitFlags) add(cmd *cobra.Command) {
	f.addWait(cmd)
	cmd.Flags().BoolVar(&f.again, "recover", false, "take over from a run that is gone or failed, and go on where it stopped")
}

// addWait is add for a command that is in nobody's way who lives.
func (f *waitFlags) addWait(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.wait, "wait", "", "longest `TIME` to wait for another run, like 30s or 5m (default 5m)")
	cmd.Flags().BoolVar(&f.noWait, "no-wait", false, "fail at once when another run holds the lock")
}

func (f *waitFlags) check(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("wait") {
		return nil
	}
	if f.noWait {
		return usagef("--wait and --no-wait contradict each other")
	}
	d, err := config.ParseDuration(f.wait)
	if err != nil {
		return usagef("--wait %q: %v", f.wait, err)
	}
	f.parsed = &d
	return nil
}

func (f *waitFlags) of(configured time.Duration) time.Duration {
	switch {
	case f.noWait:
		return 0
	case f.parsed != nil:
		return *f.parsed
	}
	return configured
}

// limitFlags are the time limits of a run.
type limitFlags struct{ lock, statement, retry string }

func (f *limitFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.lock, "lock-timeout", "", "longest `TIME` to wait for a locked table or row; 0 is no limit (default 5s)")
	cmd.Flags().StringVar(&f.retry, "lock-retry", "", "while a table or row stays locked, try again for this `TIME`; 0 tries once (default 3m)")
	cmd.Flags().StringVar(&f.statement, "statement-timeout", "", "longest `TIME` that one statement may run; 0, the default, is no limit")
}

// limits are the flags' values; zero means that the configuration decides.
func (f *limitFlags) limits(cmd *cobra.Command) (l engine.Limits, retry time.Duration, err error) {
	for _, one := range []struct {
		flag, text string
		into       *time.Duration
	}{{"lock-timeout", f.lock, &l.Lock}, {"statement-timeout", f.statement, &l.Statement}, {"lock-retry", f.retry, &retry}} {
		if !cmd.Flags().Changed(one.flag) {
			continue
		}
		d, err := config.ParseDuration(one.text)
		if err != nil {
			return l, retry, usagef("--%s %q: %v", one.flag, one.text, err)
		}
		if d == 0 {
			d = -1 // no limit, and no second try
		}
		*one.into = d
	}
	return l, retry, nil
}

// targetFlags say how far to go.
type targetFlags struct {
	count   int
	to      string
	through string
	empty   bool
	changed bool
	missing bool
	late    bool
	dryRun  bool
	ask     bool // at a terminal, before rows are lost
	atomic  bool

	// unasked is for a rollback that nobody can be asked about; nil: it may run.
	unasked func(context.Context, dbwarden.Before) error
}

// tells says that a flag was given that says how far.
func (f *targetFlags) tells(cmd *cobra.Command) bool {
	return slices.ContainsFunc([]string{"count", "to-version", "through", "to-empty"}, cmd.Flags().Changed)
}

func (f *targetFlags) add(cmd *cobra.Command, count string) {
	cmd.Flags().IntVarP(&f.count, "count", "c", 0, count)
	cmd.Flags().BoolVar(&f.atomic, "atomic", false, "all in one transaction, or nothing; refused where a statement does not fit into one")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would run; take no lock, change nothing")
}

func (f *targetFlags) target(cmd *cobra.Command) (plan.Target, error) {
	t := plan.Target{Count: f.count, Empty: f.empty, Atomic: f.atomic, AllowChanged: f.changed, AllowMissing: f.missing, AllowOutOfOrder: f.late}
	if cmd.Flags().Changed("count") && f.count < 1 {
		return t, usagef("--count %d: want a number from 1", f.count)
	}
	if cmd.Flags().Changed("to-version") {
		v, err := migration.ParseVersion(f.to)
		if err != nil {
			return t, usagef("--to-version: %v", err)
		}
		t.To = v
	}
	if cmd.Flags().Changed("through") {
		// A version, or a file as it is completed in a shell.
		if t.Through = filepath.Base(f.through); f.through == "" {
			return t, usagef("--through: want a version, or the name of a file")
		}
	}
	n := 0
	for _, name := range []string{"count", "to-version", "through", "to-empty"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			n++
		}
	}
	if n > 1 {
		return t, &usageError{"--count, --to-version, --through and --to-empty contradict each other", "give one of them"}
	}
	return t, nil
}

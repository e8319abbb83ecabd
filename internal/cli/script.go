package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// script is migrate --sql: what would run as one script for the product's own
// client.
func (a *app) script(cmd *cobra.Command, to *targetFlags, lim *limitFlags) error {
	t, err := to.target(cmd)
	if err != nil {
		return err
	}
	for _, name := range []string{"dry-run", "baseline", "atomic", "plan", "wait", "no-wait", "recover", "lock-retry", "with-backup"} {
		if cmd.Flags().Changed(name) {
			return usagef("--sql runs nothing: --%s means nothing with it", name)
		}
	}
	switch {
	case a.all:
		return &usageError{"--sql writes the script for one database", a.nameIt()}
	case a.json():
		return usagef("--sql writes SQL, and no JSON")
	}
	limits, _, err := lim.limits(cmd)
	if err != nil {
		return err
	}
	return a.each(cmd, wardenOptions{use: useOne, folder: true, limits: limits}, func(ctx context.Context, tg *target) error {
		// What cannot be written is found out before a part of it has been.
		p, err := tg.warden.Script(ctx, t, io.Discard)
		if err == nil && len(p.Steps) > 0 {
			p, err = tg.warden.Script(ctx, t, a.Stdout)
		}
		if err != nil {
			return &runError{err: err, target: tg, result: &dbwarden.Result{Direction: migration.Up}}
		}
		if p.Lock.Active {
			a.warn((&lock.HeldError{Status: p.Lock}).Error() + "; the script stops until it is free, and where something is applied until then")
		}
		if len(tg.Hooks.SQL)+len(tg.Hooks.Programs) > 0 && len(p.Steps) > 0 {
			a.warn("the hooks of warden.toml are not in the script: what they do is yours to do")
		}
		if len(p.Steps) == 0 {
			fmt.Fprintln(a.Stdout, "-- "+wordsOf(migration.Up).nothing)
		}
		return nil
	})
}

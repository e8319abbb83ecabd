package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/render"
)

// baseline is migrate --baseline: for a database that has already what the
// first migrations make.
func (a *app) baseline(cmd *cobra.Command, to *targetFlags, wait *waitFlags) error {
	t, err := to.target(cmd)
	if err != nil {
		return err
	}
	if err := wait.check(cmd); err != nil {
		return err
	}
	if t.To.IsZero() {
		return &usageError{"--baseline needs a version", "give the newest one whose work is in the database: dbwarden migrate --baseline -t VERSION"}
	}
	for _, name := range []string{"atomic", "recover", "allow-out-of-order", "allow-drift", "lock-timeout", "lock-retry", "statement-timeout", "with-backup", "backup-dir"} {
		if cmd.Flags().Changed(name) {
			return usagef("--baseline runs no migration: --%s means nothing with it", name)
		}
	}
	return a.each(cmd, wardenOptions{folder: true, wait: wait, observe: a.observer(words{})}, func(ctx context.Context, tg *target) error {
		verb, done := tg.warden.Baseline, "Baseline completed successfully: %d migrations written into the history, none was run."
		if to.dryRun {
			verb, done = tg.warden.PreviewBaseline, ""
		}
		res, err := verb(ctx, t)
		a.letStop()
		if err != nil {
			err = &runError{err: err, target: tg, result: res, goal: a.goal}
		}
		if a.json() {
			return a.runDocument(cmd, tg, res, nil, err)
		}
		if err != nil {
			return err
		}
		if len(res.Planned) == 0 {
			fmt.Fprintln(a.Stdout, "Nothing to write: the history has every version up to "+t.To.String()+".")
			return nil
		}
		if !a.quiet || to.dryRun {
			fmt.Fprintf(a.Stdout, "Written into the history without being run (%d):\n", len(res.Planned))
			for _, m := range res.Planned {
				fmt.Fprintf(a.Stdout, "  - %s\n", render.Plain(m.Name()))
			}
		}
		if to.dryRun {
			fmt.Fprintln(a.Stdout, "Dry run: nothing was written.")
			return nil
		}
		fmt.Fprintln(a.Stdout, a.style(a.Stdout).Good(fmt.Sprintf(done, len(res.Completed))))
		return nil
	})
}

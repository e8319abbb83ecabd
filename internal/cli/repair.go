package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

func (a *app) repairCommand() *cobra.Command {
	var wait waitFlags
	var yes, dry bool
	cmd := &cobra.Command{
		Use:   "repair [VERSION...]",
		Short: "Adopt applied files that were changed, after showing how",
		Long: "Shows how applied files, those of these versions or all that have changed, differ from what ran, and asks whether what\n" +
			"stands in them is as good. The history then says so; nothing is run. For a comment that was mended, or blanks: what else\n" +
			"was changed is not in the database, and does not come into it.",
		Example: "  dbwarden repair\n  dbwarden repair 0007 --dry-run\n  dbwarden repair 0007 --yes",
		Args:    cobra.ArbitraryArgs,
	}
	wait.addWait(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "ask nobody: adopt them")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show how they differ, and change nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := wait.check(cmd); err != nil {
			return err
		}
		if yes && dry {
			return usagef("--yes and --dry-run contradict each other")
		}
		var only []migration.Version
		for _, arg := range args {
			v, err := migration.ParseVersion(arg)
			if err != nil {
				return usagef("%v", err)
			}
			only = append(only, v)
		}
		return a.each(cmd, wardenOptions{folder: true, wait: &wait, observe: a.observer(words{})}, func(ctx context.Context, t *target) error {
			return a.repair(ctx, cmd, t, only, yes, dry)
		})
	}
	return cmd
}

func (a *app) repair(ctx context.Context, cmd *cobra.Command, t *target, only []migration.Version, yes, dry bool) error {
	found, err := t.warden.Differences(ctx)
	if err != nil {
		return &runError{err: err, target: t}
	}
	if len(only) > 0 {
		all := found
		found = nil
		for _, v := range only {
			i := slices.IndexFunc(all, func(d plan.Difference) bool { return d.Version != "" && v.String() != "" && sameVersion(v, d.Version) })
			if i < 0 {
				return a.unrepairable(ctx, t, v)
			}
			found = append(found, all[i])
		}
	}
	if len(found) > 0 && !yes && !dry && !a.asks() {
		these := ""
		for _, v := range only {
			these += " " + v.String()
		}
		return &runError{err: &usageError{"repair asks before it adopts a file, and there is nobody to ask",
			"look at it with: " + a.again("repair", these+" --dry-run") + "; then: " + a.again("repair", these+" --yes")}, target: t}
	}
	st := a.style(a.Stdout)
	var chosen []plan.Difference
	for _, d := range found {
		if !a.json() {
			fmt.Fprintf(a.Stdout, "%s\n", a.differenceText(t, d, st))
		}
		if !yes && !dry {
			ok, err := a.confirm(ctx, "Adopt "+d.File+" as it is now?")
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
		}
		if !dry {
			chosen = append(chosen, d)
		}
	}
	res := &dbwarden.Result{Direction: migration.Up}
	if len(chosen) > 0 {
		res, err = t.warden.Repair(ctx, chosen)
		a.letStop()
		if err != nil {
			err = &runError{err: err, target: t, result: res}
		}
	}
	if a.json() {
		masked := []plan.Difference{}
		for _, d := range found {
			d.Ran, d.Now = a.masked(d.Ran), a.masked(d.Now)
			masked = append(masked, d)
		}
		fields := map[string]any{"dry_run": dry, "differences": masked, "adopted": migrationsOf(res.Completed)}
		if err != nil {
			fields["error"] = a.describe(err, cmd.Context()).document()
			a.shown = true
		}
		return errors.Join(err, a.document(cmd, t, fields))
	}
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		gone, moved, err := t.gone(ctx)
		if err != nil {
			return &runError{err: err, target: t}
		}
		switch {
		case len(moved) > 0:
			fmt.Fprintln(a.Stdout, render.Plain(a.typed(t, "Nothing to repair: "+moved[0].Detail+". A number cannot be adopted: dbwarden migrate --dry-run says how it is taken back")))
		case len(gone) > 0:
			fmt.Fprintln(a.Stdout, "Nothing to repair: no applied file that is there was changed. What is missing cannot be adopted:")
			for _, line := range a.back(ctx, t, gone, "") {
				fmt.Fprintln(a.Stdout, render.Plain(line))
			}
		default:
			fmt.Fprintln(a.Stdout, "Nothing to repair: every applied file is what ran.")
		}
	case dry:
		fmt.Fprintln(a.Stdout, "Dry run: nothing was changed.")
	default:
		fmt.Fprintln(a.Stdout, st.Good(fmt.Sprintf("Adopted %d of %d changed files; nothing was run.", len(res.Completed), len(found))))
	}
	return nil
}

// unrepairable says why a version has nothing that could be adopted.
func (a *app) unrepairable(ctx context.Context, t *target, v migration.Version) error {
	gone, moved, err := t.gone(ctx)
	if err != nil {
		return &runError{err: err, target: t}
	}
	for _, m := range moved {
		if sameVersion(v, m.Version) {
			return &runError{err: &usageError{m.Detail + ", and a number cannot be adopted", "dbwarden migrate --dry-run says how it is taken back"}, target: t}
		}
	}
	if i := slices.IndexFunc(gone, func(it plan.Item) bool { return sameVersion(v, it.Version) }); i >= 0 {
		return &runError{err: &plan.Refusal{Code: plan.Missing, Items: gone[i : i+1]}, target: t}
	}
	return &runError{err: &usageError{fmt.Sprintf("version %s is not applied with another file than there is now", v), "dbwarden status lists those that have changed"}, target: t}
}

// gone are the applied files that are missing, and moved those whose migration
// has another number now.
func (t *target) gone(ctx context.Context) (gone []plan.Item, moved []dbwarden.Standing, err error) {
	s, err := t.warden.Status(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range s.Migrations {
		switch {
		case m.Renumbered != "":
			moved = append(moved, m)
		case m.State == dbwarden.Missing:
			gone = append(gone, plan.Item{Version: m.Version, File: m.File})
		}
	}
	return gone, moved, nil
}

func sameVersion(v migration.Version, other string) bool {
	w, err := migration.ParseVersion(other)
	return err == nil && v.Equal(w)
}

// differenceText is how a file differs from what ran.
func (a *app) differenceText(t *target, d plan.Difference, st render.Style) string {
	file := d.File
	if t != nil {
		file = t.path(file)
	}
	what := file + " is not what ran"
	switch {
	case d.Cosmetic:
		what += ": only comments and blanks inside of statements are others"
	case d.Statement > 0 && d.Line > 0:
		what = fmt.Sprintf("%s:%d: statement %d is not what ran", file, d.Line, d.Statement)
	case d.Statement > 0:
		what = fmt.Sprintf("%s ends before statement %d, which ran", file, d.Statement)
	}
	if d.RanStatements != d.NowStatements && d.RanStatements > 0 {
		what += fmt.Sprintf(" (%d statements ran, the file has %d)", d.RanStatements, d.NowStatements)
	}
	text := st.Bold(render.Plain(what)) + "\n"
	switch ran, now := a.masked(d.Ran), a.masked(d.Now); {
	case ran == "":
		text += "  what ran was not kept: its checksum was " + short(d.Was) + ", the file's is " + short(d.Is)
	case ran == now && !journal.Whole(ran):
		text += "  the texts differ where they are not kept: behind " + fmt.Sprint(journal.MigrationBytes) + " bytes, or in a statement that may hold a secret"
	case ran == now:
		text += "  the statements are the same; what differs are rows that were copied"
	default:
		text += render.Lines(ran, now)
	}
	return text
}

func short(c migration.Checksum) string { return string(c[:min(16, len(c))]) }

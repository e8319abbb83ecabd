package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/rebase"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

func (a *app) rebaseCommand() *cobra.Command {
	var onto string
	var offline, dry bool
	cmd := &cobra.Command{
		Use:   "rebase [FILE...]",
		Short: "Give one's own migrations numbers behind what a merge brought",
		Long: "After a merge, two files may have one number, or one's own come before what is applied. This gives one's own\n" +
			"new numbers behind the others, in the order that they had, and puts the new numbers into their depends_on headers.\n" +
			"What is applied in the database keeps its number, and so does what stands in the branch or commit of --onto;\n" +
			"with FILEs, all but these. Nothing in a file changes but that header. It takes no lock and writes to no database.",
		Example: "  dbwarden rebase --dry-run\n  dbwarden rebase --onto main\n  dbwarden rebase migrations/0007_mine.sql\n  dbwarden rebase --offline --onto origin/main",
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.Flags().StringVar(&onto, "onto", "", "what stands in this `BRANCH` or commit of git keeps its number, too")
	cmd.Flags().BoolVar(&offline, "offline", false, "ask no database what is applied; needs --onto or files")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be renamed; rename nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case offline && onto == "" && len(args) == 0:
			return &usageError{"--offline knows neither what is applied nor what is yours", "add --onto BRANCH, or name your files"}
		case a.all:
			return &usageError{"rebase works on one folder", "name the database with -d instead of --all"}
		}
		return a.each(cmd, wardenOptions{use: useFolder, folder: true}, func(ctx context.Context, t *target) error {
			r, err := a.rebasing(ctx, t, onto, offline, args)
			if err != nil {
				return &runError{err: err, target: t}
			}
			if !dry {
				if err := renumber(t.MigrationsDir, r); err != nil {
					return &runError{err: err, target: t}
				}
			}
			return a.rebased(cmd, t, r, dry)
		})
	}
	return cmd
}

// rebasing finds out what stays, and plans.
func (a *app) rebasing(ctx context.Context, t *target, onto string, offline bool, args []string) (*rebase.Result, error) {
	all, err := migration.LoadLoose(os.DirFS(t.MigrationsDir), t.product.Engine.Lexis)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &folderError{t.MigrationsDir}
		}
		return nil, err
	}
	stay := map[string]bool{}
	if onto != "" {
		names, err := inCommit(ctx, t.MigrationsDir, onto)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			stay[n] = true
		}
	}
	if !offline {
		history, err := t.warden.History(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range history {
			if m := ranAs(all, r); m != nil {
				stay[m.File] = true
			}
		}
		lock, err := t.warden.Lock(ctx)
		if err != nil {
			return nil, err
		}
		if e := lock.Unfinished; e != nil {
			stay[e.File] = true // the journal knows it by its version
		}
	}
	if len(args) > 0 {
		mine := map[string]bool{}
		for _, arg := range args {
			name := filepath.Base(arg)
			if !slices.ContainsFunc(all, func(m *migration.Migration) bool { return m.File == name && m.Kind == migration.Versioned }) {
				return nil, usagef("%s: no such versioned migration in %s", arg, a.relative(t.MigrationsDir))
			}
			if stay[name] {
				return nil, usagef("%s keeps its number: it is applied, or stands in what it is rebased onto", arg)
			}
			mine[name] = true
		}
		for _, m := range all {
			stay[m.File] = !mine[m.File]
		}
	}
	r, err := rebase.Plan(all, func(m *migration.Migration) bool { return stay[m.File] }, a.behind)
	var unsure *rebase.AmbiguousError
	if errors.As(err, &unsure) {
		return nil, &usageError{unsure.Error(), fmt.Sprintf("name the one that is yours: dbwarden rebase %s; or what the others' stands in: --onto BRANCH", filepath.Join(a.relative(t.MigrationsDir), unsure.B))}
	}
	return r, err
}

// ranAs finds the file that left a row in the history: of several with its
// version, the one of its name, else of its checksum.
func ranAs(all []*migration.Migration, r journal.Revision) *migration.Migration {
	var of []*migration.Migration
	for _, m := range all {
		if m.Kind == migration.Versioned && m.Version.Equal(r.Version) {
			of = append(of, m)
		}
	}
	for _, same := range []func(*migration.Migration) bool{
		func(m *migration.Migration) bool { return m.File == r.File },
		func(m *migration.Migration) bool {
			return !plan.Changed(m, &r) && r.ChecksumKind == migration.ChecksumKind
		},
		func(*migration.Migration) bool { return len(of) == 1 },
	} {
		if i := slices.IndexFunc(of, same); i >= 0 {
			return of[i]
		}
	}
	return nil
}

// behind is the number behind another one: in the same width, and of
// timestamps the time now where that is later.
func (a *app) behind(v migration.Version) migration.Version {
	next := rebase.Increment(v.String())
	if at, err := time.Parse(timestampVersion, v.String()); err == nil {
		at = at.Add(time.Second)
		if now := a.Now().UTC(); now.After(at) {
			at = now
		}
		next = at.Format(timestampVersion)
	}
	if v.IsZero() {
		next = "0001"
	}
	out, _ := migration.ParseVersion(next) // digits
	return out
}

// renumber renames, one after the other, and never over a file that is there.
// What it did before an error stays: the next run goes on from there.
func renumber(dir string, r *rebase.Result) error {
	edits := map[string]map[string]string{}
	for _, e := range r.Edits {
		edits[e.File] = e.DependsOn
	}
	for _, m := range slices.Backward(r.Moves) {
		from, to := filepath.Join(dir, m.Migration.File), filepath.Join(dir, m.File)
		if err := moveFile(from, to, edits[m.Migration.File]); err != nil {
			return err
		}
		delete(edits, m.Migration.File)
	}
	for file, dependsOn := range edits {
		if err := rewriteFile(filepath.Join(dir, file), dependsOn); err != nil {
			return err
		}
	}
	return nil
}

func moveFile(from, to string, dependsOn map[string]string) error {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already", to)
	}
	if len(dependsOn) > 0 {
		if err := rewriteFile(from, dependsOn); err != nil {
			return err
		}
	}
	return os.Rename(from, to)
}

// rewriteFile puts a file in the place of the old one as a whole.
func rewriteFile(path string, dependsOn map[string]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".rebase-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(rebase.Rewrite(string(text), dependsOn))
	if err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (a *app) rebased(cmd *cobra.Command, t *target, r *rebase.Result, dry bool) error {
	if a.json() {
		moves := []map[string]any{}
		for _, m := range r.Moves {
			moves = append(moves, map[string]any{"from": m.Migration.File, "to": m.File})
		}
		edits := []map[string]any{}
		for _, e := range r.Edits {
			edits = append(edits, map[string]any{"file": e.File, "depends_on": e.DependsOn})
		}
		return a.document(cmd, t, map[string]any{"moves": moves, "depends_on": edits, "dry_run": dry})
	}
	if len(r.Moves) == 0 {
		fmt.Fprintln(a.Stdout, "Nothing to rebase: every number is free, and behind what is applied.")
		return nil
	}
	for _, m := range r.Moves {
		fmt.Fprintf(a.Stdout, "%s -> %s\n", render.Plain(m.Migration.File), render.Plain(m.File))
	}
	for _, e := range r.Edits {
		var said []string
		for from, to := range e.DependsOn {
			said = append(said, from+" is "+to)
		}
		slices.Sort(said)
		fmt.Fprintf(a.Stdout, "%s: depends_on %s\n", render.Plain(e.File), strings.Join(said, ", "))
	}
	if dry {
		fmt.Fprintln(a.Stdout, "Dry run: nothing was renamed.")
	}
	return nil
}

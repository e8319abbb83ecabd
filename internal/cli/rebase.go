package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
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
	var leave []string
	var offline, dry bool
	cmd := &cobra.Command{
		Use:   "rebase [FILE...]",
		Short: "Give one's own migrations numbers behind what a merge brought",
		Long: "After a merge, two files may have one number, or one's own come before what is applied. This gives one's own\n" +
			"new numbers behind the others, in the order that they had, and puts the new numbers into their depends_on headers.\n" +
			"What stands in the branch or commit of --onto keeps its number, or, without it, what stands in the branch that all\n" +
			"share (origin's default branch, main, master), and what is applied in the database. One's own that is applied and\n" +
			"cannot keep its number is named, with the command that takes it back first. With FILEs, all but these keep theirs,\n" +
			"and but what depends on them and has not run. Where two files have the number that a file depends on, and nothing\n" +
			"tells which it means, nothing is renamed: name that file too, or say with --leave that it means what stays.\n" +
			"Nothing in a file changes but that header. It takes no lock and writes to no database.",
		Example: "  dbwarden rebase --dry-run\n  dbwarden rebase --onto main\n  dbwarden rebase migrations/0007_mine.sql\n  dbwarden rebase --offline --onto origin/main",
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.Flags().StringVar(&onto, "onto", "", "what stands in this `BRANCH` or commit of git keeps its number")
	cmd.Flags().StringSliceVar(&leave, "leave", nil, "with files: this `FILE` depends on what keeps its number, and keeps its own; may be repeated")
	cmd.Flags().BoolVar(&offline, "offline", false, "ask no database what is applied; needs git, or files")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be renamed; rename nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.all {
			return &usageError{"rebase works on one folder", "name the database with -d instead of --all"}
		}
		if len(leave) > 0 && len(args) == 0 {
			return usagef("--leave means nothing without the files that are to get other numbers")
		}
		return a.each(cmd, wardenOptions{use: useFolder, folder: true}, func(ctx context.Context, t *target) error {
			g, err := a.ground(ctx, t, onto, offline, args, leave)
			if err != nil {
				return &runError{err: err, target: t}
			}
			r, err := a.rebasing(t, g)
			if err != nil {
				return &runError{err: err, target: t}
			}
			if !dry {
				if err := renumber(t.MigrationsDir, r); err != nil {
					return &runError{err: err, target: t}
				}
			}
			return a.rebased(cmd, t, g, r, dry)
		})
	}
	return cmd
}

// ground is what is known of whose a file is, and where it has run.
type ground struct {
	all     []*migration.Migration
	shared  map[string]string // what stands in a branch, by file: which
	onto    string            // as it was typed; "": the branches were found
	offline bool
	ran     map[string]int64 // what is applied here, by file: its place in the order of execution
	half    string           // what is half done here
	mine    map[string]bool  // the files that were named, and what goes along; empty: none were
	left    map[string]bool  // the files of --leave
}

func (a *app) ground(ctx context.Context, t *target, onto string, offline bool, args, leave []string) (g *ground, err error) {
	g = &ground{shared: map[string]string{}, onto: onto, offline: offline, ran: map[string]int64{}, mine: map[string]bool{}, left: map[string]bool{}}
	if g.all, err = migration.LoadLoose(os.DirFS(t.MigrationsDir), t.product.Engine.Lexis); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &folderError{t.MigrationsDir}
		}
		return nil, err
	}
	if onto == "" {
		g.findShared(ctx, t.MigrationsDir)
		if offline && len(args) == 0 && len(g.shared) == 0 {
			return nil, &usageError{"--offline knows neither what is applied nor what is yours", "add --onto BRANCH, or name your files"}
		}
	} else {
		names, err := inCommit(ctx, t.MigrationsDir, onto)
		if err != nil {
			return nil, err
		}
		g.share(onto, names)
	}
	if !offline {
		history, err := t.warden.History(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range history {
			if m := ranAs(g.all, r); m != nil {
				g.ran[m.File] = r.ID
			}
		}
		lock, err := t.warden.Lock(ctx)
		if err != nil {
			return nil, err
		}
		if e := lock.Unfinished; e != nil {
			g.half = e.File // the journal knows it by its version
			g.ran[e.File] = math.MaxInt64
		}
	}
	for _, arg := range slices.Concat(args, leave) {
		name := filepath.Base(arg)
		if !slices.ContainsFunc(g.all, func(m *migration.Migration) bool { return m.File == name && m.Kind == migration.Versioned }) {
			return nil, &usageError{fmt.Sprintf("%s: no such versioned migration in %s", arg, a.relative(t.MigrationsDir)), "name files of that folder; --migrations-dir names another one"}
		}
		if g.left[name] = slices.Contains(leave, arg); g.left[name] {
			if g.mine[name] {
				return nil, usagef("--leave %s: it is named among the files that are to get other numbers", arg)
			}
			continue
		}
		if onto != "" && g.shared[name] != "" {
			return nil, &usageError{fmt.Sprintf("%s keeps its number: it stands in %s", arg, onto), "name the file that does not, or leave out what it is rebased onto"}
		}
		g.mine[name] = true
	}
	return g, nil
}

// share notes what stands in a branch, of the files that are there.
func (g *ground) share(branch string, names []string) {
	for _, m := range g.all {
		if m.Kind == migration.Versioned && g.shared[m.File] == "" && slices.Contains(names, m.File) {
			g.shared[m.File] = branch
		}
	}
}

// findShared looks into the branches that a team shares. Git may not be there,
// and nobody has named a branch: what cannot be found out is left out.
func (g *ground) findShared(ctx context.Context, dir string) {
	for _, branch := range sharedBranches(ctx, dir) {
		if names, err := inCommit(ctx, dir, branch); err == nil {
			g.share(branch, names)
		}
	}
}

// twice says that another file which is shared has the number of this one, too:
// then it is not sharing that tells which of them is to keep it.
func (g *ground) twice(m *migration.Migration) bool {
	return slices.ContainsFunc(g.all, func(o *migration.Migration) bool {
		return o != m && o.Kind == migration.Versioned && o.Version.Equal(m.Version) && g.shared[o.File] != ""
	})
}

// rebasing plans.
func (a *app) rebasing(t *target, g *ground) (*rebase.Result, error) {
	ran := func(m *migration.Migration) bool { _, is := g.ran[m.File]; return is }
	shared := func(m *migration.Migration) bool { return g.shared[m.File] != "" }
	err := rebase.Along(g.all, g.mine, shared, ran, func(m *migration.Migration) bool { return g.left[m.File] })
	if unsure, ok := errors.AsType[*rebase.MeantError](err); ok {
		again := a.rebaseAgain()
		file := shellWord(t.path(unsure.File))
		return nil, &usageError{unsure.Error(), fmt.Sprintf("where it means %s, name it too: %s %s; where it means %s: %s --leave %s", unsure.Moves, again, file, unsure.Stays, again, file)}
	}
	var stuck []rebase.Stuck
	if len(g.mine) == 0 {
		stuck = rebase.Applied(g.all, shared, ran)
	}
	for _, m := range g.all {
		if g.mine[m.File] && ran(m) {
			stuck = append(stuck, rebase.Stuck{Migration: m})
		}
	}
	if len(stuck) > 0 {
		slices.SortStableFunc(stuck, func(x, y rebase.Stuck) int {
			return cmp.Compare(g.ran[x.Migration.File], g.ran[y.Migration.File])
		})
		return nil, &appliedError{stuck, g, t}
	}
	r, err := rebase.Plan(g.all, func(m *migration.Migration) bool {
		if len(g.mine) > 0 {
			return !g.mine[m.File]
		}
		return ran(m) || shared(m) && (g.onto != "" || !g.twice(m))
	}, a.behind)
	if unsure, ok := errors.AsType[*rebase.AmbiguousError](err); ok {
		return nil, &usageError{unsure.Error(), fmt.Sprintf("name the one that is yours: dbwarden rebase %s; or the branch in which the others' stands: dbwarden rebase --onto BRANCH", shellWord(t.path(unsure.B)))}
	}
	if both, ok := errors.AsType[*rebase.TwiceError](err); ok {
		return nil, &usageError{both.Error(), fmt.Sprintf("name the one that has run in fewer places, say: dbwarden rebase %s; where it has run, it says how it is taken back first", shellWord(t.path(both.B)))}
	}
	return r, err
}

// appliedError says that what is one's own is applied here, and cannot keep its
// number, the first that ran first.
type appliedError struct {
	stuck []rebase.Stuck
	g     *ground
	t     *target
}

func (e *appliedError) Error() string {
	s := e.stuck[0]
	applied := "is applied in this database"
	if s.Migration.File == e.g.half {
		applied = "is half done in this database"
	}
	more := ""
	if n := len(e.stuck) - 1; n > 0 {
		more = fmt.Sprintf(", and so it is with %d more", n)
	}
	switch {
	case s.By == nil:
		return fmt.Sprintf("%s %s, which knows it by its number%s", s.Migration.File, applied, more)
	case s.Same:
		return fmt.Sprintf("%s and %s have the same number: %s stands in %s and keeps it, and %s %s%s", s.By.File, s.Migration.File, s.By.File, e.g.shared[s.By.File], s.Migration.File, applied, more)
	}
	return fmt.Sprintf("%s comes before %s, which stands in %s, so that it is late wherever that has run; and it %s%s", s.Migration.File, s.By.File, e.g.shared[s.By.File], applied, more)
}

// appliedHere says what comes before a rebase.
func (a *app) appliedHere(d *description, e *appliedError) {
	s := e.stuck[0]
	file := shellWord(e.t.path(s.Migration.File))
	back := "dbwarden rollback --through " + file
	if s.Migration.File == e.g.half {
		back = "dbwarden unlock, where the lock is held, and: " + back
	}
	again := a.rebaseAgain()
	d.File = e.t.path(s.Migration.File)
	d.State = []string{"no file was renamed"}
	d.Next = []string{
		"take it back here, and what ran after it: " + back,
		"then: " + again + ", and: dbwarden migrate",
	}
	if s.Same {
		d.Next = append(d.Next, fmt.Sprintf("or, where %s has run in production and %s nowhere: dbwarden rebase %s", s.Migration.File, s.By.File, shellWord(e.t.path(s.By.File))))
	}
}

// rebaseAgain is the command that was typed, with its files.
func (a *app) rebaseAgain() string {
	again := a.again("rebase", "", "dry-run")
	if a.running != nil {
		for _, arg := range a.running.Flags().Args() {
			again += " " + shellWord(arg)
		}
	}
	return again
}

// ranAs finds the file that left a row in the history: of several with its
// version see plan.Ran; one alone may have another name, and have changed.
func ranAs(all []*migration.Migration, r journal.Revision) *migration.Migration {
	var of []*migration.Migration
	for _, m := range all {
		if m.Kind == migration.Versioned && m.Version.Equal(r.Version) {
			of = append(of, m)
		}
	}
	if len(of) == 1 {
		return of[0]
	}
	return plan.Ran(of, &r)
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

func (a *app) rebased(cmd *cobra.Command, t *target, g *ground, r *rebase.Result, dry bool) error {
	warnings := []string{}
	if g.offline {
		warnings = append(warnings, "--offline: no database was asked what is applied; where a file that gets another number has run, status and migrate say so, and how it is taken back")
	}
	kept := g.kept(r)
	if w := a.unshared(t, g, r); w != "" {
		warnings = append(warnings, w)
	}
	if a.json() {
		moves := []map[string]any{}
		for _, m := range r.Moves {
			moves = append(moves, map[string]any{"from": m.Migration.File, "to": m.File})
		}
		edits := []map[string]any{}
		for _, e := range r.Edits {
			edits = append(edits, map[string]any{"file": e.File, "depends_on": e.DependsOn})
		}
		stays := []map[string]any{}
		for _, k := range kept {
			stays = append(stays, map[string]any{"file": k.file, "why": k.why})
		}
		return a.document(cmd, t, map[string]any{"moves": moves, "depends_on": edits, "kept": stays, "warnings": warnings, "dry_run": dry})
	}
	for _, w := range warnings {
		a.warn(w)
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
	for _, k := range kept {
		fmt.Fprintf(a.Stdout, "%s keeps its number: %s\n", render.Plain(k.file), render.Plain(k.why))
	}
	if dry {
		fmt.Fprintln(a.Stdout, "Dry run: nothing was renamed.")
	}
	return nil
}

// unshared warns where a database alone has told which of two with one number
// keeps it: another one may have run the other.
func (a *app) unshared(t *target, g *ground, r *rebase.Result) string {
	if len(g.shared) > 0 || len(g.mine) > 0 {
		return ""
	}
	for _, m := range r.Moves {
		for _, o := range g.all {
			if _, ran := g.ran[o.File]; ran && o.Kind == migration.Versioned && o.Version.Equal(m.Migration.Version) {
				own := shellWord(t.path(o.File))
				return a.typed(t, fmt.Sprintf("git tells of no branch that others share, so that %s keeps its number for being applied here. Has another database run %s by its old one, give it that name back, and: dbwarden rollback --through %s, then: dbwarden rebase %s",
					o.File, m.Migration.File, own, own))
			}
		}
	}
	return ""
}

// keeps is a file whose number another one had, too, and why it keeps it.
type keeps struct{ file, why string }

func (g *ground) kept(r *rebase.Result) (all []keeps) {
	moved := map[string]bool{}
	for _, m := range r.Moves {
		moved[m.Migration.File] = true
	}
	for _, m := range g.all {
		same := func(o rebase.Move) bool { return o.Migration.Version.Equal(m.Version) }
		if m.Kind != migration.Versioned || moved[m.File] || !slices.ContainsFunc(r.Moves, same) {
			continue
		}
		why := "it was not named"
		_, ran := g.ran[m.File]
		switch {
		case m.File == g.half:
			why = "it is half done in this database"
		case ran:
			why = "it is applied in this database"
		case g.shared[m.File] != "":
			why = "it stands in " + g.shared[m.File]
		}
		all = append(all, keeps{m.File, why})
	}
	return all
}

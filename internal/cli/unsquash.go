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

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/fleet"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/internal/squash"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// keeping is squash --undo and squash --prune: which of the two, the squashed file
// or those that it replaces, is to go. Files are deleted last, when every
// database that was named goes by what stays.
type keeping struct {
	*app
	f       *squashFlags
	version migration.Version // zero: the only one there is

	doomed []doomed
	looked []again
	locks  folderLocks
}

// doomed are the files of one folder that are to go, and those that take their
// place.
type doomed struct {
	dir          string
	files, heirs []string
}

// again is how a database is looked at once more, its files being hidden.
type again struct {
	t  *target
	do func(context.Context) error
}

func (a *app) keep(cmd *cobra.Command, f *squashFlags, version migration.Version) error {
	k := &keeping{app: a, f: f, version: version}
	flag := "--undo"
	if f.prune {
		flag = "--prune"
	}
	if !f.yes && !f.dry && !a.asks() {
		return &usageError{"squash " + flag + " asks before it deletes a file, and there is nobody to ask", "look at it with: dbwarden squash " + flag + " --dry-run; then: dbwarden squash " + flag + " --yes"}
	}
	targets, err := a.chosen(cmd, useEach)
	if err == nil && !f.offline {
		err = a.neighbours(targets, flag)
	}
	if err != nil {
		return err
	}
	defer k.locks.release()
	var passed []error
	err = a.inTurn(cmd, targets, wardenOptions{folder: true, wait: &f.wait, observe: a.observer(words{})}, func(ctx context.Context, t *target) error {
		do := k.undo
		if f.prune {
			do = k.look
		}
		err := do(ctx, cmd, t)
		if err == nil {
			return nil
		}
		err = &runError{err: err, target: t}
		if _, none := errors.AsType[*noSquashedError](err); none && a.all {
			passed = append(passed, err) // its folder is another one
			return nil
		}
		return err
	})
	if err == nil && len(passed) == len(targets) && len(targets) > 0 {
		return passed[0]
	}
	if err != nil || f.dry || len(k.doomed) == 0 {
		return err
	}
	return k.leave(cmd.Context())
}

// neighbours refuses where databases of warden.toml that nobody looks into read the
// folder of those that are meant: what leaves it is missing there, or never ran.
func (a *app) neighbours(meant []fleet.Target, flag string) error {
	c, err := a.loadFolders()
	if err != nil {
		return err
	}
	var others []string
	dir := ""
	for _, d := range c.Databases {
		i := slices.IndexFunc(meant, func(t fleet.Target) bool {
			return t.Database.MigrationsDir == d.MigrationsDir || sameFolder(t.Database.MigrationsDir, d.MigrationsDir)
		})
		switch known := slices.ContainsFunc(meant, func(t fleet.Target) bool { return t.Database.Name == d.Name }); {
		case i < 0:
			continue
		case !known:
			others = append(others, render.Name(d.Name))
		case len(a.targets) > 0:
			others = append(others, "the other [targets]")
		default:
			continue
		}
		dir = a.relative(meant[i].Database.MigrationsDir)
	}
	if len(others) == 0 {
		return nil
	}
	return &usageError{fmt.Sprintf("squash %s takes files from %s, which is read for %s of warden.toml too, and would look into none of them", flag, dir, strings.Join(first(others, 8), ", ")),
		"all at once: dbwarden squash " + flag + " --all"}
}

// noSquashedError says that a folder has no squashed migration of the kind that is
// meant.
type noSquashedError struct{ *usageError }

func (e *noSquashedError) Unwrap() error { return e.usageError }

// leave has the files go, or none of them.
func (k *keeping) leave(ctx context.Context) (err error) {
	defer func() {
		if err == nil {
			return
		}
		for _, d := range k.doomed {
			left, e := hidden(d.dir)
			left = slices.DeleteFunc(left, func(name string) bool { return !slices.Contains(d.files, name) }) // others are another call's
			err = errors.Join(err, e, unhide(d.dir, left))
		}
	}()
	for _, d := range k.doomed {
		if err := hide(d.dir, d.files); err != nil {
			return err
		}
		// --undo and --prune may run at once: each hides its files before it looks
		// for those of the other one, so that never both delete.
		for _, name := range d.heirs {
			if _, err := os.Lstat(filepath.Join(d.dir, name)); err != nil {
				return fmt.Errorf("no file was deleted: what takes their place went meanwhile: %w", err)
			}
		}
	}
	for _, one := range k.looked {
		err := k.free(ctx, one.t)
		if err == nil {
			err = one.do(ctx)
		}
		if err != nil {
			return &runError{err: fmt.Errorf("no file was deleted: %w", err), target: one.t}
		}
	}
	for _, d := range k.doomed {
		for _, name := range d.files {
			if err := os.Remove(filepath.Join(d.dir, leavingName(name))); err != nil {
				return fmt.Errorf("%s was not deleted, since another call put it back or deleted it: %w", k.relative(filepath.Join(d.dir, name)), err)
			}
		}
		if !k.json() && !k.quiet {
			fmt.Fprintf(k.Stderr, "Deleted %s from %s.\n", counted(len(d.files), "file"), k.relative(d.dir))
		}
	}
	return nil
}

// wholeFolder is the folder of a database, with what a call of --undo or
// --prune that was killed has hidden in it: put back, or, for a dry run, only seen.
func wholeFolder(t *target, dry bool) (fs.FS, error) {
	if !dry {
		left, err := hidden(t.MigrationsDir)
		if err == nil {
			err = unhide(t.MigrationsDir, left)
		}
		if err != nil {
			return nil, err
		}
	}
	return whole{os.DirFS(t.MigrationsDir)}, nil
}

// folder reads it, and keeps other calls out of it until the end of this one.
func (k *keeping) folder(ctx context.Context, t *target) (fs.FS, *migration.Set, error) {
	if !k.f.dry {
		if err := k.locks.take(ctx, t); err != nil {
			return nil, nil, err
		}
	}
	folder, err := wholeFolder(t, k.f.dry)
	if err != nil {
		return nil, nil, err
	}
	set, err := t.wants.Load(folder)
	return folder, set, err
}

// knowing is a target's warden that goes by this reading of the folder, whatever is
// hidden meanwhile.
func (t *target) knowing(set *migration.Set) (*dbwarden.Warden, error) {
	wants := t.wants
	wants.Loaded = set
	return dbwarden.New(wants)
}

// squashed is the squashed migration that is meant.
func (k *keeping) squashed(set *migration.Set) (*migration.Migration, error) {
	var all []*migration.Migration
	var names []string
	for _, m := range set.Migrations {
		if len(m.Header.Replaces) == 0 || k.version.IsZero() && set.Replacer(m.Version) != nil || !k.version.IsZero() && !m.Version.Equal(k.version) {
			continue
		}
		all, names = append(all, m), append(names, m.Version.String())
	}
	switch {
	case len(all) == 1 && set.Replacer(all[0].Version) != nil:
		return nil, &usageError{all[0].File + " is replaced by " + set.Replacer(all[0].Version).File, "that one first: " + set.Replacer(all[0].Version).Version.String()}
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return nil, &usageError{"several files stand for others: versions " + strings.Join(names, ", "), "name one of them behind the flag"}
	case k.version.IsZero():
		return nil, &noSquashedError{&usageError{"no file stands for others (header replaces)", "dbwarden squash writes one"}}
	}
	return nil, &noSquashedError{&usageError{fmt.Sprintf("version %s is no file that stands for others (header replaces)", k.version), "dbwarden status lists the versions"}}
}

// goes notes that files are to go, in each folder once.
func (k *keeping) goes(dir string, files, heirs []string) {
	if !slices.ContainsFunc(k.doomed, func(d doomed) bool { return d.dir == dir }) {
		k.doomed = append(k.doomed, doomed{dir, files, heirs})
	}
}

// undo has one database go by the old files again.
func (k *keeping) undo(ctx context.Context, cmd *cobra.Command, t *target) error {
	_, set, err := k.folder(ctx, t)
	if err != nil {
		return err
	}
	m, err := k.squashed(set)
	if err != nil {
		return err
	}
	// The same refusal as under the lock where a file is gone, before anybody is asked.
	if _, _, err := plan.Unsquash(set, journal.NewHistory(nil, nil), m.Version); err != nil {
		return err
	}
	lost := []string{t.path(m.File) + ", which is deleted; what it did in databases stays, as the work of " + counted(len(m.Header.Replaces), "old file")}
	if err := k.confirmed(ctx, lost, "Take it back?"); err != nil {
		return err
	}
	restored := []*migration.Migration{}
	if !k.f.offline && !k.f.dry {
		res, err := t.warden.Unsquash(ctx, m.Version)
		k.letStop()
		if err != nil {
			return err
		}
		restored = append(restored, res.Completed...)
		warden, err := t.knowing(set)
		if err != nil {
			return err
		}
		k.looked = append(k.looked, again{t, func(ctx context.Context) error {
			_, err := warden.Unsquash(ctx, m.Version)
			k.letStop()
			return err
		}})
	}
	heirs := []string{}
	for _, r := range m.Header.Replaces {
		heirs = append(heirs, set.Find(r.Version).File)
	}
	k.goes(t.MigrationsDir, []string{m.File}, heirs)
	if k.json() {
		return k.document(cmd, t, map[string]any{"undone": m.File, "dry_run": k.f.dry, "in_history": migrationsOf(restored), "deleted": []string{m.File}})
	}
	if k.f.dry {
		fmt.Fprintf(k.Stdout, "Would delete %s.\nDry run: nothing was changed.\n", k.relative(t.path(m.File)))
		return nil
	}
	what := "The history did not know it"
	if len(restored) > 0 {
		what = "The history goes by the old files again"
	}
	fmt.Fprintln(k.Stdout, k.app.style(k.Stdout).Good("Taken back: "+render.Plain(m.File)+". "+what+"; nothing was run."))
	return nil
}

// confirmed asks on a terminal, where it is not said beforehand.
func (k *keeping) confirmed(ctx context.Context, lost []string, question string) error {
	if k.f.yes || k.f.dry {
		return nil
	}
	k.showLosses(lost)
	return k.agreed(ctx, question, "nothing was deleted")
}

// look finds out whether one database needs the old files no more.
func (k *keeping) look(ctx context.Context, cmd *cobra.Command, t *target) error {
	folder, set, err := k.folder(ctx, t)
	if err != nil {
		return err
	}
	m, err := k.squashed(set)
	if err != nil {
		return err
	}
	old := []string{}
	for _, v := range migration.Versions(m.Header.Replaces) {
		if one := set.Find(v); one != nil {
			old = append(old, one.File)
		}
	}
	slices.Reverse(old) // from the end: what is left of a killed prune is a beginning
	if !k.f.offline {
		warden, err := t.knowing(set)
		if err != nil {
			return err
		}
		needless := func(ctx context.Context) error { return k.needless(ctx, t, warden, set, m) }
		if err := needless(ctx); err != nil {
			return err
		}
		k.looked = append(k.looked, again{t, needless})
	}
	notProven := []string{}
	if whole := squash.Of(set, m); whole != nil {
		s := &squashing{app: k.app, t: t, f: k.f, folder: folder, set: set, of: whole, name: m.File}
		if err := s.proveAgain(ctx, m); err != nil {
			return err
		}
		if notProven = s.maskedAll(s.open); !k.json() {
			s.showNotProven()
		}
	}
	if len(old) > 0 {
		lost := append([]string{"the way back to what was there before the squash, and file by file: these are deleted"}, first(old, 8)...)
		if err := k.confirmed(ctx, lost, fmt.Sprintf("Delete %s?", counted(len(old), "old file"))); err != nil {
			return err
		}
		k.goes(t.MigrationsDir, old, []string{m.File})
	}
	if k.json() {
		return k.document(cmd, t, map[string]any{"squashed": m.File, "dry_run": k.f.dry, "deleted": old, "not_proven": notProven})
	}
	switch {
	case len(old) == 0:
		fmt.Fprintln(k.Stdout, "Nothing to delete: of what "+render.Plain(m.File)+" replaces no file is there.")
	case k.f.dry:
		fmt.Fprintf(k.Stdout, "Would delete %s:\n  %s\nDry run: nothing was changed.\n", counted(len(old), "file"), render.Plain(strings.Join(old, "\n  ")))
	default:
		fmt.Fprintf(k.Stdout, "%s stands for them here.\n", render.Plain(m.File))
	}
	if len(old) > 0 && !k.quiet { // as JSON it has returned
		fmt.Fprintln(k.Stderr, k.app.style(k.Stderr).Warn(render.Plain(k.typed(t, behindPrune(m)))))
	}
	return nil
}

// behindPrune is what a rollback is without the old files: no longer one of the
// last of them.
func behindPrune(m *migration.Migration) string {
	if !m.Rollback.Present {
		return "Without them dbwarden rollback takes none of them back: " + m.File + " has no rollback section."
	}
	return fmt.Sprintf("Without them dbwarden rollback takes all of %s back as one, %s with their tables and rows, also where they ran one by one; it asks before.",
		m.File, counted(len(migration.Versions(m.Header.Replaces)), "migration"))
}

// needless refuses where a database has yet to run some of the old files.
func (k *keeping) needless(ctx context.Context, t *target, warden *dbwarden.Warden, set *migration.Set, m *migration.Migration) error {
	st, err := warden.Status(ctx)
	if errors.Is(err, engine.ErrNoDatabase) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range st.Migrations {
		by := set.Replacer(parsed(s.Version))
		if s.File != m.File && by != m || s.State == "applied" || s.State == "pending" && s.File == m.File || s.State == "replaced" {
			continue
		}
		next := "dbwarden migrate, and then again"
		if s.State == "changed" {
			next = "dbwarden status shows how it differs from what ran"
		}
		return &usageError{fmt.Sprintf("%s needs the old files still: %s is %s", t.db.Label(), s.File, strings.ReplaceAll(string(s.State), "_", " ")), next}
	}
	return nil
}

func parsed(version string) migration.Version {
	v, _ := migration.ParseVersion(version) // zero of a repeatable one
	return v
}

// first are so many of a list, and how many more there are.
func first(all []string, n int) []string {
	if len(all) <= n {
		return all
	}
	return append(slices.Clone(all[:n]), fmt.Sprintf("and %d more", len(all)-n))
}

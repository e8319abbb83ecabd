package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/render"
)

func (a *app) restoreCommand() *cobra.Command {
	var yes bool
	var wait waitFlags
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup back in place of what is in the database",
		Long: "Replaces what is in the database, the history of migrations included, by what is in a backup that migrate -b made.\n" +
			"A backup of one schema (postgres_schema) goes back under that schema's name, into this database or another one.\n" +
			"The checksum is verified first. It asks before it overwrites anything; --yes says so beforehand. It holds the lock\n" +
			"for its whole run, and takes over the lock of a run that is gone or failed.",
		Example: "  dbwarden restore backups/20261126T145012.345Z_shop_0012.dump\n  dbwarden restore --yes backups/20261126T145012.345Z_shop_0012.dump",
		Args:    oneArg("backup"),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "overwrite what is there without asking")
	wait.addWait(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := wait.check(cmd); err != nil {
			return err
		}
		if a.all {
			return usagef("--all: a backup is of one database")
		}
		path := a.inDir(args[0])
		show := a.observer(words{})
		var run atomic.Value // the id of the restore, once it has one
		observe := func(e event.Event) {
			run.Store(e.Run)
			show(e)
		}
		return a.each(cmd, wardenOptions{use: useOne, wait: &wait, observe: observe}, func(ctx context.Context, t *target) error {
			r := &restoring{app: a, t: t, name: args[0], show: func(e event.Event) {
				e.Run, _ = run.Load().(string)
				show(e)
			}}
			res, err := r.run(ctx, path, yes)
			a.letStop()
			if err != nil {
				return &runError{err: err, target: t, file: args[0]}
			}
			if a.json() {
				return a.document(cmd, t, res)
			}
			fmt.Fprintln(a.Stdout, a.style(a.Stdout).Good(fmt.Sprintf("Restored %s from %s: %s, as it was at %s.", r.file.Scope, filepath.Base(path), r.newest(), shownTime(r.file.Made))))
			return nil
		})
	}
	return cmd
}

// restoring is one run of restore.
type restoring struct {
	*app
	t    *target
	name string // as it was typed
	file *backup.File
	show event.Observer
}

func (r *restoring) newest() string {
	if r.file.Version == "" {
		return "no version applied"
	}
	return "newest version " + r.file.Version
}

func (r *restoring) run(ctx context.Context, path string, yes bool) (map[string]any, error) {
	began := time.Now()
	var err error
	if r.file, err = backup.Open(path); err != nil {
		return nil, err
	}
	e := r.t.product.Engine
	if r.file.Engine != e.Name {
		return nil, &dbwarden.UnfitTargetError{Why: fmt.Sprintf("%s is a backup of %s, and this database is %s", r.name, r.file.Product, e.Title)}
	}
	from, err := os.Open(r.file.Path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if err := r.file.Verify(ctx, from, r.progress("checksum")); err != nil {
		return nil, err
	}
	things, server, err := r.t.warden.Holds(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.t.warden.Fits(r.file.Schema, server); err != nil {
		return nil, err
	}
	if err := r.consent(ctx, things, server, yes); err != nil {
		return nil, err
	}
	err = r.t.warden.Restore(ctx, dbwarden.Restoration{Name: filepath.Base(path), From: from, Run: backup.Run, Schema: r.file.Schema, Progress: r.progress("")})
	if err != nil {
		return nil, err
	}
	return map[string]any{"restored": true, "backup": backupDocument(r.file), "elapsed_ms": time.Since(began).Milliseconds()}, nil
}

// consent asks whether what is there may be lost.
func (r *restoring) consent(ctx context.Context, things []string, server engine.Server, yes bool) error {
	if len(things) == 0 {
		return nil
	}
	scope := r.t.product.Engine.Backup.Scope(r.t.db, server)
	if scope != r.file.Scope {
		return &dbwarden.UnfitTargetError{Why: fmt.Sprintf("%s is a backup of %s, and this database is %s and not empty (%s)", r.name, r.file.Scope, scope, some(things))}
	}
	if yes {
		return nil
	}
	if !r.asks() {
		return &usageError{"the database is not empty (" + some(things) + "), and nobody can be asked whether it may be overwritten", "overwrite it: dbwarden restore --yes " + shellWord(r.name)}
	}
	st := r.style(r.Stderr)
	fmt.Fprintf(r.Stderr, "%s holds %s.\n", st.Bold(r.masked(r.t.db.Label())), render.Plain(some(things)))
	fmt.Fprintf(r.Stderr, "%s goes back to how it was at %s (%s).\n", st.Bold("All of it"), shownTime(r.file.Made), r.newest())
	return r.agreed(ctx, st.Bad("Whatever came since is lost.")+" Overwrite it?", "not restored")
}

// some names a few of many.
func some(things []string) string {
	const most = 3
	if n := len(things); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(things[:most], ", "), n-most)
	}
	return strings.Join(things, ", ")
}

// progress tells of a long restore once a second.
func (r *restoring) progress(what string) func(done, of int64) {
	began, last := time.Now(), time.Now()
	return func(done, of int64) {
		now := time.Now()
		if now.Sub(last) < time.Second {
			return
		}
		last = now
		r.show.Emit(event.Event{Kind: event.RestoreRunning, Database: r.t.Name, File: filepath.Base(r.file.Path), Bytes: done, OfBytes: of, Elapsed: now.Sub(began), Detail: what})
	}
}

// notRestored says what became of the database.
func (a *app) notRestored(d *description, t *target, file string, e *dbwarden.RestoreError) {
	d.Code = "restore"
	var unit *engine.UnitError
	if errors.As(e.Err, &unit) && unit.Part == engine.PartStatement && unit.Statement.Text != "" {
		d.Statement = clipStatement(unit.Statement.Text)
		d.Message = fmt.Sprintf("restore %s: %v (in %s)", e.Name, unit.Err, render.Shorten(render.OneLine(d.Statement), 60))
	}
	var none *engine.NoProgramError
	switch {
	case e.Touched:
		d.State = []string{"the database is in pieces: some of what was there is gone, and not all of the backup is back", "the lock is kept, and nothing migrates before a restore has come to its end"}
		d.Next = []string{"see to the cause, then again: dbwarden restore --yes " + shellWord(file)}
	case errors.As(e.Err, &none):
		d.Code = "no_client_program"
		d.State = []string{"nothing was changed"}
		d.Next = []string{"install " + none.Names[0] + ", which comes with the client programs of the database"}
	default:
		d.State = []string{"nothing was changed: the database is as it was"}
		d.Next = []string{"see to the cause, then again: dbwarden restore " + shellWord(file)}
	}
	if t != nil {
		if f := t.product.Engine.Fault(e.Err); f.Detail != "" || f.Hint != "" {
			d.Server = map[string]string{"detail": f.Detail, "hint": f.Hint}
		}
	}
}

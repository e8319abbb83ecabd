package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/render"
)

// backupFlags say whether a run begins with a backup, and where it goes.
type backupFlags struct {
	on  bool
	dir string
}

func (f *backupFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.on, "with-backup", "b", false, "copy the database into a file before the first migration; no backup, no run")
	cmd.Flags().StringVar(&f.dir, "backup-dir", "", "the `FOLDER` for backups (default: backups, beside warden.toml)")
}

func (f *backupFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("backup-dir") && strings.TrimSpace(f.dir) == "" {
		return usagef("--backup-dir: the value is empty")
	}
	if f.dir != "" && !f.on {
		return &usageError{"--backup-dir says where a backup goes, and none is asked for", "ask for it with -b (--with-backup)"}
	}
	return nil
}

// before is the hook that makes the backup; nil where none is asked for.
func (f *backupFlags) before(a *app) func(*target) func(context.Context, dbwarden.Before) error {
	if !f.on {
		return nil
	}
	return func(t *target) func(context.Context, dbwarden.Before) error {
		return func(ctx context.Context, b dbwarden.Before) error {
			dir := a.inDir(cmp.Or(f.dir, "backups"))
			if f.dir == "" && a.loaded != "" {
				dir = filepath.Join(filepath.Dir(a.loaded), "backups")
			}
			o := backup.Options{Engine: t.product.Engine, Database: t.db, Dir: dir, Now: a.Now}
			if t.product.Engine.Caps.File {
				o.Name = t.Target // files in several folders may have one name
			}
			var err error
			t.backup, err = backup.Take(ctx, o, b)
			return err
		}
	}
}

// backupDocument is a backup for machines.
func backupDocument(f *backup.File) map[string]any {
	return map[string]any{"file": f.Path, "bytes": f.Bytes, "sha256": f.Sum, "database": f.Scope, "version": f.Version, "made_at": jsonTime(f.Made), "run": f.Run}
}

// noBackup says why a run did not begin.
func (a *app) noBackup(d *description, t *target, e *backup.Error) {
	d.Code = "backup"
	d.State = []string{"nothing was run; the lock is released"}
	again, bare := a.again("migrate", ""), a.again("migrate", "", "with-backup", "backup-dir")
	var (
		none *engine.NoProgramError
		old  *engine.OldProgramError
		room *backup.RoomError
		prog *engine.ProgramError
	)
	switch {
	case errors.As(e.Err, &none):
		d.Code = "no_client_program"
		d.Next = []string{"install " + none.Names[0] + ", which comes with the client programs of the database", "or run without a backup: " + bare}
	case errors.As(e.Err, &old):
		d.Code = "old_client_program"
		d.Next = []string{fmt.Sprintf("install %s of version %s or newer, and put it first in PATH", old.Name, old.Server), "or run without a backup: " + bare}
	case errors.As(e.Err, &room), errors.Is(e.Err, syscall.ENOSPC), t != nil && t.product.Engine.Fault(e.Err).Kind == engine.Full:
		d.Code = "disk_full"
		d.Next = []string{"make room, or name another folder with --backup-dir: " + a.again("migrate", " --backup-dir FOLDER", "backup-dir")}
	case errors.As(e.Err, &prog):
		d.Next = []string{"see what the program says above; then again: " + again}
	default:
		d.Next = []string{"again: " + again}
	}
}

// wayBack says of a run that failed which backup was made before it.
func (a *app) wayBack(d *description, run *runError) {
	if run == nil || run.backup == nil {
		return
	}
	file := render.Plain(a.relative(run.backup.Path))
	d.State = append(d.State, "a backup from before this run is in "+file)
	d.Next = append(d.Next, "or go back to how everything was before this run: dbwarden restore "+shellWord(file))
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/migration"
)

func (a *app) exportCommand() *cobra.Command {
	var to string
	var leave []string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "export --to TOOL DIR",
		Short: "Write the migrations in the format of another tool",
		Long: "Writes the migrations of the migrations folder into the folder DIR in the format of another tool, with its directives. It\n" +
			"overwrites nothing. What that tool cannot express is named with file and line, and then nothing is written. The history\n" +
			"stays where it is.\n\n" +
			"TOOL is goose, golang-migrate or flyway.",
		Example: "  dbwarden export --to goose db/migrations\n  dbwarden export --to flyway sql --dry-run",
		Args:    oneArg("folder"),
	}
	cmd.Flags().StringVar(&to, "to", "", "the `TOOL` whose format is written: goose, golang-migrate or flyway")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be written, and write nothing")
	cmd.Flags().StringArrayVar(&leave, "leave", nil, "`FILE` of the migrations folder that is not wanted. May be repeated")
	cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(foreign.OutletNames(), cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := toolOf(to, foreign.OutletNames(), "to")
		if err != nil {
			return err
		}
		if a.all {
			return &usageError{"export writes one folder, of one database", "name the database with -d instead of --all"}
		}
		return a.each(cmd, wardenOptions{use: useFolder, folder: true}, func(_ context.Context, t *target) error {
			if err := a.export(cmd, t, foreign.FindOutlet(name), a.inDir(args[0]), leave, dryRun); err != nil {
				return &runError{err: err, target: t}
			}
			return nil
		})
	}
	return cmd
}

func (a *app) export(cmd *cobra.Command, t *target, to *foreign.Outlet, dir string, leave []string, dryRun bool) error {
	if sameFolder(dir, t.MigrationsDir) {
		return &usageError{a.relative(dir) + " is the migrations folder itself", "name another folder"}
	}
	files, notes, err := foreign.Export(to, os.DirFS(t.MigrationsDir), foreign.ExportOptions{Engine: t.product.Engine, Leave: leave})
	var bad migration.Problems
	if errors.As(err, &bad) {
		for i := range bad {
			bad[i].File = t.path(bad[i].File)
		}
		return &importError{bad}
	}
	if err != nil {
		return err
	}
	states := make([]string, len(files))
	for i, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name))
		switch states[i] = "created"; {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case string(text) != f.Text:
			bad = append(bad, migration.Problem{File: a.relative(filepath.Join(dir, f.Name)), Msg: "is there already, and is another"})
		default:
			states[i] = "kept"
		}
	}
	if len(bad) > 0 {
		return &importError{bad}
	}
	if !dryRun {
		var create []written
		for i, f := range files {
			if states[i] == "created" {
				create = append(create, written{filepath.Join(dir, f.Name), f.Text})
			}
		}
		if err := a.writeAll(cmd.Context(), dir, create); err != nil {
			return err
		}
	}
	for i, n := range notes {
		notes[i].File = t.path(n.File)
	}
	if a.json() {
		list := []map[string]any{}
		for i, f := range files {
			doc := map[string]any{"file": a.relative(filepath.Join(dir, f.Name)), "from": t.path(f.From), "state": states[i]}
			if dryRun {
				doc["text"] = a.masked(f.Text)
			}
			list = append(list, doc)
		}
		return a.document(cmd, t, map[string]any{"tool": to.Name, "dry_run": dryRun, "files": list, "notes": append([]foreign.Note{}, notes...)})
	}
	a.notes(notes)
	st := a.style(a.Stdout)
	for i, f := range files {
		name := a.relative(filepath.Join(dir, f.Name))
		if dryRun {
			fmt.Fprintf(a.Stdout, "%s\n%s\n", st.Bold("-- "+name), st.SQL(render.Plain(a.masked(f.Text))))
		} else {
			fmt.Fprintf(a.Stdout, "%s %s\n", states[i], name)
		}
	}
	if dryRun {
		fmt.Fprintln(a.Stdout, "Dry run: nothing was written.")
		return nil
	}
	kept := 0
	for _, s := range states {
		if s == "kept" {
			kept++
		}
	}
	switch {
	case kept == 0:
		fmt.Fprintf(a.Stdout, "Written for %s: %d files.\n", to.Title, len(files))
	case kept == len(files):
		fmt.Fprintf(a.Stdout, "Nothing was written for %s: all %d files are there, and the same.\n", to.Title, kept)
	default:
		fmt.Fprintf(a.Stdout, "Written for %s: %d files; %d were there, and the same.\n", to.Title, len(files)-kept, kept)
	}
	return nil
}

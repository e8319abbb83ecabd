package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/handbook"
	"github.com/dbwarden-go/dbwarden/schema"
)

func (a *app) docsCommand() *cobra.Command {
	var f drawnFlags
	var check bool
	cmd := &cobra.Command{
		Use:   "docs [models|migrations]",
		Short: "Write the schema as a Markdown page",
		Long: "Writes tables, views, types, routines and all else of a schema as a Markdown page, with a Mermaid diagram: of the live\n" +
			"schema, of the one that the models describe, or of the one that the migrations make in a scratch database. The live\n" +
			"database is only looked at. The same schema gives the same page, so that git shows what changed.\n\n" +
			"--check writes nothing, and exits with 6 when --file is not what would be written.",
		Example:     "  dbwarden docs --file docs/schema.md\n  dbwarden docs migrations --file docs/schema.md --check",
		Annotations: map[string]string{formats: "markdown"},
		Args:        cobra.MaximumNArgs(1),
		ValidArgs:   drawnArgs,
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; exit with 6 when the file is out of date")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if check && f.file == "" {
			return &usageError{"--check wants --file", "name the file that is to be up to date"}
		}
		return a.picture(cmd, f, args, func(_ context.Context, t *target, state *schema.State) error {
			if err := seen(t, state); err != nil {
				return err
			}
			text := handbook.Page(state, f.tables)
			if !check {
				return a.put(f.file, text)
			}
			old, err := os.ReadFile(a.inDir(f.file))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				fmt.Fprintf(a.Stdout, "%s is not there.\n", f.file)
			case err != nil:
				return err
			case string(old) != text:
				fmt.Fprintf(a.Stdout, "%s is out of date.\n", f.file)
			default:
				fmt.Fprintf(a.Stdout, "%s is up to date.\n", f.file)
				return nil
			}
			return foundError{exitFound}
		})
	}
	return cmd
}

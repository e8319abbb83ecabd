package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/cli/manual"
)

// manCommand writes the manual pages. Help does not list it: it is for who
// makes packages.
func (a *app) manCommand(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Write the manual pages into a folder",
		Example: "  dbwarden man /usr/local/share/man/man1",
		Args:    oneArg("folder"),
		Hidden:  true,
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		dir := a.inDir(args[0])
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		date, _, _ := strings.Cut(a.Build.Date, "T")
		facts := manual.Facts{Program: "dbwarden " + a.Build.Version, Date: date, Environment: []manual.Entry{
			{Word: "DBWARDEN_DATABASE_URL", Meaning: "the database's URL; beats warden.toml"},
			{Word: "DBWARDEN_DATABASE_URL_FILE", Meaning: "a file that holds it"},
			{Word: "DBWARDEN_PASSWORD_FILE", Meaning: "a file that holds the password alone"},
			{Word: "DBWARDEN_MIGRATIONS_DIR", Meaning: "the folder with the migrations"},
			{Word: "NO_COLOR", Meaning: "no colours, whatever its value"},
		}}
		for _, e := range []struct {
			code    int
			meaning string
		}{
			{exitOK, "done, or nothing to do"},
			{exitError, "an error without a code of its own"},
			{exitUsage, "a mistake in the configuration or on the command line"},
			{exitMigration, "a migration failed"},
			{exitHeld, "the lock is held, or a statement waits for resolve"},
			{exitLost, "the lock was lost while the run was under way"},
			{exitFound, "what was asked for was found: a danger, a difference, drift, something pending"},
		} {
			facts.Exits = append(facts.Exits, manual.Entry{Word: strconv.Itoa(e.code), Meaning: e.meaning})
		}
		facts.Exits = append(facts.Exits, manual.Entry{Word: "129, 130, 143", Meaning: "stopped by SIGHUP, SIGINT, SIGTERM"})
		// The flag is made when help is asked for.
		root.InitDefaultHelpFlag()
		for _, c := range root.Commands() {
			c.InitDefaultHelpFlag()
		}
		for _, p := range manual.Pages(root, facts) {
			if err := os.WriteFile(filepath.Join(dir, p.Name), []byte(p.Text), 0o666); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

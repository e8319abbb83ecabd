package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/internal/rebase"
	"github.com/dbwarden-go/dbwarden/migration"
)

const freshConfig = `# dbwarden's configuration. dbwarden config shows what is in effect.

# Where the database is. The environment beats this line: DBWARDEN_DATABASE_URL.
#   sqlite:///relative.db   sqlite:////absolute.db
#   postgresql://user:password@host:5432/name
#   mysql://user:password@host:3306/name      mariadb://…
# ${NAME} is replaced by an environment variable, so that no password stands here.
database_url = "sqlite:///app.db"

# Where the migrations are, relative to this file.
migrations_dir = "migrations"
`

func (a *app) initCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write warden.toml and a folder for migrations",
		Long: "Writes warden.toml and migrations/.gitkeep into the working directory. Where there is a warden.toml, it makes the\n" +
			"folders that this file names. It overwrites nothing and touches no database.",
		Example: "  dbwarden init",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var done []map[string]any
		say := func(path, what string) {
			done = append(done, map[string]any{"file": filepath.ToSlash(path), "state": what})
			if !a.json() {
				fmt.Fprintf(a.Stdout, "%s %s\n", what, path)
			}
		}
		write := func(path, text string) error {
			made, err := create(path, text)
			switch {
			case err != nil:
				return err
			case made:
				say(a.relative(path), "created")
			default:
				say(a.relative(path), "kept")
			}
			return nil
		}
		text := freshConfig
		if a.migrationsDir != "" {
			text = strings.Replace(text, `migrations_dir = "migrations"`, fmt.Sprintf("migrations_dir = %q", filepath.ToSlash(a.migrationsDir)), 1)
		}
		if err := write(filepath.Join(a.Dir, config.FileName), text); err != nil {
			return err
		}
		// A file that was there may name other folders, one a database.
		a.configFile, a.url, a.database, a.all = config.FileName, "", "", a.migrationsDir == ""
		c, err := a.loadFolders()
		if err != nil {
			return err
		}
		var dirs []string
		for _, d := range c.Selected {
			if slices.Contains(dirs, d.MigrationsDir) {
				continue
			}
			dirs = append(dirs, d.MigrationsDir)
			if err := os.MkdirAll(d.MigrationsDir, 0o777); err != nil {
				return err
			}
			if err := write(filepath.Join(d.MigrationsDir, ".gitkeep"), ""); err != nil {
				return err
			}
		}
		a.all = false
		if a.json() {
			return a.document(cmd, nil, map[string]any{"files": done})
		}
		if !a.quiet {
			next := `dbwarden new "create users"`
			if done[0]["state"] == "created" {
				next = "put your database's URL into warden.toml, or go on with the SQLite file that it names: " + next
			}
			fmt.Fprintln(a.Stderr, "next:", next)
		}
		return nil
	}
	return cmd
}

// create writes a file that does not exist yet; false says that it does.
func create(path, text string) (bool, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(text)
	return true, errors.Join(err, f.Close())
}

var newTypes = []string{"versioned", "always", "on-change", "seed"}

func (a *app) newCommand() *cobra.Command {
	var version, kind string
	cmd := &cobra.Command{
		Use:   "new DESCRIPTION",
		Short: "Write an empty migration with both sections",
		Long: "Writes a file with an empty -- upgrade and an empty -- rollback section. Its version is one more than the\n" +
			"highest in the folder, in the same width; where versions are timestamps, it is the time now.",
		Example: "  dbwarden new \"create users\"\n  dbwarden new \"add email\" --version 0042\n  dbwarden new \"fill countries\" --type seed",
		Args:    oneArg("description"),
	}
	cmd.Flags().StringVar(&version, "version", "", "this `VERSION` instead of the next one")
	cmd.Flags().StringVar(&kind, "type", "versioned", "`TYPE`: versioned, always (on every migrate), on-change (when it changed) or seed")
	cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(newTypes, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		slug := slugOf(args[0])
		switch {
		case slug == "":
			return usagef("the description %q has no letter or digit", args[0])
		case !slices.Contains(newTypes, kind):
			return usagef("--type %s: want versioned, always, on-change or seed", kind)
		case a.all:
			return &usageError{"new writes one file, for one database", "name the database with -d instead of --all"}
		}
		dir, err := a.folder()
		if err != nil {
			return err
		}
		name, head := "", ""
		switch kind {
		case "versioned", "seed":
			v, err := a.nextVersion(dir, version)
			if err != nil {
				return err
			}
			name = v + "_" + slug + ".sql"
			if kind == "seed" {
				head = "-- seed\n\n"
			}
		case "always":
			name = "RA__" + slug + ".sql"
		case "on-change":
			name = "ROC__" + slug + ".sql"
		}
		if version != "" && !strings.HasPrefix(name, version) {
			return usagef("a repeatable migration has no version")
		}
		path := filepath.Join(dir, name)
		made, err := create(path, head+"-- upgrade\n\n\n-- rollback\n\n")
		if err != nil {
			return err
		}
		if !made {
			return fmt.Errorf("%s exists already", a.relative(path))
		}
		if a.json() {
			return a.document(cmd, nil, map[string]any{"file": a.relative(path)})
		}
		fmt.Fprintf(a.Stdout, "Created migration: %s\n", a.relative(path))
		return nil
	}
	return cmd
}

// folder is where new migrations go. No database is needed to write one, so
// a configuration without a URL will do.
func (a *app) folder() (string, error) {
	c, err := a.loadFolders()
	if err != nil {
		return "", err
	}
	dir := c.Selected[0].MigrationsDir
	if _, err := os.Stat(dir); err != nil {
		return "", &folderError{dir}
	}
	return dir, nil
}

// timestampVersion is how versions are written that are times.
const timestampVersion = "20060102150405"

var versionPrefix = lazy.Regexp(`^([0-9]+)(?:[_.-]|$)`)

// nextVersion reads the names in the folder and nothing of the files.
func (a *app) nextVersion(dir, wanted string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var highest migration.Version
	taken := map[string]string{}
	for _, e := range entries {
		p := versionPrefix().FindStringSubmatch(e.Name())
		if p == nil || e.IsDir() || !strings.EqualFold(filepath.Ext(e.Name()), ".sql") {
			continue
		}
		v, err := migration.ParseVersion(p[1])
		if err != nil {
			continue
		}
		taken[v.Key()] = e.Name()
		if highest.IsZero() || v.Compare(highest) > 0 {
			highest = v
		}
	}
	if wanted != "" {
		v, err := migration.ParseVersion(wanted)
		if err != nil {
			return "", usagef("--version: %v", err)
		}
		if other := taken[v.Key()]; other != "" {
			return "", &usageError{fmt.Sprintf("version %s is taken by %s", wanted, other), "give another --version, or none: the next one is found"}
		}
		return wanted, nil
	}
	if now := a.Now().UTC().Format(timestampVersion); len(highest.String()) == len(timestampVersion) && highest.String() < now && highest.String() > "1970" {
		return now, nil
	}
	if highest.IsZero() {
		return "0001", nil
	}
	return rebase.Increment(highest.String()), nil
}

// describedBy is the description that an argument may give a new file, "" for none.
func describedBy(args []string) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	if slugOf(args[0]) == "" {
		return "", usagef("the description %q has no letter or digit", args[0])
	}
	return args[0], nil
}

// slugOf makes a file name of a description.
func slugOf(description string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(description) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	s := strings.TrimSuffix(b.String(), "_")
	for len(s) > 150 {
		s = s[:strings.LastIndexFunc(s[:150], func(rune) bool { return true })]
	}
	return s
}

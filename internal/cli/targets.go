package cli

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/fleet"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// use is what a command does with the targets of a database.
type use int

const (
	useEach   use = iota // it does to each target what it does to a database
	useOne               // to one, which must be named
	useFolder            // it is about the folder first: without --target the database itself will do
)

// chosen are the databases that a command is about, and in place of one that
// has targets those that are meant.
func (a *app) chosen(cmd *cobra.Command, u use) ([]fleet.Target, error) {
	c, err := a.load(cmd.Context())
	if err != nil {
		return nil, err
	}
	var all []fleet.Target
	named := len(a.targets) > 0
	if named && a.all {
		return nil, &usageError{"--all and --target contradict each other", "--target takes patterns too: --target 'tenant_*'"}
	}
	for _, d := range c.Selected {
		has := d.Targets.Any()
		switch {
		case named && !has:
			return nil, &usageError{"--target names one of many targets, and there are no [targets]", "docs/targets.md in the source tells how they are listed in warden.toml"}
		case !has, u == useFolder && !named:
			all = append(all, fleet.Target{Name: d.Name, Database: d})
			continue
		case !named && !a.all:
			return nil, &usageError{fmt.Sprintf("%s is about one database, and warden.toml has many [targets]", cmd.Name()), "name one with --target NAME, or several with --target 'tenant_*'; --all is all of them"}
		case a.all && u == useOne:
			return nil, &usageError{fmt.Sprintf("--all: %s is about one target", cmd.Name()), "name it: dbwarden " + cmd.Name() + " --target NAME"}
		}
		list, err := a.targetsOf(cmd.Context(), d)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	if err := fleet.Distinct(all); err != nil && len(all) > 1 {
		return nil, &usageError{err.Error(), "each name stands for one schema or database: see [targets] in warden.toml"}
	}
	if named {
		chosen, missing := fleet.Select(all, a.targets)
		if len(missing) > 0 {
			return nil, a.noTarget(missing[0], all)
		}
		if all = chosen; len(all) > 1 && u == useOne {
			return nil, &usageError{fmt.Sprintf("%s is about one target, and these are %d", cmd.Name(), len(all)), "name one of them"}
		}
	}
	a.several = a.all || len(all) > 1
	return all, nil
}

// nameIt is what to do where --all was given to what is about one database.
func (a *app) nameIt() string {
	name := ""
	if c, err := a.loadFolders(); err == nil {
		if slices.ContainsFunc(c.Selected, func(d config.Database) bool { return d.Name != "" }) {
			name += " -d NAME"
		}
		if slices.ContainsFunc(c.Selected, func(d config.Database) bool { return d.Targets.Any() }) {
			name += " --target NAME"
		}
	}
	if name == "" {
		return "leave --all out: there is one database"
	}
	return "name it: " + a.again("migrate", name)
}

// noTarget offers no name that is alike: that is another tenant's, and whoever
// makes a tenant and migrates it would be sent to a stranger's data.
func (a *app) noTarget(name string, all []fleet.Target) error {
	return &usageError{fmt.Sprintf("no target %q among %d", name, len(all)), "dbwarden status --all shows them; a new one is made, and stands in [targets], before it is migrated"}
}

// targetsOf lists the targets of a database, and asks it where they come from
// a query.
func (a *app) targetsOf(ctx context.Context, d config.Database) ([]fleet.Target, error) {
	p, err := a.product(d)
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(p.Engine, d.Targets.Kind)
	if err != nil {
		return nil, err
	}
	var names []string
	switch from := d.Targets; {
	case from.Query != "":
		names, err = a.targetQuery(ctx, d)
	case from.File != "":
		var text []byte
		text, err = os.ReadFile(from.File)
		names = fleet.Names(string(text))
	default:
		names = from.List
		if kind == config.KindFile {
			names, err = globbed(from)
		}
	}
	if err != nil {
		return nil, err
	}
	if kind == config.KindFile {
		if err := onceEach(d.Targets.Dir, names); err != nil {
			return nil, err
		}
	}
	var all []fleet.Target
	for _, name := range names {
		full := name
		if a.all && d.Name != "" {
			full = d.Name + "/" + name
		}
		all = append(all, fleet.Target{Name: full, Database: d.To(name, kind)})
	}
	return all, nil
}

// kindOf is what a target is on a product.
func kindOf(e *engine.Engine, configured string) (string, error) {
	switch {
	case e.Caps.Schemas && configured != config.KindDatabase:
		return config.KindSchema, nil
	case configured == config.KindSchema:
		return "", &usageError{fmt.Sprintf(`targets.kind is "schema", and %s has no schemas within a database`, e.Title), "leave targets.kind out"}
	case e.Caps.File:
		return config.KindFile, nil
	}
	return config.KindDatabase, nil
}

// globbed are the files of a list, in which patterns may stand. A pattern adds
// what is not named, and no file that SQLite or a run keeps beside another one.
func globbed(from config.TargetConfig) (names []string, err error) {
	pattern := func(name string) bool { return strings.ContainsAny(name, "*?") }
	known := map[string]bool{}
	for _, name := range from.List {
		if !pattern(name) {
			known[fileAt(from.Dir, name)] = true
		}
	}
	for _, typed := range from.List {
		name := typed
		if !pattern(name) {
			names = append(names, name)
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(escaped(from.Dir), name)
		}
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("targets.list: %q is no pattern of files", name), ""}
		}
		found = slices.DeleteFunc(found, beside)
		if len(found) == 0 {
			return nil, &usageError{fmt.Sprintf("targets.list: no file fits the pattern %q", typed), "see that it is right, in [targets] of warden.toml; a pattern makes no file: the first target stands there by its name, or its file is made first"}
		}
		for _, f := range found {
			if rel, err := filepath.Rel(from.Dir, f); err == nil && !strings.HasPrefix(rel, "..") {
				f = filepath.ToSlash(rel)
			}
			at := fileAt(from.Dir, f)
			if !known[at] {
				known[at] = true
				names = append(names, f)
			}
		}
	}
	return names, nil
}

// beside says of a file that SQLite or a run keeps it beside another one.
func beside(file string) bool {
	return slices.ContainsFunc([]string{"-wal", "-shm", "-journal", ".dbwarden-lock", ".dbwarden-restore"}, func(end string) bool { return strings.HasSuffix(file, end) })
}

// fileAt is where a file of a list is, however it is spelled: the end of all links as
// far as it is there.
func fileAt(dir, name string) string {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	if at, err := filepath.EvalSymlinks(name); err == nil {
		return at
	}
	if at, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
		return filepath.Join(at, filepath.Base(name))
	}
	return filepath.Clean(name)
}

// onceEach refuses a list in which one file stands under two names: it would be
// two targets, of which each waits for the other.
func onceEach(dir string, names []string) error {
	seen := make(map[string]string, len(names))
	for _, name := range names {
		at := fileAt(dir, name)
		if before, known := seen[at]; known && before != name {
			return &usageError{fmt.Sprintf("targets %q and %q are one file", before, name), "each name stands for one database: see [targets] in warden.toml"}
		}
		seen[at] = name
	}
	return nil
}

// escaped is a folder's name in a pattern.
func escaped(dir string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(dir)
}

// targetQuery asks for the names, with a connection that is closed before any
// target is opened.
func (a *app) targetQuery(ctx context.Context, d config.Database) (names []string, err error) {
	t, err := a.open(d)
	if err != nil {
		return nil, err
	}
	query, ok := oneQuery(d.Targets.Query, t.product.Engine.Lexis)
	if !ok {
		return nil, &usageError{"targets.query is not one query: it begins with SELECT, WITH, VALUES, TABLE or SHOW", "mend the query in [targets] of warden.toml"}
	}
	s, err := t.db.Connect(ctx, engine.ConnectOptions{App: "dbwarden targets", ReadOnly: true, Foreign: true, Limits: engine.Limits{Lock: d.Run.LockTimeout, Statement: d.Run.StatementTimeout}})
	if err != nil {
		return nil, &runError{err: &dbwarden.ConnectError{Label: t.db.Label(), Err: err}, target: t}
	}
	defer s.Close()
	err = s.Query(ctx, func(scan func(...any) error) error {
		var name sql.NullString
		if err := scan(&name); err != nil {
			for n := 2; n <= 32; n++ {
				if row := make([]any, n); scan(pointers(row)...) == nil {
					return fmt.Errorf("it yields %d columns", n)
				}
			}
			return err
		}
		if !name.Valid || name.String == "" {
			return errors.New("a name is empty")
		}
		names = append(names, name.String)
		return nil
	}, query)
	if err != nil {
		return nil, &runError{err: &targetsError{err}, target: t}
	}
	return names, nil
}

// oneQuery is the one query of a text, without what stands around it: a
// semicolon, comments. Anything else has no names to give, and may do something:
// ATTACH makes a file.
func oneQuery(text string, lexis sqltext.Lexis) (string, bool) {
	statements := sqltext.NewScanner(strings.NewReader(text), lexis, sqltext.Options{})
	first, err := statements.Next()
	if err != nil {
		return "", false
	}
	query := first.Text
	if _, err := statements.Next(); err != io.EOF {
		return "", false
	}
	shows := len(first.Words) > 0 && first.Words[0] == "SHOW"
	return query, shows || migration.IsQuery(query, lexis)
}

func pointers(row []any) []any {
	all := make([]any, len(row))
	for i := range row {
		all[i] = &row[i]
	}
	return all
}

// A targetsError says that a query did not yield names.
type targetsError struct{ err error }

func (e *targetsError) Error() string {
	return "targets.query, which is to yield one column of names: " + e.err.Error()
}
func (e *targetsError) Unwrap() error { return e.err }

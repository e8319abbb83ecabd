package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/fleet"
	"github.com/dbwarden-go/dbwarden/internal/otlp"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// app is one run of the program.
type app struct {
	Env

	// The flags that every command has.
	database      string
	all           bool
	targets       []string
	configFile    string
	url           string
	migrationsDir string
	env           string
	vars          []string
	out           string
	verbose       bool
	quiet         bool
	noColor       bool

	masks   sync.Mutex
	mask    *config.Masker // of the first maskOf secrets
	maskOf  int
	secrets []config.Secret // whatever is printed is searched for these
	hidden  []string        // and for these, whole

	passwords map[string]engine.Password // by the database's name

	backs sync.Map // how files that are gone come back, by name: func() string

	shown   bool           // the error has been reported already
	command string         // the command that is reported about, for its help page
	running *cobra.Command // what was typed; nil: it could not be read
	whole   bool           // what is advised is for all targets that were chosen, not for one
	several bool           // the command is about more than one database
	loaded  string         // the configuration file, "" for none
	undo    func()         // of Unstopped; nil: the process may be stopped
	unsaid  func()         // of LastWords; nil: there is nothing to say

	metering  *metering      // nil: nothing is measured
	telemetry *otlp.Recorder // nil: nothing is sent
}

// root lists the commands: the only registry of them.
func (a *app) root() *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "dbwarden",
		Short: "Database migrations in plain SQL, one run at a time",
		Long: "dbwarden applies plain SQL migrations to SQLite, PostgreSQL, MySQL and MariaDB,\n" +
			"under a lock that tells who holds it, whether they live, and what to do.\n\n" +
			"Exit codes: 0 done, 1 an error, 2 a mistake in the configuration or on the command line, 3 a migration failed,\n" +
			"4 the lock is held, 5 the lock was lost, 6 check or docs --check found something, or status, diff or make-migrations with --exit-code, or migrate drift that is to be refused, 129/130/143 stopped by a signal.\n" +
			"More is in the folder docs of the source: commands.md, migrations.md, configuration.md, and lock.md for a held lock.",
		Example: "  dbwarden init\n  dbwarden new \"create users\"\n  dbwarden migrate\n  dbwarden status\n  dbwarden lock-status",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return a.unknownCommand(cmd, args[0])
			}
			if version {
				return a.showVersion()
			}
			if a.json() {
				return &usageError{"no command to answer in JSON", "dbwarden -h lists the commands"}
			}
			return cmd.Help()
		},
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.database, "database", "d", "", "the `NAME` of a database in warden.toml")
	f.BoolVar(&a.all, "all", false, "every database in warden.toml, with all of its targets")
	f.StringArrayVar(&a.targets, "target", nil, "the `NAME` of one of many [targets] in warden.toml, or a pattern like 'tenant_*'; may be repeated")
	f.StringVar(&a.configFile, "config", "", "use this `FILE` instead of the nearest warden.toml")
	f.StringVar(&a.url, "url", "", "the database `URL`; beats file and environment")
	f.StringVar(&a.migrationsDir, "migrations-dir", "", "the `FOLDER` with the migrations")
	f.StringVar(&a.env, "env", "", "the `NAME` of the environment that the database belongs to, for files with a header env")
	f.StringArrayVar(&a.vars, "var", nil, "`name=value` of a variable, for files with a header vars; may be repeated")
	f.StringVarP(&a.out, "out", "o", "txt", "output `FORMAT`: txt or json; check-db and models also yaml and sql, diff sql, check sarif; diagram its own")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show the SQL as it runs")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "results and errors only")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (NO_COLOR does the same)")
	a.completeShared(root)
	// Not cobra's own flag: its template would link text/template, which calls
	// methods by name, and with that the linker can drop no method at all.
	root.Flags().BoolVar(&version, "version", false, "the same as dbwarden version")
	root.SetFlagErrorFunc(a.flagError)
	root.AddCommand(
		a.initCommand(), a.newCommand(), a.makeMigrationsCommand(), a.rebaseCommand(), a.squashCommand(), a.planCommand(), a.migrateCommand(), a.rollbackCommand(), a.restoreCommand(), a.historyCommand(), a.statusCommand(),
		a.checkCommand(), a.verifyCommand(), a.checkDBCommand(), a.diffCommand(), a.modelsCommand(), a.lockStatusCommand(), a.unlockCommand(), a.resolveCommand(), a.repairCommand(), a.importCommand(), a.exportCommand(), a.configCommand(),
		a.diagramCommand(), a.docsCommand(), a.uiCommand(),
		a.versionCommand(), a.completionCommand(root), a.manCommand(root),
	)
	root.SetHelpCommand(a.helpCommand(root))
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.checkFlags(cmd) }
	for _, c := range root.Commands() {
		if c.Args == nil {
			c.Args = noArgs
		}
	}
	return root
}

// formats are the values of --out that a command takes, in an annotation.
const formats = "formats"

// formatsOf are those of cmd.
func formatsOf(cmd *cobra.Command) []string {
	if list, ok := cmd.Annotations[formats]; ok {
		return strings.Split(list, ",")
	}
	return []string{"txt", "json"}
}

func (a *app) checkFlags(cmd *cobra.Command) error {
	a.running = cmd
	// A flag that a script filled from an empty variable must not fall back to
	// some other database.
	for _, name := range []string{"database", "config", "url", "migrations-dir", "env"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed && strings.TrimSpace(f.Value.String()) == "" {
			return usagef("--%s: the value is empty", name)
		}
	}
	known := formatsOf(cmd)
	if f := cmd.Flags().Lookup("out"); f != nil && !f.Changed && !slices.Contains(known, a.out) {
		a.out = known[0] // a command without tables for people
	}
	for _, k := range known {
		if a.out == k {
			a.trace(cmd)
			return nil
		}
	}
	return usagef("--out %s: want %s", a.out, strings.Join(known, " or "))
}

// A usageError is a mistake on the command line.
type usageError struct{ msg, hint string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...)}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{fmt.Sprintf("%s takes no argument %q", cmd.Name(), args[0]), cmd.CommandPath() + " -h"}
	}
	return nil
}

func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return &usageError{fmt.Sprintf("%s wants one argument, the %s", cmd.Name(), what), cmd.CommandPath() + " -h"}
		}
		return nil
	}
}

// atMostOne is for an argument that may be left out.
func atMostOne(msg, hint string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return &usageError{msg, hint}
		}
		return nil
	}
}

func (a *app) unknownCommand(root *cobra.Command, name string) error {
	e := &usageError{msg: fmt.Sprintf("unknown command %q", name), hint: "dbwarden -h lists the commands"}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	near := engine.Nearest(name, names)
	for _, n := range names {
		// A beginning says more than a likeness: lock is lock-status, which
		// only looks, before it is unlock.
		if len(name) > 2 && strings.HasPrefix(n, strings.ToLower(name)) {
			near = n
			break
		}
	}
	if near != "" {
		e.hint = "did you mean: dbwarden " + near
	}
	return e
}

// flagError gives a mistyped flag the nearest right one.
func (a *app) flagError(cmd *cobra.Command, err error) error {
	if asksForJSON(a.Args) { // also behind the flag at which the reading stopped
		a.out = "json"
	}
	e := &usageError{msg: err.Error(), hint: cmd.CommandPath() + " -h"}
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "int" {
		e.msg = fmt.Sprintf("--%s %s: want a number from 1", invalid.GetFlag().Name, invalid.GetValue())
	}
	if errors.As(err, &unknown) {
		var names []string
		add := func(f *pflag.Flag) { names = append(names, f.Name) }
		cmd.Flags().VisitAll(add)
		cmd.InheritedFlags().VisitAll(add)
		if near := engine.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			e.hint = "did you mean: --" + near
		}
	}
	return e
}

// asksForJSON finds --out json in arguments that could not be read to their
// end.
func asksForJSON(args []string) bool {
	for i, arg := range args {
		switch arg {
		case "--":
			return false
		case "-ojson", "-o=json", "--out=json":
			return true
		case "-o", "--out":
			if i+1 < len(args) && args[i+1] == "json" {
				return true
			}
		}
	}
	return false
}

// target is one database that a command is about.
type target struct {
	config.Database
	product Product
	warden  *dbwarden.Warden
	wants   dbwarden.Config // what warden was made of
	db      engine.Database
	app     *app

	backup *backup.File // made by the run under way, nil before it is
}

// load reads the configuration.
func (a *app) load(ctx context.Context) (*config.Config, error) {
	return a.loadWith(false, func(dir string, program []string) (string, error) { return a.fetch(ctx, dir, program) })
}

// loadFolders reads it for a command that needs no database.
func (a *app) loadFolders() (*config.Config, error) { return a.loadWith(true, nil) }

// loadWith has programs that print URLs run by fetch; nil: they are not.
func (a *app) loadWith(foldersOnly bool, fetch func(string, []string) (string, error)) (*config.Config, error) {
	var schemes []string
	for _, p := range a.Products {
		schemes = append(schemes, p.Engine.Schemes...)
	}
	c, err := config.Load(config.Input{
		Dir: a.Dir, File: a.configFile, URL: a.url, Database: a.database, All: a.all,
		MigrationsDir: a.migrationsDir, Schemes: schemes, Getenv: a.Getenv, FoldersOnly: foldersOnly, CheckRules: a.checkRules, Fetch: fetch,
		Env: a.env, Vars: a.vars, Environ: a.Environ,
	})
	if err != nil {
		return nil, err
	}
	a.loaded = c.File
	for _, d := range c.Databases {
		a.secrets = append(a.secrets, d.URL, d.DirectURL, d.DevURL, d.Metrics.Push)
		for _, v := range d.Vars {
			if v.Hidden {
				a.hidden = append(a.hidden, v.Value.Reveal())
			}
		}
	}
	return c, nil
}

// each runs do for every selected database or target. With several it goes on
// after an error and returns the worst one.
func (a *app) each(cmd *cobra.Command, opt wardenOptions, do func(ctx context.Context, t *target) error) error {
	targets, err := a.chosen(cmd, opt.use)
	if err != nil {
		return err
	}
	return a.inTurn(cmd, targets, opt, do)
}

// inTurn is each for targets that have been chosen.
func (a *app) inTurn(cmd *cobra.Command, targets []fleet.Target, opt wardenOptions, do func(ctx context.Context, t *target) error) error {
	if len(targets) == 0 {
		return a.noTargets(cmd)
	}
	a.metering.about(targets)
	var worst error
	for _, t := range targets {
		if err := cmd.Context().Err(); err != nil {
			return context.Cause(cmd.Context())
		}
		err := a.one(cmd, t, opt, do)
		a.metering.exit(t.Database, exitCode(cmd.Context(), err))
		if err == nil {
			continue
		}
		if len(targets) == 1 {
			return err
		}
		a.report(cmd, &databaseError{t, err})
		a.shown = false
		if worst == nil || exitCode(cmd.Context(), err) > exitCode(cmd.Context(), worst) {
			worst = err
		}
	}
	if worst != nil {
		a.shown = true
	}
	return worst
}

func (a *app) one(cmd *cobra.Command, one fleet.Target, opt wardenOptions, do func(ctx context.Context, t *target) error) error {
	a.heading(one)
	t, err := a.target(cmd, one.Database, opt)
	if err != nil {
		return err
	}
	return do(cmd.Context(), t)
}

// databaseError says which of several databases an error is about.
type databaseError struct {
	of  fleet.Target
	err error
}

func (e *databaseError) Error() string { return e.head() + e.err.Error() }

func (e *databaseError) head() string {
	if e.of.Database.Target != "" {
		return "target " + render.Name(e.of.Name) + ": "
	}
	return "database " + render.Name(e.of.Name) + ": "
}

func (e *databaseError) Unwrap() error { return e.err }

// wardenOptions are what a command wants of its warden.
type wardenOptions struct {
	use     use
	folders *folders // read once for many targets; nil: each verb reads its own
	folder  bool     // the command reads the migrations
	down    bool     // it rolls back: two files with one version will do
	wait    *waitFlags
	recover bool // --recover
	hooks   bool // those of the configuration are called
	limits  engine.Limits
	retry   time.Duration // 0: as configured
	schema  bool          // saved plans know the schema
	runs    bool          // the command runs migrations, and so looks for drift
	observe event.Observer

	// before makes the target's dbwarden.Config.BeforeRun; nil: there is none.
	before func(*target) func(context.Context, dbwarden.Before) error

	allowDrift bool // whatever is configured, drift is only told
}

// product is what a database's URL is for.
func (a *app) product(d config.Database) (Product, error) {
	for _, p := range a.Products {
		if slices.Contains(p.Engine.Schemes, d.Scheme()) {
			return p, nil
		}
	}
	return Product{}, usagef("no engine for the URL scheme %q", d.Scheme())
}

// open opens a database's URL, which connects to nothing.
func (a *app) open(d config.Database) (*target, error) {
	t := &target{Database: d, app: a}
	var err error
	if t.product, err = a.product(d); err != nil {
		return nil, err
	}
	url, base := d.URL, d.BaseDir
	if !d.DirectURL.IsZero() {
		url, base = d.DirectURL, d.DirectBaseDir
	}
	if base == "" {
		base = a.Dir
	}
	t.db, err = t.product.Engine.Open(url.Reveal(), engine.OpenOptions{Dir: base, Schema: d.PostgresSchema, Database: d.Other, Password: a.passwordOf(d)})
	if err != nil {
		msg := strings.TrimPrefix(err.Error(), "database URL: ")
		return nil, &usageError{t.urlName() + ": " + msg, "dbwarden config shows where it comes from"}
	}
	return t, nil
}

func (a *app) target(cmd *cobra.Command, d config.Database, opt wardenOptions) (*target, error) {
	t, err := a.open(d)
	if err != nil {
		return nil, err
	}
	var folder fs.FS
	if opt.folder {
		if st, err := os.Stat(d.MigrationsDir); errors.Is(err, fs.ErrNotExist) {
			return nil, &folderError{d.MigrationsDir}
		} else if err != nil {
			return nil, err
		} else if !st.IsDir() {
			return nil, &usageError{a.relative(d.MigrationsDir) + " is not a directory", otherFolder}
		}
		folder = os.DirFS(d.MigrationsDir)
	}
	limits := opt.limits
	if limits.Lock == 0 {
		limits.Lock = d.Run.LockTimeout
	}
	if limits.Statement == 0 {
		limits.Statement = d.Run.StatementTimeout
	}
	retry := opt.retry
	if retry == 0 {
		if retry = d.Run.LockRetry; retry == 0 {
			retry = -1
		}
	}
	wait := d.Lock.Wait
	if opt.wait != nil {
		wait = opt.wait.of(wait)
	}
	observe := a.recorded(opt.observe)
	if observe != nil && (d.Name != "" || d.Target != "") {
		all := observe
		observe = func(e event.Event) {
			e.Database, e.Target = d.Name, d.Target
			all(e)
		}
	}
	t.wants = dbwarden.Config{
		Engine: t.product.Engine, Database: t.db, Migrations: folder, Env: d.Env, Vars: variables(d.Vars), Limits: limits, LockRetry: retry, Wait: wait, Recover: opt.recover || d.Lock.Recover == "auto", NoPipeline: d.Run.Pipeline == "off", Observe: observe,
		Holder: lock.Holder{User: a.User, Host: a.Host, Pid: a.Pid, Program: "dbwarden " + a.Build.Version, Command: cmd.Name()},
	}
	if opt.schema {
		t.wants.Schema = t.digests
	}
	if opt.before != nil {
		t.wants.BeforeRun = opt.before(t)
	}
	if opt.hooks {
		if t.wants.Hooks, err = a.hooks(d.Hooks, d.Target); err != nil {
			return nil, err
		}
		t.wants.HookTimeout = d.Hooks.Timeout
	}
	if opt.runs && d.Drift != "off" && t.product.Inspect != nil {
		t.wants.Fingerprint = a.fingerprint(t)
		t.wants.RefuseDrift = d.Drift == "refuse" && !opt.allowDrift
	}
	if opt.folders != nil && folder != nil {
		if t.wants.Loaded, err = opt.folders.of(t, &t.wants, opt.down); err != nil {
			return nil, err
		}
	}
	t.warden, err = dbwarden.New(t.wants)
	return t, err
}

// variables are those of the configuration for a warden.
func variables(vars map[string]config.Variable) map[string]migration.Value {
	all := make(map[string]migration.Value, len(vars))
	for name, v := range vars {
		all[name] = migration.Value{Text: v.Value.Reveal(), Secret: v.Hidden}
	}
	return all
}

// over is the target's warden over another folder.
func (t *target) over(folder fs.FS) (*dbwarden.Warden, error) {
	c := t.wants
	c.Migrations = folder
	return dbwarden.New(c)
}

// folderError says that there is no folder of migrations.
type folderError struct{ dir string }

const otherFolder = "name the folder with migrations_dir in warden.toml, or with --migrations-dir"

func (e *folderError) Error() string {
	return "migrations directory not found. Run 'dbwarden init' first."
}

// urlName is what the URL in use is called where it was given: a flag, a
// variable, or a key in the file.
func (t *target) urlName() string {
	key := "database_url"
	if !t.DirectURL.IsZero() {
		key = "direct_url"
	}
	for _, s := range t.Sources {
		if s.Key == key && strings.HasPrefix(s.Source, "--") {
			return s.Source
		} else if name, ok := strings.CutPrefix(s.Source, "environment "); ok && s.Key == key {
			return name
		}
	}
	return key
}

// path shows a file as a person in the working directory would name it.
func (t *target) path(file string) string {
	return t.app.relative(filepath.Join(t.MigrationsDir, file))
}

func (a *app) relative(p string) string {
	if rel, err := filepath.Rel(a.Dir, p); err == nil && !strings.HasPrefix(rel, "../../..") {
		return rel
	}
	return p
}

// style says how text on w is drawn.
func (a *app) style(w io.Writer) render.Style {
	width, terminal := a.Terminal(w)
	_, noColor := a.Getenv("NO_COLOR")
	if v, _ := a.Getenv("NO_COLOR"); v == "" {
		noColor = false
	}
	if v, _ := a.Getenv("TERM"); v == "dumb" {
		noColor = true
	}
	return render.Style{Terminal: terminal, Width: width, Color: terminal && !noColor && !a.noColor}
}

func (a *app) json() bool { return a.out == "json" }

// masked is a writer through which no secret gets.
func (a *app) masked(text string) string {
	a.masks.Lock()
	defer a.masks.Unlock()
	if n := len(a.secrets) + len(a.hidden); a.mask == nil || a.maskOf != n {
		a.mask, a.maskOf = config.NewMask(a.secrets...), n
		for _, text := range a.hidden {
			a.mask.Hide(text)
		}
	}
	return a.mask.Of(text)
}

// heading names the database above its part of the output, where there are
// several.
func (a *app) heading(of fleet.Target) {
	what := "Database: "
	if of.Database.Target != "" {
		what = "Target: "
	}
	// The one database of many targets has no name.
	if a.several && a.out == "txt" && of.Name != "" {
		fmt.Fprintf(a.Stdout, "%s\n", a.style(a.Stdout).Bold(what+render.Name(of.Name)))
	}
}

// document writes the one JSON document of a command.
func (a *app) document(cmd *cobra.Command, t *target, fields map[string]any) error {
	return render.JSON(a.Stdout, a.fields(cmd, t, fields), a.several)
}

// fields are those of a document, with what every one begins with.
func (a *app) fields(cmd *cobra.Command, t *target, fields map[string]any) map[string]any {
	doc := map[string]any{"format": 1, "command": cmd.Name()}
	if t != nil && t.Name != "" {
		doc["database"] = t.Name
	}
	if t != nil && t.Target != "" {
		doc["target"] = t.Target
	}
	for k, v := range fields {
		doc[k] = v
	}
	return doc
}

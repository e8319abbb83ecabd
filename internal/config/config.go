// Package config turns warden.toml, the environment and the command line's
// flags into one effective configuration, in which every value knows where it
// came from.
//
// It reads one file and asks for environment variables through a function
// that it is given; it prints nothing, opens no database and looks at no
// folder of migrations. Whatever is wrong is an *Error, which names the file
// and the place, and which never holds a password: values from the file, the
// environment and the flags are not repeated in messages at all, only the
// names of keys and variables are.
//
// # Where a value comes from
//
// Flags beat the environment, the environment beats the file, the file beats
// the defaults. The environment is asked for these:
//
//	DBWARDEN_DATABASE_URL     database_url
//	DBWARDEN_SQLALCHEMY_URL   database_url, where the one above is not set
//	DATABASE_URL              database_url, where neither of the above nor the file names one
//	DBWARDEN_DATABASE_URL_FILE  database_url_file
//	DBWARDEN_PASSWORD_FILE    password_file
//	DBWARDEN_DIRECT_URL       direct_url
//	DBWARDEN_DEV_URL          dev_url
//	DBWARDEN_MIGRATIONS_DIR   migrations_dir
//	DBWARDEN_POSTGRES_SCHEMA  postgres_schema
//
// DBWARDEN_ENV (env) and DBWARDEN_VAR_NAME (name in [vars]) belong to whoever
// runs the program, and so hold for every database.
//
// An empty variable counts as unset. With several databases these variables
// speak of the default one; together with another -d they are an error,
// because nobody can tell which of the two was meant.
//
// direct_url is another way to the database that database_url names. When
// database_url is replaced by a stronger source, a weaker direct_url leads to
// some other database and is not used.
//
// # Several databases
//
// Each has a [databases.NAME] table. What stands at the top level (or in
// [warden], which is the same) beside such tables holds for all of them where
// they say nothing else, except for URLs: those belong to one database, and at
// the top level they are an error then.
//
// # Variables in the file
//
// ${NAME} in a string of the file is replaced by the environment variable of
// that name; an unset or empty one is an error. $${ stands for a plain ${. A $
// before anything else is a plain $, so that a password with a dollar sign
// needs nothing. Only values that are in effect are expanded: a database that
// was not selected may name variables that are not set here.
package config

import "time"

// FileName is what a configuration file is called.
const FileName = "warden.toml"

// NoLimit is a time limit that was switched off with 0. It is negative, as
// the engines want it: their zero means the default.
const NoLimit time.Duration = -1

// Input is what the command line knows before it reads any configuration.
type Input struct {
	Dir           string   // working directory
	File          string   // --config; "" searches FileName from Dir up to the root
	URL           string   // --url
	Database      string   // -d, --database
	All           bool     // --all
	MigrationsDir string   // --migrations-dir
	Env           string   // --env
	Vars          []string // --var, each name=value
	FoldersOnly   bool     // the command needs no URL: what is wrong with one does not matter
	Schemes       []string // URL schemes that have an engine; nil: all that the product knows

	// Fetch runs the program of database_url_command in a folder and returns
	// what it printed; its error says what went wrong with it. Only selected
	// databases have theirs run. nil: none is run, and such a database has no
	// URL.
	Fetch func(dir string, program []string) (string, error)

	// CheckRules names the rules of check, which are the keys of [check]; nil:
	// any is taken. It is called only where there is such a key.
	CheckRules func() []string

	// Getenv looks an environment variable up, as os.LookupEnv does; nil is
	// an empty environment.
	Getenv func(string) (string, bool)

	// Environ is the environment as os.Environ has it, for the variables that
	// begin with DBWARDEN_VAR_; nil is an empty one.
	Environ func() []string
}

// Config is the effective configuration.
type Config struct {
	File      string     // absolute; "" where there is none
	Databases []Database // all, in file order
	Selected  []Database // those that the command is about: by -d, --all, or the default one
}

// Database is how to reach one database and how to treat it.
type Database struct {
	Name    string // "" for the only one of a file without [databases.NAME] tables
	Default bool   // used where neither -d nor --all is given

	URL       Secret
	DirectURL Secret // past a pooler; zero where there is none
	DevURL    Secret // a scratch database for planning; zero where there is none

	// Password is where the password of each new connection to URL and DirectURL comes from.
	Password Password

	// BaseDir is where a relative SQLite path in URL starts: the file's
	// folder if the URL stands in the file, else the working directory.
	// DirectBaseDir and DevBaseDir are the same for the other two.
	BaseDir, DirectBaseDir, DevBaseDir string

	MigrationsDir  string   // absolute
	ModelPaths     []string // absolute; folders or files of the desired schema
	ModelCommand   []string // a program with its arguments, which prints the desired schema
	ModelDir       string   // absolute; where that program runs, and where folders of models are looked for
	PostgresSchema string   // "" is the connection's own

	Lock LockConfig
	Run  RunConfig

	Hooks HookConfig

	// Targets are where the names come from of many databases that are treated
	// alike; zero where there are none.
	Targets TargetConfig

	// Target is which of those this one is, "" for the database itself; see To.
	// Other is its name on the server, or its file, where the URL names another.
	Target, Other string

	Metrics MetricsConfig

	// Env is the environment that the database belongs to, "" for none.
	Env string

	// Vars are what stands for variables in migrations, by names in lower case.
	Vars map[string]Variable

	// Drift is what a run does about a schema that is not as the last one left
	// it: "warn", "refuse" or "off", which does not look; default "warn".
	Drift string

	// Check is the [check] table: the severity of rules, by name.
	Check map[string]string

	// Sources lists every key with its value and where that came from, in a
	// fixed order. Secrets in it are masked.
	Sources []Setting

	// Problem is why this database cannot be used: a variable that is not
	// set, a URL that cannot be read. It is set only on databases that were
	// not selected; for a selected one Load returns it.
	Problem error
}

// Password is a place that a password is got from when it is needed; the zero
// one is no place: then the URL has it, or nobody.
type Password struct {
	File    string   // absolute
	Program []string // with its arguments; what it prints is the password
	Dir     string   // absolute; where the program runs
}

// LockConfig is the [lock] table.
type LockConfig struct {
	Wait    time.Duration // how long to wait for the migration lock; default 5m; 0 does not wait
	Recover string        // "manual" or "auto": what to do about a dead holder's lock; default "manual"
}

// RunConfig is the [run] table.
type RunConfig struct {
	LockTimeout      time.Duration // longest wait for a table or row lock; default 5s; NoLimit for none
	LockRetry        time.Duration // for how long a migration that ran into LockTimeout is tried again; default 3m; 0: not at all
	StatementTimeout time.Duration // longest run of one statement; default NoLimit
	Pipeline         string        // "auto" or "off": whether migrations may share a round trip; default "auto"
}

// HookConfig is the [hooks] table, by moment: "before_run" and so on.
type HookConfig struct {
	Programs map[string][]string // with their arguments
	SQL      map[string]string
	Dir      string        // absolute; where the programs run
	Timeout  time.Duration // how long one hook may take; default 1m
}

// TargetConfig is the [targets] table. At most one of List, Query and File is set.
type TargetConfig struct {
	Kind  string   // "auto", "schema" or "database"
	List  []string // names as they stand there; files may be patterns
	Query string   // yields one column of names, and is asked in the database of the URL
	File  string   // absolute; a name a line
	Dir   string   // absolute; where files start that are named
}

// Any reports whether there are targets.
func (t TargetConfig) Any() bool { return len(t.List) > 0 || t.Query != "" || t.File != "" }

// MetricsConfig is the [metrics] table.
type MetricsConfig struct {
	File     string // absolute; "" for none
	Push     Secret // the URL of a Pushgateway; zero for none
	Instance string // a label of what is pushed; "" for none
}

// Setting is one key of a Database, for people to read.
type Setting struct {
	Key    string `json:"key"`    // "lock.wait"
	Value  string `json:"value"`  // masked; "" where nothing is set
	Source string `json:"source"` // "warden.toml:3", "environment DATABASE_URL", "--url", "default"
}

// Load works the configuration out. Its errors are *Error, each a mistake in
// the file, the environment or the flags.
func Load(in Input) (*Config, error) {
	f, err := readFile(in.Dir, in.File)
	if err == nil {
		err = f.checkRules(in.CheckRules)
	}
	if err != nil {
		return nil, err
	}
	r, err := newResolver(in, f)
	if err != nil {
		return nil, err
	}
	selected, err := r.choose()
	if err != nil {
		return nil, err
	}

	c := &Config{File: f.path}
	for _, s := range f.scopes() {
		d, err := r.database(s, selected[s])
		if err != nil && selected[s] && (!in.FoldersOnly || d.MigrationsDir == "") {
			return nil, err
		}
		d.Problem = err
		c.Databases = append(c.Databases, d)
		if selected[s] {
			c.Selected = append(c.Selected, d)
		}
	}
	return c, nil
}

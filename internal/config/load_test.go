package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// world is a folder with a warden.toml in it, unless toml is empty.
func world(t *testing.T, toml string) string {
	t.Helper()
	dir := t.TempDir()
	if toml != "" {
		write(t, filepath.Join(dir, FileName), toml)
	}
	return dir
}

// failer is what a test and a property have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func write(t failer, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func environment(pairs ...string) func(string) (string, bool) {
	vars := map[string]string{}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		vars[k] = v
	}
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

func mustLoad(t *testing.T, in Input) *Config {
	t.Helper()
	c, err := Load(in)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// source is where a key of the only selected database came from.
func source(t *testing.T, c *Config, key string) string {
	t.Helper()
	if len(c.Selected) != 1 {
		t.Fatalf("%d databases selected", len(c.Selected))
	}
	for _, s := range c.Selected[0].Sources {
		if s.Key == key {
			return s.Source
		}
	}
	t.Fatalf("no source for %s", key)
	return ""
}

const (
	oneFile = "database_url = \"sqlite:///file.db\"\n"
	twoFile = `[databases.main]
default = true
database_url = "postgres://main/one"
[databases.other]
database_url = "postgres://other/two"
`
)

func TestDatabaseURLPrecedence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		toml   string
		in     Input
		env    []string
		url    string
		source string
	}{
		{"the file alone", oneFile, Input{}, nil, "sqlite:///file.db", "warden.toml:1"},
		{"sqlalchemy_url in the file", "\nsqlalchemy_url = 'sqlite:///old.db'", Input{}, nil, "sqlite:///old.db", "warden.toml:2"},
		{"the [warden] table", "[warden]\ndatabase_url = 'sqlite:///w.db'", Input{}, nil, "sqlite:///w.db", "warden.toml:2"},
		{"a single named database", "[databases.a]\ndatabase_url = 'sqlite:///a.db'", Input{}, nil, "sqlite:///a.db", "warden.toml:2"},
		{"DBWARDEN_DATABASE_URL beats the file", oneFile, Input{}, []string{"DBWARDEN_DATABASE_URL=sqlite:///e.db"}, "sqlite:///e.db", "environment DBWARDEN_DATABASE_URL"},
		{"DBWARDEN_SQLALCHEMY_URL beats the file", oneFile, Input{}, []string{"DBWARDEN_SQLALCHEMY_URL=sqlite:///e.db"}, "sqlite:///e.db", "environment DBWARDEN_SQLALCHEMY_URL"},
		{"DBWARDEN_DATABASE_URL beats DBWARDEN_SQLALCHEMY_URL", "", Input{}, []string{"DBWARDEN_DATABASE_URL=sqlite:///a.db", "DBWARDEN_SQLALCHEMY_URL=sqlite:///b.db"}, "sqlite:///a.db", "environment DBWARDEN_DATABASE_URL"},
		{"--url beats everything", oneFile, Input{URL: "sqlite:///f.db"}, []string{"DBWARDEN_DATABASE_URL=sqlite:///e.db", "DATABASE_URL=sqlite:///d.db"}, "sqlite:///f.db", "--url"},
		{"the file beats DATABASE_URL", oneFile, Input{}, []string{"DATABASE_URL=sqlite:///d.db"}, "sqlite:///file.db", "warden.toml:1"},
		{"a DBWARDEN_ variable beats DATABASE_URL", "", Input{}, []string{"DATABASE_URL=sqlite:///d.db", "DBWARDEN_SQLALCHEMY_URL=sqlite:///e.db"}, "sqlite:///e.db", "environment DBWARDEN_SQLALCHEMY_URL"},
		{"DATABASE_URL without a file", "", Input{}, []string{"DATABASE_URL=sqlite:///d.db"}, "sqlite:///d.db", "environment DATABASE_URL"},
		{"DATABASE_URL with a file that names no URL", "migrations_dir = 'm'", Input{}, []string{"DATABASE_URL=sqlite:///d.db"}, "sqlite:///d.db", "environment DATABASE_URL"},
		{"an empty variable is unset", oneFile, Input{}, []string{"DBWARDEN_DATABASE_URL="}, "sqlite:///file.db", "warden.toml:1"},
		{"a line break behind a URL is dropped", "", Input{}, []string{"DATABASE_URL= sqlite:///d.db\n"}, "sqlite:///d.db", "environment DATABASE_URL"},
		{"--url without a file", "", Input{URL: "sqlite:///f.db"}, nil, "sqlite:///f.db", "--url"},
		{"the default of several", twoFile, Input{}, nil, "postgres://main/one", "warden.toml:3"},
		{"-d of several", twoFile, Input{Database: "other"}, nil, "postgres://other/two", "warden.toml:5"},
		{"a variable replaces the default one's", twoFile, Input{}, []string{"DBWARDEN_DATABASE_URL=postgres://e/x"}, "postgres://e/x", "environment DBWARDEN_DATABASE_URL"},
		{"a variable and -d of the default one agree", twoFile, Input{Database: "main"}, []string{"DBWARDEN_DATABASE_URL=postgres://e/x"}, "postgres://e/x", "environment DBWARDEN_DATABASE_URL"},
		{"--url and -d of the default one agree", twoFile, Input{Database: "main", URL: "postgres://f/x"}, nil, "postgres://f/x", "--url"},
		{"DATABASE_URL does not disturb -d", twoFile, Input{Database: "other"}, []string{"DATABASE_URL=postgres://d/x"}, "postgres://other/two", "warden.toml:5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := tt.in
			in.Dir, in.Getenv = world(t, tt.toml), environment(tt.env...)
			c := mustLoad(t, in)
			if got := c.Selected[0].URL.Reveal(); got != tt.url {
				t.Errorf("URL = %q, want %q", got, tt.url)
			}
			if got := source(t, c, keyURL); got != tt.source {
				t.Errorf("source = %q, want %q", got, tt.source)
			}
		})
	}
}

func TestOtherKeysPrecedence(t *testing.T) {
	t.Parallel()
	file := oneFile + "migrations_dir = 'm/file'\npostgres_schema = 'file'\ndev_url = 'sqlite:///dev.db'\n"
	env := []string{"DBWARDEN_MIGRATIONS_DIR=m/env", "DBWARDEN_POSTGRES_SCHEMA=env", "DBWARDEN_DEV_URL=sqlite:///envdev.db"}
	dir := world(t, file)
	sub := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}

	t.Run("relative paths of the file start at the file", func(t *testing.T) {
		c := mustLoad(t, Input{Dir: sub})
		d := c.Selected[0]
		if want := filepath.Join(dir, "m/file"); d.MigrationsDir != want {
			t.Errorf("MigrationsDir = %q, want %q", d.MigrationsDir, want)
		}
		if d.BaseDir != dir || d.DevBaseDir != dir || d.DirectBaseDir != dir {
			t.Errorf("BaseDir = %q, DevBaseDir = %q, DirectBaseDir = %q, want %q", d.BaseDir, d.DevBaseDir, d.DirectBaseDir, dir)
		}
		if got, want := source(t, c, keyMigrationsDir), "../../warden.toml:2"; got != want {
			t.Errorf("source = %q, want %q", got, want)
		}
		if c.File != filepath.Join(dir, FileName) {
			t.Errorf("File = %q", c.File)
		}
	})
	t.Run("the environment beats the file and starts at the working directory", func(t *testing.T) {
		c := mustLoad(t, Input{Dir: sub, Getenv: environment(append(env, "DBWARDEN_DATABASE_URL=sqlite:///x.db")...)})
		d := c.Selected[0]
		if want := filepath.Join(sub, "m/env"); d.MigrationsDir != want {
			t.Errorf("MigrationsDir = %q, want %q", d.MigrationsDir, want)
		}
		if d.PostgresSchema != "env" || d.DevURL.Reveal() != "sqlite:///envdev.db" {
			t.Errorf("schema %q, dev %q", d.PostgresSchema, d.DevURL.Reveal())
		}
		if d.BaseDir != sub || d.DevBaseDir != sub {
			t.Errorf("BaseDir = %q, DevBaseDir = %q, want %q", d.BaseDir, d.DevBaseDir, sub)
		}
	})
	t.Run("the flag beats the environment", func(t *testing.T) {
		c := mustLoad(t, Input{Dir: sub, MigrationsDir: "m/flag", Getenv: environment(env...)})
		if want := filepath.Join(sub, "m/flag"); c.Selected[0].MigrationsDir != want {
			t.Errorf("MigrationsDir = %q, want %q", c.Selected[0].MigrationsDir, want)
		}
		if got := source(t, c, keyMigrationsDir); got != "--migrations-dir" {
			t.Errorf("source = %q", got)
		}
	})
	t.Run("without a file the default starts at the working directory", func(t *testing.T) {
		bare := t.TempDir()
		c := mustLoad(t, Input{Dir: bare, URL: "sqlite:///x.db"})
		if want := filepath.Join(bare, "migrations"); c.Selected[0].MigrationsDir != want || c.File != "" {
			t.Errorf("MigrationsDir = %q, File = %q", c.Selected[0].MigrationsDir, c.File)
		}
	})
	t.Run("a flag speaks of the selected database, a variable of the default one", func(t *testing.T) {
		two := world(t, twoFile)
		c := mustLoad(t, Input{Dir: two, Database: "other", MigrationsDir: "flag"})
		if want := filepath.Join(two, "flag"); c.Selected[0].MigrationsDir != want {
			t.Errorf("MigrationsDir = %q, want %q", c.Selected[0].MigrationsDir, want)
		}
		c = mustLoad(t, Input{Dir: two, All: true, Getenv: environment("DBWARDEN_MIGRATIONS_DIR=env")})
		if c.Selected[0].MigrationsDir != filepath.Join(two, "env") || c.Selected[1].MigrationsDir != filepath.Join(two, "migrations") {
			t.Errorf("MigrationsDir = %q and %q", c.Selected[0].MigrationsDir, c.Selected[1].MigrationsDir)
		}
	})
}

func TestDirectURLIsDroppedWhenItsDatabaseIsReplaced(t *testing.T) {
	t.Parallel()
	toml := "database_url = 'postgres://pool/prod'\ndirect_url = 'postgres://db/prod'\n"
	for _, tt := range []struct {
		name, toml, flag string
		env              []string
		want, source     string
	}{
		{"both in the file", toml, "", nil, "postgres://db/prod", "warden.toml:2"},
		{"URL from the environment", toml, "", []string{"DBWARDEN_DATABASE_URL=postgres://pool/staging"}, "",
			"not used (warden.toml:2): database_url comes from environment DBWARDEN_DATABASE_URL"},
		{"URL from the flag", toml, "postgres://pool/staging", nil, "", "not used (warden.toml:2): database_url comes from --url"},
		{"direct URL from the environment alone", toml, "", []string{"DBWARDEN_DIRECT_URL=postgres://x/prod"}, "postgres://x/prod", "environment DBWARDEN_DIRECT_URL"},
		{"both from the environment", toml, "", []string{"DBWARDEN_DATABASE_URL=postgres://pool/s", "DBWARDEN_DIRECT_URL=postgres://x/s"}, "postgres://x/s", "environment DBWARDEN_DIRECT_URL"},
		{"the flag beats the environment's", toml, "postgres://pool/s", []string{"DBWARDEN_DIRECT_URL=postgres://x/prod"}, "",
			"not used (environment DBWARDEN_DIRECT_URL): database_url comes from --url"},
		{"DATABASE_URL is weaker than the file", "direct_url = 'postgres://db/prod'", "", []string{"DATABASE_URL=postgres://pool/prod"}, "postgres://db/prod", "warden.toml:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mustLoad(t, Input{Dir: world(t, tt.toml), URL: tt.flag, Getenv: environment(tt.env...)})
			if got := c.Selected[0].DirectURL.Reveal(); got != tt.want {
				t.Errorf("DirectURL = %q, want %q", got, tt.want)
			}
			if got := source(t, c, keyDirectURL); got != tt.source {
				t.Errorf("source = %q, want %q", got, tt.source)
			}
		})
	}
}

func TestSearchGoesUpToTheFirstFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, FileName), "database_url = 'sqlite:///outer.db'")
	write(t, filepath.Join(root, "a", FileName), "database_url = 'sqlite:///inner.db'")
	deep := filepath.Join(root, "a", "b", "c")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if c := mustLoad(t, Input{Dir: deep}); c.Selected[0].URL.Reveal() != "sqlite:///inner.db" || c.Selected[0].BaseDir != filepath.Join(root, "a") {
		t.Errorf("URL = %q, BaseDir = %q", c.Selected[0].URL.Reveal(), c.Selected[0].BaseDir)
	}
	if c := mustLoad(t, Input{Dir: deep, File: "../../../warden.toml"}); c.Selected[0].URL.Reveal() != "sqlite:///outer.db" || c.File != filepath.Join(root, FileName) {
		t.Errorf("URL = %q, File = %q", c.Selected[0].URL.Reveal(), c.File)
	}
}

func TestKeysReachTheDatabase(t *testing.T) {
	t.Parallel()
	dir := world(t, `
database_url = "postgresql+psycopg://app:s3cret%21@db/shop"
model_paths = "models, more/models.sql,"
[lock]
wait = 90
recover = "auto"
[run]
lock_timeout = 0
statement_timeout = "1h"
pipeline = "off"
`)
	d := mustLoad(t, Input{Dir: dir}).Selected[0]
	if d.Scheme() != "postgresql" {
		t.Errorf("Scheme = %q", d.Scheme())
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "models"), filepath.Join(dir, "more/models.sql")}, d.ModelPaths); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(LockConfig{Wait: 90 * time.Second, Recover: "auto"}, d.Lock); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(RunConfig{LockTimeout: NoLimit, LockRetry: 3 * time.Minute, StatementTimeout: time.Hour, Pipeline: "off"}, d.Run); diff != "" {
		t.Error(diff)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	d := mustLoad(t, Input{Dir: t.TempDir(), URL: "mysql://h/x"}).Selected[0]
	if !d.Default || d.Lock != (LockConfig{5 * time.Minute, "manual"}) || d.Run != (RunConfig{5 * time.Second, 3 * time.Minute, NoLimit, "auto"}) ||
		d.ModelPaths != nil || !d.DirectURL.IsZero() || !d.DevURL.IsZero() {
		t.Errorf("%+v", d)
	}
}

func TestSharedKeysStandAtTheTop(t *testing.T) {
	t.Parallel()
	dir := world(t, "postgres_schema = 'all'\nlock.wait = '1m'\n"+twoFile+"postgres_schema = 'mine'\nrun = { lock_timeout = '1s' }\n")
	c := mustLoad(t, Input{Dir: dir, All: true})
	main, other := c.Selected[0], c.Selected[1]
	if main.PostgresSchema != "all" || other.PostgresSchema != "mine" || main.Lock.Wait != time.Minute || other.Lock.Wait != time.Minute {
		t.Errorf("main %+v\nother %+v", main, other)
	}
	if main.Run.LockTimeout != 5*time.Second || other.Run.LockTimeout != time.Second {
		t.Errorf("lock_timeout %v and %v", main.Run.LockTimeout, other.Run.LockTimeout)
	}
}

func TestVariablesExpandInValuesOfTheFile(t *testing.T) {
	t.Parallel()
	env := environment("PW=p%40ss", "HOST=db", "LIST=a,b ,c", "WAIT=7s", "MODE=auto", "DBWARDEN_POSTGRES_SCHEMA=${PW}", "NESTED=${HOST}")
	dir := world(t, `database_url = "postgres://app:${PW}@${HOST}/x"
dev_url = "sqlite:///a$b$$c$${HOST}${NESTED}.db"
model_paths = "${LIST},d$${HOST}"
migrations_dir = '${HOST}/m'
lock = { wait = "${WAIT}", recover = "${MODE}" }
`)
	c := mustLoad(t, Input{Dir: dir, Getenv: env})
	d := c.Selected[0]
	if got, want := d.URL.Reveal(), "postgres://app:p%40ss@db/x"; got != want {
		t.Errorf("URL = %q, want %q", got, want)
	}
	if got, want := d.DevURL.Reveal(), "sqlite:///a$b$$c${HOST}${HOST}.db"; got != want {
		t.Errorf("DevURL = %q, want %q", got, want)
	}
	if d.PostgresSchema != "${PW}" {
		t.Errorf("a value of the environment was expanded: %q", d.PostgresSchema)
	}
	var models []string
	for _, p := range d.ModelPaths {
		models = append(models, filepath.Base(p))
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d${HOST}"}, models); diff != "" {
		t.Error(diff)
	}
	if d.MigrationsDir != filepath.Join(dir, "db/m") || d.Lock != (LockConfig{7 * time.Second, "auto"}) {
		t.Errorf("%+v", d)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	get := func(name string) string { return map[string]string{"A": "1", "B_2": "${A}"}[name] }
	for in, want := range map[string]string{
		"":               "",
		"plain":          "plain",
		"${A}":           "1",
		"x${A}y${A}z":    "x1y1z",
		"${B_2}":         "${A}",
		"$A $ $$ 5$":     "$A $ $$ 5$",
		"$${A}":          "${A}",
		"$$${A}":         "$${A}",
		"a$${b $${ ${A}": "a${b ${ 1",
	} {
		if got, err := expand(in, get); err != nil || got != want {
			t.Errorf("expand(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestOnlyWhatIsInEffectMustBeExpandable(t *testing.T) {
	t.Parallel()
	two := strings.Replace(twoFile, "postgres://other/two", "${OTHER_URL}", 1)
	c := mustLoad(t, Input{Dir: world(t, two)})
	if len(c.Databases) != 2 || c.Databases[0].Problem != nil {
		t.Fatalf("%+v", c.Databases)
	}
	if p := c.Databases[1].Problem; p == nil || p.Error() != `warden.toml:5:1: key "database_url": environment variable OTHER_URL is not set, or empty` {
		t.Errorf("Problem = %v", p)
	}
	if _, err := Load(Input{Dir: world(t, two), All: true}); err == nil {
		t.Error("--all went on without a URL")
	}
	one := world(t, `database_url = "${MISSING}"`)
	mustLoad(t, Input{Dir: one, URL: "sqlite:///x.db"})
}

// TestSourcesListEveryKeyInOrder compares with testdata/sources.golden; go
// test -update writes it anew.
func TestSourcesListEveryKeyInOrder(t *testing.T) {
	t.Parallel()
	dir := world(t, `
# two databases
migrations_dir = "shared"
lock.wait = "10m"

[databases.main]
default = true
database_url = "postgresql://app:${PW}@db:5432/shop?sslmode=require&sslpassword=k3y"
direct_url = "postgresql://app:hunter2@db:5433/shop"
model_paths = ["models", "views/*.sql"]
[databases.main.run]
statement_timeout = "90s"

[databases.logs]
sqlalchemy_url = "sqlite:///logs.db"
migrations_dir = "logs"
lock = { recover = "auto" }
`)
	c := mustLoad(t, Input{Dir: dir, All: true, Getenv: environment("PW=s3cret", "DBWARDEN_POSTGRES_SCHEMA=app")})
	var b strings.Builder
	for _, d := range c.Databases {
		fmt.Fprintf(&b, "[%s]\n", d.Name)
		for _, s := range d.Sources {
			fmt.Fprintf(&b, "%-22s %-64s %s\n", s.Key, strings.ReplaceAll(s.Value, dir, "DIR"), s.Source)
		}
	}
	golden := filepath.Join("testdata", "sources.golden")
	if *update {
		write(t, golden, b.String())
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestModelCommandIsAListOrWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`model_command = "python  manage.py ${WHAT}"`: {"python", "manage.py", "schema"},
		`model_command = ["sh", "-c", "a | b $${x}"]`: {"sh", "-c", "a | b ${x}"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, FileName), oneFile+text+"\n")
		c := mustLoad(t, Input{Dir: dir, Getenv: environment("WHAT=schema")})
		if d := c.Selected[0]; !slices.Equal(d.ModelCommand, want) || d.ModelDir != dir {
			t.Errorf("%s: %q in %s", text, d.ModelCommand, d.ModelDir)
		}
	}
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	_, err := Load(Input{Dir: t.TempDir()})
	var e *Error
	if !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("%T: %v", err, err)
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"0": 0, "300ms": 300 * time.Millisecond, "5s": 5 * time.Second, "5m": 5 * time.Minute,
		"1h30m": 90 * time.Minute, "7": 7 * time.Second, " 2s ": 2 * time.Second,
	} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "-1s", "five", "5 m", "5d", "9223372036854775807", "1e3"} {
		if d, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", in, d)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0", NoLimit: "0", time.Minute: "1m", 90 * time.Minute: "1h30m", time.Hour: "1h",
		90 * time.Second: "1m30s", 10 * time.Second: "10s", 10 * time.Hour: "10h", 300 * time.Millisecond: "300ms",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("formatDuration(%d) = %q, want %q", d, got, want)
		}
	}
}

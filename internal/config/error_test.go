package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		toml string
		want string // Error()
		hint string // a part of Hint
	}{
		// Not TOML.
		{"no value", "a = 1\nmigrations_dir = \n", "warden.toml:2:18: this is not valid TOML: unexpected character at start of value\n  2 | migrations_dir = ", "quotes"},
		{"no quotes", "migrations_dir = m\n", "warden.toml:1:18: this is not valid TOML: unexpected character at start of value\n  1 | migrations_dir = m", "quotes"},
		{"a URL without quotes", "database_url = postgres://u:hunter2@h/d\n", "warden.toml:1:16: this is not valid TOML: unexpected character at start of value\n  1 | database_url = ***", "quotes"},
		{"a URL cut short", "[warden]\ndatabase_url = \"postgres://u:hunter2@h/d\n", "warden.toml:2:41: this is not valid TOML: basic strings cannot have new lines\n  2 | database_url = ***", ""},
		{"a quote in a password", "database_url = \"postgres://u:hun\"ter2@h/d\"\n", "warden.toml:1:34: this is not valid TOML: expected newline\n  1 | database_url = ***", ""},
		{"a backslash in a password", "database_url = \"postgres://u:hun\\ter\\2@h/d\"\n", "warden.toml:1:37: this is not valid TOML: invalid escape character\n  1 | database_url = ***", "'...'"},
		{"a bare URL", "\n\npostgres://u:hunter2@h/d\n", "warden.toml:3:9: this is not valid TOML: expected '=' after key\n  3 | ***", ""},
		{"a URL in a list", "model_paths = [\n  \"postgres://u:hun\"ter2@h/d\",\n]", "warden.toml:2:21: this is not valid TOML: expected ',' or ']' after array value\n  2 | ***", ""},
		{"a URL in a harmless key", "postgres_schema = \"postgres://u:hun\"ter2@h/d\"", "warden.toml:1:37: this is not valid TOML: expected newline\n  1 | postgres_schema = ***", ""},
		{"a string of many lines", "database_url = \"\"\"postgres://u:\n[hunter2]", "warden.toml:2:9: this is not valid TOML: multiline basic string not terminated by \"\"\"\n  2 | ***", ""},
		{"a header cut short", "[lock\nwait = 1", "warden.toml:1:6: this is not valid TOML: expected ']' to close table name\n  1 | [lock", ""},
		{"columns count characters", "\"größe\" = é", "warden.toml:1:11: this is not valid TOML: unexpected character at start of value\n  1 | ***", ""},
		{"a number too large", "[lock]\nwait = 99999999999999999999", "warden.toml:2:8: this is not valid TOML: decimal number is too large to fit in a 64-bit signed integer\n  2 | wait = 99999999999999999999", ""},

		// Keys.
		{"unknown key", "\n  databse_url = 'x'", `warden.toml:2:3: unknown key "databse_url", did you mean "database_url"?`, ""},
		{"unknown key in [warden]", "[warden]\nmigration_dir = 'x'", `warden.toml:2:1: unknown key "warden.migration_dir", did you mean "migrations_dir"?`, ""},
		{"unknown key, nothing near", "colour = 1", `warden.toml:1:1: unknown key "colour"`, ""},
		{"unknown key in a table", "[lock]\nwiat = 5", `warden.toml:2:1: unknown key "lock.wiat", did you mean "lock.wait"?`, ""},
		{"unknown key of a database", "[databases.a]\nmigratons_dir = 'x'", `warden.toml:2:1: unknown key "databases.a.migratons_dir", did you mean "migrations_dir"?`, ""},
		{"unknown table", "[lokc]\nwait = 5", `warden.toml:1:2: unknown table "lokc", did you mean "lock"?`, ""},
		{"database for databases", "[database.a]\n", `warden.toml:1:2: unknown table "database.a", did you mean "databases"?`, ""},
		{"a key outside its table", "lock_timeout = '5s'", `warden.toml:1:1: unknown key "lock_timeout", it belongs in the [run] table`, ""},
		{"a key inside a table", "[lock]\nwait = 1\ndatabase_url = 'x'", `warden.toml:3:1: unknown key "lock.database_url", it does not belong in the [lock] table`, ""},
		{"a key that cannot be shown", "'postgres://u:hunter2@h/d' = 1", `warden.toml:1:1: unknown key`, ""},
		{"a key twice", "migrations_dir = 'a'\n\nmigrations_dir = 'b'", `warden.toml:3:1: key "migrations_dir" is set twice, on line 1 and on line 3`, ""},
		{"a table twice", "[lock]\nwait = 1\n[lock]\n", `warden.toml:3:2: table "lock" is set twice, on line 1 and on line 3`, ""},
		{"top level and [warden]", "migrations_dir = 'a'\n[warden]\nmigrations_dir = 'b'", `warden.toml:3:1: key "migrations_dir" is set twice, at the top level and in [warden]: on line 1 and on line 3`, ""},
		{"[lock] and [warden.lock]", "[lock]\nwait = 1\n[warden.lock]\nwait = 1", `warden.toml:4:1: key "lock.wait" is set twice, at the top level and in [warden]: on line 2 and on line 4`, ""},
		{"both names of the URL", "sqlalchemy_url = 'a'\ndatabase_url = 'b'", `warden.toml:2:1: database_url and sqlalchemy_url are two names of one key, set on line 1 and on line 2`, ""},
		{"default at the top", "default = true", `warden.toml:1:1: key "default" belongs in a [databases.NAME] table`, "single"},

		// Types.
		{"a URL that is a number", "database_url = 5", `warden.toml:1:1: key "database_url" must be a string and not an integer`, ""},
		{"a folder that is a list", "migrations_dir = ['a']", `warden.toml:1:1: key "migrations_dir" must be a string and not a list`, ""},
		{"a folder that is a table", "[migrations_dir]", `warden.toml:1:2: key "migrations_dir" is a value and not a table`, ""},
		{"models that are true", "model_paths = true", `warden.toml:1:1: key "model_paths" must be a list of strings, or one string with commas, and not a boolean`, ""},
		{"a program that is a number", "model_command = 5", `warden.toml:1:1: key "model_command" must be a program with its arguments, as a list of strings or in one string, and not an integer`, ""},
		{"a program for a shell", oneFile + "model_command = 'a | b'", `warden.toml:2:1: key "model_command": no shell reads this: write a program with quotes or signs of a shell as a list`, `for example: model_command = ["sh", "-c", "…"]`},
		{"no program", oneFile + "model_command = []", `warden.toml:2:1: key "model_command": it names no program`, ""},
		{"models with a number", "model_paths = [\n 'a',\n 5 ]", `warden.toml:3:2: key "model_paths" must be a list of strings, and this is an integer`, ""},
		{"a lock that is text", "lock = '5m'", `warden.toml:1:1: lock is a table and not a string: write [lock]`, ""},
		{"a list of locks", "[[lock]]\nwait = 1\n[[lock]]\nwait = 1", `warden.toml:1:3: lock is one table and not a list of tables: write [lock]`, ""},
		{"databases that are text", "databases = 'a'", `warden.toml:1:1: databases is a table and not a string: write [databases]`, ""},
		{"a database that is text", "[databases]\na = 'postgres://u:hunter2@h/d'", `warden.toml:2:1: databases.NAME is a table and not a string: write [databases.NAME]`, ""},
		{"a list of databases", "[[databases]]\nname = 'a'", `warden.toml:1:3: databases is one table and not a list of tables: write [databases]`, ""},
		{"a name with spaces", "[databases.'a b']", `warden.toml:1:2: the name of a database is made of letters, digits, _ - and ., 100 characters at most`, ""},
		{"wait with a fraction", "lock.wait = 1.5", `warden.toml:1:1: key "lock.wait" must be a duration, such as "5m", or whole seconds, and not a number with a fraction`, ""},
		{"wait in words", "lock.wait = 'five'", `warden.toml:1:1: key "lock.wait": not a duration: write "300ms", "5s", "5m", "1h30m", or whole seconds as a number`, ""},
		{"wait below zero", "[lock]\nwait = -1", `warden.toml:2:1: key "lock.wait": a time limit cannot be negative`, ""},
		{"pipeline mistyped", "[run]\npipeline = 'of'", `warden.toml:2:1: key "run.pipeline" must be "auto" or "off", did you mean "off"?`, ""},
		{"recover mistyped", "[lock]\nrecover = 'atuo'", `warden.toml:2:1: key "lock.recover" must be "manual" or "auto", did you mean "auto"?`, ""},
		{"default that is text", "[databases.a]\ndefault = 'yes'", `warden.toml:2:1: key "default" must be true or false and not a string`, ""},

		// Several databases.
		{"a URL beside databases", "\ndatabase_url = 'sqlite:///a.db'\n[databases.a]", `warden.toml:2:1: key "database_url" at the top level, line 2, belongs to no database: there are [databases.NAME] tables from line 3 on`, ""},
		{"two defaults", "[databases.a]\ndefault = true\n[databases.b]\ndefault = true", `warden.toml:4:1: two databases have default = true: "a" on line 2 and "b" on line 4`, ""},
		{"no default", "[databases.a]\n[databases.b]\ndefault = false", `warden.toml:1:2: none of the 2 databases is the default one`, "default = true"},
		{"a database without a URL", "\n[databases.a]", `warden.toml:2:2: database "a" has no URL: set database_url in [databases.a], DBWARDEN_DATABASE_URL in the environment, or --url`, ""},

		// Values.
		{"no URL", "migrations_dir = 'm'", `warden.toml: no database URL: set database_url in warden.toml, DBWARDEN_DATABASE_URL in the environment, or --url`, `database_url = "sqlite:///app.db"`},
		{"nothing in the file", " ", `warden.toml: no database URL: set database_url in warden.toml, DBWARDEN_DATABASE_URL in the environment, or --url`, `database_url = "sqlite:///app.db"`},
		{"an empty URL", "database_url = ' '", `warden.toml:1:1: key "database_url": the value is empty`, ""},
		{"an unknown variable", "\ndatabase_url = 'postgres://u:${PW}@h/d'", `warden.toml:2:1: key "database_url": environment variable PW is not set, or empty`, ""},
		{"a variable with a default", "database_url = '${PW:-hunter2}'", `warden.toml:1:1: key "database_url": between ${ and } stands the name of one environment variable, and nothing else; a plain ${ is written $${`, ""},
		{"a variable without an end", "database_url = '${PW'", `warden.toml:1:1: key "database_url": a ${ has no }; a plain ${ is written $${`, ""},
		{"an unknown variable in a list", oneFile + "model_paths = [\n  'a',\n  '${B}',\n]", `warden.toml:4:3: key "model_paths": environment variable B is not set, or empty`, ""},
		{"a URL as a folder", oneFile + "migrations_dir = 'postgres://u:hunter2@h/d'", `warden.toml:2:1: key "migrations_dir": this is a URL or connection string`, "database_url"},
		{"a URL without its colon that its password cut short", oneFile + "model_paths = \"postgres//app:hunter2,\"#@db\"", `warden.toml:2:1: key "model_paths": this is a URL or connection string`, "database_url"},
		{"a wrong duration by variable", oneFile + "lock.wait = '${EMPTYISH}x'", `warden.toml:2:1: key "lock.wait": environment variable EMPTYISH is not set, or empty`, ""},
		{"a wrong scheme", "database_url = 'postgre://u:hunter2@h/d'", `warden.toml:1:1: key "database_url": unknown URL scheme "postgre", did you mean "postgres"?`, "mariadb"},
		{"a wrong dev URL", oneFile + "dev_url = 'oracle://u:hunter2@h/d'", `warden.toml:2:1: key "dev_url": unknown URL scheme "oracle"`, "mariadb"},
		{"by its old name", "sqlalchemy_url = 'oracle://h'", `warden.toml:1:1: key "sqlalchemy_url": unknown URL scheme "oracle"`, ""},
		{"a password with a hash", "database_url = 'postgres://u:hun#ter2@h/d'", `warden.toml:1:1: key "database_url": the URL cannot be read: user or password seem to hold a character that must be percent-encoded`, "%40"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(Input{Dir: world(t, tt.toml)})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Load: %T %v, want an *Error", err, err)
			}
			if e.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", e.Error(), tt.want)
			}
			if !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("hint %q, want %q in it", e.Hint, tt.hint)
			}
			for _, piece := range []string{"hunter2", "ter2"} {
				if strings.Contains(e.Error()+e.Hint, piece) {
					t.Errorf("the password is in %q", e.Error()+e.Hint)
				}
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	three := twoFile + "[databases.third]\n"
	for _, tt := range []struct {
		name string
		toml string
		in   Input
		env  []string
		want string
		hint string
	}{
		{"nothing at all", "", Input{}, nil, "no database URL: set database_url in warden.toml, DBWARDEN_DATABASE_URL in the environment, or --url", "dbwarden init"},
		{"--config without the file", "", Input{File: "no/such.toml"}, nil, "no/such.toml: the configuration file cannot be read: no such file or directory", "without it the nearest warden.toml is used"},
		{"--config with a folder", "", Input{File: "."}, nil, ".: the configuration file cannot be read: it is a folder", ""},
		{"--config with a URL", "", Input{File: "postgres://u:hunter2@h/d"}, nil, "--config takes the name of a file, and this is a URL or connection string", "--url"},
		{"-d without a file", "", Input{Database: "a"}, nil, "-d names a database, and there is no warden.toml", ""},
		{"-d without databases", oneFile, Input{Database: "a"}, nil, "warden.toml: -d names a database, and there are no [databases.NAME] tables", ""},
		{"-d mistyped", twoFile, Input{Database: "othr"}, nil, `warden.toml: unknown database "othr", did you mean "other"?`, "main, other"},
		{"-d with a URL", twoFile, Input{Database: "postgres://u:hunter2@h/d"}, nil, `warden.toml: unknown database`, ""},
		{"-d and --all", twoFile, Input{Database: "main", All: true}, nil, "--all and -d contradict each other", ""},
		{"--url and --all", twoFile, Input{URL: "sqlite:///a.db", All: true}, nil, "--all and --url contradict each other: a URL names one database", ""},
		{"--migrations-dir and --all", twoFile, Input{MigrationsDir: "m", All: true}, nil, "--all and --migrations-dir contradict each other: one folder cannot serve 2 databases", ""},
		{"--url and another -d", twoFile, Input{URL: "sqlite:///a.db", Database: "other"}, nil, `--url and -d contradict each other: a URL replaces that of the default database, "main", and -d names "other"`, ""},
		{"a variable and another -d", twoFile, Input{Database: "other"}, []string{"DBWARDEN_DATABASE_URL=sqlite:///a.db"}, `DBWARDEN_DATABASE_URL and -d contradict each other: the variable speaks of the default database, "main", and -d names "other"`, "unset"},
		{"a folder variable and another -d", twoFile, Input{Database: "other"}, []string{"DBWARDEN_MIGRATIONS_DIR=m"}, `DBWARDEN_MIGRATIONS_DIR and -d contradict each other: the variable speaks of the default database, "main", and -d names "other"`, "unset"},
		{"DATABASE_URL in effect and another -d", "[databases.a]\ndefault = true\n[databases.b]\n", Input{Database: "b"}, []string{"DATABASE_URL=sqlite:///a.db"}, `DATABASE_URL and -d contradict each other: the variable speaks of the default database, "a", and -d names "b"`, "unset"},
		{"-d of one without a URL", three, Input{Database: "third"}, nil, `warden.toml:6:2: database "third" has no URL: set database_url in [databases.third]`, ""},
		{"a bad variable", "", Input{}, []string{"DATABASE_URL=hunter2"}, "environment variable DATABASE_URL: the URL has no scheme", "postgresql://"},
		{"a bad flag", "", Input{URL: "u:hunter2@h/d"}, nil, "--url: the URL has no scheme", "postgresql://"},
		{"a blank flag", "", Input{URL: " "}, nil, "--url: the value is empty", ""},
		{"a URL as a folder", "", Input{URL: "sqlite:///a.db", MigrationsDir: "postgres://u:hunter2@h/d"}, nil, "--migrations-dir: this is a URL or connection string", "database_url"},
		{"a scheme without an engine", "", Input{URL: "mysql://h/d", Schemes: []string{"sqlite"}}, nil, `--url: unknown URL scheme "mysql"`, "known schemes: sqlite"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := tt.in
			in.Dir, in.Getenv = world(t, tt.toml), environment(tt.env...)
			_, err := Load(in)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Load: %T %v, want an *Error", err, err)
			}
			if e.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", e.Error(), tt.want)
			}
			if !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("hint %q, want %q in it", e.Hint, tt.hint)
			}
		})
	}
}

func TestFileOddities(t *testing.T) {
	t.Parallel()
	for name, toml := range map[string]string{
		"byte order mark": "\ufeff" + oneFile,
		"CRLF":            strings.ReplaceAll(oneFile+"[lock]\nwait = 5\n", "\n", "\r\n"),
		"no final line":   strings.TrimSpace(oneFile),
		"nested [warden]": "[warden]\n" + oneFile + "[warden.lock]\nwait = 1\n[lock]\nrecover = 'auto'\n",
		"inline warden":   "warden = { database_url = 'sqlite:///file.db', lock = { wait = 1 } }",
	} {
		c, err := Load(Input{Dir: world(t, toml)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := c.Selected[0].URL.Reveal(); got != "sqlite:///file.db" {
			t.Errorf("%s: URL = %q", name, got)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, FileName), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Input{Dir: dir}); err == nil || err.Error() != "warden.toml: the configuration file cannot be read: it is a folder" {
		t.Errorf("a folder named %s: %v", FileName, err)
	}
	if _, err := Load(Input{Dir: world(t, strings.Repeat("# long\n", 200_000))}); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("a long file: %v", err)
	}
}

package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// resolver knows all that values may come from.
type resolver struct {
	in     Input
	dir    string // absolute
	f      *file
	main   *scope // the default database
	getenv func(string) string

	// namesURL is set where the file names a URL of any database: then
	// DATABASE_URL, which every other program reads too, is left alone.
	namesURL bool
}

func newResolver(in Input, f *file) (*resolver, error) {
	dir, err := filepath.Abs(in.Dir)
	if err != nil {
		return nil, &Error{Msg: "the working directory cannot be found: " + reason(err)}
	}
	r := &resolver{in: in, dir: dir, f: f, main: f.scopes()[0]}
	r.getenv = func(name string) string {
		if in.Getenv == nil {
			return ""
		}
		v, _ := in.Getenv(name) // empty counts as unset
		return v
	}
	for _, s := range f.scopes() {
		if isDefault(s) {
			r.main = s
		}
		for _, key := range []string{keyURL, keySQLAlchemyURL, keyURLFile, keyURLCommand} {
			if _, ok := s.values[key]; ok {
				r.namesURL = true
			}
		}
	}
	return r, nil
}

// variables are the environment variables of each key, the strongest first.
// DATABASE_URL stands apart: it is weaker than the file.
var variables = map[string][]string{
	keyURL:             {"DBWARDEN_DATABASE_URL", "DBWARDEN_SQLALCHEMY_URL"},
	keyURLFile:         {"DBWARDEN_DATABASE_URL_FILE"},
	keyPasswordFile:    {"DBWARDEN_PASSWORD_FILE"},
	keyDirectURL:       {"DBWARDEN_DIRECT_URL"},
	keyDevURL:          {"DBWARDEN_DEV_URL"},
	keyMigrationsDir:   {"DBWARDEN_MIGRATIONS_DIR"},
	keyPostgresSchema:  {"DBWARDEN_POSTGRES_SCHEMA"},
	keyMetricsFile:     {"DBWARDEN_METRICS_FILE"},
	keyMetricsPush:     {"DBWARDEN_METRICS_PUSH"},
	keyMetricsInstance: {"DBWARDEN_METRICS_INSTANCE"},
}

const commonURLVariable = "DATABASE_URL"

// choose works out which databases the command is about.
func (r *resolver) choose() (map[*scope]bool, error) {
	selected := map[*scope]bool{}
	switch {
	case r.in.All && r.in.Database != "":
		return nil, &Error{Msg: "--all and -d contradict each other"}
	case r.in.All && r.in.URL != "":
		return nil, &Error{Msg: "--all and --url contradict each other: a URL names one database"}
	case r.in.All:
		if r.in.MigrationsDir != "" && len(r.f.databases) > 1 {
			return nil, &Error{Msg: fmt.Sprintf("--all and --migrations-dir contradict each other: one folder cannot serve %d databases", len(r.f.databases))}
		}
		for _, s := range r.f.scopes() {
			selected[s] = true
		}
	case r.in.Database != "":
		s, err := r.named(r.in.Database)
		if err != nil {
			return nil, err
		}
		selected[s] = true
	default:
		selected[r.main] = true
	}
	return selected, nil
}

// named finds the database of -d, and refuses it where a URL or a variable
// speaks of the default one.
func (r *resolver) named(name string) (*scope, error) {
	if len(r.f.databases) == 0 {
		err := &Error{File: r.f.name, Msg: "-d names a database, and there are no [databases.NAME] tables", Hint: "leave -d out: there is one database"}
		if r.f.top.fans() {
			err.Hint = "one of the [targets] is named with --target " + name
		}
		if r.f.path == "" {
			err.Msg, err.Hint = "-d names a database, and there is no "+FileName, "give the database by --url, or write a "+FileName+" with [databases.NAME] tables"
		}
		return nil, err
	}
	var names []string
	var found *scope
	for _, s := range r.f.databases {
		names = append(names, s.name)
		if s.name == name {
			found = s
		}
	}
	if found == nil {
		return nil, &Error{
			File: r.f.name,
			Msg:  "unknown " + named("database", name) + didYouMean(name, names),
			Hint: "known databases: " + strings.Join(names, ", "),
		}
	}
	if found == r.main {
		return found, nil
	}
	if r.in.URL != "" {
		return nil, &Error{Msg: fmt.Sprintf("--url and -d contradict each other: a URL replaces that of the default database, %q, and -d names %q", r.main.name, found.name)}
	}
	for _, key := range []string{keyURL, keyURLFile, keyPasswordFile, keyDirectURL, keyDevURL, keyMigrationsDir, keyPostgresSchema} {
		if v, ok := r.variable(key); ok {
			return nil, r.contradicts(v.name, found)
		}
	}
	if v, ok := r.common(); ok {
		return nil, r.contradicts(v.name, found)
	}
	return found, nil
}

func (r *resolver) contradicts(variable string, s *scope) error {
	return &Error{
		Msg:  fmt.Sprintf("%s and -d contradict each other: the variable speaks of the default database, %q, and -d names %q", variable, r.main.name, s.name),
		Hint: fmt.Sprintf("unset %s for this command", variable),
	}
}

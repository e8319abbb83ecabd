package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// The keys of a database, as a Setting names them. This list and the order of
// Sources are one.
const (
	keyURL              = "database_url"
	keySQLAlchemyURL    = "sqlalchemy_url"
	keyURLFile          = "database_url_file"
	keyURLCommand       = "database_url_command"
	keyPasswordFile     = "password_file"
	keyPasswordCommand  = "password_command"
	keyDirectURL        = "direct_url"
	keyDevURL           = "dev_url"
	keyMigrationsDir    = "migrations_dir"
	keyModelPaths       = "model_paths"
	keyModelCommand     = "model_command"
	keyPostgresSchema   = "postgres_schema"
	keyEnv              = "env"
	keyLockWait         = "lock.wait"
	keyLockRecover      = "lock.recover"
	keyLockTimeout      = "run.lock_timeout"
	keyStatementTimeout = "run.statement_timeout"
	keyLockRetry        = "run.lock_retry"
	keyPipeline         = "run.pipeline"
	keyDrift            = "drift"

	keyHookTimeout = "hooks.timeout"

	keyTargetKind  = "targets.kind"
	keyTargetList  = "targets.list"
	keyTargetQuery = "targets.query"
	keyTargetFile  = "targets.file"

	keyMetricsFile     = "metrics.file"
	keyMetricsPush     = "metrics.push"
	keyMetricsInstance = "metrics.instance"

	keyDefault = "default" // of [databases.NAME] only
	keyCheck   = "check"   // a table with a key for each rule
	keyVars    = "vars"    // a table with a key for each variable
)

// keyType is what may stand behind a key.
type keyType int

const (
	typeURL keyType = iota
	typePath
	typePaths
	typeCommand
	typeText
	typeDuration
	typeWord
	typeBool
	typeNames // a list of strings
)

var keyTypes = map[string]keyType{
	keyURL: typeURL, keySQLAlchemyURL: typeURL, keyDirectURL: typeURL, keyDevURL: typeURL,
	keyURLFile: typePath, keyURLCommand: typeCommand, keyPasswordFile: typePath, keyPasswordCommand: typeCommand,
	keyMigrationsDir: typePath, keyModelPaths: typePaths, keyModelCommand: typeCommand, keyPostgresSchema: typeText, keyEnv: typeText,
	keyLockWait: typeDuration, keyLockRecover: typeWord,
	keyLockTimeout: typeDuration, keyStatementTimeout: typeDuration, keyLockRetry: typeDuration, keyPipeline: typeWord,
	keyHookTimeout:     typeDuration,
	"hooks.before_run": typeCommand, "hooks.before_migration": typeCommand, "hooks.after_migration": typeCommand, "hooks.after_run": typeCommand,
	"hooks.before_run_sql": typeText, "hooks.before_migration_sql": typeText, "hooks.after_migration_sql": typeText, "hooks.after_run_sql": typeText,
	keyTargetKind: typeWord, keyTargetList: typeNames, keyTargetQuery: typeText, keyTargetFile: typePath,
	keyMetricsFile: typePath, keyMetricsPush: typeURL, keyMetricsInstance: typeText,
	keyDrift:   typeWord,
	keyDefault: typeBool,
}

// tables are those that keys stand in whose names have a dot.
var tables = []string{"lock", "run", "hooks", "targets", "metrics"}

// hookMoments are when a hook may be called; each has a key for a program, and
// one with _sql behind it for statements.
var hookMoments = []string{"before_run", "before_migration", "after_migration", "after_run"}

// words are what a key of typeWord may be; the first is the default.
var words = map[string][]string{
	keyLockRecover: {"manual", "auto"},
	keyPipeline:    {"auto", "off"},
	keyDrift:       {"warn", "refuse", "off"},
	keyTargetKind:  {"auto", "schema", "database"},
}

// harmless reports whether a key, without its table, never holds a secret.
func harmless(name string) bool {
	for key, t := range keyTypes {
		if key[strings.LastIndexByte(key, '.')+1:] == name {
			return t != typeURL
		}
	}
	return false
}

// scope is the part of a file that speaks of one database.
type scope struct {
	name   string
	pos    position // of its table; zero for the top level
	values map[string]entry
	check  map[string]entry // of [check], by rule
	vars   map[string]entry // of [vars], by name in lower case
}

func newScope(name string, pos position) *scope {
	return &scope{name: name, pos: pos, values: map[string]entry{}, check: map[string]entry{}, vars: map[string]entry{}}
}

// file is a configuration file whose keys are all known and of the right
// types.
type file struct {
	path      string // absolute; "" where there is no file
	name      string // as a person would name it
	top       *scope
	databases []*scope // of [databases.NAME], in order
}

// scopes are the databases that the file, or its absence, speaks of.
func (f *file) scopes() []*scope {
	if len(f.databases) > 0 {
		return f.databases
	}
	return []*scope{f.top}
}

func (f *file) errorf(pos position, format string, args ...any) *Error {
	return &Error{File: f.name, Line: pos.line, Column: pos.column, Msg: fmt.Sprintf(format, args...)}
}

// parseFile reads a file and refuses whatever it does not understand.
func parseFile(text []byte, name string) (*file, error) {
	entries, err := parseDocument(text, name)
	if err != nil {
		return nil, err
	}
	f := &file{name: name, top: newScope("", position{})}
	for _, e := range entries {
		if err := f.add(e); err != nil {
			return nil, err
		}
	}
	return f, f.check()
}

// add puts an entry where it belongs. [warden] is another name of the top
// level.
func (f *file) add(e entry) error {
	path := e.path
	if path[0] == "warden" {
		path = path[1:]
		if len(path) == 0 {
			return f.wantTable(e, "warden")
		}
	}
	if path[0] != "databases" {
		return f.addTo(f.top, path, e)
	}
	switch len(path) {
	case 1:
		return f.wantTable(e, "databases")
	case 2:
		if err := f.wantTable(e, "databases.NAME"); err != nil {
			return err
		}
	}
	if !plain(path[1]) {
		return f.errorf(e.pos, "the name of a database is made of letters, digits, _ - and ., %d characters at most", longestName)
	}
	return f.addTo(f.database(path[1], e.pos), path[2:], e)
}

func (f *file) database(name string, pos position) *scope {
	for _, s := range f.databases {
		if s.name == name {
			return s
		}
	}
	s := newScope(name, pos)
	f.databases = append(f.databases, s)
	return s
}

func (f *file) wantTable(e entry, table string) error {
	switch e.value.kind {
	case unstable.Table:
		return nil
	case unstable.ArrayTable:
		return f.errorf(e.pos, "%s is one table and not a list of tables: write [%s]", table, table)
	}
	return f.errorf(e.pos, "%s is a table and not %s: write [%s]", table, kindName(e.value.kind), table)
}

// addTo checks a key below a scope.
func (f *file) addTo(s *scope, path []string, e entry) error {
	if len(path) == 0 {
		return nil // the header of the scope itself
	}
	key := strings.Join(path, ".")
	if slices.Contains(tables, key) {
		return f.wantTable(e, key)
	}
	if path[0] == keyCheck {
		return f.addRule(s, path, e)
	}
	if path[0] == keyVars {
		return f.addVariable(s, path, e)
	}
	t, known := keyTypes[key]
	switch {
	case !known:
		return f.unknown(s, path, e)
	case key == keyDefault && s == f.top:
		err := f.errorf(e.pos, "key %q belongs in a [databases.NAME] table", keyDefault)
		err.Hint = "a single database needs no default"
		return err
	case e.value.kind == unstable.Table || e.value.kind == unstable.ArrayTable:
		return f.errorf(e.pos, "key %q is a value and not a table", key)
	}
	if first, ok := s.values[key]; ok {
		return f.errorf(e.pos, "key %q is set twice, at the top level and in [warden]: on line %d and on line %d", key, first.pos.line, e.pos.line)
	}
	if msg := checkType(key, t, e.value); msg != "" {
		pos := e.pos
		if t == typePaths || t == typeCommand || t == typeNames { // the item at fault may stand on a line of its own
			pos = badItem(e)
		}
		return f.errorf(pos, "%s", msg)
	}
	s.values[key] = e
	return nil
}

// unknown says what an unknown key may have been meant for: a key that
// belongs in a table, or the nearest known one.
func (f *file) unknown(s *scope, path []string, e entry) error {
	what := "key"
	if e.value.kind == unstable.Table || e.value.kind == unstable.ArrayTable {
		what = "table"
	}
	msg := "unknown " + named(what, strings.Join(e.path, "."))
	last := path[len(path)-1]
	for key := range keyTypes {
		table, name, ok := strings.Cut(key, ".")
		if len(path) == 1 && ok && name == last {
			return f.errorf(e.pos, "%s, it belongs in the [%s] table", msg, table)
		}
		if len(path) > 1 && slices.Contains(tables, path[0]) && key == last && !ok {
			return f.errorf(e.pos, "%s, it does not belong in the [%s] table", msg, path[0])
		}
	}
	var known []string
	if what == "key" {
		for key := range keyTypes {
			if key != keyDefault || s != f.top {
				known = append(known, key)
			}
		}
	}
	slices.Sort(known)
	known = append(append(known, tables...), keyCheck, keyVars)
	if s == f.top {
		known = append(known, "databases", "warden")
	}
	if strings.Join(path, ".") != last {
		// The table is wrong, or the key in it.
		if hint := didYouMean(path[0], known); hint != "" && !slices.Contains(known, path[0]) {
			return f.errorf(e.pos, "%s%s", msg, hint)
		}
	}
	return f.errorf(e.pos, "%s%s", msg, didYouMean(strings.Join(path, "."), known))
}

// check looks at the file as a whole.
func (f *file) check() error {
	for _, s := range append([]*scope{f.top}, f.databases...) {
		if err := f.one(s, "are two names of one key", keyURL, keySQLAlchemyURL); err != nil {
			return err
		}
		if err := f.one(s, "are two places of one URL", keyURL, keySQLAlchemyURL, keyURLFile, keyURLCommand); err != nil {
			return err
		}
		if err := f.one(s, "are two places of one password", keyPasswordFile, keyPasswordCommand); err != nil {
			return err
		}
	}
	if len(f.databases) == 0 {
		return nil
	}
	for _, key := range []string{keyURL, keySQLAlchemyURL, keyURLFile, keyURLCommand, keyDirectURL, keyDevURL} {
		if e, ok := f.top.values[key]; ok {
			return f.errorf(e.pos, "key %q at the top level, line %d, belongs to no database: there are [databases.NAME] tables from line %d on",
				key, e.pos.line, f.databases[0].pos.line)
		}
	}
	return f.checkDefault()
}

// one refuses a scope that has two of the keys.
func (f *file) one(s *scope, why string, keys ...string) error {
	var set []string
	for _, key := range keys {
		if _, ok := s.values[key]; ok {
			set = append(set, key)
		}
	}
	if len(set) < 2 {
		return nil
	}
	first, second := s.values[set[0]], s.values[set[1]]
	if second.pos.line < first.pos.line {
		first, second = second, first
	}
	return f.errorf(second.pos, "%s and %s %s, set on line %d and on line %d", set[0], set[1], why, first.pos.line, second.pos.line)
}

func (f *file) checkDefault() error {
	var first *scope
	for _, s := range f.databases {
		if !isDefault(s) {
			continue
		}
		if first != nil {
			return f.errorf(s.values[keyDefault].pos, "two databases have default = true: %q on line %d and %q on line %d",
				first.name, first.values[keyDefault].pos.line, s.name, s.values[keyDefault].pos.line)
		}
		first = s
	}
	if first == nil && len(f.databases) > 1 {
		err := f.errorf(f.databases[0].pos, "none of the %d databases is the default one", len(f.databases))
		err.Hint = "write default = true in one of the [databases.NAME] tables"
		return err
	}
	return nil
}

// isDefault reports whether the file says so; a single database needs no
// saying.
func isDefault(s *scope) bool { return s.values[keyDefault].value.text == "true" }

package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2/unstable"
)

// The defaults of the time limits. That of run.lock_timeout is the engines'
// own, given here too so that it can be shown.
const (
	defaultWait        = 5 * time.Minute
	defaultLockTimeout = 5 * time.Second
	defaultLockRetry   = 3 * time.Minute
)

// builder fills a Database key by key and keeps the first error.
type builder struct {
	*resolver
	scope    *scope
	selected bool
	d        Database
	err      error
}

// database works out one database. Where it returns an error, what is not
// wrong is there nevertheless.
func (r *resolver) database(s *scope, selected bool) (Database, error) {
	b := &builder{resolver: r, scope: s, selected: selected, d: Database{Name: s.name, Default: s == r.main}}
	b.urls()
	b.paths()
	b.d.PostgresSchema = b.plainText(keyPostgresSchema)
	b.environment()
	b.d.Lock.Wait = b.duration(keyLockWait, defaultWait, 0)
	b.d.Lock.Recover = b.word(keyLockRecover)
	b.d.Run.LockTimeout = b.duration(keyLockTimeout, defaultLockTimeout, NoLimit)
	b.d.Run.LockRetry = b.duration(keyLockRetry, defaultLockRetry, 0)
	b.d.Run.StatementTimeout = b.duration(keyStatementTimeout, NoLimit, NoLimit)
	b.d.Run.Pipeline = b.word(keyPipeline)
	b.d.Drift = b.word(keyDrift)
	b.rules()
	b.variables()
	b.hooks()
	b.targets()
	b.metrics()
	return b.d, b.err
}

func (b *builder) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) find(key string) (found, bool) { return b.resolver.find(b.scope, key, b.selected) }

func (b *builder) note(key, value, source string) {
	b.d.Sources = append(b.d.Sources, Setting{Key: key, Value: value, Source: source})
}

func (b *builder) urls() {
	main, key := b.placeOfURL()
	switch key {
	case "":
		b.keep(b.noURL())
		b.note(keyURL, "", "default")
		main.dir = b.fileDir()
	case keyURL:
		b.d.URL = b.url(main, keyURL)
	case keyURLFile:
		b.d.URL = b.urlInFile(main)
	case keyURLCommand:
		b.d.URL = b.urlOfProgram(main)
	}
	b.d.BaseDir = main.dir
	b.password(main.strength)

	b.d.DirectBaseDir = b.fileDir()
	if direct, ok := b.find(keyDirectURL); ok {
		if direct.strength < main.strength {
			// It would lead past main to the database that main replaced.
			b.note(keyDirectURL, "", fmt.Sprintf("not used (%s): %s comes from %s", b.source(direct), keyURL, b.source(main)))
		} else {
			b.d.DirectURL, b.d.DirectBaseDir = b.url(direct, keyDirectURL), direct.dir
		}
	} else {
		b.note(keyDirectURL, "", "default")
	}

	b.d.DevBaseDir = b.fileDir()
	if dev, ok := b.find(keyDevURL); ok {
		b.d.DevURL, b.d.DevBaseDir = b.url(dev, keyDevURL), dev.dir
	} else {
		b.note(keyDevURL, "", "default")
	}
}

func (b *builder) noURL() error {
	e := &Error{File: b.f.name}
	if b.scope.name != "" {
		e.Line, e.Column = b.scope.pos.line, b.scope.pos.column
		e.Msg = fmt.Sprintf("database %q has no URL: set %s in [databases.%s]", b.scope.name, keyURL, b.scope.name)
		if b.scope == b.main {
			e.Msg += ", DBWARDEN_DATABASE_URL in the environment, or --url"
		}
		return e
	}
	e.Msg = fmt.Sprintf("no database URL: set %s in %s, DBWARDEN_DATABASE_URL in the environment, or --url", keyURL, FileName)
	e.Hint = fmt.Sprintf(`for example: %s = "sqlite:///app.db", or "postgresql://user:password@host:5432/name"`, keyURL)
	if b.f.path == "" {
		e.Hint = fmt.Sprintf("there is no %s here or in a folder above: 'dbwarden init' writes one", FileName)
	}
	return e
}

func (b *builder) url(v found, key string) Secret {
	text, err := b.expanded(v)
	if err != nil {
		b.keep(err)
		b.note(key, "", b.source(v))
		return Secret{}
	}
	s := NewSecret(text)
	b.note(key, s.String(), b.source(v))
	if msg, hint := checkURL(text, b.in.Schemes); msg != "" {
		b.keep(b.fail(v, msg, hint))
	}
	return s
}

const (
	urlAsText = "this is a URL or connection string"
	urlHint   = "URLs stand in " + keyURL + ", " + keyDirectURL + " and " + keyDevURL
)

// shown is the text of a key that will be shown as it is, and so must not be
// a URL that somebody put in the wrong place.
func (b *builder) shown(v found) (string, error) {
	text, err := b.expanded(v)
	switch {
	case err != nil:
		return "", err
	case connects(text):
		return "", b.fail(v, urlAsText, urlHint)
	case strings.IndexFunc(text, unicode.IsControl) >= 0:
		return "", b.fail(v, "the value holds a control character, such as a line break", "")
	}
	return text, nil
}

func (b *builder) paths() {
	dir, source := filepath.Join(b.fileDir(), "migrations"), "default"
	if v, ok := b.find(keyMigrationsDir); ok {
		dir, source = b.path(v, v.value), b.source(v)
	}
	b.d.MigrationsDir = dir
	b.note(keyMigrationsDir, dir, source)

	source = "default"
	if v, ok := b.find(keyModelPaths); ok {
		source = b.source(v)
		for _, item := range b.models(v) {
			if path := b.path(v, item); path != "" {
				b.d.ModelPaths = append(b.d.ModelPaths, path)
			}
		}
	}
	b.note(keyModelPaths, strings.Join(b.d.ModelPaths, ", "), source)
	b.command()
}

// command is a program that prints the models.
func (b *builder) command() {
	b.d.ModelDir = b.fileDir()
	if b.d.ModelCommand = b.program(keyModelCommand); b.d.ModelCommand == nil {
		if _, ok := b.find(keyModelCommand); !ok {
			b.note(keyModelCommand, "", "default")
		}
	}
}

// program is one with its arguments, nil for none. One string is cut at its
// blanks.
func (b *builder) program(key string) (command []string) {
	v, ok := b.find(key)
	if !ok {
		return nil
	}
	items := v.value.items
	if v.value.kind == unstable.String {
		items = []value{v.value}
	}
	for _, item := range items {
		one := v
		one.value = item
		text, err := b.shown(one)
		if err != nil {
			b.keep(err)
			continue
		}
		if v.value.kind == unstable.Array {
			command = append(command, text)
			continue
		}
		if strings.ContainsAny(text, `"'\|&;<>$`) {
			b.keep(b.fail(v, "no shell reads this: write a program with quotes or signs of a shell as a list",
				fmt.Sprintf(`for example: %s = ["sh", "-c", "…"]`, key[strings.LastIndexByte(key, '.')+1:])))
		}
		command = strings.Fields(text)
	}
	if len(command) == 0 || command[0] == "" {
		b.keep(b.fail(v, "it names no program", ""))
	}
	b.note(key, strings.Join(command, " "), b.source(v))
	return command
}

// models are the items of model_paths. One string is expanded before it is
// cut at its commas, so that one variable can hold the whole list.
func (b *builder) models(v found) []value {
	if v.value.kind == unstable.String {
		text, err := b.expanded(v)
		if err != nil {
			b.keep(err)
			return nil
		}
		if connects(text) { // seen before a comma in a password cuts it in two
			b.keep(b.fail(v, urlAsText, urlHint))
			return nil
		}
		// What is expanded must not be expanded again below.
		v.value.text = strings.ReplaceAll(text, "${", "$${")
	}
	return paths(v.value)
}

// path is an item of v as an absolute path.
func (b *builder) path(v found, item value) string {
	v.value = item
	text, err := b.shown(v)
	if err != nil {
		b.keep(err)
		return ""
	}
	if filepath.IsAbs(text) {
		return filepath.Clean(text)
	}
	return filepath.Join(v.dir, text)
}

func (b *builder) plainText(key string) string {
	v, ok := b.find(key)
	if !ok {
		b.note(key, "", "default")
		return ""
	}
	text, err := b.shown(v)
	if err != nil {
		b.keep(err)
	}
	b.note(key, text, b.source(v))
	return text
}

// duration reads a time limit; a configured zero becomes zero.
func (b *builder) duration(key string, standard, zero time.Duration) time.Duration {
	v, ok := b.find(key)
	if !ok {
		b.note(key, formatDuration(standard), "default")
		return standard
	}
	var err error
	if v.value.kind == unstable.String {
		v.value.text, err = b.expanded(v)
	}
	d := standard
	if err == nil {
		if d, err = duration(v.value); err != nil {
			err = b.fail(v, err.Error(), "")
		}
	}
	if err != nil {
		b.keep(err)
		b.note(key, "", b.source(v))
		return standard
	}
	if d == 0 {
		d = zero
	}
	b.note(key, formatDuration(d), b.source(v))
	return d
}

// word is one of the words that a key may be.
func (b *builder) word(key string) string {
	standard := words[key][0]
	v, ok := b.find(key)
	if !ok {
		b.note(key, standard, "default")
		return standard
	}
	word, err := b.expanded(v)
	if err == nil {
		if bad := checkWord(key, word); bad != nil {
			err = b.fail(v, bad.Error(), "")
		}
	}
	if err != nil {
		b.keep(err)
		word = standard
	}
	b.note(key, word, b.source(v))
	return word
}

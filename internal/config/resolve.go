package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// strength orders the places where a value may come from.
type strength int

const (
	byDefault strength = iota
	byCommonVariable
	byFile
	byVariable
	byFlag
)

// found is a value with its origin.
type found struct {
	value    value
	strength strength
	name     string // of the variable, the flag or the key in the file
	dir      string // where relative paths in it start
}

// source is what a Setting says of an origin.
func (r *resolver) source(v found) string {
	switch v.strength {
	case byFile:
		return fmt.Sprintf("%s:%d", r.f.name, v.value.pos.line)
	case byVariable, byCommonVariable:
		return "environment " + v.name
	case byFlag:
		return v.name
	}
	return "default"
}

// fail says that a value is wrong, at its origin.
func (r *resolver) fail(v found, msg, hint string) error {
	e := &Error{Msg: msg, Hint: hint}
	switch v.strength {
	case byFile:
		e.File, e.Line, e.Column = r.f.name, v.value.pos.line, v.value.pos.column
		e.Msg = fmt.Sprintf("key %q: %s", v.name, msg)
	case byVariable, byCommonVariable:
		e.Msg = fmt.Sprintf("environment variable %s: %s", v.name, msg)
	case byFlag:
		e.Msg = fmt.Sprintf("%s: %s", v.name, msg)
	}
	return e
}

// fileDir is where relative paths of the file start, and defaults too.
func (r *resolver) fileDir() string {
	if r.f.path == "" {
		return r.dir
	}
	return filepath.Dir(r.f.path)
}

// find asks every place that may hold a key, the strongest first. Variables
// speak of the default database, --migrations-dir of the selected one.
func (r *resolver) find(s *scope, key string, selected bool) (found, bool) {
	switch {
	case key == keyURL && s == r.main && r.in.URL != "":
		return r.text(r.in.URL, byFlag, "--url"), true
	case key == keyMigrationsDir && selected && r.in.MigrationsDir != "":
		return r.text(r.in.MigrationsDir, byFlag, "--migrations-dir"), true
	}
	if s == r.main {
		if v, ok := r.variable(key); ok {
			return v, true
		}
	}
	if v, ok := r.inFile(s, key); ok {
		return v, true
	}
	if key == keyURL && s == r.main {
		return r.common()
	}
	return found{}, false
}

func (r *resolver) text(text string, by strength, name string) found {
	return found{value: value{kind: unstable.String, text: text}, strength: by, name: name, dir: r.dir}
}

func (r *resolver) variable(key string) (found, bool) {
	for _, name := range variables[key] {
		if v := r.getenv(name); strings.TrimSpace(v) != "" {
			return r.text(v, byVariable, name), true
		}
	}
	return found{}, false
}

func (r *resolver) common() (found, bool) {
	v := r.getenv(commonURLVariable)
	if r.namesURL || strings.TrimSpace(v) == "" {
		return found{}, false
	}
	return r.text(v, byCommonVariable, commonURLVariable), true
}

// inFile looks into the database's own table and then, for what can be shared,
// at the top level. (A URL at the top level beside tables of databases was
// refused when the file was read.)
func (r *resolver) inFile(s *scope, key string) (found, bool) {
	names := []string{key}
	if key == keyURL {
		names = append(names, keySQLAlchemyURL)
	}
	for _, from := range []*scope{s, r.f.top} {
		for _, name := range names {
			if e, ok := from.values[name]; ok {
				v := e.value
				v.pos = e.pos
				return found{value: v, strength: byFile, name: name, dir: r.fileDir()}, true
			}
		}
	}
	return found{}, false
}

// expanded is the text of a value, with ${NAME} replaced where it stands in
// the file, without the blanks around it. It is never empty.
func (r *resolver) expanded(v found) (string, error) {
	text, err := r.exact(v)
	return strings.TrimSpace(text), err
}

// exact is expanded with the blanks around it, of which it does not consist.
func (r *resolver) exact(v found) (string, error) {
	text := v.value.text
	if v.strength == byFile {
		var err error
		if text, err = expand(text, r.getenv); err != nil {
			return "", r.fail(v, err.Error(), "")
		}
	}
	if strings.TrimSpace(text) == "" {
		return "", r.fail(v, "the value is empty", "")
	}
	return text, nil
}

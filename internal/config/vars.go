package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/dbwarden-go/dbwarden/migration"
)

// variablePrefix begins the environment's names of variables.
const variablePrefix = "DBWARDEN_VAR_"

// envVariable names the environment that the databases belong to.
const envVariable = "DBWARDEN_ENV"

// Variable is what stands for a variable of migrations.
type Variable struct {
	Value  Secret // Reveal gives the whole of it
	Hidden bool   // nobody is to see it: its name says so, or it is a URL or a connection string
}

// addVariable takes a key of [vars].
func (f *file) addVariable(s *scope, path []string, e entry) error {
	if len(path) == 1 {
		return f.wantTable(e, keyVars)
	}
	name := strings.Join(path[1:], ".")
	key := keyVars + "." + name
	if !migration.ValidVariable(name) {
		return f.errorf(e.pos, "the name of a variable is made of letters, digits and _, 64 characters at most, and begins with no digit")
	}
	switch e.value.kind {
	case unstable.String, unstable.Integer, unstable.Float, unstable.Bool:
	default:
		return f.errorf(e.pos, "key %q must be a string, a number or a boolean and not %s", key, kindName(e.value.kind))
	}
	if first, ok := s.vars[strings.ToLower(name)]; ok {
		return f.errorf(e.pos, "key %q is set twice, on line %d and on line %d; case does not count", key, first.pos.line, e.pos.line)
	}
	s.vars[strings.ToLower(name)] = e
	return nil
}

// environment is the one that the database belongs to.
func (b *builder) environment() {
	v, ok := b.find(keyEnv)
	if text := b.getenv(envVariable); strings.TrimSpace(text) != "" {
		v, ok = b.text(text, byVariable, envVariable), true
	}
	if b.in.Env != "" {
		v, ok = b.text(b.in.Env, byFlag, "--env"), true
	}
	if !ok {
		b.note(keyEnv, "", "default")
		return
	}
	name, err := b.expanded(v)
	if err == nil && !migration.ValidEnv(name) {
		err = b.fail(v, "the name of an environment is made of letters, digits, _ - and ., 64 characters at most", "")
	}
	if err != nil {
		b.keep(err)
		b.note(keyEnv, "", b.source(v))
		return
	}
	b.d.Env = name
	b.note(keyEnv, name, b.source(v))
}

// variables are what stands for variables: of the file's, those of the
// database's own table beat the ones at the top level; the environment's beat
// these, and --var all.
func (b *builder) variables() {
	all := map[string]found{}
	for _, s := range []*scope{b.f.top, b.scope} {
		for name, e := range s.vars {
			v := e.value
			v.pos = e.pos
			if v.kind == unstable.Integer || v.kind == unstable.Float {
				v.text = strings.ReplaceAll(v.text, "_", "")
			}
			all[name] = found{value: v, strength: byFile, name: keyVars + "." + name}
		}
	}
	for name, v := range b.given() {
		all[name] = v
	}
	for _, one := range b.in.Vars {
		name, text, ok := strings.Cut(one, "=")
		if !ok || !migration.ValidVariable(name) {
			b.keep(&Error{Msg: "--var: want name=value, with a name of letters, digits and _", Hint: "for example: --var app_role=shop"})
			continue
		}
		all[strings.ToLower(name)] = b.text(text, byFlag, "--var "+name)
	}
	if len(all) == 0 {
		return
	}
	b.d.Vars = make(map[string]Variable, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		v := all[name]
		text := v.value.text
		if v.strength == byFile && v.value.kind == unstable.String {
			var err error
			if text, err = expand(text, b.getenv); err != nil {
				b.keep(b.fail(v, err.Error(), ""))
				b.note(keyVars+"."+name, "", b.source(v))
				continue
			}
		}
		one := Variable{Value: NewSecret(text), Hidden: HidesVariable(name, text)}
		b.d.Vars[name] = one
		shown := stars
		if !one.Hidden {
			shown = text
		}
		b.note(keyVars+"."+name, shown, b.source(v))
	}
}

// HidesVariable says of a variable's value that nobody is to see it.
func HidesVariable(name, text string) bool { return soundsSecret(name) || connects(text) }

// given are the environment's variables. An empty one counts as unset.
func (b *builder) given() map[string]found {
	all := map[string]found{}
	if b.in.Environ == nil {
		return all
	}
	for _, one := range b.in.Environ() {
		full, text, _ := strings.Cut(one, "=")
		name, ok := strings.CutPrefix(full, variablePrefix)
		if !ok || text == "" {
			continue
		}
		if !migration.ValidVariable(name) {
			b.keep(&Error{Msg: fmt.Sprintf("the environment has %s: behind %s stands a name of letters, digits and _", named("variable", full), variablePrefix)})
			continue
		}
		all[strings.ToLower(name)] = b.text(text, byVariable, full)
	}
	return all
}

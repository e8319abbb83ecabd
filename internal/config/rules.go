package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// severities are what a rule of check may be set to.
var severities = []string{"error", "warning", "info", "off"}

// addRule takes a key of [check]: the name of a rule, with its severity.
func (f *file) addRule(s *scope, path []string, e entry) error {
	if len(path) == 1 {
		return f.wantTable(e, keyCheck)
	}
	name := strings.Join(path[1:], ".")
	key := keyCheck + "." + name
	if e.value.kind != unstable.String {
		return f.errorf(e.pos, "key %q must be a string and not %s: one of %s", key, kindName(e.value.kind), strings.Join(severities, ", "))
	}
	if !contains(severities, e.value.text) {
		return f.errorf(e.pos, "key %q must be one of %s%s", key, strings.Join(severities, ", "), didYouMean(e.value.text, severities))
	}
	if first, ok := s.check[name]; ok {
		return f.errorf(e.pos, "key %q is set twice, at the top level and in [warden]: on line %d and on line %d", key, first.pos.line, e.pos.line)
	}
	s.check[name] = e
	return nil
}

// checkRules refuses rules that do not exist.
func (f *file) checkRules(names func() []string) error {
	if names == nil {
		return nil
	}
	for _, s := range append([]*scope{f.top}, f.databases...) {
		for _, name := range slices.Sorted(maps.Keys(s.check)) {
			if known := names(); !slices.Contains(known, name) {
				return f.errorf(s.check[name].pos, "unknown %s: check has no such rule%s", named("key", keyCheck+"."+name), didYouMean(name, known))
			}
		}
	}
	return nil
}

// rules are the severities that hold for a database: its own, and those of
// the top level where it says nothing.
func (b *builder) rules() {
	all := maps.Clone(b.f.top.check)
	maps.Copy(all, b.scope.check)
	if len(all) == 0 {
		return
	}
	b.d.Check = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e := all[name]
		b.d.Check[name] = e.value.text
		b.note(keyCheck+"."+name, e.value.text, fmt.Sprintf("%s:%d", b.f.name, e.pos.line))
	}
}

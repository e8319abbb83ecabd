package config

import (
	"slices"
	"strings"
)

// targetKeys are where names may come from: one of them.
var targetKeys = []string{keyTargetList, keyTargetQuery, keyTargetFile}

// fans says that a scope names targets.
func (s *scope) fans() bool {
	return slices.ContainsFunc(targetKeys, func(key string) bool { _, ok := s.values[key]; return ok })
}

// targets are those that the database's own table names, or, where it names
// none, the top level. Where there are none, nothing is said of them.
func (b *builder) targets() {
	from := b.scope
	named := func() (keys []string) {
		for _, key := range targetKeys {
			if _, ok := from.values[key]; ok {
				keys = append(keys, key)
			}
		}
		return keys
	}
	keys := named()
	if len(keys) == 0 {
		from = b.f.top
		keys = named()
	}
	if len(keys) == 0 {
		if v, ok := b.find(keyTargetKind); ok {
			b.keep(b.fail(v, "nothing says which targets there are", "set one of "+strings.Join(targetKeys, ", ")))
		}
		return
	}
	t := TargetConfig{Dir: b.fileDir()}
	v, _ := b.inFile(from, keys[0])
	if len(keys) > 1 {
		v, _ = b.inFile(from, keys[1])
		b.keep(b.fail(v, "there is "+keys[0]+" too: targets come from one place", "leave one of the two out"))
	}
	t.Kind = b.word(keyTargetKind)
	shown := ""
	switch keys[0] {
	case keyTargetList:
		for _, item := range v.value.items {
			one := v
			one.value = item
			text, err := b.shown(one)
			b.keep(err)
			if err == nil {
				text, err = b.exact(one) // blanks are of the name
				b.keep(err)
			}
			t.List = append(t.List, text)
		}
		if len(v.value.items) == 0 {
			b.keep(b.fail(v, "the list is empty", ""))
		}
		shown = strings.Join(t.List, ", ")
	case keyTargetQuery:
		text, err := b.expanded(v)
		if err == nil && connects(text) {
			err = b.fail(v, urlAsText, urlHint)
		}
		b.keep(err)
		if err == nil {
			t.Query = text
		}
		shown = strings.Join(strings.Fields(t.Query), " ")
	case keyTargetFile:
		t.File = b.path(v, v.value)
		shown = t.File
	}
	b.d.Targets = t
	b.note(keys[0], shown, b.source(v))
}

// The kinds of targets: a schema of the database, another database of its
// server, or another file.
const (
	KindSchema   = "schema"
	KindDatabase = "database"
	KindFile     = "file"
)

// To is one target of a database: a schema of it, or another one like it.
func (d Database) To(name, kind string) Database {
	d.Target = name
	switch kind {
	case KindSchema:
		d.PostgresSchema = name
	case KindFile:
		d.BaseDir, d.DirectBaseDir = d.Targets.Dir, d.Targets.Dir
		fallthrough
	default:
		d.Other = name
	}
	return d
}

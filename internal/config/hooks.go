package config

import (
	"strings"
	"time"
)

// defaultHookTimeout is the library's own, given here too so that it can be
// shown.
const defaultHookTimeout = time.Minute

// hooks are what is called around runs and migrations. Where there are none,
// nothing is said of them.
func (b *builder) hooks() {
	h := HookConfig{Programs: map[string][]string{}, SQL: map[string]string{}, Dir: b.fileDir(), Timeout: defaultHookTimeout}
	for _, moment := range hookMoments {
		if v, ok := b.find("hooks." + moment + "_sql"); ok {
			text, err := b.expanded(v)
			if err == nil && connects(text) {
				err = b.fail(v, urlAsText, urlHint)
			}
			b.keep(err)
			if err == nil {
				h.SQL[moment] = text
			}
			b.note("hooks."+moment+"_sql", strings.Join(strings.Fields(h.SQL[moment]), " "), b.source(v))
		}
		if program := b.program("hooks." + moment); len(program) > 0 {
			h.Programs[moment] = program
		}
	}
	if v, ok := b.find(keyHookTimeout); ok {
		if h.Timeout = b.duration(keyHookTimeout, defaultHookTimeout, 0); h.Timeout <= 0 {
			b.keep(b.fail(v, "a hook must end: it is called while the lock is held", ""))
		}
	}
	b.d.Hooks = h
}

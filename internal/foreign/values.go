package foreign

import (
	"regexp"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
)

var (
	// ${name}, as Flyway and Liquibase have it.
	placeholder = lazy.Regexp(`\$\{([^}\r\n]+)\}`)

	// $NAME, ${NAME} and ${NAME:-default}, as goose has it of the shell.
	shellPlaceholder = lazy.Regexp(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(:?-[^}\r\n]*)?\}|([A-Za-z_][A-Za-z0-9_]*))`)
)

// substitute puts values in place of a line's placeholders. One without a
// value is a problem: what would run is not known. The environment is not
// asked: what stands there is mostly a secret, and would stand in a file.
func (r *reader) substitute(name string, line int, text string, pattern *regexp.Regexp) string {
	if r.o.Verbatim || !strings.Contains(text, "$") {
		return text
	}
	return pattern.ReplaceAllStringFunc(text, func(found string) string {
		m := pattern.FindStringSubmatch(found)
		key, fallback := m[1], ""
		if len(m) > 3 {
			fallback = m[2]
			if key == "" {
				key = m[3]
			}
		}
		value, given := r.o.Values[key]
		switch {
		case given && (value != "" || !strings.HasPrefix(fallback, ":")):
			return value
		case fallback != "":
			return strings.TrimPrefix(strings.TrimPrefix(fallback, ":"), "-")
		}
		r.fail(name, line, "the placeholder %s: give its value with --placeholder %s=VALUE, or keep all as they are with --no-placeholders", found, key)
		return found
	})
}

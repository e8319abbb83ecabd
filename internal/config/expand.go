package config

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
)

var variableName = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)

// hasReference reports whether expand would change a text.
func hasReference(text string) bool { return strings.Contains(text, "${") }

// expand replaces ${NAME} by the variable's value and $${ by ${. What a
// variable holds is not expanded again. The text of an error holds the name
// of a variable at most.
func expand(text string, getenv func(string) string) (string, error) {
	var b strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			b.WriteString(text)
			return b.String(), nil
		}
		if at > 0 && text[at-1] == '$' {
			b.WriteString(text[:at-1])
			b.WriteString("${")
			text = text[at+2:]
			continue
		}
		b.WriteString(text[:at])
		name, rest, closed := strings.Cut(text[at+2:], "}")
		if !closed {
			return "", fmt.Errorf("a ${ has no }; a plain ${ is written $${")
		}
		if !variableName().MatchString(name) || !plain(name) {
			return "", fmt.Errorf("between ${ and } stands the name of one environment variable, and nothing else; a plain ${ is written $${")
		}
		v := getenv(name)
		if v == "" {
			return "", fmt.Errorf("environment variable %s is not set, or empty", name)
		}
		b.WriteString(v)
		text = rest
	}
}

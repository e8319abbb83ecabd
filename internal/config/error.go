package config

import (
	"fmt"
	"strings"
	"unicode"
)

// Error is a mistake in the configuration. It never holds a value that
// somebody configured, because any value may turn out to be a password in the
// wrong place.
type Error struct {
	File   string // as a person would name it: "warden.toml", "../warden.toml"; "" where no file is at fault
	Line   int    // from 1; 0 where the whole file is meant
	Column int    // in characters, from 1; 0 where the whole line is meant
	Msg    string // what is wrong
	Hint   string // what to do about it; may be ""

	// Text is the line at fault, for a file that is not TOML. What may be a
	// secret in it is ***.
	Text string
}

// Error names the place and the mistake, and shows the line at fault below
// where there is one. The hint is left to whoever prints hints.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
			if e.Column > 0 {
				fmt.Fprintf(&b, ":%d", e.Column)
			}
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	if e.Text != "" {
		fmt.Fprintf(&b, "\n  %d | %s", e.Line, e.Text)
	}
	return b.String()
}

// longestName is how much of a name is worth repeating in a message.
const longestName = 100

// plain reports whether a name that somebody wrote can be repeated in a
// message: no URL, no connection string and no sentence passes for one.
func plain(name string) bool {
	if name == "" || len(name) > longestName {
		return false
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r) {
			return false
		}
	}
	return true
}

// named is `kind "name"`, or the kind alone where the name cannot be repeated.
func named(kind, name string) string {
	if !plain(name) {
		return kind
	}
	return fmt.Sprintf("%s %q", kind, name)
}

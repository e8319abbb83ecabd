package postgres

import (
	"regexp"
	"sync"
)

// lazily makes a regular expression when it is first used: not at every start.
func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

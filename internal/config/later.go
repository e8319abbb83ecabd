package config

import (
	"regexp"
	"sync"
)

// later makes a regular expression when it is first used. Made at the start,
// those of this package took a quarter of the program's whole start-up.
func later(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

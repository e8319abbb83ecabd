// Package lazy makes what a start of the program need not wait for.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp makes a regular expression when it is first used. Made at the start,
// those of the configuration alone took a quarter of the program's whole
// start-up.
func Regexp(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

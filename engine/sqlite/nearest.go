package sqlite

import (
	"fmt"
	"iter"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
)

// didYouMean is a suffix that names the known word nearest to a mistyped
// one, or "" where none is near.
func didYouMean(word string, known iter.Seq[string]) string {
	best := engine.Nearest(word, slices.Collect(known))
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

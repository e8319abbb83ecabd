package config

import (
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
)

// didYouMean is `, did you mean "x"?` for the nearest of the known words, ""
// where none is near.
func didYouMean(word string, known []string) string {
	if w := engine.Nearest(word, known); w != "" {
		return fmt.Sprintf(", did you mean %q?", w)
	}
	return ""
}

package fleet

import "strings"

// Names are those in the text of a file: one a line, without the blanks around
// it. Empty lines, and what begins with #, say nothing.
func Names(text string) (names []string) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			names = append(names, line)
		}
	}
	return names
}

// Package fleet runs one verb over many databases: which of them, in which
// order, how many at once, when to stop, and what became of each.
//
// It opens no database and prints nothing: what is done to a target is a
// function that it is given. Each target has its own lock and history, and so
// a run over a fleet keeps no state of its own: a second one looks at every
// target and finds the work of the first done.
package fleet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/config"
)

// A Target is a named database in a fan-out: one of the configuration, or a
// tenant, which is a schema or database beside others.
type Target struct {
	Name     string // unlike all others of its fleet
	Database config.Database
}

// Distinct refuses a fleet in which two targets have one name: they would be
// one database, or nobody could say which of them is meant.
func Distinct(targets []Target) error {
	seen := make(map[string]bool, len(targets))
	for _, t := range targets {
		if t.Name == "" {
			return fmt.Errorf("a target's name is empty")
		}
		if seen[t.Name] {
			return fmt.Errorf("target %q stands in the list twice", t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}

// Select keeps the targets that are named, in the fleet's order. A name in
// which * or ? stands and that no target bears is a pattern: * is any text, ?
// any character. missing are those of the names that no target has.
func Select(targets []Target, names []string) (chosen []Target, missing []string) {
	take := make([]bool, len(targets))
	for _, name := range names {
		found := false
		for i, t := range targets {
			if t.Name == name {
				take[i], found = true, true
			}
		}
		for i, t := range targets {
			if !found && strings.ContainsAny(name, "*?") && Match(name, t.Name) {
				take[i] = true
			}
		}
		if !found && !slices.ContainsFunc(targets, func(t Target) bool { return strings.ContainsAny(name, "*?") && Match(name, t.Name) }) {
			missing = append(missing, name)
		}
	}
	for i, t := range targets {
		if take[i] {
			chosen = append(chosen, t)
		}
	}
	return chosen, missing
}

// Match reports whether a pattern fits the whole of a name.
func Match(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	star, from := -1, 0 // where the last * stands, and what it has eaten up to
	i, j := 0, 0
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

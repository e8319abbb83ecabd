package fleet

import (
	"fmt"
	"strconv"
)

// Canaries parts the targets that go first from the rest. which is a number,
// of the first so many, or a name or pattern as of Select; "" is none.
func Canaries(targets []Target, which string) (first, rest []Target, err error) {
	if which == "" {
		return nil, targets, nil
	}
	if n, err := strconv.Atoi(which); err == nil {
		if named, _ := Select(targets, []string{which}); len(named) == 0 {
			if n < 1 {
				return nil, nil, fmt.Errorf("want a number from 1, a target's name or a pattern")
			}
			n = min(n, len(targets))
			return targets[:n:n], targets[n:], nil
		}
	}
	first, missing := Select(targets, []string{which})
	if len(missing) > 0 {
		return nil, nil, fmt.Errorf("no target has that name")
	}
	at := make(map[string]bool, len(first))
	for _, t := range first {
		at[t.Name] = true
	}
	for _, t := range targets {
		if !at[t.Name] {
			rest = append(rest, t)
		}
	}
	return first, rest, nil
}

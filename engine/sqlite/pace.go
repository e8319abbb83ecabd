package sqlite

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// pace tells how a statement may travel. Brief is only what neither reads nor
// writes the rows of a table, whose number nobody here knows.
func pace(words []string, t engine.Traits) engine.Pace {
	switch {
	case brief(words):
		return engine.Brief
	case !t.Alone && (t.Kind == engine.Data || t.Kind == engine.Definition || t.Kind == engine.Read):
		return engine.Long
	}
	return engine.Stepwise
}

func brief(words []string) bool {
	if len(words) < 2 {
		return false
	}
	switch words[0] {
	case "INSERT", "REPLACE":
		return slices.Contains(words, "VALUES") && !slices.Contains(words, "SELECT")
	case "CREATE":
		return words[1] == "VIEW" || words[1] == "TRIGGER" || words[1] == "TABLE" && !outside(words, "AS")
	case "DROP":
		return words[1] == "VIEW" || words[1] == "TRIGGER"
	case "ALTER":
		// A column that comes with a condition has all rows looked at.
		return len(words) < sqltext.MaxWords && (slices.Contains(words, "RENAME") || slices.Contains(words, "ADD") &&
			!slices.ContainsFunc(words, func(w string) bool { return slices.Contains([]string{"CHECK", "NOT", "AS", "GENERATED"}, w) }))
	}
	return false
}

// outside says that a word stands outside of parentheses.
func outside(words []string, want string) bool {
	depth := 0
	for _, w := range words {
		switch w {
		case "(":
			depth++
		case ")":
			depth--
		case want:
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

package postgres

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// pace tells how a statement may travel (flush.go). Brief is only what does
// not look at the rows of a table, whose number nobody here knows.
func pace(w []string, t engine.Traits) engine.Pace {
	switch {
	case t.Kind == engine.Setting, t.Fleeting, t.Alone, t.Commits:
		return engine.Stepwise
	case brief(w):
		return engine.Brief
	}
	switch word(w, 0) {
	case "COPY", "EXECUTE", "SET", "RESET", "SAVEPOINT", "RELEASE", "ROLLBACK":
		// SET LOCAL, SET CONSTRAINTS and SET TRANSACTION, which must come
		// first in its transaction.
		return engine.Stepwise
	}
	return engine.Long
}

func brief(w []string) bool {
	switch word(w, 0) {
	case "COMMENT", "GRANT", "REVOKE", "DROP", "TRUNCATE", "BEGIN", "START", "COMMIT", "END":
		return true
	case "INSERT":
		return has(w, "VALUES") && !has(w, "SELECT")
	case "CREATE":
		what := w[1:]
		if starts(what, "OR", "REPLACE") {
			what = what[2:]
		}
		switch word(what, 0) {
		case "TABLE", "UNLOGGED":
			return !outside(w, "AS")
		case "SCHEMA", "SEQUENCE", "TYPE", "DOMAIN", "VIEW", "FUNCTION", "PROCEDURE", "TRIGGER", "POLICY", "ROLE", "RULE":
			return true
		}
	case "ALTER":
		if word(w, 1) != "TABLE" {
			return !slices.Contains([]string{"DOMAIN", "EXTENSION", "INDEX", "EVENT"}, word(w, 1))
		}
		// Whatever checks the rows or writes them anew names it, unless the
		// statement is too long for that to be seen.
		return len(w) < sqltext.MaxWords && !slices.ContainsFunc(w[2:], func(s string) bool { return slices.Contains(looksAtRows, s) })
	}
	return false
}

// looksAtRows are words in an ALTER TABLE that may read or write all its rows.
var looksAtRows = []string{"ALTER", "CHECK", "CONSTRAINT", "REFERENCES", "FOREIGN", "PRIMARY", "UNIQUE", "EXCLUDE", "TYPE", "DEFAULT",
	"GENERATED", "NOT", "NULL", "VALIDATE", "ATTACH", "PARTITION", "LOGGED", "UNLOGGED", "TABLESPACE", "CLUSTER", "METHOD", "SERIAL", "BIGSERIAL"}

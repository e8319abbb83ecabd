package postgres

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// To put a session back costs the server more than a small CREATE TABLE does.
// Behind a unit of inert statements there is nothing to put back: they run
// nothing that a user has written, so that neither a setting nor the role, a
// cursor, a listener nor the last value of a sequence can come of them.
//
// Event triggers are the one thing that a user may have written for them. A
// flush looks for some in its last transaction, and the answer holds for the
// next flush; whatever runs on the plain road meanwhile may make one, and so
// takes the answer back.

// calm is the question whether no event trigger fires.
const calm = "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D')"

// stays says that the session is after a unit what it was before it, where no
// event trigger fires.
func stays(u engine.Unit, texts []sqltext.Statement) bool {
	return u.Fresh.Statement <= 0 && !slices.ContainsFunc(texts, func(st sqltext.Statement) bool { return !inert(st) })
}

// inertText is up to where a statement is searched.
const inertText = 16 << 10

func inert(st sqltext.Statement) bool {
	w := st.Words
	if len(w) >= sqltext.MaxWords || len(st.Text) > inertText {
		return false
	}
	switch word(w, 0) {
	case "COMMENT", "GRANT", "REVOKE":
		return true
	case "DROP":
		switch word(w, 1) {
		case "TABLE", "VIEW", "SEQUENCE", "INDEX", "TYPE", "SCHEMA":
			return true
		}
	case "CREATE":
		switch word(w, 1) {
		case "TABLE", "UNLOGGED":
			// A partition's bounds are worked out at once.
			return !outside(w, "AS") && !outside(w, "OF") && !perhapsTemporary(st.Text)
		case "SEQUENCE", "VIEW":
			return !perhapsTemporary(st.Text)
		}
	case "ALTER":
		return word(w, 1) == "TABLE" && brief(w) && addsPlainly(w) && !perhapsTemporary(st.Text)
	}
	return false
}

// perhapsTemporary finds TEMP, TEMPORARY, LOCAL TEMP and pg_temp, which an
// identifier with escapes may hide.
func perhapsTemporary(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "temp") || strings.Contains(text, "u&")
}

// addsPlainly says that every column that is added is of a type of the
// server's own. A domain may have a rule that is a function, which a new
// column's rows are held to.
func addsPlainly(w []string) bool {
	for i := range w {
		if w[i] != "ADD" {
			continue
		}
		rest := w[i+1:]
		if starts(rest, "COLUMN") {
			rest = rest[1:]
		}
		if starts(rest, "IF", "NOT", "EXISTS") {
			rest = rest[3:]
		}
		if len(rest) < 2 || !slices.Contains(plainTypes, rest[1]) {
			return false
		}
	}
	return true
}

var plainTypes = []string{"TEXT", "VARCHAR", "CHAR", "CHARACTER", "INT", "INTEGER", "BIGINT", "SMALLINT", "INT2", "INT4", "INT8", "NUMERIC",
	"DECIMAL", "REAL", "DOUBLE", "FLOAT4", "FLOAT8", "BOOLEAN", "BOOL", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "UUID", "JSON",
	"JSONB", "BYTEA", "INET", "CIDR", "MACADDR", "XML"}

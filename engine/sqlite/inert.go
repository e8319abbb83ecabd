package sqlite

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// inertText is up to where a definition is searched.
const inertText = 64 << 10

// inert are statements that leave their connection as it is: no pragma, no
// attached database and no temporary table can come of them, for triggers and
// functions cannot make any. To look at 27 pragmas behind each migration takes
// longer than the migration.
func inert(st sqltext.Statement) bool {
	word := ""
	if len(st.Words) > 0 {
		word = st.Words[0]
	}
	switch word {
	case "INSERT", "UPDATE", "DELETE", "REPLACE", "DROP":
		return true
	case "CREATE", "ALTER":
		// CREATE TEMP TABLE, CREATE TABLE temp.t, in whatever quotes; and a
		// virtual table is whatever its module makes of it.
		return len(st.Text) <= inertText && !hasWord(strings.ToLower(st.Text), "temp", "temporary", "virtual")
	}
	return false
}

// hasWord says that one of the words stands in a text as a whole, and not as a
// part of another one ("templates").
func hasWord(text string, words ...string) bool {
	for len(text) > 0 {
		n := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) })
		if n < 0 {
			n = len(text)
		}
		if slices.Contains(words, text[:n]) {
			return true
		}
		text = text[min(n+1, len(text)):]
	}
	return false
}

// inWord is what SQLite takes for a part of a name that is not quoted.
func inWord(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' || r == '$' || r >= 0x80
}

package sqlite

import (
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
		text := strings.ToLower(st.Text[:min(len(st.Text), inertText)])
		return len(st.Text) <= inertText && !strings.Contains(text, "temp") && !strings.Contains(text, "virtual")
	}
	return false
}

package sqlite

import (
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// ties reads the functions that tell of the last change of rows; see lastRow.
func ties(st sqltext.Statement, v engine.Server) engine.Ties {
	var t engine.Ties
	reads := engine.Calls(st.Text, "last_insert_rowid", "changes", "total_changes")
	if reads == nil || classify(st.Words, v).Kind == engine.Definition {
		return t
	}
	for _, f := range engine.Calls(engine.Bare(st.Text, sqltext.SQLite), reads...) {
		t.Rows = true
		t.Ours = t.Ours || f == "total_changes" // the others are kept
		t.Reads = append(t.Reads, f+"()")
	}
	return t
}

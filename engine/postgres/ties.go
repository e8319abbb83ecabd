package postgres

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// ties reads prepared statements, cursors that outlive their transaction, what
// is set to something computed, and the functions that tell of the last number
// of a sequence.
func ties(st sqltext.Statement, v engine.Server) engine.Ties {
	var t engine.Ties
	w := st.Words
	switch kind(w) {
	case engine.Definition, engine.Begin, engine.Commit:
		return t
	}
	switch word(w, 0) {
	case "PREPARE":
		return engine.Ties{Leaves: []string{"prepared statement " + strings.ToLower(word(w, 1))}, Again: true}
	case "EXECUTE":
		t.Takes = []string{"prepared statement " + strings.ToLower(word(w, 1))}
	case "DEALLOCATE":
		return engine.Ties{Takes: []string{"prepared statement " + strings.ToLower(w[len(w)-1])}, Frees: true}
	case "DECLARE":
		if has(w, "WITH", "HOLD") {
			return engine.Ties{Leaves: []string{"cursor " + strings.ToLower(word(w, 1))}}
		}
	case "FETCH", "MOVE", "CLOSE":
		return engine.Ties{Takes: []string{"cursor " + strings.ToLower(w[len(w)-1])}}
	case "SELECT":
		if kind(w) == engine.Setting {
			t.Sets, t.Again = true, len(slices.DeleteFunc(slices.Clone(w), func(s string) bool { return s != "(" })) == 1
		}
	}
	if reads := engine.Calls(st.Text, "lastval", "currval"); reads != nil {
		for _, f := range engine.Calls(engine.Bare(st.Text, sqltext.PostgreSQL), reads...) {
			t.Rows, t.Again = true, false
			t.Ours = t.Ours || f == "lastval"
			t.Reads = append(t.Reads, f+"()")
		}
	}
	return t
}

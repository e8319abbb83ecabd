package dbwarden

import (
	"strings"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// place is where in the file the server sees the trouble; the statement's
// beginning where nothing tells.
func place(st sqltext.Statement, f engine.Fault) sqltext.Pos {
	if f.Position > 0 {
		return st.At(f.Position)
	}
	if f.Row > 0 && st.Copy != nil {
		return sqltext.Pos{Line: st.End.Line + f.Row, Column: 1}
	}
	if f.Inner != "" && strings.Count(st.Text, f.Inner) == 1 {
		before := st.Text[:strings.Index(st.Text, f.Inner)]
		return st.At(utf8.RuneCountInString(before) + max(f.InnerPosition, 1))
	}
	if f.Near != "" {
		if i := strings.Index(st.Text, f.Near); i >= 0 && strings.Count(st.Text, f.Near) == 1 {
			return st.At(utf8.RuneCountInString(st.Text[:i]) + 1)
		}
	}
	for _, name := range f.Names {
		if pos, ok := st.Once(name); ok {
			return pos
		}
	}
	return st.Start
}

// columnOf is where a value stands in a line, the beginning where it does not,
// or more than once.
func columnOf(line, value string) int {
	if value == "" || strings.Count(line, value) != 1 {
		return 1
	}
	return utf8.RuneCountInString(line[:strings.Index(line, value)]) + 1
}

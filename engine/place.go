package engine

import (
	"strings"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Place is where in the file the server sees the trouble with a statement; its
// beginning where nothing tells.
func (f Fault) Place(st sqltext.Statement) sqltext.Pos {
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

package liteschema

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Statements are the texts that SQLite keeps of everything in st, tables
// behind those that they refer to. On an empty database they make the same
// state again.
func Statements(st *schema.State) []string {
	var out []string
	tables := inOrder(st)
	for _, t := range tables {
		out = append(out, t.Definition)
		for _, x := range t.Indexes {
			if x.Constraint == "" {
				out = append(out, x.Definition)
			}
		}
	}
	// SQLite looks at what a view names only when somebody reads it.
	for _, v := range st.Views {
		out = append(out, v.Definition)
	}
	triggers := func(all []schema.Trigger) {
		for _, g := range made(all) {
			out = append(out, g.Definition)
		}
	}
	for _, t := range tables {
		triggers(t.Triggers)
	}
	for _, v := range st.Views {
		triggers(v.Triggers)
	}
	return out
}

// inOrder are the tables of a state, each behind those that it refers to.
func inOrder(st *schema.State) []schema.Table {
	var needs []schema.Dependency
	for _, t := range st.Tables {
		for _, f := range t.ForeignKeys {
			for _, up := range st.Tables {
				if up.Schema == t.Schema && strings.EqualFold(up.Name, f.RefTable) {
					needs = append(needs, schema.Dependency{Object: t.ID(), Needs: up.ID()})
				}
			}
		}
	}
	return schema.Order(st.Tables, schema.Table.ID, needs)
}

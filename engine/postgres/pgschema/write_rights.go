package pgschema

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// security writes row-level security: policies, and whether they count.
func (w *writer) security() {
	for _, t := range w.state.Tables {
		name := w.name(t.Schema, t.Name)
		if t.RowSecurity != "" {
			w.add("ALTER TABLE %s ENABLE ROW LEVEL SECURITY", name)
		}
		if t.RowSecurity == "forced" {
			w.add("ALTER TABLE %s FORCE ROW LEVEL SECURITY", name)
		}
		for _, p := range t.Policies {
			w.out = append(w.out, policy(p, name))
		}
	}
}

func policy(p schema.Policy, on string) string {
	text := "CREATE POLICY " + ident(p.Name) + " ON " + on
	if !p.Permissive {
		text += " AS RESTRICTIVE"
	}
	if p.Command != "ALL" {
		text += " FOR " + p.Command
	}
	if len(p.Roles) > 0 {
		text += " TO " + idents(p.Roles)
	}
	if p.Using != "" {
		text += " USING (" + p.Using + ")"
	}
	if p.WithCheck != "" {
		text += " WITH CHECK (" + p.WithCheck + ")"
	}
	return text
}

// right is one grant on an object or on a column of it.
type right struct {
	object schema.ID // as Diff spells it
	part   schema.ID // the column, or the object again
	give   string
	take   string
}

func (w *writer) grants() {
	for _, r := range w.rights() {
		w.out = append(w.out, r.give)
	}
}

// rights lists all grants, and what everybody was denied.
func (w *writer) rights() (all []right) {
	st := w.state
	add := func(id schema.ID, on string, grants []schema.Grant, columns []schema.Column) {
		for _, g := range grants {
			all = append(all, newRight(id, id, on, g, ""))
		}
		for _, c := range columns {
			for _, g := range c.Grants {
				all = append(all, newRight(id, part(id, schema.KindColumn, c.Name), on, g, " ("+ident(c.Name)+")"))
			}
		}
	}
	for _, n := range st.Schemas {
		add(st.Relative(schema.ID{Kind: schema.KindSchema, Name: n.Name}), "SCHEMA "+ident(n.Name), n.Grants, nil)
	}
	for _, t := range st.Types {
		add(st.Relative(t.ID()), "TYPE "+w.name(t.Schema, t.Name), t.Grants, nil)
	}
	for _, s := range st.Sequences {
		add(st.Relative(s.ID()), "SEQUENCE "+w.name(s.Schema, s.Name), s.Grants, nil)
	}
	for _, r := range st.Routines {
		add(st.Relative(r.ID()), w.routine(r), r.Grants, nil)
	}
	for _, t := range st.Tables {
		add(st.Relative(t.ID()), "TABLE "+w.name(t.Schema, t.Name), t.Grants, t.Columns)
	}
	for _, v := range st.Views {
		add(st.Relative(v.ID()), "TABLE "+w.name(v.Schema, v.Name), v.Grants, v.Columns)
	}
	return all
}

func newRight(object, part schema.ID, on string, g schema.Grant, column string) right {
	to := ident(g.To)
	if g.To == "PUBLIC" {
		to = g.To
	}
	what := strings.Join(g.Privileges, column+", ") + column
	r := right{
		object: object, part: part,
		give: "GRANT " + what + " ON " + on + " TO " + to,
		take: "REVOKE " + what + " ON " + on + " FROM " + to,
	}
	if g.Grantable {
		r.give += " WITH GRANT OPTION"
	}
	if g.Revoked {
		r.give, r.take = r.take, r.give
	}
	return r
}

// routine is how a statement about a routine names it.
func (w *writer) routine(r schema.Routine) string {
	word, arguments := "FUNCTION ", r.Arguments
	switch {
	case r.Kind == "procedure":
		word = "PROCEDURE "
	case r.Kind == "aggregate" && arguments == "":
		arguments = "*"
	}
	return word + w.name(r.Schema, r.Name) + "(" + arguments + ")"
}

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
			text := "CREATE POLICY " + ident(p.Name) + " ON " + name
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
			w.out = append(w.out, text)
		}
	}
}

func (w *writer) grants() {
	st := w.state
	for _, n := range st.Schemas {
		w.grant("SCHEMA "+ident(n.Name), n.Grants, "")
	}
	for _, t := range st.Types {
		w.grant("TYPE "+w.name(t.Schema, t.Name), t.Grants, "")
	}
	for _, s := range st.Sequences {
		w.grant("SEQUENCE "+w.name(s.Schema, s.Name), s.Grants, "")
	}
	for _, r := range st.Routines {
		w.grant(w.routine(r), r.Grants, "")
	}
	for _, t := range st.Tables {
		w.grant("TABLE "+w.name(t.Schema, t.Name), t.Grants, "")
		w.columnGrants(t.Schema, t.Name, t.Columns)
	}
	for _, v := range st.Views {
		w.grant("TABLE "+w.name(v.Schema, v.Name), v.Grants, "")
		w.columnGrants(v.Schema, v.Name, v.Columns)
	}
}

func (w *writer) columnGrants(space, table string, columns []schema.Column) {
	for _, c := range columns {
		w.grant("TABLE "+w.name(space, table), c.Grants, " ("+ident(c.Name)+")")
	}
}

func (w *writer) grant(object string, all []schema.Grant, column string) {
	for _, g := range all {
		to := ident(g.To)
		if g.To == "PUBLIC" {
			to = g.To
		}
		what := strings.Join(g.Privileges, column+", ") + column
		switch {
		case g.Revoked:
			w.add("REVOKE %s ON %s FROM %s", what, object, to)
		case g.Grantable:
			w.add("GRANT %s ON %s TO %s WITH GRANT OPTION", what, object, to)
		default:
			w.add("GRANT %s ON %s TO %s", what, object, to)
		}
	}
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

package pgschema

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Rename spells what gives an object of st another name; "" where PostgreSQL,
// or this package, has no statement for that.
func Rename(st *schema.State, r schema.Renaming) string {
	w := &writer{state: st}
	name := func(n string) string {
		if r.ID.Schema == "" {
			return ident(n) // at home
		}
		return ident(r.ID.Schema) + "." + ident(n)
	}
	to := " RENAME TO " + ident(r.To)
	switch r.ID.Kind {
	case schema.KindTable:
		return "ALTER TABLE " + name(r.ID.Name) + to
	case schema.KindSequence:
		return "ALTER SEQUENCE " + name(r.ID.Name) + to
	case schema.KindType:
		for _, t := range st.Types {
			if st.Relative(t.ID()) == r.ID && t.Kind == "domain" {
				return "ALTER DOMAIN " + name(r.ID.Name) + to
			}
		}
		return "ALTER TYPE " + name(r.ID.Name) + to
	}
	for _, t := range st.Tables {
		if st.Relative(t.ID()) == (schema.ID{Kind: schema.KindTable, Schema: r.ID.Schema, Name: r.ID.Of}) {
			return w.renamePart(t, r)
		}
	}
	for _, t := range st.Types {
		if r.ID.Kind == schema.KindColumn && t.Kind == "composite" && st.Relative(t.ID()) == (schema.ID{Kind: schema.KindType, Schema: r.ID.Schema, Name: r.ID.Of}) {
			return "ALTER TYPE " + w.name(t.Schema, t.Name) + " RENAME ATTRIBUTE " + ident(r.ID.Name) + " TO " + ident(r.To)
		}
	}
	return ""
}

func (w *writer) renamePart(t schema.Table, r schema.Renaming) string {
	table, old := "ALTER TABLE "+w.name(t.Schema, t.Name), r.ID.Name
	switch r.ID.Kind {
	case schema.KindColumn:
		return table + " RENAME COLUMN " + ident(old) + " TO " + ident(r.To)
	case schema.KindPrimaryKey:
		return table + " RENAME CONSTRAINT " + ident(t.PrimaryKey.Name) + " TO " + ident(r.To)
	case schema.KindForeignKey, schema.KindCheck:
		return table + " RENAME CONSTRAINT " + ident(old) + " TO " + ident(r.To)
	case schema.KindIndex:
		if slices.ContainsFunc(t.Indexes, func(x schema.Index) bool { return x.Name == old && x.Constraint != "" }) {
			return table + " RENAME CONSTRAINT " + ident(old) + " TO " + ident(r.To)
		}
		return "ALTER INDEX " + w.name(t.Schema, old) + " RENAME TO " + ident(r.To)
	}
	return ""
}

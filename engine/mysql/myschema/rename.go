package myschema

import "github.com/dbwarden-go/dbwarden/schema"

// Rename spells what gives an object another name; "" where there is no
// statement for that. Columns need MariaDB 10.5.2 or MySQL 8.0.
func Rename(_ *schema.State, r schema.Renaming) string {
	name := func(n string) string {
		if r.ID.Schema == "" {
			return quote(n) // at home
		}
		return quote(r.ID.Schema) + "." + quote(n)
	}
	switch r.ID.Kind {
	case schema.KindTable, schema.KindSequence:
		return "RENAME TABLE " + name(r.ID.Name) + " TO " + name(r.To)
	case schema.KindColumn:
		return "ALTER TABLE " + name(r.ID.Of) + " RENAME COLUMN " + quote(r.ID.Name) + " TO " + quote(r.To)
	case schema.KindIndex:
		return "ALTER TABLE " + name(r.ID.Of) + " RENAME INDEX " + quote(r.ID.Name) + " TO " + quote(r.To)
	}
	return ""
}

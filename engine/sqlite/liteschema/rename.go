package liteschema

import "github.com/dbwarden-go/dbwarden/schema"

// Rename spells what gives an object another name; "" where SQLite has no
// statement for that.
func Rename(_ *schema.State, r schema.Renaming) string {
	switch r.ID.Kind {
	case schema.KindTable:
		return "ALTER TABLE " + plain(r.ID.Name) + " RENAME TO " + plain(r.To)
	case schema.KindColumn:
		return "ALTER TABLE " + plain(r.ID.Of) + " RENAME COLUMN " + plain(r.ID.Name) + " TO " + plain(r.To)
	}
	return ""
}

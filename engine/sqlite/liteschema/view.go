package liteschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// viewColumns asks SQLite to work the view out. One that names a table which
// is gone has no columns: SQLite keeps such a view.
func (r *reader) viewColumns(v *schema.View) error {
	err := r.rows(func(scan scanner) error {
		c := schema.Column{Nullable: true}
		if err := scan(&c.Name, &c.Type); err != nil {
			return err
		}
		v.Columns = append(v.Columns, c)
		return nil
	}, "SELECT name, type FROM pragma_table_xinfo(?, ?) ORDER BY cid", v.Name, r.schema)
	if err != nil && r.ctx.Err() == nil {
		v.Columns, err = []schema.Column{}, nil
	}
	if err != nil {
		return err
	}
	// Only who reads it learns that it has another number of columns than it
	// names.
	err = r.rows(func(func(...any) error) error { return nil }, "SELECT NULL FROM "+quote(r.schema)+"."+quote(v.Name)+" LIMIT 0")
	if err != nil && r.ctx.Err() == nil {
		if !brought(err) {
			v.Broken = err.Error()
		}
		return nil
	}
	return err
}

// brought reports whether an error is about something that a program brings
// along: where it is missing here, it may be there for whom the view is made.
func brought(err error) bool {
	return slices.ContainsFunc([]string{"no such function: ", "no such collation sequence: ", "no such module: "}, func(begin string) bool {
		return strings.HasPrefix(err.Error(), begin)
	})
}

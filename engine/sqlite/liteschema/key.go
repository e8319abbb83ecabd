package liteschema

import (
	"cmp"
	"database/sql"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// indexes reads those of CREATE INDEX and those of unique constraints.
func (r *reader) indexes(t *schema.Table, text created) error {
	type entry struct {
		index  schema.Index
		origin string
		auto   string // the catalogue's name
	}
	var all []entry
	if err := r.rows(func(scan scanner) error {
		var e entry
		if err := scan(&e.auto, &e.index.Unique, &e.origin); err != nil {
			return err
		}
		e.index.Name, e.index.Definition = e.auto, r.texts[e.auto]
		all = append(all, e)
		return nil
	}, "SELECT name, \"unique\", origin FROM pragma_index_list(?, ?) WHERE origin <> 'pk'", t.Name, r.schema); err != nil {
		return err
	}
	// The catalogue lists the newest first; constraints are met in their order.
	slices.Reverse(all)
	for _, e := range all {
		var written []string
		if e.origin == "c" {
			written, e.index.Where = readIndex(e.index.Definition)
		}
		columns, err := r.parts(t, &e.index, e.auto, written)
		if err != nil {
			return err
		}
		if e.origin == "u" {
			e.index.Name, e.index.Constraint = "", "unique" // the catalogue's name is no name to anybody else
			for i, u := range text.unique {
				if slices.EqualFunc(u.columns, columns, strings.EqualFold) {
					e.index.Name, e.index.Definition = u.name, u.text
					text.unique = slices.Delete(text.unique, i, i+1)
					break
				}
			}
		}
		t.Indexes = append(t.Indexes, e.index)
	}
	slices.SortStableFunc(t.Indexes, func(a, b schema.Index) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// parts fills in what the index is on; written are the parts as the text has
// them, for expressions. It returns the plain names of the columns.
func (r *reader) parts(t *schema.Table, index *schema.Index, name string, written []string) (columns []string, err error) {
	index.Parts = []string{}
	err = r.rows(func(scan scanner) error {
		var number, cid int
		var column, collation sql.NullString
		var descending bool
		if err := scan(&number, &cid, &column, &descending, &collation); err != nil {
			return err
		}
		part, usual := "", "BINARY"
		switch {
		case column.Valid:
			part = plain(column.String)
			for _, c := range t.Columns {
				if c.Name == column.String {
					usual = cmp.Or(c.Collation, usual)
				}
			}
		case cid == -1:
			part = "rowid"
		case number < len(written):
			part = written[number]
		}
		if collation.Valid && !strings.EqualFold(collation.String, usual) {
			part += " COLLATE " + plain(collation.String)
		}
		if descending {
			part += " DESC"
		}
		index.Parts = append(index.Parts, part)
		columns = append(columns, column.String)
		return nil
	}, "SELECT seqno, cid, name, \"desc\", coll FROM pragma_index_xinfo(?, ?) WHERE key = 1 ORDER BY seqno", name, r.schema)
	return columns, err
}

func (r *reader) foreignKeys(t *schema.Table, text created) error {
	var implied []int // those that name no columns of the other table
	last := -1
	if err := r.rows(func(scan scanner) error {
		var id int
		var f schema.ForeignKey
		var from string
		var to sql.NullString
		if err := scan(&id, &f.RefTable, &from, &to, &f.OnDelete, &f.OnUpdate); err != nil {
			return err
		}
		if id != last {
			last = id
			f.OnDelete, f.OnUpdate = action(f.OnDelete), action(f.OnUpdate)
			f.RefColumns = []string{}
			t.ForeignKeys = append(t.ForeignKeys, f)
			if !to.Valid {
				implied = append(implied, len(t.ForeignKeys)-1)
			}
		}
		k := &t.ForeignKeys[len(t.ForeignKeys)-1]
		k.Columns = append(k.Columns, from)
		if to.Valid {
			k.RefColumns = append(k.RefColumns, to.String)
		}
		return nil
		// The catalogue numbers them from the last: this is the text's order.
	}, "SELECT id, \"table\", \"from\", \"to\", on_delete, on_update FROM pragma_foreign_key_list(?, ?) ORDER BY id DESC, seq", t.Name, r.schema); err != nil {
		return err
	}
	if len(text.foreign) == len(t.ForeignKeys) {
		for i, f := range text.foreign {
			t.ForeignKeys[i].Name, t.ForeignKeys[i].Definition = f.name, f.text
			if f.deferred {
				t.ForeignKeys[i].Deferrable = "initially deferred"
			}
		}
	}
	for _, i := range implied {
		k := &t.ForeignKeys[i]
		if err := r.rows(func(scan scanner) error {
			var name string
			err := scan(&name)
			k.RefColumns = append(k.RefColumns, name)
			return err
		}, "SELECT name FROM pragma_table_xinfo(?, ?) WHERE pk > 0 ORDER BY pk", k.RefTable, r.schema); err != nil {
			return err
		}
	}
	return nil
}

func action(s string) string {
	if s == "NO ACTION" {
		return ""
	}
	return s
}

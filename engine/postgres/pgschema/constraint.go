package pgschema

import (
	"context"
	"encoding/json"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readConstraints reads primary keys, foreign keys and checks.
//
// A foreign key to a partitioned table has one more row in the catalogue for
// each partition: those are the server's, and left out.
func (i *inspection) readConstraints(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var kind, name, columns, expression, definition, refSchema, refTable, refColumns, onDelete, onUpdate string
		if err := scan(&oid, &kind, &name, &columns, &expression, &definition,
			&refSchema, &refTable, &refColumns, &onDelete, &onUpdate); err != nil {
			return err
		}
		t := i.tables[oid]
		if t == nil {
			return nil
		}
		var cols, refs []string
		if err := json.Unmarshal([]byte(columns), &cols); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(refColumns), &refs); err != nil {
			return err
		}
		switch kind {
		case "p":
			t.PrimaryKey = &schema.Key{Name: name, Columns: cols}
		case "c":
			t.Checks = append(t.Checks, schema.Check{Name: name, Expression: expression, Definition: definition})
		case "f":
			if refSchema == t.Schema {
				refSchema = ""
			}
			t.ForeignKeys = append(t.ForeignKeys, schema.ForeignKey{
				Name: name, Columns: cols, RefSchema: refSchema, RefTable: refTable, RefColumns: refs,
				OnDelete: onDelete, OnUpdate: onUpdate, Definition: definition,
			})
		}
		return nil
	}, `SELECT c.oid, con.contype, con.conname, `+columnNames("con.conrelid", "con.conkey")+`,
			coalesce(pg_catalog.pg_get_expr(con.conbin, con.conrelid), ''), pg_catalog.pg_get_constraintdef(con.oid),
			coalesce(fn.nspname, ''), coalesce(fc.relname, ''), `+columnNames("con.confrelid", "con.confkey")+`,
			`+action("con.confdeltype")+`, `+action("con.confupdtype")+`
		FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_constraint AS con ON con.conrelid = c.oid AND con.contype IN ('p', 'f', 'c')
		LEFT JOIN pg_catalog.pg_constraint AS parent ON parent.oid = con.conparentid
		LEFT JOIN pg_catalog.pg_class AS fc ON fc.oid = con.confrelid
		LEFT JOIN pg_catalog.pg_namespace AS fn ON fn.oid = fc.relnamespace
		WHERE `+i.filter+` AND parent.conrelid IS DISTINCT FROM con.conrelid
		ORDER BY c.oid, con.conname`)
}

// columnNames turns attribute numbers into a JSON list of names, in order.
func columnNames(table, numbers string) string {
	return `(SELECT coalesce(pg_catalog.json_agg(at.attname ORDER BY u.place), '[]')
		FROM pg_catalog.unnest(` + numbers + `) WITH ORDINALITY AS u(num, place)
		JOIN pg_catalog.pg_attribute AS at ON at.attrelid = ` + table + ` AND at.attnum = u.num)`
}

func action(column string) string {
	return `CASE ` + column + ` WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
		WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE '' END`
}

package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readConstraints reads primary keys, foreign keys and checks.
//
// A foreign key to a partitioned table has one more row in the catalogue for
// each partition: those are the server's, and left out. So are the checks
// that come with the partitioned table: a partition has no others.
func (i *inspection) readConstraints(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var kind, name, expression, definition, refSchema, refTable, onDelete, onUpdate, match, deferrable, comment string
		var columns, refColumns, include []string
		var notValid, noInherit, inherited, ofParent bool
		if err := scan(&oid, &kind, &name, names(&columns), &expression, &definition, &refSchema, &refTable, names(&refColumns), names(&include),
			&onDelete, &onUpdate, &match, &deferrable, &notValid, &noInherit, &inherited, &ofParent, &comment); err != nil {
			return err
		}
		t := i.tables[oid]
		if t == nil {
			return nil
		}
		switch kind {
		case "p":
			t.PrimaryKey = &schema.Key{
				Name: name, Columns: columns, Include: include, Deferrable: deferrable, Comment: comment, Definition: definition,
			}
		case "c":
			t.Checks = append(t.Checks, schema.Check{
				Name: name, Expression: expression, NoInherit: noInherit, NotValid: notValid, Inherited: inherited,
				Comment: comment, Definition: definition,
			})
		case "f":
			if refSchema == t.Schema {
				refSchema = ""
			}
			t.ForeignKeys = append(t.ForeignKeys, schema.ForeignKey{
				Name: name, Columns: columns, RefSchema: refSchema, RefTable: refTable, RefColumns: refColumns,
				OnDelete: onDelete, OnUpdate: onUpdate, Match: match, Deferrable: deferrable, NotValid: notValid, Inherited: ofParent,
				Comment: comment, Definition: definition,
			})
		}
		return nil
	}, `SELECT c.oid, con.contype, con.conname, `+columnNames("con.conrelid", "con.conkey")+`,
			coalesce(pg_catalog.pg_get_expr(con.conbin, con.conrelid), ''), `+constraintDef+`,
			coalesce(fn.nspname, ''), coalesce(fc.relname, ''), `+columnNames("con.confrelid", "con.confkey")+`,
			coalesce((SELECT pg_catalog.json_agg(at.attname ORDER BY k)::text FROM pg_catalog.pg_index AS x
				CROSS JOIN pg_catalog.generate_series(x.indnkeyatts, x.indnatts - 1) AS k
				JOIN pg_catalog.pg_attribute AS at ON at.attrelid = x.indrelid AND at.attnum = x.indkey[k]
				WHERE con.contype = 'p' AND x.indexrelid = con.conindid), '[]'),
			`+action("con.confdeltype")+` || CASE WHEN con.contype = 'f' THEN `+setColumns+` ELSE '' END,
			`+action("con.confupdtype")+`,
			CASE con.confmatchtype WHEN 'f' THEN 'full' ELSE '' END, `+deferrable+`,
			NOT con.convalidated, con.connoinherit, con.coninhcount > 0 AND NOT con.conislocal AND NOT c.relispartition,
			con.conparentid <> 0, `+comment("con.oid", "pg_constraint")+from+`
		JOIN pg_catalog.pg_constraint AS con ON con.conrelid = c.oid AND con.contype IN ('p', 'f', 'c')
		LEFT JOIN pg_catalog.pg_constraint AS parent ON parent.oid = con.conparentid
		LEFT JOIN pg_catalog.pg_class AS fc ON fc.oid = con.confrelid
		LEFT JOIN pg_catalog.pg_namespace AS fn ON fn.oid = fc.relnamespace
		WHERE `+i.relations("'r', 'p'")+` AND parent.conrelid IS DISTINCT FROM con.conrelid
		ORDER BY c.oid, con.conname COLLATE "C"`)
}

// constraintDef is a constraint's definition, with the storage parameters of
// its index, which the server leaves out.
const constraintDef = `pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(con.oid), '( DEFERRABLE( INITIALLY DEFERRED)?)?$',
			coalesce((SELECT ' WITH (' || pg_catalog.array_to_string(own.reloptions, ', ') || ')' FROM pg_catalog.pg_class AS own
				WHERE own.oid = con.conindid AND con.contype IN ('p', 'u') AND own.reloptions IS NOT NULL), '') || E'\\1')`

// columnNames turns attribute numbers into a JSON list of names, in order.
func columnNames(table, numbers string) string {
	return `(SELECT coalesce(pg_catalog.json_agg(at.attname ORDER BY u.place), '[]')::text
		FROM pg_catalog.unnest(` + numbers + `) WITH ORDINALITY AS u(num, place)
		JOIN pg_catalog.pg_attribute AS at ON at.attrelid = ` + table + ` AND at.attnum = u.num)`
}

func action(column string) string {
	return `CASE ` + column + ` WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
		WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE '' END`
}

// setColumns are the columns that ON DELETE SET NULL (a, b) names, which
// servers before 15 do not know: hence by way of JSON.
const setColumns = `coalesce((SELECT ' (' || pg_catalog.string_agg(pg_catalog.quote_ident(at.attname), ', ' ORDER BY place) || ')'
	FROM pg_catalog.jsonb_array_elements_text(CASE pg_catalog.jsonb_typeof(pg_catalog.to_jsonb(con) -> 'confdelsetcols')
		WHEN 'array' THEN pg_catalog.to_jsonb(con) -> 'confdelsetcols' ELSE '[]' END) WITH ORDINALITY AS e(num, place)
	JOIN pg_catalog.pg_attribute AS at ON at.attrelid = con.conrelid AND at.attnum = e.num::int), '')`

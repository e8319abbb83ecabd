package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readTypes reads enums, domains, composite types and ranges.
func (i *inspection) readTypes(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid, rows, columns int64
		var t schema.Type
		if err := scan(&oid, &rows, &columns, &t.Schema, &t.Name, &t.Kind, &t.Comment, names(&t.Labels), &t.Base, &t.Collation, &t.Default, &t.NotNull,
			listed[schema.Check]{&t.Checks}, names(&t.Options), granted(&t.Grants)); err != nil {
			return err
		}
		i.state.Types = append(i.state.Types, t)
		// A composite type has its columns in a relation of its own.
		i.ids[entry{pgType, oid}], i.ids[entry{pgType, rows}], i.ids[entry{pgClass, columns}] = t.ID(), t.ID(), t.ID()
		return nil
	}, `SELECT t.oid, t.typarray, t.typrelid, n.nspname, t.typname,
			CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' ELSE 'range' END,
			`+comment("t.oid", "pg_type")+`,
			`+array(`ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)`)+`,
			CASE t.typtype WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
				WHEN 'r' THEN pg_catalog.format_type(r.rngsubtype, NULL) ELSE '' END,
			CASE WHEN t.typtype = 'd' AND t.typcollation <> base.typcollation
				OR t.typtype = 'r' AND r.rngcollation <> sub.typcollation THEN `+name("col", "collname", "collnamespace")+` ELSE '' END,
			CASE WHEN t.typtype = 'd' THEN coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 0), t.typdefault) END, t.typnotnull,
			(SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', con.conname,
					'expression', pg_catalog.pg_get_expr(con.conbin, 0), 'not_valid', NOT con.convalidated,
					'comment', `+comment("con.oid", "pg_constraint")+`, 'definition', pg_catalog.pg_get_constraintdef(con.oid))
					ORDER BY con.conname COLLATE "C"), '[]')::text
				FROM pg_catalog.pg_constraint AS con WHERE con.contypid = t.oid AND con.contype = 'c'),
			`+array(`CASE WHEN t.typtype = 'r' THEN pg_catalog.array_remove(ARRAY[
				CASE WHEN NOT op.opcdefault THEN 'SUBTYPE_OPCLASS = ' || `+name("op", "opcname", "opcnamespace")+` END,
				CASE WHEN r.rngcanonical <> 0 THEN 'CANONICAL = ' || r.rngcanonical::pg_catalog.regproc::text END,
				CASE WHEN r.rngsubdiff <> 0 THEN 'SUBTYPE_DIFF = ' || r.rngsubdiff::pg_catalog.regproc::text END,
				CASE WHEN mr.typname <> CASE WHEN t.typname LIKE '%range%'
						THEN pg_catalog.left(t.typname, pg_catalog.strpos(t.typname, 'range') - 1) || 'multi' || pg_catalog.substr(t.typname, pg_catalog.strpos(t.typname, 'range'))
						ELSE t.typname || '_multirange' END
					THEN 'MULTIRANGE_TYPE_NAME = ' || `+name("mr", "typname", "typnamespace")+` END], NULL) END`)+`,
			`+grants("t.typacl", "T", "t.typowner")+`
		FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
		LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
		LEFT JOIN pg_catalog.pg_type AS base ON base.oid = t.typbasetype
		LEFT JOIN pg_catalog.pg_range AS r ON r.rngtypid = t.oid
		LEFT JOIN pg_catalog.pg_type AS sub ON sub.oid = r.rngsubtype
		LEFT JOIN pg_catalog.pg_type AS mr ON mr.oid = (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid
		LEFT JOIN pg_catalog.pg_opclass AS op ON op.oid = r.rngsubopc
		LEFT JOIN pg_catalog.pg_collation AS col ON col.oid = CASE t.typtype WHEN 'd' THEN t.typcollation ELSE r.rngcollation END
		WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c') AND `+i.spaces+` AND `+notOfExtension("pg_type", "t.oid")+`
		ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"`)
}

func (i *inspection) readComposites(ctx context.Context) error {
	at := map[schema.ID]*schema.Type{}
	for n := range i.state.Types {
		at[i.state.Types[n].ID()] = &i.state.Types[n]
	}
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var c schema.Column
		if err := scan(&oid, &c.Name, &c.Type, &c.Collation, &c.Comment); err != nil {
			return err
		}
		c.Nullable = true
		if t := at[i.ids[entry{pgClass, oid}]]; t != nil {
			t.Columns = append(t.Columns, c)
		}
		return nil
	}, `SELECT c.oid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
			CASE WHEN a.attcollation <> ty.typcollation THEN `+name("col", "collname", "collnamespace")+` ELSE '' END,
			coalesce(`+described("pg_class", "c.oid", "a.attnum")+`, '')`+from+`
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type AS ty ON ty.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_collation AS col ON col.oid = a.attcollation
		WHERE c.relkind = 'c' AND `+i.spaces+`
		ORDER BY c.oid, a.attnum`)
}

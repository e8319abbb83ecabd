package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readIndexes reads indexes but those of primary keys; those of unique and
// exclusion constraints bear the constraint's clause, which makes them.
func (i *inspection) readIndexes(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var x schema.Index
		if err := scan(&oid, &x.Name, &x.Unique, &x.Constraint, &x.Method, listed[string]{&x.Parts}, names(&x.Include), &x.Where,
			names(&x.Options), &x.Deferrable, &x.Invalid, &x.Comment, &x.Definition); err != nil {
			return err
		}
		if t := i.tables[oid]; t != nil {
			t.Indexes = append(t.Indexes, x)
		} else if v := i.views[oid]; v != nil {
			v.Indexes = append(v.Indexes, x)
		}
		return nil
	}, `SELECT c.oid, ic.relname, x.indisunique,
			CASE con.contype WHEN 'u' THEN 'unique' WHEN 'x' THEN 'exclusion' ELSE '' END,
			CASE am.amname WHEN 'btree' THEN '' ELSE am.amname END,
			`+parts("k <= x.indnkeyatts")+`, `+parts("k > x.indnkeyatts")+`,
			coalesce(pg_catalog.pg_get_expr(x.indpred, x.indrelid), ''),
			`+array(`coalesce(ic.reloptions, '{}') || CASE WHEN (pg_catalog.to_jsonb(x) ->> 'indnullsnotdistinct')::boolean
				THEN '{nulls not distinct}'::text[] ELSE '{}' END`)+`,
			`+deferrable+`, NOT x.indisvalid,
			coalesce(`+described("pg_constraint", "con.oid", "0")+`, `+described("pg_class", "ic.oid", "0")+`, ''),
			CASE WHEN con.oid IS NULL THEN pg_catalog.pg_get_indexdef(x.indexrelid, 0, true)
				ELSE `+constraintDef+` END`+from+`
		JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid
		JOIN pg_catalog.pg_class AS ic ON ic.oid = x.indexrelid
		JOIN pg_catalog.pg_am AS am ON am.oid = ic.relam
		LEFT JOIN pg_catalog.pg_constraint AS con ON con.conindid = x.indexrelid AND con.conrelid = c.oid AND con.contype IN ('u', 'x')
		WHERE `+i.relations("'r', 'p', 'm'")+` AND NOT x.indisprimary
		ORDER BY c.oid, ic.relname COLLATE "C"`)
}

// deferrable tells whether, and how, the constraint con can wait until the
// end of a transaction.
const deferrable = `CASE WHEN con.condeferred THEN 'initially deferred' WHEN con.condeferrable THEN 'deferrable' ELSE '' END`

// parts spells columns and expressions of an index, with what is not usual
// about them: collation, operator class, direction and place of NULLs.
// pg_get_indexdef of one column only gives its name or expression.
func parts(which string) string {
	return `(SELECT coalesce(pg_catalog.json_agg(
			pg_catalog.pg_get_indexdef(x.indexrelid, k, false)
			|| CASE WHEN k > x.indnkeyatts THEN '' ELSE
				CASE WHEN x.indcollation[k - 1] <> 0 AND x.indcollation[k - 1] <> coalesce(at.attcollation, x.indcollation[k - 1])
					THEN ' COLLATE ' || ` + name("col", "collname", "collnamespace") + ` ELSE '' END
				|| CASE WHEN op.opcdefault THEN '' ELSE ' ' || ` + name("op", "opcname", "opcnamespace") + ` END
				|| CASE x.indoption[k - 1] & 3 WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END
				|| coalesce(' WITH ' || (SELECT o.oprname FROM pg_catalog.pg_operator AS o WHERE o.oid = con.conexclop[k]), '')
			END ORDER BY k), '[]')::text
		FROM pg_catalog.generate_series(1, x.indnatts) AS k
		LEFT JOIN pg_catalog.pg_attribute AS at ON at.attrelid = x.indrelid AND at.attnum = x.indkey[k - 1] AND at.attnum <> 0
		LEFT JOIN pg_catalog.pg_opclass AS op ON op.oid = x.indclass[k - 1] AND k <= x.indnkeyatts
		LEFT JOIN pg_catalog.pg_collation AS col ON col.oid = x.indcollation[k - 1] AND k <= x.indnkeyatts
		WHERE ` + which + `)`
}

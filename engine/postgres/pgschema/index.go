package pgschema

import (
	"context"
	"encoding/json"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readIndexes reads indexes but those of primary keys, unique constraints and exclusion constraints.
// The definition of a constraint is the ALTER TABLE that makes it: an index
// made by hand is not the same thing.
func (i *inspection) readIndexes(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var x schema.Index
		var parts, include string
		if err := scan(&oid, &x.Name, &x.Unique, &x.Method, &parts, &include, &x.Where, &x.Definition); err != nil {
			return err
		}
		t := i.tables[oid]
		if t == nil {
			return nil
		}
		if err := json.Unmarshal([]byte(parts), &x.Parts); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(include), &x.Include); err != nil {
			return err
		}
		if len(x.Include) == 0 {
			x.Include = nil
		}
		t.Indexes = append(t.Indexes, x)
		return nil
	}, `SELECT c.oid, ic.relname, x.indisunique,
			CASE am.amname WHEN 'btree' THEN '' ELSE am.amname END,
			`+parts("k <= x.indnkeyatts")+`, `+parts("k > x.indnkeyatts")+`,
			coalesce(pg_catalog.pg_get_expr(x.indpred, x.indrelid), ''),
			CASE WHEN con.oid IS NULL THEN pg_catalog.pg_get_indexdef(x.indexrelid)
				ELSE pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s',
					n.nspname, c.relname, con.conname, pg_catalog.pg_get_constraintdef(con.oid)) END
		FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid
		JOIN pg_catalog.pg_class AS ic ON ic.oid = x.indexrelid
		JOIN pg_catalog.pg_am AS am ON am.oid = ic.relam
		LEFT JOIN pg_catalog.pg_constraint AS con ON con.conindid = x.indexrelid AND con.conrelid = c.oid AND con.contype IN ('u', 'x')
		WHERE `+i.filter+` AND NOT x.indisprimary
		ORDER BY c.oid, ic.relname`)
}

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
			END ORDER BY k), '[]')
		FROM pg_catalog.generate_series(1, x.indnatts) AS k
		LEFT JOIN pg_catalog.pg_attribute AS at ON at.attrelid = x.indrelid AND at.attnum = x.indkey[k - 1] AND at.attnum <> 0
		LEFT JOIN pg_catalog.pg_opclass AS op ON op.oid = x.indclass[k - 1] AND k <= x.indnkeyatts
		LEFT JOIN pg_catalog.pg_collation AS col ON col.oid = x.indcollation[k - 1] AND k <= x.indnkeyatts
		WHERE ` + which + `)`
}

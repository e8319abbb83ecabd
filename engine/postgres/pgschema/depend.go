package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readDepends reads which object cannot be made before which other one.
//
// The catalogue knows it of parts: the rule behind a view, a default, a check
// stand for the view or table that has them. Foreign keys and owners of
// sequences do not count, since both can be added later.
func (i *inspection) readDepends(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var object, needs entry
		if err := scan(&object.catalogue, &object.oid, &needs.catalogue, &needs.oid); err != nil {
			return err
		}
		from, ok := i.ids[object]
		to, there := i.ids[needs]
		if ok && there && from != to {
			i.state.Depends = append(i.state.Depends, schema.Dependency{Object: from, Needs: to})
		}
		return nil
	}, `SELECT DISTINCT CASE WHEN co.contypid <> 0 THEN 'pg_catalog.pg_type'::pg_catalog.regclass::oid
				WHEN coalesce(rw.oid, ad.oid, co.oid) IS NOT NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass::oid ELSE d.classid END,
			coalesce(rw.ev_class, ad.adrelid, nullif(co.conrelid, 0), nullif(co.contypid, 0), d.objid), d.refclassid, d.refobjid
		FROM pg_catalog.pg_depend AS d
		LEFT JOIN pg_catalog.pg_rewrite AS rw ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND rw.oid = d.objid
		LEFT JOIN pg_catalog.pg_attrdef AS ad ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND ad.oid = d.objid
		LEFT JOIN pg_catalog.pg_constraint AS co ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND co.oid = d.objid
		LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
		WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a')
			AND co.contype IS DISTINCT FROM 'f' AND (rw.oid IS NULL OR rw.rulename = '_RETURN')
			AND NOT (d.deptype = 'a' AND c.relkind IS NOT DISTINCT FROM 'S')
		ORDER BY 1, 2, 3, 4`)
}

package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readSequences leaves out those behind identity columns, which are the
// column's.
func (i *inspection) readSequences(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var owner string
		var s schema.Sequence
		if err := scan(&oid, &s.Schema, &s.Name, &s.Type, &s.Start, &s.Min, &s.Max, &s.Increment, &s.Cache, &s.Cycle,
			&s.OwnedBy, &owner, &s.Comment, granted(&s.Grants)); err != nil {
			return err
		}
		s.Own = i.own(owner)
		i.state.Sequences = append(i.state.Sequences, s)
		i.ids[entry{pgClass, oid}] = s.ID()
		return nil
	}, `SELECT c.oid, n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, NULL),
			s.seqstart, s.seqmin, s.seqmax, s.seqincrement, s.seqcache, s.seqcycle,
			coalesce(`+name("o", "relname", "relnamespace")+` || '.' || pg_catalog.quote_ident(a.attname), ''), coalesce(o.relname, ''),
			`+comment("c.oid", "pg_class")+`, `+grants("c.relacl", "s", "c.relowner")+from+`
		JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = c.oid
		LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
			AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
		LEFT JOIN pg_catalog.pg_class AS o ON o.oid = d.refobjid
		LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
		WHERE `+i.relations("'S'")+` AND d.deptype IS DISTINCT FROM 'i'
		ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`)
}

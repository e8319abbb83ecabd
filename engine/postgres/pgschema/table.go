package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readTables reads tables and views, without what is in them.
func (i *inspection) readTables(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid, row, rows int64
		var kind, space, name, comment, persistence, by, parent, bound, security, query string
		var options, inherits []string
		var grants []schema.Grant
		if err := scan(&oid, &row, &rows, &kind, &space, &name, &comment, &persistence, names(&options), &by, &parent, &bound,
			names(&inherits), &security, &query, granted(&grants)); err != nil {
			return err
		}
		i.order = append(i.order, oid)
		id := schema.ID{Kind: schema.KindTable, Schema: space, Name: name}
		if kind == "v" || kind == "m" {
			id.Kind = schema.KindView
			i.views[oid] = &schema.View{
				Schema: space, Name: name, Materialized: kind == "m", Options: options, Comment: comment,
				Columns: []schema.Column{}, Definition: query, Grants: grants,
			}
		} else {
			t := &schema.Table{
				Schema: space, Name: name, Options: options, Comment: comment, Own: i.own(name),
				Columns: []schema.Column{}, Indexes: []schema.Index{}, ForeignKeys: []schema.ForeignKey{}, Checks: []schema.Check{},
				RowSecurity: security, Grants: grants,
			}
			if persistence == "u" {
				t.Kind = "unlogged"
			}
			if by != "" {
				t.Partitions = &schema.Partitions{By: by}
			}
			if bound != "" {
				t.PartitionOf = &schema.Partition{Table: parent, Bound: bound}
			} else {
				t.Inherits = inherits
			}
			i.tables[oid] = t
		}
		// The type of its rows, and that of arrays of them, are made with it.
		i.ids[entry{pgClass, oid}], i.ids[entry{pgType, row}], i.ids[entry{pgType, rows}] = id, id, id
		return nil
	}, `SELECT c.oid, c.reltype, coalesce((SELECT ty.typarray FROM pg_catalog.pg_type AS ty WHERE ty.oid = c.reltype), 0),
			c.relkind, n.nspname, c.relname, `+comment("c.oid", "pg_class")+`, c.relpersistence,
			`+array("c.reloptions")+`,
			CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) ELSE '' END,
			coalesce((SELECT `+name("up", "relname", "relnamespace")+` FROM pg_catalog.pg_inherits AS inh
				JOIN pg_catalog.pg_class AS up ON up.oid = inh.inhparent WHERE inh.inhrelid = c.oid LIMIT 1), ''),
			CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) ELSE '' END,
			`+array("ARRAY(SELECT "+name("up", "relname", "relnamespace")+` FROM pg_catalog.pg_inherits AS inh
				JOIN pg_catalog.pg_class AS up ON up.oid = inh.inhparent WHERE inh.inhrelid = c.oid ORDER BY inh.inhseqno)`)+`,
			CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' ELSE '' END,
			CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.rtrim(pg_catalog.btrim(pg_catalog.pg_get_viewdef(c.oid)), ';') ELSE '' END,
			`+grants("c.relacl", "r", "c.relowner")+from+`
		WHERE `+i.relations("'r', 'p', 'v', 'm'")+`
		ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`)
}

func (i *inspection) readColumns(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var c schema.Column
		if err := scan(&oid, &c.Name, &c.Type, &c.Nullable, &c.Default, &c.Generated, &c.Stored, &c.Identity, &c.IdentityOptions,
			&c.Collation, names(&c.Options), &c.Inherited, &c.Comment, granted(&c.Grants)); err != nil {
			return err
		}
		if t := i.tables[oid]; t != nil {
			t.Columns = append(t.Columns, c)
		} else if v := i.views[oid]; v != nil {
			v.Columns = append(v.Columns, c)
		}
		return nil
	}, `SELECT c.oid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
			CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
			CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) ELSE '' END,
			a.attgenerated = 's',
			CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END,
			CASE WHEN a.attidentity = '' THEN '' ELSE coalesce(`+identityOptions+`, '') END,
			CASE WHEN a.attcollation <> ty.typcollation THEN `+name("col", "collname", "collnamespace")+` ELSE '' END,
			CASE WHEN c.relkind IN ('r', 'p') AND a.attstorage <> ty.typstorage THEN '["storage '
				|| CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END || '"]' ELSE '[]' END,
			a.attinhcount > 0 AND NOT a.attislocal AND NOT c.relispartition,
			coalesce(`+described("pg_class", "c.oid", "a.attnum")+`, ''),
			`+grants("a.attacl", "c", "c.relowner")+from+`
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type AS ty ON ty.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
		LEFT JOIN pg_catalog.pg_collation AS col ON col.oid = a.attcollation
		WHERE `+i.relations("'r', 'p', 'v', 'm'")+`
		ORDER BY c.oid, a.attnum`)
}

// identityOptions spells what is not usual about the sequence behind an
// identity column.
const identityOptions = `(SELECT pg_catalog.concat_ws(' ',
		CASE WHEN sq.relname <> c.relname || '_' || a.attname || '_seq' THEN 'SEQUENCE NAME ' || sq.oid::pg_catalog.regclass::text END,
		CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement END,
		CASE WHEN s.seqmin <> 1 THEN 'MINVALUE ' || s.seqmin END,
		CASE WHEN s.seqmax <> ` + biggest + ` THEN 'MAXVALUE ' || s.seqmax END,
		CASE WHEN s.seqstart <> s.seqmin THEN 'START WITH ' || s.seqstart END,
		CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END,
		CASE WHEN s.seqcycle THEN 'CYCLE' END)
	FROM pg_catalog.pg_depend AS dep JOIN pg_catalog.pg_class AS sq ON sq.oid = dep.objid
	JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = sq.oid
	WHERE dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
		AND dep.refobjid = c.oid AND dep.refobjsubid = a.attnum AND dep.deptype = 'i')`

const biggest = `CASE s.seqtypid WHEN 'pg_catalog.int2'::pg_catalog.regtype THEN 32767
	WHEN 'pg_catalog.int4'::pg_catalog.regtype THEN 2147483647 ELSE 9223372036854775807 END`

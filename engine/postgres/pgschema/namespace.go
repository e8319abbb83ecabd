package pgschema

import (
	"context"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readSchemas compares rights to those with which the cluster was made: the
// schema public is not like a new one.
func (i *inspection) readSchemas(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var n schema.Namespace
		if err := scan(&n.Name, &n.Comment, granted(&n.Grants)); err != nil {
			return err
		}
		i.state.Schemas = append(i.state.Schemas, n)
		return nil
	}, `SELECT n.nspname, CASE WHEN n.nspname = 'public' AND d.description = 'standard public schema' THEN '' ELSE coalesce(d.description, '') END,
			`+rights("n.nspacl", "coalesce((SELECT ip.initprivs FROM pg_catalog.pg_init_privs AS ip WHERE ip.objoid = n.oid"+
		" AND ip.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass), pg_catalog.acldefault('n', n.nspowner))", "n.nspowner")+`
		FROM pg_catalog.pg_namespace AS n
		LEFT JOIN pg_catalog.pg_description AS d ON d.objoid = n.oid AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
		WHERE `+i.spaces+`
		ORDER BY n.nspname COLLATE "C"`)
}

// readExtensions reads those of the database, in whatever schema they are,
// but for plpgsql, which every database has.
func (i *inspection) readExtensions(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var x schema.Extension
		if err := scan(&x.Name, &x.Schema, &x.Version); err != nil {
			return err
		}
		i.state.Extensions = append(i.state.Extensions, x)
		return nil
	}, `SELECT x.extname, n.nspname, x.extversion
		FROM pg_catalog.pg_extension AS x JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
		WHERE x.extname <> 'plpgsql'
		ORDER BY x.extname COLLATE "C"`)
}

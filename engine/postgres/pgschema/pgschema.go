// Package pgschema reads what a PostgreSQL database looks like from its
// catalogue.
//
// It asks a handful of questions in all, however many tables there are, in
// one snapshot. Every spelling is the server's own. Names of the inspected
// schema stand alone, all others with their schema, whatever the search path
// of the session is, so that one structure has one spelling.
package pgschema

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Inspect reads the ordinary and partitioned tables that o asks for.
// Partitions are tables like others. It runs a transaction of its own and
// must be called outside of any.
func Inspect(ctx context.Context, s engine.Session, o schema.Options) (*schema.State, error) {
	if len(o.Schemas) == 0 {
		o.Schemas = []string{s.Server().Schema}
	}
	i := &inspection{
		session: s,
		filter:  filter(o),
		tables:  map[int64]*schema.Table{},
	}
	if err := i.run(ctx, o.Schemas); err != nil {
		return nil, fmt.Errorf("inspect the schema: %w", err)
	}
	v := s.Server()
	state := &schema.State{Engine: "postgres", Version: v.Version, Database: v.Database, Tables: []schema.Table{}}
	for _, oid := range i.order {
		t := i.tables[oid]
		t.Own = slices.Contains(o.Own, t.Name)
		state.Tables = append(state.Tables, *t)
	}
	return state, nil
}

// inspection collects tables by their object id.
type inspection struct {
	session engine.Session
	filter  string // on n, a pg_namespace, and c, a pg_class
	tables  map[int64]*schema.Table
	order   []int64
}

// cleanupTime is what ending the transaction gets when the context is over.
const cleanupTime = 5 * time.Second

func (i *inspection) run(ctx context.Context, schemas []string) (err error) {
	if _, err := i.session.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return err
	}
	defer func() {
		// Nothing was written: there is only the snapshot to give back.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		if _, end := i.session.Exec(ctx, "ROLLBACK"); err == nil {
			err = end
		}
	}()
	path := ""
	if len(schemas) == 1 {
		path = quoteIdent(schemas[0])
	}
	if _, err := i.session.Exec(ctx, "SELECT pg_catalog.set_config('search_path', $1, true)", path); err != nil {
		return err
	}
	for _, read := range []func(context.Context) error{i.readTables, i.readColumns, i.readIndexes, i.readConstraints} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

func filter(o schema.Options) string {
	f := "c.relkind IN ('r', 'p') AND n.nspname IN (" + literals(o.Schemas) + ")"
	if len(o.Tables) > 0 {
		f += " AND c.relname IN (" + literals(o.Tables) + ")"
	}
	return f
}

// literals spells names as a list. The session keeps
// standard_conforming_strings on.
func literals(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, "'"+strings.ReplaceAll(n, "'", "''")+"'")
	}
	return strings.Join(out, ", ")
}

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func (i *inspection) readTables(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		t := &schema.Table{
			Columns: []schema.Column{}, Indexes: []schema.Index{},
			ForeignKeys: []schema.ForeignKey{}, Checks: []schema.Check{},
		}
		if err := scan(&oid, &t.Schema, &t.Name, &t.Comment); err != nil {
			return err
		}
		i.tables[oid] = t
		i.order = append(i.order, oid)
		return nil
	}, `SELECT c.oid, n.nspname, c.relname, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '')
		FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		WHERE `+i.filter+`
		ORDER BY n.nspname, c.relname`)
}

func (i *inspection) readColumns(ctx context.Context) error {
	return i.session.Query(ctx, func(scan func(...any) error) error {
		var oid int64
		var c schema.Column
		if err := scan(&oid, &c.Name, &c.Type, &c.Nullable, &c.Default, &c.Generated, &c.Stored, &c.Identity, &c.Collation, &c.Comment); err != nil {
			return err
		}
		if t := i.tables[oid]; t != nil {
			t.Columns = append(t.Columns, c)
		}
		return nil
	}, `SELECT c.oid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
			CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
			CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) ELSE '' END,
			a.attgenerated = 's',
			CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END,
			CASE WHEN a.attcollation <> ty.typcollation THEN `+name("col", "collname", "collnamespace")+` ELSE '' END,
			coalesce(pg_catalog.col_description(c.oid, a.attnum), '')
		FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type AS ty ON ty.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
		LEFT JOIN pg_catalog.pg_collation AS col ON col.oid = a.attcollation
		WHERE `+i.filter+`
		ORDER BY c.oid, a.attnum`)
}

// name spells an object of the catalogue: with its schema, unless that is
// pg_catalog or the inspected one.
func name(alias, column, namespace string) string {
	return `(SELECT CASE WHEN ns.nspname = 'pg_catalog' OR ns.nspname = pg_catalog.current_schema() THEN ''
		ELSE pg_catalog.quote_ident(ns.nspname) || '.' END || pg_catalog.quote_ident(` + alias + `.` + column + `)
		FROM pg_catalog.pg_namespace AS ns WHERE ns.oid = ` + alias + `.` + namespace + `)`
}

// Package pgschema reads what a PostgreSQL database looks like from its
// catalogue, and writes it down as SQL.
//
// It asks a handful of questions in all, however many tables there are, in
// one snapshot. Every spelling is the server's own. Names of the inspected
// schema stand alone, all others with their schema, whatever the search path
// of the session is, so that one structure has one spelling.
//
// What belongs to an extension is left out: the extension brings it. Owners
// are left out: they belong to the cluster.
package pgschema

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Inspect reads the objects that o asks for. Partitions are tables like
// others. It runs a transaction of its own and must be called outside of any.
func Inspect(ctx context.Context, s engine.Session, o schema.Options) (*schema.State, error) {
	if len(o.Schemas) == 0 {
		o.Schemas = []string{s.Server().Schema}
	}
	v := s.Server()
	i := &inspection{
		session: s,
		options: o,
		spaces:  "n.nspname IN (" + literals(o.Schemas) + ")",
		tables:  map[int64]*schema.Table{},
		views:   map[int64]*schema.View{},
		ids:     map[entry]schema.ID{},
		state:   &schema.State{Engine: "postgres", Version: v.Version, Database: v.Database, Tables: []schema.Table{}},
	}
	if len(o.Schemas) == 1 {
		i.state.Home = o.Schemas[0]
	}
	if err := i.run(ctx); err != nil {
		return nil, fmt.Errorf("inspect the schema: %w", err)
	}
	return i.state, nil
}

// inspection collects objects by their numbers in the catalogue.
type inspection struct {
	session engine.Session
	options schema.Options
	spaces  string // a condition on n, a pg_namespace

	tables map[int64]*schema.Table
	views  map[int64]*schema.View
	order  []int64             // of tables and views
	ids    map[entry]schema.ID // of whatever something can depend on
	state  *schema.State
}

// entry is a row of the catalogue: numbers are unique in one table alone.
type entry struct{ catalogue, oid int64 }

// The numbers of the catalogue's tables, the same on every server.
const (
	pgType  = 1247
	pgProc  = 1255
	pgClass = 1259
)

// cleanupTime is what ending the transaction gets when the context is over.
const cleanupTime = 5 * time.Second

func (i *inspection) run(ctx context.Context) (err error) {
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
	if i.state.Home != "" {
		path = quote(i.state.Home)
	}
	// Compiling these queries takes longer than running them.
	if _, err := i.session.Exec(ctx, "SELECT pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('jit', 'off', true)", path); err != nil {
		return err
	}
	reads := []func(context.Context) error{
		i.readTables, i.readColumns, i.readIndexes, i.readConstraints, i.readPolicies, i.readTriggers, i.readRules,
	}
	if len(i.options.Tables) == 0 {
		reads = append(reads, i.readSchemas, i.readExtensions, i.readTypes, i.readComposites, i.readSequences, i.readRoutines, i.readDepends)
	}
	for _, read := range reads {
		if err := read(ctx); err != nil {
			return err
		}
	}
	for _, oid := range i.order {
		if t := i.tables[oid]; t != nil {
			i.state.Tables = append(i.state.Tables, *t)
		} else {
			i.state.Views = append(i.state.Views, *i.views[oid])
		}
	}
	return nil
}

// relations is a condition on n and c, a pg_class, for these kinds of
// relations.
func (i *inspection) relations(kinds string) string {
	f := "c.relkind IN (" + kinds + ") AND " + i.spaces + " AND " + notOfExtension("pg_class", "c.oid")
	if len(i.options.Tables) > 0 {
		f += " AND c.relname IN (" + literals(i.options.Tables) + ")"
	}
	return f
}

// from is where the objects of relations are: c in its namespace n.
const from = " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "

func notOfExtension(catalogue, oid string) string {
	return `NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS ofx WHERE ofx.classid = 'pg_catalog.` + catalogue + `'::pg_catalog.regclass
		AND ofx.objid = ` + oid + ` AND ofx.deptype = 'e')`
}

// name spells an object of the catalogue: with its schema, unless that is
// pg_catalog or the inspected one.
func name(alias, column, namespace string) string {
	return `(SELECT CASE WHEN ns.nspname = 'pg_catalog' OR ns.nspname = pg_catalog.current_schema() THEN ''
		ELSE pg_catalog.quote_ident(ns.nspname) || '.' END || pg_catalog.quote_ident(` + alias + `.` + column + `)
		FROM pg_catalog.pg_namespace AS ns WHERE ns.oid = ` + alias + `.` + namespace + `)`
}

func comment(oid, catalogue string) string {
	return "coalesce(" + described(catalogue, oid, "0") + ", '')"
}

// described is what obj_description and col_description look up. Those are
// functions in SQL, which the server begins anew for each row: a seventh of
// check-db's time at a thousand tables.
func described(catalogue, oid, part string) string {
	return "(SELECT de.description FROM pg_catalog.pg_description AS de WHERE de.objoid = " + oid +
		" AND de.classoid = 'pg_catalog." + catalogue + "'::pg_catalog.regclass AND de.objsubid = " + part + ")"
}

// array makes an SQL array of texts a JSON list.
func array(expression string) string {
	return "coalesce(pg_catalog.array_to_json(" + expression + ")::text, 'null')"
}

// listed is where a JSON list is scanned into. An empty one becomes nil.
type listed[T any] struct{ into *[]T }

func (l listed[T]) Scan(v any) error {
	text, ok := v.(string)
	if b, is := v.([]byte); is {
		text, ok = string(b), true
	}
	if !ok {
		return fmt.Errorf("a list came as %T", v)
	}
	*l.into = nil
	if err := json.Unmarshal([]byte(text), l.into); err != nil {
		return err
	}
	if len(*l.into) == 0 {
		*l.into = nil
	}
	return nil
}

func names(into *[]string) listed[string] { return listed[string]{into} }

// literals spells names as a list. The session keeps
// standard_conforming_strings on.
func literals(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, literal(n))
	}
	return strings.Join(out, ", ")
}

func (i *inspection) own(table string) bool { return slices.Contains(i.options.Own, table) }

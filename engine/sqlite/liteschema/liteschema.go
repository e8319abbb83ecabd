// Package liteschema reads what a SQLite database looks like: what SQLite's
// own catalogue tells of, and what stands only in the texts that it keeps;
// and writes it down as SQL, in those same texts.
//
// It looks, and changes nothing.
package liteschema

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Inspect reads the schema of an open session, as of one moment. Schemas are
// main and the names of attached databases. SQLite's own tables and the tables in which a virtual table keeps its content are left
// out; a virtual table's columns are missing where its module is.
func Inspect(ctx context.Context, s engine.Session, o schema.Options) (_ *schema.State, err error) {
	// A savepoint keeps other writers' changes out, inside and outside a
	// transaction.
	const name = "dbwarden_inspect"
	if _, err := s.Exec(ctx, "SAVEPOINT "+name); err != nil {
		return nil, fmt.Errorf("begin to inspect: %w", err)
	}
	defer func() {
		if _, end := s.Exec(context.WithoutCancel(ctx), "RELEASE "+name); end != nil {
			err = errors.Join(err, fmt.Errorf("end inspecting: %w", end))
		}
	}()
	v := s.Server()
	state := &schema.State{Engine: "sqlite", Version: v.Version, Database: v.Database, Tables: []schema.Table{}}
	schemas := o.Schemas
	if len(schemas) == 0 {
		schemas = []string{"main"}
	}
	for _, of := range schemas {
		r := reader{ctx: ctx, session: s, schema: cmp.Or(of, "main"), options: o}
		if err := r.read(); err != nil {
			return nil, err
		}
		state.Tables = append(state.Tables, r.tables...)
		state.Views = append(state.Views, r.views...)
	}
	slices.SortStableFunc(state.Tables, func(a, b schema.Table) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(state.Views, func(a, b schema.View) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	return state, nil
}

// Digest is one of everything that main's schema is made of: SQLite's own
// table of the texts, and in which order triggers were made. What Inspect reads
// is worked out of that.
func Digest(ctx context.Context, s engine.Session) (string, error) {
	sum := sha256.New()
	err := s.Query(ctx, func(scan func(...any) error) error {
		var row [4]string
		err := scan(&row[0], &row[1], &row[2], &row[3])
		fmt.Fprintf(sum, "%q", row)
		return err
	}, "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema ORDER BY type, CASE type WHEN 'trigger' THEN rowid END, name")
	return string(sum.Sum(nil)), err
}

// reader reads one of the connection's databases.
type reader struct {
	ctx     context.Context
	session engine.Session
	schema  string
	options schema.Options

	texts  map[string]string // of tables and indexes, by name
	tables []schema.Table
	views  []schema.View
}

func (r *reader) read() error {
	known := false
	if err := r.rows(func(scan scanner) error {
		known = true
		return scan(new(string))
	}, "SELECT name FROM pragma_database_list WHERE lower(name) = lower(?)", r.schema); err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("inspect %s: no such database is attached", r.schema)
	}
	r.texts = map[string]string{} // tables, indexes and views share one space of names
	if err := r.rows(func(scan scanner) error {
		var name, text string
		err := scan(&name, &text)
		r.texts[name] = text
		return err
	}, "SELECT name, sql FROM "+quote(r.schema)+".sqlite_schema WHERE type IN ('table', 'index', 'view') AND sql IS NOT NULL"); err != nil {
		return err
	}
	if err := r.rows(func(scan scanner) error {
		t := schema.Table{
			Columns: []schema.Column{}, Indexes: []schema.Index{}, ForeignKeys: []schema.ForeignKey{}, Checks: []schema.Check{},
		}
		var kind string
		var withoutRowID, strict bool
		if err := scan(&t.Name, &kind, &withoutRowID, &strict); err != nil {
			return err
		}
		if len(r.options.Tables) > 0 && !containsFold(r.options.Tables, t.Name) {
			return nil
		}
		if kind == "virtual" {
			t.Kind = kind
		}
		if strict {
			t.Options = append(t.Options, "strict")
		}
		if withoutRowID && kind != "virtual" {
			t.Options = append(t.Options, "without rowid")
		}
		if !strings.EqualFold(r.schema, "main") {
			t.Schema = r.schema
		}
		if kind == "view" {
			r.views = append(r.views, schema.View{Schema: t.Schema, Name: t.Name, Columns: t.Columns, Definition: r.texts[t.Name]})
			return nil
		}
		t.Own = containsFold(r.options.Own, t.Name)
		t.Definition = r.texts[t.Name]
		r.tables = append(r.tables, t)
		return nil
	}, `SELECT name, type, wr, strict FROM pragma_table_list
		WHERE lower(schema) = lower(?) AND type IN ('table', 'virtual', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`, r.schema); err != nil {
		return err
	}
	for i := range r.tables {
		if err := r.table(&r.tables[i]); err != nil {
			return fmt.Errorf("inspect table %s: %w", r.tables[i].Name, err)
		}
	}
	for i := range r.views {
		if err := r.viewColumns(&r.views[i]); err != nil {
			return fmt.Errorf("inspect view %s: %w", r.views[i].Name, err)
		}
	}
	return r.triggers()
}

func (r *reader) table(t *schema.Table) error {
	if t.Kind == "virtual" {
		// The text behind USING is the module's, not SQL; without the module
		// there is nobody to tell the columns.
		if err := r.columns(t, created{}); err != nil && r.ctx.Err() != nil {
			return err
		}
		return nil
	}
	text := readTable(t.Definition)
	for _, c := range text.checks {
		t.Checks = append(t.Checks, schema.Check{Name: c.name, Expression: c.text})
	}
	if err := r.columns(t, text); err != nil {
		return err
	}
	if err := r.indexes(t, text); err != nil {
		return err
	}
	return r.foreignKeys(t, text)
}

func (r *reader) columns(t *schema.Table, text created) error {
	type part struct {
		name string
		rank int
	}
	var primary []part
	err := r.rows(func(scan scanner) error {
		var c schema.Column
		var notNull bool
		var value sql.NullString
		var rank, hidden int
		if err := scan(&c.Name, &c.Type, &notNull, &value, &rank, &hidden); err != nil {
			return err
		}
		c.Nullable = !notNull
		if value.Valid {
			c.Default = &value.String
		}
		if rank > 0 {
			primary = append(primary, part{c.Name, rank})
		}
		if more := text.columns[strings.ToLower(c.Name)]; more != nil {
			if hidden == 2 || hidden == 3 {
				c.Generated, c.Stored = more.generated, hidden == 3
			}
			if more.autoincrement {
				c.Identity = "autoincrement"
			}
			if !strings.EqualFold(more.collation, "BINARY") {
				c.Collation = more.collation
			}
		}
		t.Columns = append(t.Columns, c)
		return nil
	}, "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid", t.Name, r.schema)
	if err != nil || len(primary) == 0 {
		return err
	}
	slices.SortFunc(primary, func(a, b part) int { return cmp.Compare(a.rank, b.rank) })
	t.PrimaryKey = &schema.Key{Name: text.primary}
	for _, p := range primary {
		t.PrimaryKey.Columns = append(t.PrimaryKey.Columns, p.name)
	}
	// The key that is the row's own number takes no NULL: it is filled in.
	if len(primary) == 1 {
		for i, c := range t.Columns {
			if c.Name == primary[0].name && strings.EqualFold(c.Type, "INTEGER") {
				alias, err := r.isRowID(t)
				if err != nil {
					return err
				}
				t.Columns[i].Nullable = c.Nullable && !alias
			}
		}
	}
	return nil
}

// isRowID reports whether the primary key has no index of its own, because
// it is the number by which SQLite keeps the rows. (INTEGER PRIMARY KEY DESC
// in the column's own definition is not, for the sake of an old mistake.)
func (r *reader) isRowID(t *schema.Table) (bool, error) {
	alias := true
	err := r.rows(func(scan scanner) error {
		alias = false
		return scan(new(string))
	}, "SELECT name FROM pragma_index_list(?, ?) WHERE origin = 'pk'", t.Name, r.schema)
	return alias, err
}

type scanner = func(dest ...any) error

func (r *reader) rows(each func(scan scanner) error, query string, args ...any) error {
	return r.session.Query(r.ctx, each, query, args...)
}

func containsFold(all []string, name string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, name) })
}

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	driversqlite "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
)

// carried are the pragmas of a program's connections that a session of ours
// takes over: what statements do depends on them, or what the program wants of
// its file. Not those that are for queries, as cache_size.
var carried = []string{"busy_timeout", "foreign_keys", "locking_mode", "query_only", "recursive_triggers", "secure_delete", "synchronous", "trusted_schema"}

// FromDB makes a database of a *sql.DB of modernc.org/sqlite. It borrows one of
// db's connections for a moment, reads from it the file's name and settings such
// as foreign_keys, and gives it back. No verb works on a connection of db; each
// session opens the file by itself. So db's connections stay as they were, and
// one is enough for db. But a transaction that the program leaves open on one of
// them keeps migrations waiting as any other program's does.
//
// Where all connections are in use it waits 10 s for one, then fails with
// *engine.PoolError. A database in memory is refused, since its connections
// alone reach it; dbwarden.Open has one with sqlite:///:memory:. So are other
// drivers: two SQLites in one process take each other's locks off a file, which
// can ruin it.
func FromDB(ctx context.Context, db *sql.DB, o engine.OpenOptions) (engine.Database, error) {
	if o.Schema != "" && o.Schema != "main" {
		return nil, fmt.Errorf("schema %q: a SQLite database has one schema only", o.Schema)
	}
	if o.Password != nil {
		return nil, errors.New("a SQLite database has no password")
	}
	d := &database{}
	err := engine.Borrow(ctx, db, func(ctx context.Context, raw any) error {
		if reflect.Indirect(reflect.ValueOf(raw)).Type().PkgPath() != reflect.TypeFor[driversqlite.Driver]().PkgPath() {
			return fmt.Errorf("the *sql.DB is served by %T, and not by modernc.org/sqlite: two SQLites in one process take each other's locks off a file; "+
				"migrate with dbwarden.Open before the program opens it, or in another process", raw)
		}
		return d.like(ctx, raw.(driver.QueryerContext))
	})
	if err != nil {
		return nil, err
	}
	if o.Database != "" {
		d.path = o.Database
	}
	d.target.path = d.path
	return d, nil
}

// like learns file and settings from a connection.
func (d *database) like(ctx context.Context, c driver.QueryerContext) error {
	var err error
	if d.path, err = one(ctx, c, "SELECT file FROM pragma_database_list WHERE name = 'main'"); err != nil {
		return fmt.Errorf("read the file's name: %w", err)
	}
	if d.path == "" {
		//lint:ignore ST1005 the URL ends so
		return errors.New("the *sql.DB is a database in memory, or a temporary one, which only its own connections reach: use a file, or dbwarden.Open with sqlite:///:memory:")
	}
	if info, err := os.Stat(d.path); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("the *sql.DB has its database at %q, which is no file (a VFS of its own?): migrate it with dbwarden.Open", d.path)
	}
	for _, name := range carried {
		column := name
		if name == "busy_timeout" {
			column = "timeout"
		}
		value, err := one(ctx, c, "SELECT CAST("+quote(column)+" AS TEXT) FROM pragma_"+name)
		if err != nil {
			return fmt.Errorf("read pragma %s: %w", name, err)
		}
		if name == "busy_timeout" && value == "0" || name == "locking_mode" && strings.EqualFold(value, "normal") {
			continue // what nobody has set; our own limits wait longer
		}
		if err := d.target.set(name, value); err != nil {
			return err
		}
	}
	if r, ok := c.(interface{ IsReadOnly(string) (bool, error) }); ok {
		if only, err := r.IsReadOnly("main"); err == nil && only {
			d.target.mode = "ro"
		}
	}
	return nil
}

// one is the first column of a query's only row.
func one(ctx context.Context, c driver.QueryerContext, query string) (string, error) {
	rows, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return "", err
	}
	switch v := row[0].(type) {
	case nil:
		return "", nil
	case []byte:
		return string(v), nil
	default:
		return fmt.Sprint(v), nil
	}
}

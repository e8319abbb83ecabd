package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
)

// columns reads pg_catalog, which shows every object to everybody, whatever
// rights there are on it: nothing found means that nothing is there.
func columns(ctx context.Context, s engine.Session, schema, table string) ([]string, error) {
	if schema == "" {
		schema = s.Server().Schema
	}
	var names []string
	err := s.Query(ctx, func(scan func(...any) error) error {
		if names == nil {
			names = []string{} // a table may have none
		}
		var name sql.NullString
		if err := scan(&name); err != nil {
			return err
		}
		if name.Valid {
			names = append(names, name.String)
		}
		return nil
	}, `SELECT a.attname
		FROM pg_catalog.pg_class AS c
		JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		ORDER BY a.attnum`, schema, table)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s.%s: %w", quoteIdent(schema), quoteIdent(table), err)
	}
	return names, nil
}

// grant names no tables, for whoever misses a right may not know which there
// are, or there are none yet. Sequences are those of tables that another tool
// made with serial columns.
func grant(v engine.Server, write bool) string {
	schema, user := quoteIdent(v.Schema), quoteIdent(v.User)
	rights, rows := "USAGE", "SELECT"
	if write {
		rights, rows = "USAGE, CREATE", "SELECT, INSERT, UPDATE, DELETE"
	}
	sql := "GRANT " + rights + " ON SCHEMA " + schema + " TO " + user + "; " +
		"GRANT " + rows + " ON ALL TABLES IN SCHEMA " + schema + " TO " + user + ";"
	if write {
		sql += " GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + schema + " TO " + user + ";"
	}
	return sql
}

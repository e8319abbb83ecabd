// Package mycheck knows what is dangerous in a migration on MariaDB and MySQL:
// which statements write a table anew, and which keep writers away meanwhile.
// Its tests measure that on MariaDB, which refuses LOCK=NONE and
// ALGORITHM=NOCOPY where a statement cannot do with them.
package mycheck

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
)

// Product is MariaDB's and MySQL's part of check.
func Product() *check.Product {
	return &check.Product{
		Dialect: ddl.MySQL(), Rules: rules, Look: look, Reserved: reserved, LongestName: 64, Sizes: sizes, Number: number, IndexesForeignKeys: true,
		Oldest: func() engine.Server {
			return engine.Server{Product: "MariaDB", Version: "10.11", Number: 101100}
		},
	}
}

// number reads "10.11", "mariadb 11.4" or "mysql 8.0".
func number(text string) (engine.Server, error) {
	v := engine.Server{Product: "MariaDB"}
	rest := strings.ToLower(strings.TrimSpace(text))
	if r, ok := strings.CutPrefix(rest, "mysql"); ok {
		v.Product, rest = "MySQL", r
	}
	rest = strings.TrimSpace(strings.TrimPrefix(rest, "mariadb"))
	var parts [3]int
	for i, word := range strings.SplitN(rest, ".", 3) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || n > 99 {
			return engine.Server{}, fmt.Errorf(`want a version like "10.11" or "mysql 8.0", not %q`, text)
		}
		parts[i] = n
	}
	v.Version, v.Number = rest, parts[0]*10000+parts[1]*100+parts[2]
	return v, nil
}

// sizes are InnoDB's estimates.
func sizes(ctx context.Context, s engine.Session, tables []ddl.Name) (map[string]check.Size, error) {
	out := map[string]check.Size{}
	for _, t := range tables {
		schema := t.Schema
		if schema == "" {
			schema = s.Server().Schema
		}
		var rows, bytes sql.NullInt64
		there := false
		err := s.Query(ctx, func(scan func(...any) error) error {
			there = true
			return scan(&rows, &bytes)
		}, "SELECT TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND LOWER(TABLE_NAME) = ? AND TABLE_TYPE = 'BASE TABLE'", schema, t.Name)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		size := check.Size{Rows: -1, Bytes: -1}
		if rows.Valid {
			size.Rows = rows.Int64
		}
		if bytes.Valid {
			size.Bytes = bytes.Int64
		}
		out[t.Key()] = size
	}
	return out, nil
}

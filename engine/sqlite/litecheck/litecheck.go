// Package litecheck knows what is dangerous in a migration on SQLite: what
// ALTER TABLE refuses there, how the rebuild of a table goes wrong, and what
// keeps every writer of the file waiting. Its tests run each example on SQLite.
package litecheck

import (
	"context"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
)

// Product is SQLite's part of check.
func Product() *check.Product {
	return &check.Product{
		Dialect: ddl.SQLite(), Rules: rules, Look: look, Reserved: reserved, Sizes: sizes,
		Oldest: func() engine.Server { return engine.Server{Product: "SQLite", Version: "3", Number: 3000000} },
		Number: func(string) (engine.Server, error) {
			return engine.Server{}, fmt.Errorf("it is that of this program, on SQLite: dbwarden has it built in")
		},
	}
}

// sizes counts rows, as far as it matters.
func sizes(ctx context.Context, s engine.Session, tables []ddl.Name) (map[string]check.Size, error) {
	out := map[string]check.Size{}
	for _, t := range tables {
		var rows int64
		quoted := `"` + strings.ReplaceAll(t.Name, `"`, `""`) + `"`
		there := false
		err := s.Query(ctx, func(func(...any) error) error { there = true; return nil }, "SELECT name FROM sqlite_schema WHERE type = 'table' AND lower(name) = ?", t.Name)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		err = s.Query(ctx, func(scan func(...any) error) error { return scan(&rows) },
			fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %d)", quoted, check.LargeRows+1))
		if err != nil {
			return nil, err
		}
		out[t.Key()] = check.Size{Rows: rows, Bytes: -1}
	}
	return out, nil
}

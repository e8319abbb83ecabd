// Package pgcheck knows what is dangerous in a migration on PostgreSQL: which
// statements write a table anew or read the whole of it, and which lock they
// hold meanwhile. Each of these claims is measured by its tests, on the oldest
// and the newest version.
package pgcheck

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

// Product is PostgreSQL's part of check.
func Product() *check.Product {
	return &check.Product{
		Dialect: ddl.PostgreSQL(), Rules: rules, Look: look, Effect: effect, Reserved: reserved, LongestName: 63, Sizes: sizes, Number: number,
		Oldest: func() engine.Server {
			return engine.Server{Product: "PostgreSQL", Version: "12", Number: 120000}
		},
	}
}

func number(text string) (engine.Server, error) {
	major, minor, _ := strings.Cut(strings.TrimSpace(text), ".")
	n, err := strconv.Atoi(major)
	if err != nil || n < 9 || n > 40 {
		return engine.Server{}, fmt.Errorf(`want a version of PostgreSQL, like "15", not %q`, text)
	}
	m, _ := strconv.Atoi(minor)
	return engine.Server{Product: "PostgreSQL", Version: text, Number: n*10000 + m}, nil
}

// sizes are the planner's estimates: they cost nothing to read. Only the bytes
// are measured, which takes a lock: not of a table that somebody has locked
// against everybody, or is about to, as a migration that alters it has for as
// long as it runs. Its catalogue tells how many there were at its last ANALYZE.
func sizes(ctx context.Context, s engine.Session, tables []ddl.Name) (map[string]check.Size, error) {
	out := map[string]check.Size{}
	for _, t := range tables {
		schema := t.Schema
		if schema == "" {
			schema = s.Server().Schema
		}
		var rows, bytes sql.NullInt64
		var there bool
		err := s.Query(ctx, func(scan func(...any) error) error {
			there = true
			return scan(&rows, &bytes)
		}, sizesSQL, schema, t.Name)
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

// sizesSQL gives rows and bytes of a table with its partitions. One that was
// never analysed has no estimate (-1, and 0 before version 14): how many rows it
// has is not known unless it takes no room.
const sizesSQL = `WITH RECURSIVE parts (oid) AS (
	SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'm')
	UNION ALL SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN parts ON parts.oid = i.inhparent
), kept (oid) AS (
	SELECT l.relation FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
	WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
), each (tuples, never, bytes) AS (
	SELECT c.reltuples, c.relkind <> 'p' AND c.reltuples <= 0 AND c.relpages = 0,
		CASE WHEN c.oid NOT IN (SELECT kept.oid FROM kept) THEN pg_catalog.pg_relation_size(c.oid)
			WHEN c.relkind = 'p' OR c.relpages > 0 OR c.reltuples > 0 THEN greatest(c.relpages, 0)::bigint * pg_catalog.current_setting('block_size')::bigint END
	FROM pg_catalog.pg_class c JOIN parts ON parts.oid = c.oid
)
SELECT CASE WHEN NOT bool_or(never AND bytes IS DISTINCT FROM 0) THEN sum(greatest(tuples, 0)) END::bigint,
	CASE WHEN bool_and(bytes IS NOT NULL) THEN sum(bytes) END::bigint
FROM each HAVING count(*) > 0`

package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// activity asks who blocks a session, and how far its index build or COPY
// is. Behind a pooler a session has no backend of its own to ask about.
//
// The server's progress views are open to everybody for one's own role; of
// another role's session only its number is seen.
func activity(ctx context.Context, s engine.Session, id string) (engine.Activity, error) {
	a := engine.Activity{Percent: -1}
	pid, err := strconv.Atoi(strings.SplitN(id, "/", 2)[0])
	if err != nil || s.Server().Pooled {
		return a, nil
	}
	err = s.Query(ctx, func(scan func(...any) error) error {
		var number, since sql.NullInt64
		var user, from, app, query sql.NullString
		if err := scan(&number, &user, &from, &app, &query, &since); err != nil {
			return err
		}
		a.Blockers = append(a.Blockers, engine.Blocker{Session: strconv.FormatInt(number.Int64, 10), User: user.String, From: from.String,
			App: app.String, Doing: query.String, For: time.Duration(since.Int64) * time.Millisecond})
		return nil
	}, `SELECT b.pid, a.usename, CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.host(a.client_addr)
			WHEN a.client_port = -1 THEN 'local socket' END, a.application_name, a.query,
			(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.query_start)) * 1000)::bigint
		FROM (SELECT DISTINCT u.pid FROM unnest(pg_catalog.pg_blocking_pids($1::int)) AS u (pid)) AS b
		LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
		ORDER BY 6 DESC NULLS LAST LIMIT 5`, int64(pid))
	if err == nil && len(a.Blockers) > 0 {
		err = s.Query(ctx, func(scan func(...any) error) error { return scan(&a.Object) },
			"SELECT relation::pg_catalog.regclass::text FROM pg_catalog.pg_locks WHERE pid = $1::int AND NOT granted AND relation IS NOT NULL LIMIT 1", int64(pid))
	}
	if err != nil || len(a.Blockers) > 0 {
		return a, err
	}
	copies := ""
	if s.Server().Number >= 140000 {
		copies = ` UNION ALL SELECT 'copying rows, ' || tuples_processed || ' so far', bytes_processed, bytes_total
			FROM pg_catalog.pg_stat_progress_copy WHERE pid = $1::int`
	}
	err = s.Query(ctx, func(scan func(...any) error) error {
		var phase sql.NullString
		var done, total sql.NullInt64
		if err := scan(&phase, &done, &total); err != nil {
			return err
		}
		a.Phase = phase.String
		if total.Int64 > 0 {
			a.Percent = 100 * float64(done.Int64) / float64(total.Int64)
		}
		return nil
	}, `SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done WHEN tuples_total > 0 THEN tuples_done ELSE lockers_done END AS done,
			CASE WHEN blocks_total > 0 THEN blocks_total WHEN tuples_total > 0 THEN tuples_total ELSE lockers_total END AS total
		FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1::int
		UNION ALL SELECT 'vacuum: ' || phase, heap_blks_scanned, heap_blks_total FROM pg_catalog.pg_stat_progress_vacuum WHERE pid = $1::int
		UNION ALL SELECT 'rewriting the table: ' || phase, heap_blks_scanned, heap_blks_total FROM pg_catalog.pg_stat_progress_cluster WHERE pid = $1::int`+copies,
		int64(pid))
	if err != nil {
		return a, fmt.Errorf("look at the statement's progress: %w", err)
	}
	return a, nil
}

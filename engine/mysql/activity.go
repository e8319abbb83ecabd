package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// activity asks what a connection waits for, and on MariaDB how far its ALTER
// is. Without the PROCESS right only one's own account's connections are seen.
//
// Who has a row is in InnoDB's own tables. Who has a table (a metadata lock)
// is known only to servers with the performance schema or a plugin switched
// on, which is not so by default; then the connections with an open
// transaction in the database are named as the likely ones.
func activity(ctx context.Context, s engine.Session, id string) (engine.Activity, error) {
	a := engine.Activity{Percent: -1}
	number, err := strconv.ParseUint(id, 10, 63)
	if err != nil {
		return a, nil
	}
	maria := s.Server().Product == "MariaDB"
	columns := "STATE, 0, 0, 0"
	if maria {
		columns = "STATE, STAGE, MAX_STAGE, PROGRESS"
	}
	var state, progress sql.NullString
	var stage, stages sql.NullInt64
	err = s.Query(ctx, func(scan func(...any) error) error { return scan(&state, &stage, &stages, &progress) },
		"SELECT "+columns+" FROM information_schema.PROCESSLIST WHERE ID = ?", int64(number))
	if err != nil {
		return a, fmt.Errorf("look at the connection: %w", err)
	}
	if stages.Int64 > 0 {
		a.Phase = fmt.Sprintf("stage %d of %d, %s", stage.Int64, stages.Int64, state.String)
		if p, err := strconv.ParseFloat(progress.String, 64); err == nil {
			a.Percent = p
		}
		return a, nil
	}
	const who = `SELECT p.ID, p.USER, p.HOST, COALESCE(p.INFO, ''), COALESCE(TIMESTAMPDIFF(SECOND, x.trx_started, CONVERT_TZ(NOW(), @@time_zone, 'SYSTEM')), p.TIME)`
	switch {
	case strings.HasPrefix(state.String, "Waiting for") && strings.Contains(state.String, "lock"):
		a.Blockers = holders(ctx, s, false, who+`
			FROM performance_schema.metadata_locks h
			JOIN performance_schema.metadata_locks w ON w.OBJECT_SCHEMA = h.OBJECT_SCHEMA AND w.OBJECT_NAME = h.OBJECT_NAME AND w.LOCK_STATUS = 'PENDING'
			JOIN performance_schema.threads ht ON ht.THREAD_ID = h.OWNER_THREAD_ID
			JOIN performance_schema.threads wt ON wt.THREAD_ID = w.OWNER_THREAD_ID
			JOIN information_schema.PROCESSLIST p ON p.ID = ht.PROCESSLIST_ID
			LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID
			WHERE wt.PROCESSLIST_ID = ? AND h.LOCK_STATUS = 'GRANTED' AND p.ID <> ? GROUP BY p.ID ORDER BY 5 DESC LIMIT 5`, number)
		if len(a.Blockers) == 0 {
			a.Blockers = holders(ctx, s, true, who+`
				FROM information_schema.PROCESSLIST p LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID
				WHERE p.ID NOT IN (?, ?, CONNECTION_ID()) AND p.DB = DATABASE() AND (x.trx_id IS NOT NULL OR p.COMMAND <> 'Sleep')
				AND COALESCE(p.STATE, '') NOT LIKE 'Waiting for%'
				ORDER BY 5 DESC LIMIT 3`, number)
		}
	case maria:
		a.Blockers = holders(ctx, s, false, who+`
			FROM information_schema.INNODB_LOCK_WAITS w JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
			JOIN information_schema.INNODB_TRX x ON x.trx_id = w.blocking_trx_id
			JOIN information_schema.PROCESSLIST p ON p.ID = x.trx_mysql_thread_id
			WHERE r.trx_mysql_thread_id = ? AND p.ID <> ? GROUP BY p.ID ORDER BY 5 DESC LIMIT 5`, number)
	default:
		a.Blockers = holders(ctx, s, false, who+`
			FROM performance_schema.data_lock_waits w JOIN information_schema.INNODB_TRX r ON r.trx_id = w.REQUESTING_ENGINE_TRANSACTION_ID
			JOIN information_schema.INNODB_TRX x ON x.trx_id = w.BLOCKING_ENGINE_TRANSACTION_ID
			JOIN information_schema.PROCESSLIST p ON p.ID = x.trx_mysql_thread_id
			WHERE r.trx_mysql_thread_id = ? AND p.ID <> ? GROUP BY p.ID ORDER BY 5 DESC LIMIT 5`, number)
	}
	return a, nil
}

// holders runs a query for blockers. What may not be read, or is not switched
// on, names nobody.
func holders(ctx context.Context, s engine.Session, likely bool, query string, number uint64) []engine.Blocker {
	var out []engine.Blocker
	err := s.Query(ctx, func(scan func(...any) error) error {
		var id, seconds sql.NullInt64
		var user, host, info sql.NullString
		if err := scan(&id, &user, &host, &info, &seconds); err != nil {
			return err
		}
		if user.String == "system user" {
			return nil // the server's own threads
		}
		out = append(out, engine.Blocker{Session: strconv.FormatInt(id.Int64, 10), User: user.String, From: host.String,
			Doing: info.String, For: time.Duration(seconds.Int64) * time.Second, Likely: likely})
		return nil
	}, query, int64(number), int64(number))
	if err != nil {
		return nil // see above: an ornament of a message
	}
	return out
}

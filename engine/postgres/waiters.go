package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
)

// waiters names the sessions that poll for the lock: those that call
// themselves a run of ours ("dbwarden migrate d2c27f66272f alice@web-1:4242";
// who only looks has no run) and hold no advisory lock. The application's name is
// seen by everybody. Whoever waits for another schema of the same database is
// among them, since no session says which schema it is for.
func waiters(ctx context.Context, s engine.Session, k engine.Key, _ engine.Owner) ([]string, bool, error) {
	if s.Server().Follows != "" {
		return nil, false, nil // those of the primary are not seen here
	}
	var names []string
	err := s.Query(ctx, func(scan func(...any) error) error {
		var name sql.NullString
		if err := scan(&name); err != nil {
			return err
		}
		names = append(names, name.String)
		return nil
	}, `SELECT a.application_name FROM pg_catalog.pg_stat_activity AS a
		WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
			AND a.application_name ~ '^dbwarden [a-z-]+ [0-9a-f]{12} '
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks AS l
				WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted)
		ORDER BY a.backend_start, a.pid`)
	if err != nil {
		return nil, false, fmt.Errorf("look who waits for the advisory lock: %w", err)
	}
	return names, true, nil
}

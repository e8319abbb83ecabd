package mysql

import (
	"context"
	"database/sql"

	"github.com/dbwarden-go/dbwarden/engine"
)

// waiters names the sessions of this database that call themselves a run of
// ours ("dbwarden migrate d2c27f66272f alice@web-1:4242"; who only looks has no
// run), besides the holder. Only a server with its performance schema switched
// on knows what a session calls itself, and only with the right to read it;
// whose database a session is in takes the PROCESS right as well. What cannot
// be seen is not guessed.
func waiters(ctx context.Context, s engine.Session, _ engine.Key, o engine.Owner) ([]string, bool, error) {
	var names []string
	err := s.Query(ctx, func(scan func(...any) error) error {
		var name sql.NullString
		if err := scan(&name); err != nil {
			return err
		}
		names = append(names, name.String)
		return nil
	}, `SELECT a.ATTR_VALUE FROM performance_schema.session_connect_attrs a
 JOIN information_schema.PROCESSLIST p ON p.ID = a.PROCESSLIST_ID
 WHERE a.ATTR_NAME = 'program_name' AND a.ATTR_VALUE REGEXP '^dbwarden [a-z-]+ [0-9a-f]{12} '
 AND p.DB = ? AND p.ID <> CONNECTION_ID() AND p.ID <> ? ORDER BY p.ID`, s.Server().Database, o.Session)
	if err != nil {
		return nil, false, nil // an ornament, as the holder's own name is
	}
	// No names prove nothing: what is hidden looks the same.
	return names, len(names) > 0, nil
}

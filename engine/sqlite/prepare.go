package sqlite

import (
	"context"
	"database/sql"
)

// preparedMost bounds what is kept prepared. A run has a handful of statements
// with values: the entries of the journal, and the history.
const preparedMost = 16

// prepare keeps a statement of ours that has values: every migration runs the
// same, and to read it takes longer than to run it. nil for another one.
// SQLite prepares it again by itself when the schema has changed.
func (s *session) prepare(ctx context.Context, query string, args []any) (*sql.Stmt, error) {
	if len(args) == 0 {
		return nil, nil
	}
	stmt := s.prepared[query]
	if stmt != nil || len(s.prepared) == preparedMost {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if s.prepared == nil {
		s.prepared = map[string]*sql.Stmt{}
	}
	s.prepared[query] = stmt
	return stmt, nil
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// session is one connection. It is never replaced: see single.
type session struct {
	db     *database
	pool   *sql.DB // of this one connection
	conn   *sql.Conn
	path   string      // resolved; ":memory:"
	file   os.FileInfo // that is open, as it was found at path; nil in memory
	app    string
	opened engine.ConnectOptions
	limits engine.Limits
	server engine.Server

	start   snapshot  // what Reset goes back to
	touched bool      // a statement of the user's ran since that may have changed it
	pragmas bool      // one of them was a PRAGMA, and may have been query_only
	covered bool      // query_only is on for the user's statements, and off for ours
	watch   *watch    // of a file that is read without locks
	lastRow lastRow   // of the file's
	commits commits   // what SQLite itself says of them
	lock    *heldFile // the sidecar, while this session holds the lock
	closing sync.Once // Close may be called again

	prepared map[string]*sql.Stmt // statements of ours
}

// ID is empty: SQLite does not name its connections.
func (s *session) ID() string { return "" }

func (s *session) Server() engine.Server { return s.server }

func (s *session) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	word := firstWord(query)
	if err := s.lastRow.save(ctx, s, word); err != nil {
		return 0, err
	}
	return s.changed(ctx, word, query, args...)
}

// Execute runs one statement of the user's. Its result, if it has one, is
// read to the end and dropped.
func (s *session) Execute(ctx context.Context, st sqltext.Statement) (int64, error) {
	return s.perform(ctx, st, func(ctx context.Context, word string) (int64, error) { return s.changed(ctx, word, st.Text) })
}

// perform runs a statement of the user's with what stands around it; run is told
// its first word.
func (s *session) perform(ctx context.Context, st sqltext.Statement, run func(ctx context.Context, word string) (int64, error)) (int64, error) {
	if err := s.begun(ctx); err != nil {
		return 0, err
	}
	s.touched = s.touched || !inert(st)
	if limit := s.limits.Statement; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the statement ran for longer than %s: %w", limit, context.DeadlineExceeded))
		defer cancel()
	}
	word := ""
	if len(st.Words) > 0 {
		word = st.Words[0]
	}
	if err := s.lastRow.restore(ctx, s, st.Text); err != nil {
		return 0, err
	}
	s.pragmas = s.pragmas || word == "PRAGMA"
	if s.covered {
		if _, err := s.exec(ctx, "PRAGMA query_only = 1"); err != nil {
			return 0, err
		}
		s.covered = false
	}
	n, err := run(ctx, word)
	if err == nil && classify(st.Words, s.server).Kind == engine.Data && word != "PRAGMA" {
		s.lastRow.note(word, n)
	}
	s.locate(ctx, st.Text, err)
	s.nameForeignKeys(ctx, st, err)
	return n, err
}

// Ask runs a query of the user's.
func (s *session) Ask(ctx context.Context, query sqltext.Statement) (*engine.Answer, error) {
	if err := s.begun(ctx); err != nil {
		return nil, err
	}
	s.touched = true // a pragma's function may be in it
	if limit := s.limits.Statement; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the query ran for longer than %s: %w", limit, context.DeadlineExceeded))
		defer cancel()
	}
	answer := &engine.Answer{}
	var rows *sql.Rows
	err := steady(func() (err error) {
		rows, err = s.conn.QueryContext(ctx, query.Text)
		return err
	})
	if err == nil {
		err = errors.Join(answer.Read(rows), rows.Close())
	}
	if err = clean(ctx, err); err != nil {
		s.locate(ctx, query.Text, err)
	}
	return answer, err
}

// changed runs a statement that begins with word and returns the rows it
// changed. SQLite's counter tells of the last INSERT, UPDATE or DELETE,
// however long ago, so that it is asked after these only; behind WITH there
// may be one.
func (s *session) changed(ctx context.Context, word, query string, args ...any) (int64, error) {
	const total = "SELECT total_changes()"
	switch word {
	case "INSERT", "UPDATE", "DELETE", "REPLACE":
		return s.exec(ctx, query, args...)
	case "WITH":
		before, err := s.text(ctx, total)
		if err != nil {
			return 0, err
		}
		n, err := s.exec(ctx, query, args...)
		if err != nil {
			return 0, err
		}
		if after, err := s.text(context.WithoutCancel(ctx), total); err != nil || after == before {
			return 0, err
		}
		return n, nil
	}
	_, err := s.exec(ctx, query, args...)
	return 0, err
}

// exec runs a statement to its end.
func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var result sql.Result
	var committed bool
	err := steady(func() (err error) {
		s.commits.begin()
		if stmt, e := s.prepare(ctx, query, args); stmt != nil {
			result, err = stmt.ExecContext(ctx, args...)
		} else if err = e; err == nil {
			result, err = s.conn.ExecContext(ctx, query, args...)
		}
		committed = s.commits.end()
		return err
	})
	if err == nil {
		return result.RowsAffected()
	}
	err = clean(ctx, err)
	var stop *interrupted
	var wrong *statementError
	switch {
	case committed && errors.As(err, &stop):
		// The driver answers with the context's error also where the context
		// ended a moment after the statement had committed. To call that a
		// failure would have the statement run again.
		var n int64
		err := s.conn.QueryRowContext(context.WithoutCancel(ctx), "SELECT changes()").Scan(&n)
		return n, clean(ctx, err)
	case committed && errors.As(err, &wrong):
		wrong.kept = true // FAIL, in the statement, the table or a trigger
	}
	return 0, err
}

func (s *session) Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	if err := s.watch.unchanged(); err != nil {
		return err
	}
	var rows *sql.Rows
	err := steady(func() (err error) {
		rows, err = s.conn.QueryContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return clean(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return clean(ctx, err)
	}
	if err := rows.Close(); err != nil {
		return clean(ctx, err)
	}
	return s.watch.unchanged()
}

// text asks for one value.
func (s *session) text(ctx context.Context, query string, args ...any) (string, error) {
	var v sql.NullString
	err := steady(func() error { return s.conn.QueryRowContext(ctx, query, args...).Scan(&v) })
	return v.String, clean(ctx, err)
}

// Close ends the session. What it holds open is rolled back before the lock
// is given back.
func (s *session) Close() (err error) {
	s.closing.Do(func() {
		for _, stmt := range s.prepared {
			err = errors.Join(err, stmt.Close())
		}
		err = errors.Join(err, s.conn.Close(), s.pool.Close())
		s.dropLock()
	})
	return err
}

func firstWord(query string) string {
	query = strings.TrimLeft(query, " \t\r\n")
	end := strings.IndexAny(query, " \t\r\n(;")
	if end < 0 {
		end = len(query)
	}
	return strings.ToUpper(query[:end])
}

func columns(ctx context.Context, s engine.Session, schema, table string) ([]string, error) {
	if schema == "" {
		schema = "main" // and never a temporary table of the same name
	}
	var names []string
	err := s.Query(ctx, func(scan func(...any) error) error {
		var name string
		if err := scan(&name); err != nil {
			return err
		}
		names = append(names, name)
		return nil
	}, "SELECT name FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid", table, schema)
	if err != nil {
		return nil, fmt.Errorf("list the columns of %s: %w", table, err)
	}
	return names, nil
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
)

// session is one connection. It never reconnects.
type session struct {
	conn     *pgconn.PgConn
	id       string
	server   engine.Server
	schema   string    // OpenOptions.Schema
	settings []setting // what the server accepted, besides the limits
	limits   []setting
	given    map[string]string // settings that came with the handshake

	// quiet holds back what the server says about statements of ours, which
	// a user did not write and need not read about.
	quiet bool

	// calm says that no event trigger fires: see inert.go.
	calm bool

	// Behind a pooler:
	database *database // makes the connection that holds the lock
	app      string
	readOnly bool
	foreign  bool     // ConnectOptions.Foreign
	hold     *holding // the lock, while it is held
	locker   *session // the connection for it, while it is not
	sweep    sweep    // of the open transaction
}

func (s *session) ID() string { return s.id }

func (s *session) Server() engine.Server { return s.server }

// Exec runs one statement of ours. Without values it goes through the simple
// protocol, and the text may hold several.
func (s *session) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	s.quiet = true
	if s.server.Pooled && s.conn.TxStatus() == 'I' {
		switch firstWord(query) {
		case "BEGIN", "START":
			return 0, s.beginPooled(ctx, query, s.hold != nil)
		case "COMMIT", "ROLLBACK":
		default:
			return s.execPooled(ctx, query, args...)
		}
	}
	return s.exec(ctx, query, args...)
}

func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if len(args) > 0 {
		values, err := encode(args)
		if err != nil {
			return 0, err
		}
		tag, err := s.conn.ExecParams(ctx, query, values, nil, nil, nil).Close()
		return tag.RowsAffected(), s.explain(ctx, err)
	}
	if firstWord(query) == "COMMIT" {
		s.quiet = false // deferred triggers of the user's speak now
		return 0, s.commit(ctx, query)
	}
	tag, err := s.drain(ctx, query)
	return tag.RowsAffected(), err
}

// commit runs COMMIT. In a transaction that failed before, the server answers
// it with ROLLBACK and no error.
func (s *session) commit(ctx context.Context, query string) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if s.server.Pooled {
		if err := s.clean(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := forCommit(ctx)
	defer cancel()
	tag, err := s.drain(ctx, query)
	if err == nil && tag.String() == "ROLLBACK" {
		return errAborted
	}
	return err
}

var errAborted = errors.New("the server rolled back instead of committing, for a statement before had failed")

// drain runs text through the simple protocol, reads all it answers and
// returns the last command tag.
func (s *session) drain(ctx context.Context, text string) (pgconn.CommandTag, error) {
	var tag pgconn.CommandTag
	results := s.conn.Exec(ctx, text)
	for results.NextResult() {
		var err error
		if tag, err = results.ResultReader().Close(); err != nil {
			break // Close below reads on and returns it
		}
	}
	return tag, s.explain(ctx, results.Close())
}

// Query runs one query of ours, row by row as they come.
func (s *session) Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	s.quiet = true
	values, err := encode(args)
	if err != nil {
		return err
	}
	result := s.conn.ExecParams(ctx, query, values, nil, nil, nil)
	for result.NextRow() {
		row := result.Values()
		if err := each(func(dest ...any) error { return scanRow(row, dest) }); err != nil {
			// The rest is read and dropped, so that the session is of use.
			_, rest := result.Close()
			return errors.Join(err, s.explain(ctx, rest))
		}
	}
	_, err = result.Close()
	return s.explain(ctx, err)
}

// Run does a unit step by step.
func (s *session) Run(ctx context.Context, u engine.Unit) error {
	return engine.RunPlain(ctx, s, u, beginWork)
}

// Reset undoes what a migration did to the session: role, settings, cursors,
// prepared statements and temporary tables, which would stand in front of
// others of their name. Advisory locks stay. What the URL set came with the
// handshake and is what RESET ALL returns to.
//
// Behind a pooler there is no session to reset: the backend that answers need
// not be the one that was changed. The limits are then those of the next
// transaction.
func (s *session) Reset(ctx context.Context, l engine.Limits) error {
	if status := s.conn.TxStatus(); !s.conn.IsClosed() && status != 'I' {
		return errors.New("reset the session: a transaction is open")
	}
	s.limits = limitSettings(l, s.given)
	if s.server.Pooled {
		return nil
	}
	return s.putBack(ctx)
}

// ResetWithin needs no other words than Reset: what they change is taken back
// with the transaction. Behind a pooler a file that sets anything is not let
// into a transaction with others.
func (s *session) ResetWithin(ctx context.Context) error {
	if s.server.Pooled {
		return nil
	}
	return s.putBack(ctx)
}

// undoing is what takes back whatever a migration did to its session.
var undoing = []string{"RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", "CLOSE ALL", "UNLISTEN *", "DEALLOCATE ALL",
	"DISCARD SEQUENCES", "DISCARD TEMP"}

func (s *session) putBack(ctx context.Context) error {
	s.quiet = true
	var err error
	for range 20 {
		// A file may leave a limit so short that it ends this very statement;
		// then nothing was put back, and the next may be quick enough.
		_, err = s.drain(ctx, strings.Join(undoing, "; ")+"; "+s.settingsSQL())
		if fault(err).Code != "57014" || ctx.Err() != nil || s.conn.TxStatus() != 'I' {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("reset the session: %w", err)
	}
	return nil
}

func (s *session) all() []setting { return slices.Concat(s.limits, s.settings) }

// settingsSQL makes the session what it is when it was opened.
func (s *session) settingsSQL() string {
	text := setSQL(s.all(), false, "")
	if s.schema != "" {
		text += "; " + pathSQL(s.schema, false, "")
	}
	return text
}

// closeTime is what saying farewell may take.
const closeTime = 5 * time.Second

// Close ends the session; the server rolls back what is open and frees the
// locks.
func (s *session) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := s.conn.Close(ctx)
	// The lock goes last, so that nobody starts while we are still at it.
	s.endLock()
	if err != nil {
		return fmt.Errorf("close the session: %w", err)
	}
	return nil
}

// explain adds to an error what the driver leaves out: that the context is
// why a statement was cancelled, and that the session is gone.
func (s *session) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "57014" && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if s.conn.IsClosed() {
		if said := poolerSays(err); said != nil {
			err = said
		}
		return &lostError{err}
	}
	return err
}

// lostError says that the session is gone, and why.
type lostError struct{ err error }

func (e *lostError) Error() string { return "the connection is lost: " + e.err.Error() }

func (e *lostError) Unwrap() error { return e.err }

// firstWord returns the first word of a statement of ours, in upper case.
func firstWord(query string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	return strings.ToUpper(strings.TrimRight(word, ";"))
}

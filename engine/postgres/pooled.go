package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A backend of a pool is somebody else's as soon as the transaction ends. Our
// settings hold for the transaction alone. A file may say SET all the same,
// pg_dump's do, and that would stay: so the settings that a backend had are
// noted when a transaction begins, and before COMMIT it gets them back.

// sweep is what a transaction of the user's must take away again.
type sweep struct {
	before map[string]string // settings that were made on the backend before us
	names  []string          // of the file's own making, which no view lists
	user   bool              // statements of the user's have run
	temp   bool              // temporary tables were made
}

// sessionRows lists what was set on this backend. The three that are left out
// are the transaction's own.
const sessionRows = `SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'
	AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')`

// execPooled runs a statement of ours in a transaction of its own, for the
// sake of our settings.
func (s *session) execPooled(ctx context.Context, query string, args ...any) (int64, error) {
	if err := s.beginPooled(ctx, begin, false); err != nil {
		return 0, err
	}
	rows, err := s.exec(ctx, query, args...)
	if err == nil {
		err = s.commit(ctx, "COMMIT")
	}
	if err != nil {
		s.undo(ctx)
		return 0, err
	}
	return rows, nil
}

// undo rolls back what is open, if the server still listens.
func (s *session) undo(ctx context.Context) {
	if s.conn.IsClosed() || s.conn.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	_, _ = s.drain(ctx, "ROLLBACK") // the error before is the one to tell
}

// beginPooled opens a transaction with our settings and, with guarded, the
// proof that this session's lock is still held.
func (s *session) beginPooled(ctx context.Context, query string, guarded bool) error {
	query = strings.TrimRight(query, "; \t\r\n")
	if s.readOnly {
		query += "; SET TRANSACTION READ ONLY"
	}
	message := []string{sessionRows, s.localSQL()}
	if guarded {
		message = append(message, s.hold.guardSQL())
	}
	results, err := s.conn.Exec(ctx, query+"; "+strings.Join(message, "; ")).ReadAll()
	results = withoutTags(results)
	if err == nil && len(results) < len(message) {
		err = errStranger
	}
	if err == nil {
		s.sweep = sweep{before: map[string]string{}}
		for _, row := range results[0].Rows {
			s.sweep.before[string(row[0])] = string(row[1])
		}
		if guarded {
			err = s.guard(ctx, results)
		}
	}
	if err == nil {
		return nil
	}
	err = s.explain(ctx, err)
	s.undo(ctx)
	return err
}

// withoutTags leaves the results that are rows, or none of a query's.
func withoutTags(results []*pgconn.Result) []*pgconn.Result {
	return slices.DeleteFunc(results, func(r *pgconn.Result) bool { return !r.CommandTag.Select() })
}

var errStranger = errors.New("the server does not answer as PostgreSQL does")

// localSQL is what a session behind a pooler cannot keep, for one transaction.
func (s *session) localSQL() string {
	text := setSQL(s.all(), true, "")
	if s.schema != "" {
		text += "; " + pathSQL(s.schema, true, "")
	}
	return text
}

// guardSQL takes the transaction's own key and then looks for the lock. In
// this order, and by whoever takes the lock in the other, it cannot be that
// neither sees the other.
func (h *holding) guardSQL() string {
	return fmt.Sprintf("SELECT pg_catalog.pg_try_advisory_xact_lock(%d); SELECT ", workNumber(h.key)) + h.heldSQL()
}

// guard reads what guardSQL answered, the last two results, and asks again
// while the transaction of an earlier run is still open.
func (s *session) guard(ctx context.Context, results []*pgconn.Result) error {
	for deadline := time.Now().Add(remainsTime); ; {
		for _, r := range results[len(results)-2:] {
			if len(r.Rows) != 1 {
				return errStranger
			}
		}
		alone := texts(results[len(results)-2].Rows[0])[0] == "t"
		held := texts(results[len(results)-1].Rows[0])[0] == "t"
		switch {
		case !held:
			return &lostError{s.hold.why()}
		case alone:
			return nil
		case time.Now().After(deadline):
			return &poolerError{
				text: fmt.Sprintf("the transaction of an earlier run is still open on the server after %s", remainsTime),
				hint: "it ends with its statement, or with pg_terminate_backend; then run again",
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(remainsPause):
		}
		var err error
		if results, err = s.conn.Exec(ctx, s.hold.guardSQL()).ReadAll(); err != nil {
			return err
		}
		if len(results) != 2 {
			return errStranger
		}
	}
}

// why says how the lock's transaction came to its end.
func (h *holding) why() error {
	if err := h.lost(); err != nil {
		return fmt.Errorf("the transaction that holds the lock has ended: %w", err)
	}
	return errors.New("the transaction that holds the lock has ended")
}

// saw notes what a statement of the user's leaves behind.
func (w *sweep) saw(st sqltext.Statement) {
	w.user = true
	switch {
	case st.Starts("SET"):
		if name := settingName(st.Words[1:]); name != "" && !slices.Contains(w.names, name) {
			w.names = append(w.names, name)
		}
	case makesTemporary(st.Words):
		w.temp = true
	}
}

// settingName reads the name of a setting with a dot in it, the kind that
// need not be known to the server.
func settingName(w []string) string {
	if word(w, 0) == "SESSION" {
		w = w[1:]
	}
	if len(w) < 3 || w[1] != "." {
		return ""
	}
	part := func(s string) string {
		if strings.HasPrefix(s, `"`) {
			return s
		}
		return quoteIdent(strings.ToLower(s))
	}
	return part(w[0]) + "." + part(w[2])
}

// clean takes away what the user's statements left on the backend. Deferred
// constraints are checked before, under the settings that the file made.
func (s *session) clean(ctx context.Context) error {
	if !s.sweep.user || s.conn.TxStatus() != 'T' {
		return nil
	}
	results, err := s.conn.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL statement_timeout = 0; "+sessionRows).ReadAll()
	if err != nil {
		return s.explain(ctx, err)
	}
	if results = withoutTags(results); len(results) != 1 {
		return errStranger
	}
	// What is seen is the transaction's value, behind which another may stand
	// for the session: all are made anew, whatever they seem to be.
	var undo []string
	for _, name := range s.sweep.names {
		undo = append(undo, "RESET "+name)
	}
	for _, row := range results[0].Rows {
		if _, old := s.sweep.before[string(row[0])]; !old {
			undo = append(undo, "RESET "+quoteSetting(string(row[0])))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.sweep.before)) {
		undo = append(undo, "SELECT pg_catalog.set_config("+quoteLiteral(name)+", "+quoteLiteral(s.sweep.before[name])+", false)")
	}
	if s.sweep.temp {
		undo = append(undo, "DISCARD TEMP")
	}
	s.quiet = true
	_, err = s.drain(ctx, strings.Join(undo, "; "))
	return err
}

// quoteSetting spells the name of a setting, which may have a dot in it.
func quoteSetting(name string) string {
	parts := strings.Split(name, ".")
	for i := range parts {
		parts[i] = quoteIdent(parts[i])
	}
	return strings.Join(parts, ".")
}

func spell(n int64) string { return "'" + strconv.FormatInt(n, 10) + "'" }

// poolerError is what a pooler, or the lack of one connection more in it,
// means for us.
type poolerError struct {
	text, hint string
	err        error
}

func (e *poolerError) Error() string { return e.text }

func (e *poolerError) Unwrap() error { return e.err }

// poolerSays reads PgBouncer's reasons to end a connection, of which it tells
// little more than the name of the setting; nil for any other error.
func poolerSays(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "08P01" {
		return nil
	}
	for _, reason := range []struct{ words, text, hint string }{
		{"query_wait_timeout", "none of its server connections became free within its query_wait_timeout", poolHint},
		{"max_client_conn", "it takes no more clients (max_client_conn)",
			"raise max_client_conn, or give a URL that leads past the pooler, as direct_url"},
		{"idle transaction timeout", "its idle_transaction_timeout ended a transaction that was waiting",
			"set idle_transaction_timeout above " + (2 * keepEvery).String() + ", or give a URL that leads past the pooler, as direct_url"},
		{"query_timeout", "its query_timeout ended a statement that ran for long",
			"raise query_timeout, or give a URL that leads past the pooler, as direct_url"},
		{"query timeout", "its query_timeout ended a statement that ran for long",
			"raise query_timeout, or give a URL that leads past the pooler, as direct_url"},
		{"client_idle_timeout", "its client_idle_timeout ended a connection that was waiting",
			"raise client_idle_timeout, or give a URL that leads past the pooler, as direct_url"},
	} {
		if strings.Contains(pg.Message, reason.words) {
			return &poolerError{text: "the pooler ended the connection: " + reason.text, hint: reason.hint, err: err}
		}
	}
	return nil
}

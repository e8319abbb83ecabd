package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Connect opens a session with one message behind the handshake: who is
// there, the settings, and where they led to.
//
// Where a pooler hands each transaction to another backend, no setting is
// made for the session: it would be made for whoever gets that backend next.
// Limits and search path are then set by every transaction for itself. The
// sign is that the backend's process id is not the one told at the handshake;
// a pooler in session mode bears it too and is treated alike, to be safe.
func (d *database) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	config := d.config.Copy()
	s := &session{schema: d.schema, database: d, app: o.App, readOnly: o.ReadOnly, foreign: o.Foreign}
	if o.Notice != nil {
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
			if !s.quiet {
				o.Notice(n.Severity, n.Message)
			}
		}
	}
	s.quiet = true
	conn, err := d.dial(ctx, config)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	s.given = config.RuntimeParams
	s.limits = limitSettings(o.Limits, s.given)
	s.settings = sessionSettings(o.App, o.ReadOnly)
	if err := s.begin(ctx); err != nil {
		s.Close()
		if lost, ok := errors.AsType[*lostError](err); ok {
			return nil, &connectError{label: d.label, err: lost.err}
		}
		return nil, fmt.Errorf("connect to %s: %w", d.label, err)
	}
	return s, nil
}

// dial connects, with the password of the moment where there is one to ask for.
func (d *database) dial(ctx context.Context, config *pgconn.Config) (conn *pgconn.PgConn, err error) {
	err = d.password.Try(ctx, unwelcome, func(ctx context.Context) (err error) {
		if config.Password, err = d.password.Or(ctx, config.Password); err != nil {
			return err
		}
		if err := d.complete(ctx, config); err != nil {
			return err
		}
		attempt := config.Copy()
		attempt.DialFunc = sameWay(config.DialFunc)
		if conn, err = pgconn.ConnectConfig(ctx, attempt); err != nil {
			return &connectError{label: d.label, err: err}
		}
		return nil
	})
	return conn, err
}

// unwelcome says of an error that the server did not take the password: as
// wrong; as no authorization, where another service looks at it (PAM); or, as a
// pooler says it, in words.
func unwelcome(err error) bool {
	_, said := errors.AsType[*pgconn.PgError](err)
	return said && fault(err).Kind == engine.Login
}

// appName cuts what the server would cut, but not within a character.
func appName(s string) string {
	const longest = 63
	return engine.FitBytes(s, longest)
}

// begin sets the session up and finds out about the server.
func (s *session) begin(ctx context.Context) error {
	err := s.probe(ctx)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "22023" && !s.conn.IsClosed() {
		// Some platform has no client_connection_check_interval and refuses
		// the value, and with it the message.
		s.settings = required(s.settings)
		err = s.probe(ctx)
	}
	return err
}

func (s *session) probe(ctx context.Context) error {
	direct := fmt.Sprintf(" AND pg_catalog.pg_backend_pid() = %d", s.conn.PID())
	const (
		before = `SELECT pg_catalog.pg_backend_pid(), ` + startOf + `,
			pg_catalog.current_setting('server_version'), pg_catalog.current_setting('server_version_num'),
			pg_catalog.current_database(), current_user, pg_catalog.pg_is_in_recovery(),
			pg_catalog.current_setting('default_transaction_read_only')
			FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a`
		// current_schema(), but for the session's own temporary one, where
		// nobody else would find our tables.
		after = `SELECT COALESCE((SELECT s.name FROM unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS s (name, n)
			WHERE s.name NOT LIKE 'pg\_temp\_%' ORDER BY s.n LIMIT 1), ''), pg_catalog.cardinality(pg_catalog.current_schemas(false))`
		// Where there is a history that this user may write, and whether this
		// session's default path may have led there before: it is still on it, or
		// that path was set for the role or the database.
		histories = `SELECT n.nspname, n.nspname = ANY (pg_catalog.current_schemas(false)) OR
				(SELECT source IN ('user', 'database', 'database user') FROM pg_catalog.pg_settings WHERE name = 'search_path')
			FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
			WHERE c.relname = 'dbwarden_migrations' AND c.relkind IN ('r', 'p') AND pg_catalog.has_table_privilege(c.oid, 'INSERT') ORDER BY 1`
	)
	message := []string{before, setSQL(s.all(), false, direct)}
	if s.schema != "" {
		message = append(message, pathSQL(s.schema, false, direct), fmt.Sprintf(
			"SELECT pg_catalog.has_schema_privilege(oid, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = %s", quoteLiteral(s.schema)))
	}
	open := s.schema == "" && !s.foreign && !givesPath(s.given)
	if open {
		message = append(message, histories)
	}
	results, err := s.conn.Exec(ctx, strings.Join(append(message, after), "; ")).ReadAll()
	if err != nil {
		return s.explain(ctx, err)
	}
	if len(results) < 3 || len(results[0].Rows) != 1 {
		return errStranger
	}

	row := texts(results[0].Rows[0])
	number, err := strconv.Atoi(row[3])
	if err != nil {
		return fmt.Errorf("read the server's version %q: %w", row[3], err)
	}
	s.server = engine.Server{
		Product:  "PostgreSQL",
		Version:  row[2],
		Number:   number,
		Database: row[4],
		User:     row[5],
		Pooled:   row[0] != strconv.FormatUint(uint64(s.conn.PID()), 10),
	}
	if !s.server.Pooled {
		s.id = row[0] + "/" + row[1]
		s.server.Flush = engine.Flush{Units: flushUnits, Bytes: flushBytes}
	}
	switch {
	case row[6] == "t":
		s.server.ReadOnly = "a standby in recovery"
		s.server.Follows = s.server.ReadOnly
	case row[7] == "on":
		s.server.ReadOnly = "default_transaction_read_only is on"
	}
	last := results[len(results)-1].Rows
	if len(last) == 1 {
		s.server.Schema = texts(last[0])[0]
	}
	if open {
		if err := s.elsewhere(results[len(results)-2].Rows); err != nil {
			return err
		}
	}
	if s.schema == "" {
		if s.server.Schema == "" && len(last) == 1 && texts(last[0])[1] != "0" {
			return &schemaError{kind: engine.Missing, text: "search_path names no schema but a temporary one, which is each session's own: name one in it, or with postgres_schema"}
		}
		return nil
	}
	usage := results[len(results)-2].Rows
	switch {
	case len(usage) == 0:
		return &schemaError{kind: engine.Missing, text: fmt.Sprintf(
			"schema %q does not exist: create it with CREATE SCHEMA %s", s.schema, quoteIdent(s.schema))}
	case texts(usage[0])[0] != "t":
		return &schemaError{kind: engine.Denied, text: fmt.Sprintf(
			"schema %q may not be used: GRANT USAGE ON SCHEMA %s TO %s", s.schema, quoteIdent(s.schema), quoteIdent(s.server.User))}
	}
	s.server.Schema = s.schema
	return nil
}

// givesPath says that the connection's own parameters name the search_path: who
// does so for each of many schemas means a new one to have a history of its own.
func givesPath(given map[string]string) bool {
	return given["search_path"] != "" || strings.Contains(given["options"], "search_path")
}

// elsewhere refuses a schema without a history, chosen by the server's default
// search_path, where the history is in another one: a schema of the user's name
// was created since, or the role's search_path was altered, and everything would
// run again.
func (s *session) elsewhere(histories [][][]byte) error {
	moved := ""
	for _, row := range histories {
		switch row := texts(row); {
		case row[0] == s.server.Schema:
			return nil
		case row[1] == "t" && moved == "":
			moved = row[0]
		}
	}
	if moved == "" {
		return nil // of those who say which schema it is
	}
	return &schemaError{kind: engine.Missing, text: fmt.Sprintf(
		"search_path leads to schema %q, which has no history of migrations, and the history is in schema %q: say which one it is with postgres_schema, or with search_path in the URL",
		s.server.Schema, moved)}
}

// startOf spells when a backend began, to the microsecond: a process id alone
// is used again.
const startOf = `pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

// texts spells a row, NULL as "".
func texts(row [][]byte) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		out[i] = string(cell)
	}
	return out
}

// schemaError says that the schema of OpenOptions cannot be used.
type schemaError struct {
	kind engine.FaultKind
	text string
}

func (e *schemaError) Error() string { return e.text }

// connectError says why there is no connection, in one line: pgx lists every
// attempt and its configuration.
type connectError struct {
	label string
	err   error
}

func (e *connectError) Error() string {
	text := "connect to " + e.label + ": " + e.reason()
	var pg *pgconn.PgError
	if errors.As(e.err, &pg) {
		text += " (SQLSTATE " + pg.Code + ")"
	}
	return text
}

func (e *connectError) reason() string {
	if said := poolerSays(e.err); said != nil {
		return said.Error()
	}
	var pg *pgconn.PgError
	if errors.As(e.err, &pg) {
		return pg.Message
	}
	var attempts interface{ Unwrap() []error }
	if !errors.As(e.err, &attempts) {
		return oneLine(asStranger(e.err))
	}
	var seen []string
	for _, err := range attempts.Unwrap() {
		err = asStranger(err)
		if errors.Is(err, strangerError{}) {
			return err.Error() // the other attempts say less
		}
		if text := oneLine(err); !slices.Contains(seen, text) {
			seen = append(seen, text)
		}
	}
	return strings.Join(seen, "; ")
}

func (e *connectError) Unwrap() error { return e.err }

// oneLine spells the error of one attempt. What the network says names the
// place already, which pgx would name twice more, and a certificate that does
// not hold is refused before any of what pgx was about to send.
func oneLine(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op
	} else if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = bad
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

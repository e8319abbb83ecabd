package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

// database is an opened URL.
type database struct {
	label   string
	address *address // the URL, read; nil of one from a configuration
	dir     string   // where its relative files start

	password engine.Password // OpenOptions.Password

	config  *driver.Config
	names   string        // what follows SET NAMES
	timeout time.Duration // for connecting, with all that belongs to it
}

func (d *database) Label() string { return d.label }

// Connect opens one session, asks the server who it is and sets the
// session's limits.
func (d *database) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	within, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	s := &session{names: d.names, limits: o.Limits.WithDefaults(), notice: o.Notice, password: d.password, readOnly: o.ReadOnly, grace: graceTime, reach: reachTime}
	err := s.open(within, d.config, o.App)
	if err == nil {
		return s, nil
	}
	s.Close()
	if _, ok := errors.AsType[*engine.PasswordError](err); ok {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, &canceledError{cause: context.Cause(ctx)}
	}
	if within.Err() != nil {
		err = fmt.Errorf("%w within %s", errNoAnswer, d.timeout)
	}
	return nil, &connectError{err, d.config}
}

var errNoAnswer = errors.New("no answer")

// connectError marks what went wrong before there was a session.
type connectError struct {
	err    error
	config *driver.Config // with which it was tried
}

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

func (s *session) open(ctx context.Context, config *driver.Config, app string) error {
	config = config.Clone()
	logged := &logged{}
	config.Logger = logged
	config.ConnectionAttributes = "program_name:" + attribute(app)
	connector, err := s.connector(config)
	if err != nil {
		return err
	}
	errands := config.Clone()
	errands.DBName = "" // it may be gone by then
	errands.ConnectionAttributes = "program_name:" + attribute("dbwarden errand")
	if s.errands, err = s.connector(errands); err != nil {
		return err
	}
	s.db = sql.OpenDB(connector)
	s.db.SetMaxOpenConns(1)
	// A *sql.Conn is one connection: it is never replaced by another one
	// behind our back, as *sql.DB does.
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return logged.of(err)
	}
	if err := s.probe(ctx); err != nil {
		return fmt.Errorf("ask the server who it is: %w", err)
	}
	if _, err := s.conn.ExecContext(ctx, "SET "+s.settings()); err != nil {
		return fmt.Errorf("set the session's limits: %w", err)
	}
	return nil
}

// logged keeps what the driver logs of a connection that has ended, as that the
// server sent an alert: the error that it returns says no more than that.
type logged struct {
	mu  sync.Mutex
	err error
}

func (l *logged) Print(v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, said := range v {
		if err, ok := said.(error); ok {
			l.err = err
		}
	}
}

// of is an error with what was logged of it.
func (l *logged) of(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil || !errors.Is(err, driver.ErrInvalidConn) {
		return err
	}
	return fmt.Errorf("%w: %w", err, l.err)
}

// connector makes connections, with the password of the moment where there is
// one to ask for.
type connector struct {
	sqldriver.Connector
	password engine.Password
}

func (s *session) connector(c *driver.Config) (sqldriver.Connector, error) {
	inner, err := driver.NewConnector(c)
	return connector{inner, s.password}, err
}

func (c connector) Connect(ctx context.Context) (conn sqldriver.Conn, err error) {
	err = c.password.Try(ctx, unwelcome, func(ctx context.Context) (err error) {
		conn, err = c.Connector.Connect(ctx)
		return err
	})
	return conn, err
}

// unwelcome says of an error that the server did not take the password.
func unwelcome(err error) bool {
	e, ok := errors.AsType[*driver.MySQLError](err)
	return ok && (e.Number == 1045 || e.Number == 1698)
}

// attribute makes text fit for the driver's list of connection attributes,
// which has no escapes.
func attribute(text string) string {
	if text == "" {
		text = "dbwarden"
	}
	return strings.ReplaceAll(engine.Fit(text, 0), ",", " ")
}

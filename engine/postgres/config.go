package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
)

// FromConfig is Engine.Open for a configuration of pgx's in place of a URL: of a
// *pgx.ConnConfig its field Config, of a pool that and its hooks (the package
// pgpool reads them). c must come from ParseConfig, as pgx demands; it is copied.
//
// All sessions connect as c says, and so does what cancels a statement: hosts,
// TLS, DialFunc and all that is before the first statement. What belongs to a
// program's own queries (OnNotice, OnNotification, OnPgError) is left out. An
// attempt to connect ends after 15 s where c has no timeout. Settings among
// RuntimeParams hold for migrations as well; client_encoding can only be UTF8.
// An AfterConnect is refused, since its settings would not outlive the first
// migration: name them in RuntimeParams.
//
// A backup cannot be made of such a database: pg_dump connects by a URL.
func FromConfig(c *pgconn.Config, o engine.OpenOptions) (engine.Database, error) {
	return FromConfigFunc(c, nil, o)
}

// FromConfigFunc is FromConfig with a function that completes the configuration
// of each connection just before it is made, which is where a password comes
// from that is good for minutes alone. It may be called often, and by several
// sessions at once, each time with a copy of c. Its error is that of the attempt.
func FromConfigFunc(c *pgconn.Config, before func(context.Context, *pgconn.Config) error, o engine.OpenOptions) (engine.Database, error) {
	if c == nil {
		return nil, errors.New("no configuration was handed over")
	}
	if err := usable(c); err != nil {
		return nil, err
	}
	config := c.Copy()
	if o.Password != nil && config.Password != "" {
		return nil, fmt.Errorf("the configuration: %w", engine.ErrTwoPasswords)
	}
	if o.Database != "" {
		config.Database = o.Database
	}
	if err := ours(config); err != nil {
		return nil, err
	}
	return &database{config: config, before: before, schema: o.Schema, password: o.Password, label: label(config), keepEvery: keepEvery}, nil
}

// usable says what a configuration may not be. Where AfterConnect makes another
// schema the first one, or another role the current one, the history would be
// looked for there, and the migrations work elsewhere: each begins with the
// session put back.
func usable(c *pgconn.Config) error {
	if !parsed(c) {
		return errors.New("the configuration was made by hand, which pgx does not connect with: take what ParseConfig returns, and change that")
	}
	if c.AfterConnect != nil {
		return errors.New("the configuration has an AfterConnect, and what it sets would be gone before a migration: name it in RuntimeParams (search_path, role), and hand over a copy without AfterConnect")
	}
	return nil
}

// parsed says that a configuration came from ParseConfig; pgx panics where it
// did not, and has no function that tells.
func parsed(c *pgconn.Config) bool {
	field := reflect.ValueOf(c).Elem().FieldByName("createdByParseConfig")
	return field.Kind() != reflect.Bool || field.Bool()
}

// ours has a connection of somebody's configuration behave as those of a URL.
func ours(c *pgconn.Config) (err error) {
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTime
	}
	if dial := c.DialFunc; dial != nil {
		c.DialFunc = engine.Lasting(dial)
	} else {
		c.DialFunc = engine.Dialer(c.ConnectTimeout).DialContext
	}
	c.BuildContextWatcherHandler = newCanceller
	c.OnNotice, c.OnNotification, c.OnPgError = nil, nil, untilFatal
	if c.RuntimeParams, err = runtimeParams(c.RuntimeParams); err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	return nil
}

// untilFatal is pgx's own: a program's may close the session, and with it would
// go the lock.
func untilFatal(_ *pgconn.PgConn, e *pgconn.PgError) bool {
	return !strings.EqualFold(e.Severity, "FATAL")
}

// sameWay has a cancel request go the way of its session. pgx asks for it by the
// address that the other side of the connection has, of which a program's own
// dialer (a tunnel, a proxy) may know nothing.
func sameWay(dial pgconn.DialFunc) pgconn.DialFunc {
	type place struct{ network, address string }
	var mu sync.Mutex
	asked := map[place]place{} // by where it led to
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		to := place{network, address}
		mu.Lock()
		if first, ok := asked[to]; ok {
			to = first
		}
		mu.Unlock()
		c, err := dial(ctx, to.network, to.address)
		if err != nil {
			return nil, err
		}
		if led := c.RemoteAddr(); led != nil {
			mu.Lock()
			asked[place{led.Network(), led.String()}] = to
			mu.Unlock()
		}
		return c, nil
	}
}

// complete has the hook of FromConfigFunc finish the configuration of one
// connection. What it may not change stays.
func (d *database) complete(ctx context.Context, c *pgconn.Config) (err error) {
	if d.before == nil {
		return nil
	}
	watch, notice := c.BuildContextWatcherHandler, c.OnNotice
	asked := d.config.Copy()
	asked.Password, asked.Database = c.Password, c.Database
	if err := d.before(ctx, asked); err != nil {
		return &connectError{label: d.label, err: err}
	}
	if err := usable(asked); err != nil {
		return &connectError{label: d.label, err: err}
	}
	*c = *asked
	if err := ours(c); err != nil {
		return err
	}
	c.BuildContextWatcherHandler, c.OnNotice = watch, notice
	return nil
}

// errNoAddress is why client programs cannot be run for FromConfig.
var errNoAddress = errors.New("pg_dump connects by a URL, and this database was opened from a configuration: make the backup with dbwarden.Open")

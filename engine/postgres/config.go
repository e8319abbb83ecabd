package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
)

// FromConfig is Engine.Open for a configuration of pgx's in place of a URL: of a
// *pgx.ConnConfig its field Config, of a pool that and its hooks (the package
// pgpool reads them). c must come from ParseConfig, as pgx demands; it is copied.
//
// Sessions connect as c says: hosts, TLS, DialFunc and all that is before the
// first statement. What belongs to a program's own queries (OnNotice,
// OnNotification) is left out, and so is a timeout that c does not have: an
// attempt to connect then ends after 15 s. Settings among RuntimeParams hold for
// migrations as well; client_encoding can only be UTF8.
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
	c.OnNotice, c.OnNotification = nil, nil
	if c.RuntimeParams, err = runtimeParams(c.RuntimeParams); err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	return nil
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
	*c = *asked
	if err := ours(c); err != nil {
		return err
	}
	c.BuildContextWatcherHandler, c.OnNotice = watch, notice
	return nil
}

// errNoAddress is why client programs cannot be run for FromConfig.
var errNoAddress = errors.New("pg_dump connects by a URL, and this database was opened from a configuration: make the backup with dbwarden.Open")

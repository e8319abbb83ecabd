package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

// FromConfig is Engine.Open for a configuration of go-sql-driver/mysql in place
// of a URL. c is copied, with its BeforeConnect, which is called for each
// session, so that passwords which are good for minutes stay good.
//
// Sessions connect as c says: network and address, TLS, DialFunc, login,
// compression, Collation, and Params, which hold for migrations as well. What c
// says of how values are read and how statements are sent is ours to say, and
// ReadTimeout and WriteTimeout are left out: they would end a long ALTER. The
// library keeps the driver from writing to stderr.
//
// A backup cannot be made of such a database: the dump program connects by a URL.
func FromConfig(c *driver.Config, o engine.OpenOptions) (engine.Database, error) {
	if c == nil {
		return nil, errors.New("no configuration was handed over")
	}
	config := c.Clone()
	if o.Database != "" {
		config.DBName = o.Database
	}
	if config.DBName == "" {
		return nil, errors.New("the configuration names no database: set DBName")
	}
	if o.Schema != "" && o.Schema != config.DBName {
		return nil, fmt.Errorf("schema %q cannot be chosen: here a schema is a database, and the configuration names %q", o.Schema, config.DBName)
	}
	if o.Password != nil {
		if config.Passwd != "" {
			return nil, fmt.Errorf("the configuration: %w", engine.ErrTwoPasswords)
		}
		if err := config.Apply(asking(o.Password)); err != nil {
			return nil, err
		}
	}
	names, err := readNames(map[string]string{"charset": charsetOf(config.Collation), "collation": config.Collation})
	if err != nil {
		return nil, err
	}
	ours(config)
	timeout := config.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return &database{label: addressOf(config).label(), password: o.Password, config: config, names: names, timeout: timeout}, nil
}

// asking has a password asked for before each connection.
func asking(p engine.Password) driver.Option {
	return driver.BeforeConnect(func(ctx context.Context, c *driver.Config) (err error) {
		c.Passwd, err = p.Or(ctx, "")
		return err
	})
}

// ours has a session send and read as the engine does.
func ours(c *driver.Config) {
	c.Logger = &driver.NopLogger{}
	// An UPDATE tells how many rows it found, as on other products, also
	// where it wrote what was there before.
	c.ClientFoundRows = true
	// The protocol's own bound: the server's is asked for and checked by the
	// session, which can name it.
	c.MaxAllowedPacket = 1<<30 - 1
	c.AllowAllFiles, c.ColumnsWithAlias, c.InterpolateParams, c.MultiStatements, c.ParseTime, c.RejectReadOnly = false, false, false, false, false, false
	c.Loc = time.UTC
	c.ReadTimeout, c.WriteTimeout = 0, 0
	switch {
	case c.DialFunc != nil:
		c.DialFunc = engine.Lasting(c.DialFunc)
	case c.Net == "" || c.Net == "tcp" || c.Net == "unix":
		c.DialFunc = engine.Dialer(0).DialContext
	}
	// Any other network has a dialer that the program registered with the driver.
}

// charsetOf is what a collation's name begins with.
func charsetOf(collation string) string {
	charset, _, _ := strings.Cut(collation, "_")
	return charset
}

// addressOf is what a configuration looks like as a URL, for people.
func addressOf(c *driver.Config) *address {
	a := &address{scheme: "mysql", user: c.User, database: c.DBName, params: map[string]string{}}
	switch {
	case c.Net == "unix":
		a.params["socket"] = c.Addr
	case c.Addr == "":
		a.host, a.port = "127.0.0.1", defaultPort
	default:
		var err error
		if a.host, a.port, err = net.SplitHostPort(c.Addr); err != nil {
			a.host, a.port = c.Addr, defaultPort
		}
	}
	return a
}

// FromDB is FromConfig for a *sql.DB of the driver, with what its connections
// were made from: it borrows one for a moment, runs nothing on it, and gives it
// back. No verb works on a connection of db, whose settings, user variables and
// locks would be the migration's as well. So db's connections stay as they were, one is
// enough for db, and db may be closed meanwhile. Each session is a connection
// more on the server: one for a verb that looks, two for a run.
//
// FromDB connects, under ctx, where db has no connection yet; where all are in
// use it waits 10 s for one, then fails with *engine.PoolError. A db whose driver
// is wrapped in another one is refused: hand over its configuration.
func FromDB(ctx context.Context, db *sql.DB, o engine.OpenOptions) (engine.Database, error) {
	var d engine.Database
	err := engine.Borrow(ctx, db, func(_ context.Context, raw any) (err error) {
		config := configOf(raw)
		if config == nil {
			return fmt.Errorf("the *sql.DB is served by %T, which does not tell how it connects: use mysql.FromConfig, or dbwarden.Open with a URL", raw)
		}
		d, err = FromConfig(config, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// configOf is what a connection of the driver was made from. The driver has no
// function that tells; it keeps it in a field, which is read only if it is what
// it is taken for. nil: it is not, or raw is another driver's.
func configOf(raw any) *driver.Config {
	v := reflect.ValueOf(raw)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct || v.Elem().Type().PkgPath() != reflect.TypeFor[driver.Config]().PkgPath() {
		return nil
	}
	field := v.Elem().FieldByName("cfg")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*driver.Config]() || field.IsNil() {
		return nil
	}
	return (*driver.Config)(field.UnsafePointer())
}

// errNoAddress is why the dump program cannot be run for FromConfig.
var errNoAddress = errors.New("the dump program connects by a URL, and this database was opened from a configuration: make the backup with dbwarden.Open")

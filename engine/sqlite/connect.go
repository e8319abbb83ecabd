package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	driversqlite "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Connect opens one session and reads from the database once, so that what
// is wrong with a file is said here and not at the first statement.
func (d *database) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	dsn, path, err := d.source(o.ReadOnly)
	if err != nil {
		return nil, err
	}
	s := &session{db: d, path: path, app: o.App, opened: o, limits: o.Limits.WithDefaults()}
	if !d.target.memory {
		s.file, _ = os.Stat(path) // it may be yet to be made
	}
	err = s.connect(ctx, dsn)
	if err != nil && s.mayBeImmutable(err) {
		s.watch = newWatch(path)
		if err = s.connect(ctx, dataSource(path, "ro", true)); err == nil {
			s.notice("warning", "the folder of "+path+" cannot be written: it is read as it is, without locks")
		}
	}
	if err != nil {
		if !d.target.memory {
			err = explain(path, err)
		}
		return nil, err
	}
	if s.file == nil && !d.target.memory {
		s.file, _ = os.Stat(path)
	}
	if err := s.settle(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// single lets database/sql connect once and never again.
type single struct {
	driver.Connector
	used bool
}

func (c *single) Connect(ctx context.Context) (driver.Conn, error) {
	if c.used {
		return nil, driver.ErrBadConn
	}
	c.used = true
	return c.Connector.Connect(ctx)
}

func (s *session) connect(ctx context.Context, dsn string) (err error) {
	c, err := driversqlite.NewConnector(dsn)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(&single{Connector: c})
	pool.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return clean(ctx, err)
	}
	s.pool, s.conn = pool, conn
	if err := s.commits.follow(conn); err != nil {
		return err
	}
	if err := s.wait(ctx, s.busy()); err != nil {
		return err
	}
	_, err = s.text(ctx, "PRAGMA schema_version")
	return err
}

// lookWait is how long a session that only looks waits for a program that
// keeps everybody from reading. Somebody sits in front of it.
const lookWait = 3 * time.Second

// busy is the longest wait for another program's lock.
func (s *session) busy() time.Duration {
	most := maxBusy
	if s.opened.ReadOnly {
		most = lookWait
	}
	switch {
	case s.db.target.hasBusy:
		return s.db.target.busy
	case s.limits.Lock < 0, s.limits.Lock > most:
		return most
	}
	return max(s.limits.Lock, time.Millisecond)
}

// hasten is Engine's: SQLite's wait cannot be interrupted, so whoever wants to
// look at the time or at a signal in between waits in short steps.
func hasten(ctx context.Context, es engine.Session, most time.Duration) error {
	s, err := own(es)
	if err != nil {
		return err
	}
	if most < 0 {
		most = s.busy()
	}
	return s.wait(ctx, most)
}

func (s *session) wait(ctx context.Context, most time.Duration) error {
	_, err := s.exec(ctx, "PRAGMA busy_timeout = "+strconv.FormatInt(most.Milliseconds(), 10))
	return err
}

// settle applies the URL's pragmas and learns what Server tells.
func (s *session) settle(ctx context.Context) error {
	for _, p := range s.db.target.pragmas {
		if err := s.apply(ctx, p); err != nil {
			return err
		}
	}
	if s.opened.ReadOnly {
		if _, err := s.exec(ctx, "PRAGMA query_only = 1"); err != nil {
			return err
		}
	}
	version, err := s.text(ctx, "SELECT sqlite_version()")
	if err != nil {
		return err
	}
	s.server = engine.Server{
		Product: "SQLite", Version: version, Number: versionNumber(version),
		Database: s.path, User: userName(),
	}
	if !s.db.target.memory {
		s.server.ReadOnly = s.readOnly()
		if s.opened.Notice != nil && s.db.warned.CompareAndSwap(false, true) {
			for _, text := range warnings(s.path) {
				s.notice("warning", text)
			}
		}
	}
	if s.opened.ReadOnly {
		// Thirty pragmas are a tenth of what a short look takes, and mostly for
		// nothing: see begun.
		keys, err := s.text(ctx, "PRAGMA foreign_keys")
		s.server.Flush = shares(keys)
		return err
	}
	if err = s.begun(ctx); err == nil {
		s.server.Flush = shares(s.start.value("foreign_keys"))
	}
	return err
}

// apply runs one pragma of the URL. A session that only looks leaves the file
// as it is.
func (s *session) apply(ctx context.Context, p setting) error {
	kind := pragmas[p.name]
	if s.opened.ReadOnly && kind != pragmaSession && p.name != "foreign_keys" {
		return nil
	}
	if p.name == "journal_mode" {
		now, err := s.text(ctx, "PRAGMA journal_mode")
		if err != nil || strings.EqualFold(now, p.value) {
			return err
		}
	}
	if _, err := s.exec(ctx, "PRAGMA "+p.name+" = "+p.value); err != nil {
		return fmt.Errorf("set pragma %s: %w", p.name, err)
	}
	if p.name == "journal_mode" && !s.db.target.memory {
		now, err := s.text(ctx, "PRAGMA journal_mode")
		if err != nil {
			return err
		}
		if !strings.EqualFold(now, p.value) {
			return fmt.Errorf("set pragma journal_mode: it stays %s", now)
		}
	}
	return nil
}

// versionNumber makes 3054001 of 3.54.1.
func versionNumber(version string) int {
	n := 0
	parts := strings.SplitN(version, ".", 4)
	for i := range 3 {
		n *= 1000
		if i < len(parts) {
			v, _ := strconv.Atoi(parts[i]) // SQLite's own, always digits
			n += v
		}
	}
	return n
}

func (s *session) readOnly() string {
	if s.db.target.mode == "ro" {
		return "the URL says mode=ro"
	}
	if s.db.target.immutable {
		return "the URL says immutable=1"
	}
	var closed bool
	err := s.conn.Raw(func(c any) (err error) {
		closed, err = c.(interface{ IsReadOnly(string) (bool, error) }).IsReadOnly("main")
		return err
	})
	dir := filepath.Dir(s.path)
	switch {
	case err == nil && s.watch == nil && closed, !writable(s.path):
		return "the file is read-only"
	case !writable(dir):
		// SQLite keeps its journal there, and the lock lives there.
		return "the folder " + dir + " cannot be written"
	}
	return ""
}

func (s *session) notice(severity, text string) {
	if s.opened.Notice != nil {
		s.opened.Notice(severity, text)
	}
}

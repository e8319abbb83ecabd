package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	driversqlite "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// commits counts what SQLite has committed on a connection, as SQLite itself
// tells it. It is called on the goroutine of the statement.
type commits struct {
	count   int
	pending bool
}

// follow asks the connection to tell.
func (c *commits) follow(conn *sql.Conn) error {
	return conn.Raw(func(raw any) error {
		hooks, ok := raw.(driversqlite.HookRegisterer)
		if !ok {
			return errors.New("the SQLite driver has no commit hooks")
		}
		hooks.RegisterCommitHook(func() int32 {
			c.pending = true
			return 0
		})
		// SQLite announces a commit right before it writes; where that fails
		// it rolls back, and says so too.
		hooks.RegisterRollbackHook(func() { c.pending = false })
		return nil
	})
}

func (c *commits) begin() { c.pending = false }

// end reports whether the call committed something.
func (c *commits) end() bool {
	done := c.pending
	if done {
		c.count++
		c.pending = false
	}
	return done
}

// Run does a unit step by step: a round trip is a function call here.
func (s *session) Run(ctx context.Context, u engine.Unit) error {
	if s.opened.ReadOnly {
		return &engine.UnitError{Part: engine.PartBegin, Err: errReadOnly, RolledBack: u.Begin != ""}
	}
	return engine.RunPlain(ctx, &unit{session: s, before: s.commits.count}, u, begin)
}

var errReadOnly = &openError{kind: engine.ReadOnly, text: "this session was opened for reading only"}

// unit is a session that knows when a rollback is proven.
type unit struct {
	*session
	before  int  // commits when the unit began
	unclear bool // a COMMIT failed in a way that may have left its effect
}

func (u *unit) Execute(ctx context.Context, st sqltext.Statement) (int64, error) {
	return u.session.Execute(ctx, st)
}

func (u *unit) Do(ctx context.Context, c engine.Call) (*engine.Reply, error) {
	return u.session.Do(ctx, c)
}

func (u *unit) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	switch query {
	case "COMMIT":
		_, err := u.exec(ctx, query)
		if code, ok := resultCode(err); ok && code&0xff == codeIOErr {
			// The journal may be gone already when the disk says no.
			u.unclear = true
		}
		return 0, u.nameOrphans(ctx, err)
	case "ROLLBACK":
		return 0, u.rollback(ctx)
	}
	if err := u.shield(ctx); err != nil {
		return 0, err
	}
	return u.session.Exec(ctx, query, args...)
}

// shield lets our own statements write in a connection in which the file wants
// to read only; its next statement finds query_only as it left it.
func (u *unit) shield(ctx context.Context) error {
	if !u.pragmas || u.covered {
		return nil
	}
	on, err := u.text(ctx, "PRAGMA query_only")
	if err != nil || on != "1" {
		return err
	}
	if _, err := u.exec(ctx, "PRAGMA query_only = 0"); err != nil {
		return err
	}
	u.covered = true
	return nil
}

// rollback answers nil only where nothing of the unit's transaction stayed.
//
// SQLite ends a transaction by itself after some errors (a full disk, an
// interrupted write, RAISE(ROLLBACK)), and then has none to roll back. That
// is as good as a rollback of ours, unless something was committed since.
func (u *unit) rollback(ctx context.Context) error {
	mode, modeErr := u.text(ctx, "PRAGMA journal_mode")
	_, err := u.exec(ctx, "ROLLBACK")
	if code, ok := resultCode(err); ok && code == codeError && strings.Contains(err.Error(), "no transaction is active") {
		err = nil
	}
	switch {
	case err != nil:
		return err
	case u.unclear:
		return errors.New("the commit met a disk error")
	case u.commits.count != u.before:
		return errors.New("a part was committed")
	case modeErr != nil:
		return modeErr
	case strings.EqualFold(mode, "off"):
		return errors.New("journal_mode is off: nothing can be rolled back")
	}
	return nil
}

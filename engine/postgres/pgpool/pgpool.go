// Package pgpool makes a database of a pool that a program has: a
// *pgxpool.Pool, or a *sql.DB that pgx serves. It is a package of its own so
// that nobody links pools who has none.
//
// No run works on a connection of the pool: a migration changes settings, role
// and search_path, and an advisory lock is the session's. Sessions of our own
// connect as the pool's do, and end with the verb, so that the pool's
// connections stay as they were whatever happens, a pool of one connection is
// enough, and none can run out. They count towards the server's max_connections:
// one for a verb that looks, two for a run, three behind a pooler.
//
// A hook that the pool has for the time after connecting is not called for them,
// since a migration resets its session. Where such a hook changes the user or
// the search_path, migrations would work elsewhere than the program does: that is
// refused (*HookError). Say these as parameters of the connection instead.
package pgpool

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
)

// From makes a database of what pool was made from. It connects to nothing, and
// takes no connection of the pool's. The pool's BeforeConnect is called for each
// session, so that passwords which are good for minutes stay good.
//
// The pool may be closed meanwhile: a session does not depend on it.
func From(pool *pgxpool.Pool, o engine.OpenOptions) (engine.Database, error) {
	if pool == nil {
		return nil, errors.New("no pool was handed over")
	}
	given := pool.Config()
	guard := &guard{own: given.ConnConfig.AfterConnect, after: given.AfterConnect}
	given.ConnConfig.AfterConnect = nil // of a copy
	return postgres.FromConfigFunc(&given.ConnConfig.Config, func(ctx context.Context, c *pgconn.Config) error {
		whole := given.ConnConfig.Copy()
		whole.Config = *c
		if given.BeforeConnect != nil {
			if err := given.BeforeConnect(ctx, whole); err != nil {
				return err
			}
		}
		*c = whole.Config
		return guard.look(ctx, whole)
	}, o)
}

// A HookError says that what a pool does behind each connecting would have its
// connections work elsewhere than migrations do.
type HookError struct {
	What string // "search_path", "current_user"
	// Ours is what the connection's parameters lead to, Theirs what the hook
	// makes of it.
	Ours, Theirs string
}

func (e *HookError) Error() string {
	return fmt.Sprintf("the pool's AfterConnect makes %s %q of %q, and migrations would work with the latter: "+
		"set it as a parameter of the connection (RuntimeParams, or search_path and options in the URL), or as the role's default", e.What, e.Theirs, e.Ours)
}

// guard looks once at what the hooks behind connecting do: that of the
// connection's configuration, and that of the pool.
type guard struct {
	own    pgconn.AfterConnectFunc
	after  func(context.Context, *pgx.Conn) error
	looked atomic.Bool
}

func (g *guard) look(ctx context.Context, c *pgx.ConnConfig) error {
	if g.own == nil && g.after == nil || g.looked.Load() {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, c.Copy())
	if err != nil {
		return nil // the session's own attempt says why, in our words
	}
	// Nothing that the hook left open is kept, and a farewell changes nothing.
	defer conn.Close(context.WithoutCancel(ctx))
	before, err := place(ctx, conn)
	if err != nil {
		return err
	}
	if g.own != nil {
		err = g.own(ctx, conn.PgConn())
	}
	if err == nil && g.after != nil {
		err = g.after(ctx, conn)
	}
	if err != nil {
		return fmt.Errorf("AfterConnect: %w", err)
	}
	after, err := place(ctx, conn)
	if err != nil {
		return err
	}
	if err := before.differs(after); err != nil {
		return err
	}
	g.looked.Store(true)
	return nil
}

// where is what decides on which objects a plain name means.
type where struct{ user, path string }

func place(ctx context.Context, c *pgx.Conn) (w where, err error) {
	err = c.QueryRow(ctx, "SELECT current_user::text, pg_catalog.current_setting('search_path')", pgx.QueryExecModeSimpleProtocol).Scan(&w.user, &w.path)
	return w, err
}

func (w where) differs(o where) error {
	if w.user != o.user {
		return &HookError{What: "current_user", Ours: w.user, Theirs: o.user}
	}
	if w.path != o.path {
		return &HookError{What: "search_path", Ours: w.path, Theirs: o.path}
	}
	return nil
}

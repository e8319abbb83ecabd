package pgpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
)

// FromDB makes a database of a *sql.DB whose driver is pgx's: sql.Open("pgx", …),
// stdlib.OpenDB or stdlib.OpenDBFromPool. Each session borrows one of its
// connections for a moment, reads from it how it was made, gives it back and
// connects alike; where all are in use it waits 10 s for one, then fails with
// *engine.PoolError. The borrowed one is asked for its user and search_path, and runs
// nothing else.
//
// What a hook before connecting did stands in what is read, with a password that
// may have gone out of date. So a connection whose password the server no longer
// takes is taken out of the pool, which makes a new one, with its hook.
//
// A connection on which the program itself has set another role or search_path
// is refused as *HookError: it cannot be told which of the two is meant.
//
// FromDB borrows one itself, to know where the database is, under ctx.
func FromDB(ctx context.Context, db *sql.DB, o engine.OpenOptions) (engine.Database, error) {
	first, err := borrow(ctx, db)
	if err != nil {
		return nil, err
	}
	l := &lender{db: db}
	first.config.AfterConnect = nil // its work is compared with what ours have, see try
	return postgres.FromConfigFunc(&first.config.Config, l.complete, o)
}

// lender is a *sql.DB that tells how to connect.
type lender struct {
	db     *sql.DB
	looked atomic.Bool // at where its connections work
}

func (l *lender) complete(ctx context.Context, c *pgconn.Config) error {
	// Each connection that is free may have an old password.
	for range l.db.Stats().OpenConnections + 1 {
		b, err := borrow(ctx, l.db)
		if err != nil {
			return err
		}
		if refused, err := l.try(ctx, b); err != nil {
			return err
		} else if refused {
			if err := discard(ctx, l.db, b.pid); err != nil {
				return err
			}
			continue
		}
		database, params := c.Database, c.RuntimeParams
		*c = b.config.Config
		c.Database, c.RuntimeParams, c.AfterConnect = database, params, nil
		return nil
	}
	return nil // the session's own attempt says what is wrong
}

// try connects as the borrowed connection did. That there is no way to the
// server, or no room on it, is the session's to say.
func (l *lender) try(ctx context.Context, b *borrowed) (refused bool, err error) {
	config := b.config.Copy()
	config.AfterConnect = nil
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		var pg *pgconn.PgError
		return errors.As(err, &pg) && (pg.Code == "28P01" || pg.Code == "28000"), nil
	}
	defer c.Close(context.WithoutCancel(ctx))
	if l.looked.Load() {
		return false, nil
	}
	own, err := place(ctx, c)
	if err != nil {
		return false, err
	}
	if err := own.differs(b.where); err != nil {
		return false, err
	}
	l.looked.Store(true)
	return false, nil
}

// borrowed is what a connection of the *sql.DB told.
type borrowed struct {
	config *pgx.ConnConfig
	where  where
	pid    uint32
}

// borrow reads how a connection of db was made, and gives it back.
func borrow(ctx context.Context, db *sql.DB) (b *borrowed, err error) {
	err = with(ctx, db, func(ctx context.Context, c *pgx.Conn) (err error) {
		b = &borrowed{config: c.Config(), pid: c.PgConn().PID()}
		b.where, err = place(ctx, c)
		return err
	})
	return b, err
}

// discard takes a connection out of the pool, if the one that is handed out is
// still the one which is meant.
func discard(ctx context.Context, db *sql.DB, pid uint32) error {
	err := with(ctx, db, func(ctx context.Context, c *pgx.Conn) error {
		if c.PgConn().PID() != pid {
			return nil
		}
		// Behind a *pgxpool.Pool as well a closed one is not used again.
		_ = c.Close(ctx)
		return driver.ErrBadConn
	})
	if errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return err
}

// with hands over a connection of db for as long as do takes.
func with(ctx context.Context, db *sql.DB, do func(context.Context, *pgx.Conn) error) error {
	return engine.Borrow(ctx, db, func(ctx context.Context, raw any) error {
		own, ok := raw.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the *sql.DB is served by %T: hand over one of pgx's (sql.Open(\"pgx\", …)), or use dbwarden.Open with a URL", raw)
		}
		return do(ctx, own.Conn())
	})
}

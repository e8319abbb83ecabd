package pgpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
)

// FromDB makes a database of a *sql.DB whose driver is pgx's: sql.Open("pgx", …),
// stdlib.OpenDB or stdlib.OpenDBFromPool. Each session borrows one of its
// connections for a moment, reads from it how it was made, gives it back and
// connects alike; where none is free within a second, or db is closed, it connects
// as the last one did. The borrowed one is asked for its user and search_path, and
// runs nothing else.
//
// What a hook before connecting did stands in what is read, with a password that
// may have gone out of date. So a connection whose password the server no longer
// takes is taken out of the pool, which makes a new one, with its hook.
//
// A connection on which the program itself has set another role or search_path
// is refused as *HookError: it cannot be told which of the two is meant.
//
// FromDB borrows one itself, to know where the database is, under ctx; where all
// are in use it waits 10 s for one, then fails with *engine.PoolError.
func FromDB(ctx context.Context, db *sql.DB, o engine.OpenOptions) (engine.Database, error) {
	first, err := borrow(ctx, db)
	if err != nil {
		return nil, err
	}
	first.config.AfterConnect = nil // its work is compared with what ours have, see try
	l := &lender{db: db}
	l.last.Store(first)
	return postgres.FromConfigFunc(&first.config.Config, l.complete, o)
}

// lender is a *sql.DB that tells how to connect.
type lender struct {
	db     *sql.DB
	looked atomic.Bool              // at where its connections work
	last   atomic.Pointer[borrowed] // what was told last
}

// soon is how long a session waits for a connection that tells.
const soon = time.Second

// ask has a connection tell. Where none can be had, what was told last holds: a
// run's watcher says that the run lives, whatever the program does with its pool
// meanwhile. free says that there was one.
func (l *lender) ask(ctx context.Context) (b *borrowed, free bool, err error) {
	within, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	if b, err = borrow(within, l.db); err == nil {
		l.last.Store(b)
		return b, true, nil
	}
	if ctx.Err() != nil {
		return nil, false, err
	}
	return l.last.Load(), false, nil
}

func (l *lender) complete(ctx context.Context, c *pgconn.Config) error {
	// Each connection that is free may have an old password.
	for range l.db.Stats().OpenConnections + 1 {
		b, free, err := l.ask(ctx)
		if err != nil {
			return err
		}
		refused, err := l.try(ctx, b)
		if err != nil {
			return err
		}
		if refused && free {
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

package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// poolWait is how long a free connection of a *sql.DB is waited for, where the
// context does not end before.
const poolWait = 10 * time.Second

// A PoolError says that no connection of a *sql.DB became free, from which to
// learn where the database is: one is needed, for a moment. Let one go, or raise
// SetMaxOpenConns.
type PoolError struct {
	Most  int // connections that the pool may have, as SetMaxOpenConns says
	InUse int
	Err   error // of the context that ended
}

func (e *PoolError) Error() string {
	return fmt.Sprintf("no connection of the *sql.DB became free: %d of %d are in use, and one is needed for a moment, to learn how to connect", e.InUse, e.Most)
}
func (e *PoolError) Unwrap() error { return e.Err }

// Borrow hands look a connection of a program's pool, as its driver has it, and
// gives it back. Where none becomes free within 10 s, or before ctx ends, it is
// a *PoolError. What look returns as driver.ErrBadConn takes the connection out
// of the pool.
func Borrow(ctx context.Context, db *sql.DB, look func(ctx context.Context, raw any) error) error {
	if db == nil {
		return errors.New("no *sql.DB was handed over")
	}
	ctx, cancel := context.WithTimeout(ctx, poolWait)
	defer cancel()
	c, err := db.Conn(ctx)
	if err != nil {
		if s := db.Stats(); ctx.Err() != nil && s.MaxOpenConnections > 0 && s.InUse >= s.MaxOpenConnections {
			return &PoolError{Most: s.MaxOpenConnections, InUse: s.InUse, Err: err}
		}
		return fmt.Errorf("borrow a connection of the *sql.DB: %w", err)
	}
	defer c.Close()
	return c.Raw(func(raw any) error { return look(ctx, raw) })
}

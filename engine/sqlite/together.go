package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Migrations that share a transaction.
//
// A commit waits for the disk four times, whatever was written, which is most
// of the time of a small migration. So several go into one transaction, each
// with its history and its fence. Where one of them fails nothing of them
// stays, and they run one by one: what is left and what is told is then what it
// would have been without the attempt.

const (
	sharedUnits = 64
	sharedBytes = 64 << 10
)

// shares says how many units may share a transaction. None do where foreign
// keys are kept: one that is deferred is looked at in COMMIT, and what one
// migration breaks the next might mend.
func shares(foreignKeys string) engine.Flush {
	if foreignKeys != "0" {
		return engine.Flush{}
	}
	return engine.Flush{Units: sharedUnits, Bytes: sharedBytes, Shared: true}
}

// RunAll does units in one transaction, or one by one.
func (s *session) RunAll(ctx context.Context, units []engine.Unit) (int, error) {
	if s.opened.ReadOnly || len(units) < 2 || len(units) > s.server.Flush.Units || !oneBegin(units) {
		return engine.RunEach(ctx, s, units)
	}
	e := s.together(ctx, units)
	switch {
	case e == nil:
		return len(units), nil
	case !e.RolledBack:
		return 0, &engine.UnitError{Part: engine.PartCommit, Err: e}
	case e.Part == engine.PartBegin, e.Part == engine.PartCommit && fault(e.Err).WaitedOut:
		return 0, e // the first one's as well
	}
	if watch := units[0].Watch; watch != nil {
		watch(engine.Progress{Undone: true})
	}
	return engine.RunEach(ctx, s, units)
}

// oneBegin says that units can begin with one BEGIN and the same limits.
func oneBegin(units []engine.Unit) bool {
	for _, u := range units {
		if u.Begin != begin || len(u.Opening) > 0 || u.Fresh == nil || *u.Fresh != *units[0].Fresh {
			return false
		}
	}
	return true
}

// together does units in one transaction, all or none of them.
func (s *session) together(ctx context.Context, units []engine.Unit) *engine.UnitError {
	if err := s.Reset(ctx, *units[0].Fresh); err != nil {
		return &engine.UnitError{Part: engine.PartBegin, Err: err, RolledBack: true}
	}
	all := &unit{session: s, before: s.commits.count}
	fail := func(e *engine.UnitError) *engine.UnitError {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		e.RolledBack = all.rollback(ctx) == nil
		return e
	}
	if _, err := all.Exec(ctx, begin); err != nil {
		return fail(&engine.UnitError{Part: engine.PartBegin, Err: err})
	}
	for _, u := range units {
		if e := all.part(ctx, u); e != nil {
			return fail(e)
		}
	}
	// Once asked for, a COMMIT is not interrupted: its answer is wanted.
	if _, err := all.Exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return fail(&engine.UnitError{Part: engine.PartCommit, Err: err})
	}
	return nil
}

// part does one unit's share of the transaction.
func (u *unit) part(ctx context.Context, of engine.Unit) *engine.UnitError {
	statements := of.Statements
	of.Statements = func(yield func(sqltext.Statement, error) bool) {
		for st, err := range statements {
			if err == nil && !inert(st) {
				err = errApart
			}
			if !yield(st, err) {
				return
			}
		}
	}
	if e := engine.RunStatements(ctx, u, of); e != nil {
		return e
	}
	for n, q := range of.Closing {
		if _, err := u.Exec(ctx, q.Text, q.Values()...); err != nil {
			return &engine.UnitError{Part: engine.PartClosing, Index: n, Err: err}
		}
	}
	return nil
}

// errApart: behind this statement something may have to be put back, which
// cannot be done within a transaction.
var errApart = errors.New("this statement does not share a transaction")

// cleanupTime is what a rollback gets after the run's own context ended.
const cleanupTime = 10 * time.Second

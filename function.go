package dbwarden

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A FunctionError says that the function of a migration in Go failed.
type FunctionError struct {
	Function *migration.Function

	// SQL is the statement that was sent last, where that one failed; "" where
	// the function failed by itself.
	SQL string

	// Panic is what the function panicked with, and Stack where; nil where it
	// returned an error. The run does not panic: it rolls back and lets the lock
	// go, or keeps it, as with any error.
	Panic any
	Stack []byte

	Err error // what it returned; with Panic, that as an error
}

func (e *FunctionError) Error() string { return fmt.Sprintf("%s: %v", e.Function, e.Err) }
func (e *FunctionError) Unwrap() error { return e.Err }

// errExited is what a function is told to have done that ended its goroutine, as
// a test does that fails.
var errExited = errors.New("it ended its goroutine (runtime.Goexit)")

// function is what a step calls, nil for a file's.
func (st *step) function() *migration.Function { return st.Migration.Function(st.Direction) }

// functionTraits are those of the statement that stands for a function, by whether
// that runs outside of a transaction.
var functionTraits = map[bool]engine.Traits{
	false: {Kind: engine.Data, Atomic: true},
	true:  {Alone: true},
}

// shown is a statement of the step as people see it.
func (st *step) shown(q sqltext.Statement) string {
	if f := st.function(); f != nil {
		return "-- " + inGo(f)
	}
	return q.Shown()
}

// inGo is what stands where others have their SQL.
func inGo(f *migration.Function) string { return "in Go: " + f.String() }

// works has a unit call the step's function in the place of its statement.
func (r *runner) works(u *engine.Unit) {
	if r.step.function() == nil {
		return
	}
	u.AtOnce = false
	u.Work = func(ctx context.Context, s engine.Plain, _ sqltext.Statement) (int64, error) {
		return 0, r.call(ctx, s)
	}
}

// call calls the step's function with the run's session.
//
// The function has a goroutine of its own: it may end that, and the run must not
// end with it. Meanwhile the run does nothing but to keep the session alive, and
// waits for the end of it, also where the lock is lost: ctx tells the function so.
func (r *runner) call(ctx context.Context, s engine.Plain) error {
	f := r.step.function()
	ctx, lose := context.WithCancelCause(ctx)
	w := &wire{r: r, plain: s, ctx: ctx, lose: lose, within: f.Tx != nil, spoke: time.Now()}
	defer func() { r.idle = w.sent == 0 }()
	db := sql.OpenDB(&link{w: w})
	defer db.Close()
	to, err := given(ctx, db)
	if err != nil {
		return err
	}
	defer lose(errOver)

	done := make(chan *FunctionError, 1)
	go func() {
		out := &FunctionError{Function: f, Err: errExited}
		defer func() {
			if v := recover(); v != nil {
				out.Panic, out.Stack = v, debug.Stack()
				out.Err = fmt.Errorf("panic: %v", v)
			}
			done <- out
		}()
		if f.Tx != nil {
			out.Err = f.Tx(ctx, to)
		} else {
			out.Err = f.Conn(ctx, outside{to, w})
		}
	}()
	every := r.silence()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.speak(every)
		case out := <-done:
			lose(errOver) // and what it has left running
			return w.judge(out)
		}
	}
}

// silence is for how long the session may say nothing.
func (r *runner) silence() time.Duration {
	every, limits := keptEvery, r.limits
	if limits == (engine.Limits{}) {
		limits = r.w.c.Limits // of an atomic run
	}
	if idle := limits.WithDefaults().Idle; idle > 0 {
		every = max(min(every, idle/3), 10*time.Millisecond)
	}
	return every
}

// judge says what a function's end means: nil where all that it did may stay.
// Nothing of it is run from here on, so that what is judged is what it did.
func (w *wire) judge(out *FunctionError) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = errOver
	failed := w.failed
	left := w.owner != nil
	if left {
		// An InTx of a goroutine that the function did not wait for. What follows on
		// the session is not to be within that transaction, nor to be ended by it.
		failed = nil
		if lost := w.undo(); lost != nil {
			out.Err = errors.Join(out.Err, lost)
		}
	}
	if out.Err == nil {
		switch cause := context.Cause(w.ctx); {
		case errors.Is(cause, lock.ErrLost):
			out.Err = cause // it did not look
		case left:
			out.Err = errLeftOpen
		case failed == nil:
			return nil
		default:
			out.Err = wentOn(failed)
		}
	}
	if w.wrong != nil && (errors.Is(out.Err, w.wrong) || failed == w.wrong) {
		out.SQL = w.last
	}
	if failed != nil {
		if w.r.w.c.Engine.Fault(out.Err).Kind == engine.Unknown && out.Panic == nil && !errors.Is(out.Err, failed) {
			// What the server said decides whether it is tried again, also where
			// the function has told it in words of its own.
			out.Err = &told{out.Err, failed}
		}
	}
	return out
}

// told is an error in a function's own words, with what the server had said.
type told struct{ err, server error }

func (e *told) Error() string   { return e.err.Error() }
func (e *told) Unwrap() []error { return []error{e.err, e.server} }

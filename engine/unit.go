package engine

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Unit is work that goes to the server in one piece: in one transaction,
// or, with Begin empty, one statement after another outside of any.
//
// Opening and Closing are ours: the write-ahead entry, the history row and
// the fence. With a transaction, Closing comes last before COMMIT. Without
// one, each of them is a transaction of its own when it has more than one
// query.
//
// An engine may send it all in one round trip or step by step (RunPlain);
// what has run when an error comes back must be the same: nothing behind the
// failing place.
type Unit struct {
	// Fresh has the session put back first, as Reset does, with these limits;
	// only RunAll looks at it.
	Fresh *Limits

	Begin      string // "", Dialect.Begin, or the file's own BEGIN
	Opening    []Query
	Statements iter.Seq2[sqltext.Statement, error]
	Closing    []Query

	// Before and After are called ahead of and behind the statements, inside
	// the transaction where there is one, with what asks there. A unit that has
	// one of them goes step by step.
	Before, After func(Asking) error

	// AtOnce lets the session send the whole unit in one piece where it can.
	// The server is then ahead of what Watch is told.
	AtOnce bool

	// Watch is told before and after each statement; nil for nobody.
	Watch func(Progress)

	// Work does what a statement stands for that is none of the server's (a
	// function of the user's), with the session as it is within the unit, and
	// returns how many rows that changed. It is called in the place of
	// Plain.Execute. A unit that has it is not AtOnce. nil: the server runs all
	// of them.
	Work func(ctx context.Context, s Plain, st sqltext.Statement) (int64, error)
}

// Asking is Session.Ask, within a unit.
type Asking func(ctx context.Context, query sqltext.Statement) (*Answer, error)

// NoStatements are those of a unit that is ours alone.
func NoStatements(func(sqltext.Statement, error) bool) {}

// Progress is one statement beginning or ending.
type Progress struct {
	Index     int // within the unit, from 0
	Statement sqltext.Statement
	Done      bool
	Rows      int64         // with Done
	Elapsed   time.Duration // with Done
	Shared    bool          // with Done: it shared a round trip, so that Elapsed is from answer to answer

	// Undone tells the first unit of a RunAll, instead of all the above, that
	// nothing of any unit has stayed, and that they begin anew, one by one.
	Undone bool
}

// Late is a value of a Query that is asked for when the query is sent, such
// as how long the statements before it took. What is sent before they have
// run has NULL in its place; see Dialect.Elapsed.
type Late func() any

// Values resolves the late ones.
func (q Query) Values() []any {
	args := make([]any, len(q.Args))
	for i, a := range q.Args {
		if late, ok := a.(Late); ok {
			a = late()
		}
		args[i] = a
	}
	return args
}

// Part is a piece of a unit.
type Part string

const (
	PartBegin     Part = "begin"
	PartOpening   Part = "opening"
	PartStatement Part = "statement"
	PartClosing   Part = "closing"
	PartCommit    Part = "commit"
	PartCondition Part = "check" // Before or After
)

// A UnitError says where a unit stopped and what is known of it.
type UnitError struct {
	Part      Part
	Index     int // of the statement or query within its part, from 0
	Statement sqltext.Statement
	Err       error

	// RolledBack is set when it is proven that nothing of the unit's
	// transaction stayed. Without a transaction it is never set.
	RolledBack bool
}

func (e *UnitError) Error() string {
	if e.Part == PartStatement {
		return fmt.Sprintf("statement %d: %v", e.Index+1, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Part, e.Err)
}

func (e *UnitError) Unwrap() error { return e.Err }

// Plain is what RunPlain needs of a session.
type Plain interface {
	Exec(ctx context.Context, query string, args ...any) (int64, error)

	// Execute runs one statement of the user's, exactly as written: no
	// placeholders, rows drained, COPY rows sent. It returns the rows it
	// changed.
	Execute(ctx context.Context, st sqltext.Statement) (int64, error)

	// Ask is Session's.
	Ask(ctx context.Context, query sqltext.Statement) (*Answer, error)

	// Do runs one statement of a migration in Go, as Execute runs those of a
	// file: within the user's limits, and with what the user has set.
	Do(ctx context.Context, c Call) (*Reply, error)
}

// cleanupTime is what a rollback gets after the run's own context ended.
const cleanupTime = 10 * time.Second

// RunStatements does a unit's statements one after another and tells its Watch,
// nil where all of them have run. What is behind an error has not.
func RunStatements(ctx context.Context, s Plain, u Unit) *UnitError {
	if u.Statements == nil {
		return nil
	}
	watch := u.Watch
	if watch == nil {
		watch = func(Progress) {}
	}
	run := s.Execute
	if u.Work != nil {
		run = func(ctx context.Context, st sqltext.Statement) (int64, error) { return u.Work(ctx, s, st) }
	}
	i := 0
	for st, err := range u.Statements {
		fail := func(err error) *UnitError { return &UnitError{Part: PartStatement, Index: i, Statement: st, Err: err} }
		if err != nil {
			return fail(err)
		}
		if ctx.Err() != nil {
			return fail(context.Cause(ctx))
		}
		started := time.Now()
		watch(Progress{Index: i, Statement: st})
		rows, err := run(ctx, st)
		if err != nil {
			return fail(err)
		}
		watch(Progress{Index: i, Statement: st, Done: true, Rows: rows, Elapsed: time.Since(started)})
		i++
	}
	return nil
}

// RunPlain does a unit step by step, a round trip each.
func RunPlain(ctx context.Context, s Plain, u Unit, begin string) error {
	if u.Begin != "" {
		if _, err := s.Exec(ctx, u.Begin); err != nil {
			return &UnitError{Part: PartBegin, Err: err, RolledBack: rollback(ctx, s)}
		}
	}
	fail := func(e *UnitError) error {
		if u.Begin != "" {
			e.RolledBack = rollback(ctx, s)
		}
		return e
	}
	opens := u.Begin == "" && len(u.Opening) > 1
	if opens {
		if _, err := s.Exec(ctx, begin); err != nil {
			return &UnitError{Part: PartOpening, Err: err}
		}
	}
	for i, q := range u.Opening {
		if _, err := s.Exec(ctx, q.Text, q.Values()...); err != nil {
			if opens {
				rollback(ctx, s)
			}
			return fail(&UnitError{Part: PartOpening, Index: i, Err: err})
		}
	}
	if opens {
		if _, err := s.Exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
			rollback(ctx, s)
			return &UnitError{Part: PartOpening, Index: len(u.Opening), Err: err}
		}
	}
	if u.Before != nil {
		if err := u.Before(s.Ask); err != nil {
			return fail(&UnitError{Part: PartCondition, Err: err})
		}
	}
	if e := RunStatements(ctx, s, u); e != nil {
		return fail(e)
	}
	if u.After != nil {
		if err := u.After(s.Ask); err != nil {
			return fail(&UnitError{Part: PartCondition, Err: err})
		}
	}
	own := u.Begin == "" && len(u.Closing) > 1
	if own {
		if _, err := s.Exec(ctx, begin); err != nil {
			return &UnitError{Part: PartClosing, Err: err}
		}
	}
	for i, q := range u.Closing {
		if _, err := s.Exec(ctx, q.Text, q.Values()...); err != nil {
			if own {
				rollback(ctx, s)
			}
			return fail(&UnitError{Part: PartClosing, Index: i, Err: err})
		}
	}
	if u.Begin != "" || own {
		// Once asked for, a COMMIT is not interrupted: its answer is wanted.
		if _, err := s.Exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
			e := &UnitError{Part: PartCommit, Err: err}
			// A COMMIT that failed and left a transaction to roll back has
			// not happened (deferred constraints, SQLite's BUSY). One whose
			// reply is missing may have.
			back := rollback(ctx, s)
			e.RolledBack = u.Begin != "" && back
			return e
		}
	}
	return nil
}

// rollback reports whether the server answered: then nothing stayed.
func rollback(ctx context.Context, s Plain) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	_, err := s.Exec(ctx, "ROLLBACK")
	return err == nil
}

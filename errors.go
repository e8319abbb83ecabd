package dbwarden

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A ConnectError says that there is no session with the database. Label
// bears no secret.
type ConnectError struct {
	Label string
	Err   error
}

func (e *ConnectError) Error() string {
	begin := "connect to " + e.Label + ": "
	return begin + strings.TrimPrefix(e.Err.Error(), begin) // some engines say it themselves
}
func (e *ConnectError) Unwrap() error { return e.Err }

// A DeniedError says that the database does not let us do our own work. Grant
// is the SQL that would, for whoever has the right to give it; "" where the
// product has none. Who is set for the end of another's session: who can do
// that without.
type DeniedError struct {
	Grant string
	Who   string
	Err   error
}

func (e *DeniedError) Error() string { return e.Err.Error() }
func (e *DeniedError) Unwrap() error { return e.Err }

// A BusyError says that our own tables could not be looked at in time, since
// somebody has locked one.
type BusyError struct {
	Table    string // "" where the product does not say
	Blockers []engine.Blocker
	Err      error
}

func (e *BusyError) Error() string { return e.Err.Error() }
func (e *BusyError) Unwrap() error { return e.Err }

// State is what a failed migration left behind.
type State string

const (
	// Untouched: nothing of it stayed; the lock was released.
	Untouched State = "untouched"
	// Partial: a part of it is in the database; the lock was kept.
	Partial State = "partial"
	// Undecided: the session was lost; the next run settles what happened.
	Undecided State = "undecided"
)

// A MigrationError says where a migration failed, and what is left of it.
type MigrationError struct {
	Migration *migration.Migration
	Direction migration.Direction

	// Number is the statement that failed, from 1, of Total; 0 when the
	// trouble was before or behind them. Statement is its text, Pos its place
	// in the file or, where the server says more, the place it means. A migration
	// in Go is one statement without a place: Err has a *FunctionError, and
	// Statement what that one had sent.
	Number, Total int

	// Behind is the last statement of the group whose history was being
	// written when it failed, 0 where the trouble was elsewhere.
	Behind int

	// Commit says that what stands Behind ran, and COMMIT itself was refused.
	Commit bool

	// Row is the line of COPY's rows that was refused; Pos is in it.
	Row string

	// From and To are the statements, from 1, of a group that failed outside
	// a transaction. Torn: how far they came nobody knows. Unwritten: they
	// ran, and that could not be written down.
	From, To        int
	Torn, Unwritten bool

	Statement string
	Start     sqltext.Pos // of the statement
	Pos       sqltext.Pos

	Fault engine.Fault
	Err   error

	// Blockers are who was seen to keep the statement waiting, of a wait that
	// ran into its limit; Tries is how often it was tried, 0 for once.
	Blockers []engine.Blocker
	Tries    int

	// OwnReadOnly: nothing can be written because the file itself says so (READ
	// ONLY, query_only), not for the database's sake.
	OwnReadOnly bool

	// Over is why the rest cannot be gone on with, of a migration that is partly
	// done: it needs what ended with this run's session. "" where it can.
	Over string

	// With are the other migrations of an atomic run, which shared its
	// transaction.
	With []*migration.Migration

	// Sent are the migrations that were on their way behind it when the
	// session was lost: nothing tells of them either, though none of them can
	// be in the database without those before it.
	Sent []*migration.Migration

	// StillHalf says of a rollback that it left nothing itself, and that the
	// migration is half applied, as it was before.
	StillHalf bool

	State    State
	Done     int  // statements that are in the database, with Partial
	LockKept bool // also of an Untouched one, where that it is free could not be written
}

func (e *MigrationError) Error() string {
	what := "apply"
	if e.Direction == migration.Down {
		what = "roll back"
	}
	if e.Number == 0 || e.Migration.Kind == migration.InGo {
		return fmt.Sprintf("%s %s: %v", what, e.Migration.File, e.Err)
	}
	return fmt.Sprintf("%s %s:%d:%d, statement %d of %d: %v", what, e.Migration.File, e.Pos.Line, e.Pos.Column, e.Number, e.Total, e.Err)
}

func (e *MigrationError) Unwrap() error { return e.Err }

// Summary is one line for whoever looks at the lock.
func (e *MigrationError) Summary() string {
	msg, interrupted := e.Fault.Message, errors.Is(e.Err, ErrInterrupted)
	if msg == "" || interrupted {
		msg = strings.TrimPrefix(e.Err.Error(), ErrInterrupted.Error()+": ")
	}
	switch {
	case e.Number > 0 && e.Migration.Kind == migration.InGo:
		return fmt.Sprintf("%s %s failed: %v", e.Direction, e.Migration.File, e.Err)
	case e.Commit:
		return fmt.Sprintf("%s %s failed at COMMIT, behind statement %d of %d: %s", e.Direction, e.Migration.File, e.Behind, e.Total, msg)
	case e.Number == 0 && interrupted:
		return fmt.Sprintf("%s %s was interrupted behind statement %d of %d: %s", e.Direction, e.Migration.File, max(e.Behind, e.Done), e.Total, msg)
	case e.Behind > 0:
		return fmt.Sprintf("%s %s failed behind statement %d of %d, while its history was written: %s", e.Direction, e.Migration.File, e.Behind, e.Total, msg)
	case e.Number == 0 && e.Done > 0:
		return fmt.Sprintf("%s %s failed behind statement %d of %d: %s", e.Direction, e.Migration.File, e.Done, e.Total, msg)
	case e.Number == 0:
		return fmt.Sprintf("%s %s failed before a statement ran: %s", e.Direction, e.Migration.File, msg)
	}
	return fmt.Sprintf("%s %s failed at statement %d of %d (line %d): %s", e.Direction, e.Migration.File, e.Number, e.Total, e.Pos.Line, msg)
}

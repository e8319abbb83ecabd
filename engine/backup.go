package engine

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
)

// Backup are a product's parts of a copy of a database in a file. What is
// common to all products (names, checksums, room on the disk, who may) stands
// above this seam.
//
// No engine starts a program by itself: it says which one, and RunProgram,
// which whoever asked for a backup brings along, does.
type Backup struct {
	// Suffix ends the file's name: ".dump".
	Suffix string

	// Scope names what a backup of this database holds, for the file's name
	// and for telling whether two are of the same: "shop", or "shop.tenant1"
	// of one schema alone.
	Scope func(d Database, v Server) string

	// Schema names the schema that a backup of this database is of alone; "":
	// it is of the whole. nil: always.
	Schema func(d Database, v Server) string

	// Size tells how many bytes the database takes, and how many a backup of
	// it will take at least; 0 where that cannot be told.
	Size func(ctx context.Context, d Database) (size, least int64, err error)

	// Ready tells why no backup can be made: a *NoProgramError, a program
	// that is older than the server. It changes nothing.
	Ready func(ctx context.Context, d Database, v Server, run RunProgram) error

	// Save writes a copy of the database.
	Save func(ctx context.Context, d Database, v Server, o Saving) error

	// Holds names some of what is in the database of s besides our tables, at
	// most a few things of many; none: it is empty.
	Holds func(ctx context.Context, s Session, o Ours) ([]string, error)

	// Refuses is why a backup cannot be put back into this database; "" where
	// it can.
	Refuses func(ctx context.Context, d Database, s Session, o Ours) (string, error)

	// Load replaces what is in the database by what is in the file, by the
	// session s, which holds the lock. The lock's tables stay as they are.
	// With an error, touched says that the database is neither what it was nor
	// what it is to be; without that it is as it was.
	Load func(ctx context.Context, d Database, s Session, o Loading) (touched bool, err error)
}

// Ours are our own tables, as far as a backup must know them.
type Ours struct {
	Lock    []string // the lock's: never in a backup
	History []string // the names that the history may have
	Journal string
	Schema  string // the fingerprint's: copied as any other table

	// Free makes the lock's row, in a copy of the whole database, that of a
	// lock which nobody holds.
	Free Query
}

// Saving says how a copy is written.
type Saving struct {
	Ours Ours
	To   *os.File // empty, and nobody else's
	Run  RunProgram

	// Progress is told how many bytes there are so far, and of how many, 0
	// where that is not known; it may be called often.
	Progress func(done, of int64)
}

// WithPassword has run run a client program, which writes to To, and is handed a
// password that it tries once: one that p gave may have been changed since.
// Where the program fails, taken connects as any session does, which gets
// another password where the server refuses that one, and says which the server
// took. With another one the program is run once more, over what it wrote.
func (o Saving) WithPassword(ctx context.Context, p Password, fixed string, taken func(context.Context) (string, error), run func(password string) error) error {
	at, err := o.To.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	password, err := p.Or(ctx, fixed)
	if err != nil {
		return err
	}
	failed := run(password)
	if _, ok := errors.AsType[*ProgramError](failed); p == nil || !ok {
		return failed
	}
	now, err := taken(ctx)
	if err != nil || now == password {
		return failed // what the program said is what there is to say
	}
	if err := o.To.Truncate(at); err != nil {
		return errors.Join(failed, err)
	}
	if _, err := o.To.Seek(at, io.SeekStart); err != nil {
		return errors.Join(failed, err)
	}
	return run(now)
}

// Loading says how a copy is put back.
type Loading struct {
	Ours Ours
	From *os.File
	Run  RunProgram

	// Begun is the journal's entry that says that it was begun. It is written
	// ahead where it cannot be done in one transaction.
	Begun Query

	// Closing are the queries at the end, in the transaction of the last of
	// it, with the fence.
	Closing []Query

	// Carry writes the hold's row into a copy of the lock's table that takes
	// the place of the one there.
	Carry Query

	Progress func(done, of int64)
}

// A Program is a client program of a product, to be run.
type Program struct {
	Names []string // the first one that is found is run

	// Args never hold a secret: every user of the machine may read them. In
	// Args and Env, "{name}" is the path of the file of that name in Files.
	Args []string

	// Env stands beside what the process has, or in place of it; "" takes
	// something away.
	Env map[string]string

	// Files hold secrets: this user alone can read them, and they are gone once
	// the program begins to write, or ends.
	Files map[string]string

	Stdin  *os.File // nil: nothing
	Stdout io.Writer
}

// RunProgram runs a program to its end, or ends it with ctx. Errors:
// *NoProgramError, *ProgramError, ctx's cause.
type RunProgram func(ctx context.Context, p Program) error

// A NoProgramError says that none of these programs is there.
type NoProgramError struct{ Names []string }

func (e *NoProgramError) Error() string {
	text := "the program " + e.Names[0]
	for _, n := range e.Names[1:] {
		text += " (or " + n + ")"
	}
	return text + " is not there: it is in no folder of PATH"
}

// A ProgramError says that a program failed.
type ProgramError struct {
	Name   string
	Stderr string // the last lines of what it said
	Err    error
}

func (e *ProgramError) Error() string {
	if e.Stderr == "" {
		return e.Name + ": " + e.Err.Error()
	}
	return e.Name + " failed (" + e.Err.Error() + "): " + e.Stderr
}
func (e *ProgramError) Unwrap() error { return e.Err }

// An OldProgramError says that a client program is older than the server, and
// refuses it.
type OldProgramError struct{ Name, Has, Server string }

func (e *OldProgramError) Error() string {
	return e.Name + " is of version " + e.Has + " and cannot read a server of version " + e.Server
}

// All are all of them.
func (o Ours) All() []string {
	return append(append(slices.Clone(o.Lock), o.History...), o.Journal, o.Schema)
}

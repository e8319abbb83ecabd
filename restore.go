package dbwarden

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
)

// Restoration is a backup that is to be put back.
type Restoration struct {
	Name string   // for the journal
	From *os.File // verified already: nothing here looks whether it is whole
	Run  engine.RunProgram

	// Schema names the schema that it is of alone, as where it was made with a
	// schema configured; "": it is of a whole database. See Fits.
	Schema string

	// Progress is told how many bytes of how many have been read; nil: nobody.
	Progress func(done, of int64)
}

// A RestoreError says that a backup could not be put back.
type RestoreError struct {
	Name string
	Err  error

	// Touched: the database is neither what it was nor what the backup has.
	// The lock is kept then, and whatever runs migrations refuses until a
	// restore comes to its end.
	Touched bool
}

func (e *RestoreError) Error() string { return "restore " + e.Name + ": " + e.Err.Error() }
func (e *RestoreError) Unwrap() error { return e.Err }

// HalfRestored ends the detail of a lock that was kept behind a restore which
// left the database in pieces.
const HalfRestored = " was not put back as a whole"

// An UnfitTargetError says why a backup cannot be put into this database.
type UnfitTargetError struct {
	Why string

	// Where it is the schema that does not fit: the name under which alone the
	// backup goes back; or Whole, that it is of a whole database, and this is one schema.
	Schema string
	Whole  bool
}

func (e *UnfitTargetError) Error() string { return e.Why }

// Holds names some of what is in the database besides our own tables, at most
// a few things of many; none: it is empty, or not there. It takes no lock.
func (w *Warden) Holds(ctx context.Context) (things []string, server engine.Server, err error) {
	err = w.look(ctx, func(s engine.Session, _ *journal.Journal) (err error) {
		server = s.Server()
		things, err = w.c.Engine.Backup.Holds(ctx, s, w.ours(s))
		return err
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		err = nil
	}
	return things, server, err
}

// Fits says why a backup of this schema alone, "" for one of a whole database,
// cannot be put back where v leads (*UnfitTargetError): what is in a backup
// bears the schema's name, history and journal too.
func (w *Warden) Fits(schema string, v engine.Server) error {
	one := ""
	if of := w.c.Engine.Backup.Schema; of != nil {
		one = of(w.c.Database, v)
	}
	switch {
	case schema != "" && schema != v.Schema:
		return &UnfitTargetError{Why: fmt.Sprintf("it is a backup of the schema %q alone, which goes back under that name, and the schema here is %q", schema, v.Schema), Schema: schema}
	case schema == "" && one != "":
		return &UnfitTargetError{Why: fmt.Sprintf("it is a backup of a whole database, and this is the schema %q of one", one), Whole: true}
	}
	return nil
}

// Restore replaces what is in the database, history and journal included, by
// what is in a backup, under the lock, by the session that holds it. The lock's
// own tables stay: tokens go on rising, and whoever lost the lock changes
// nothing. The lock of a run that is gone, or that kept it after a failure, is
// taken over: what that run left is about to be replaced.
//
// Where the product can, it is one transaction, and after an error everything
// is as it was; else see RestoreError.Touched. Errors: *lock.HeldError,
// *UnfitTargetError, *RestoreError, lock.ErrLost.
func (w *Warden) Restore(ctx context.Context, r Restoration) error {
	if r.Progress == nil {
		r.Progress = func(int64, int64) {}
	}
	run := lock.NewRun()
	w = w.of(run)
	s, err := w.connect(ctx, run, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := w.Fits(r.Schema, s.Server()); err != nil {
		return err
	}
	j := w.journal(s)
	hold, err := w.lock(s, j).Acquire(ctx, s, w.c.Holder, lock.Options{Wait: w.c.Wait, Run: run, Recover: true, Observe: w.c.Observe})
	if err != nil {
		return w.denied(s, err, true)
	}
	held, stop := hold.Watch(ctx, w.beside, func() lock.Progress { return lock.Progress{} }, func(context.Context, engine.Session) {}, nil)
	defer stop()
	touched, err := w.putBack(held, s, j.Writer(hold), hold, r)
	stop()
	if err == nil {
		return w.letGo(ctx, s, hold, nil, true)
	}
	if journal.IsFence(w.c.Engine.Fault(err)) {
		err = fmt.Errorf("%w: %w", lock.ErrLost, err)
	}
	var unfit *UnfitTargetError
	if err = w.denied(s, w.underHold(held, err), true); !errors.As(err, &unfit) {
		err = &RestoreError{Name: r.Name, Err: err, Touched: touched}
	}
	if !touched || errors.Is(err, lock.ErrLost) {
		return w.letGo(ctx, s, hold, err, false)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	err = errors.Join(err, s.Reset(ctx, w.c.Limits), hold.Keep(ctx, "the backup "+r.Name+HalfRestored))
	w.c.Observe.Emit(event.Event{Kind: event.LockKept, Run: hold.Run, Detail: err.Error()})
	return err
}

// putBack looks once more, now with the lock, whether the database may take it.
func (w *Warden) putBack(ctx context.Context, s engine.Session, jw *journal.Writer, hold *lock.Hold, r Restoration) (bool, error) {
	b, ours := w.c.Engine.Backup, w.ours(s)
	why, err := b.Refuses(ctx, w.c.Database, s, ours)
	if err == nil && why != "" {
		err = &UnfitTargetError{Why: why}
	}
	if err != nil {
		return false, err
	}
	o := engine.Loading{Ours: ours, From: r.From, Run: r.Run, Progress: r.Progress, Begun: jw.Restoring(r.Name), Carry: hold.Carry()}
	if hold.From != nil {
		o.Closing = append(o.Closing, jw.TakenOver(hold.From))
	}
	o.Closing = append(o.Closing, jw.Restored(r.Name))
	return b.Load(ctx, w.c.Database, s, o)
}

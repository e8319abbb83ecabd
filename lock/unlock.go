package lock

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
)

// BreakOptions say how to release somebody else's lock.
type BreakOptions struct {
	// Force ends the session of a holder that is alive.
	Force bool

	By     Holder
	Reason string

	// Note writes down that the lock was released, in the transaction that
	// does it. Its fencing token is the scalar subselect fence, which fails
	// where the row is another's by then.
	Note func(found Status, fence string) engine.Query

	// Seen is what a look has found a moment ago: a lease that had run out is
	// not watched for another term. The zero Status is nothing.
	Seen Status

	// Observe hears what has to be waited for; nil drops it.
	Observe event.Observer

	// Wait is how long the old session's end is waited for; 0: 10 s.
	Wait time.Duration
}

// An EvictError says that the holder's session could not be ended.
type EvictError struct {
	Status Status
	Hint   string // what somebody with more rights, or at the holder's machine, can do
	Err    error

	// Ending says that its session was told to end, and has not in time: its
	// statement goes on.
	Ending bool
}

func (e *EvictError) Error() string {
	if e.Status.Verdict == Gone {
		return fmt.Sprintf("the lock of %s cannot be released yet: %v", e.Status.Who(), e.Err)
	}
	return fmt.Sprintf("the lock is still held by %s: %v", e.Status.Who(), e.Err)
}

func (e *EvictError) Unwrap() error { return e.Err }

// Break releases the lock of another run, and returns what it found. It
// refuses a living holder (*HeldError) unless o.Force asks to end it, and
// returns ErrNotHeld for a free lock. The row is released only if it still
// bears the run and token that were found: a newer holder is never touched,
// it is a *HeldError.
func (l Lock) Break(ctx context.Context, s engine.Session, o BreakOptions) (Status, error) {
	if why := s.Server().ReadOnly; why != "" {
		return Status{}, &ReadOnlyError{why}
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	found, err := l.inspectAfter(ctx, s, o.Seen)
	for look := 1; err == nil && look <= endingLooks && !o.Force && found.Verdict == ByHand && found.Owner.Held && !l.another(&found.Row, found.Owner); look++ {
		// A run that was released by hand ends by itself, and a busy server takes
		// a moment to see it.
		if err = waitFor(ctx, lookPause); err == nil {
			found, err = l.Inspect(ctx, s)
		}
	}
	if err != nil {
		return found, err
	}
	if !found.Active {
		return found, ErrNotHeld
	}
	if err := l.recall(ctx, s, &found); err != nil {
		return found, err
	}
	limited, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	stuck := func(err error) error {
		return &EvictError{Status: found, Hint: l.Engine.Native.EvictHint(found.Owner), Err: err, Ending: limited.Err() != nil && ctx.Err() == nil}
	}
	// Who asks for the lock meanwhile is not ended: it goes by itself.
	if found.Owner.Held && !l.another(&found.Row, found.Owner) {
		if !o.Force {
			return found, &HeldError{Status: found}
		}
		// Nobody is ended for a release that is not allowed anyway.
		if err := l.rehearse(ctx, s, o); err != nil {
			return found, err
		}
		if err := l.Engine.Native.Evict(limited, s, l.Key(), found.Owner); err != nil {
			return found, stuck(err)
		}
	}
	if remote := !found.Owner.Held && (found.Verdict == Alive || found.Verdict == Silent); remote && !o.Force {
		return found, &HeldError{Status: found}
	} else if remote {
		if err := l.revoke(ctx, s, &found, o); err != nil {
			return found, err
		}
		limited, cancel = context.WithTimeout(ctx, o.Wait)
		defer cancel()
	}
	if err := l.takeFrom(limited, s, found.Row); err != nil {
		if held, ok := errors.AsType[*HeldError](err); ok || errors.Is(err, ErrNotHeld) {
			if ok {
				found = held.Status
			}
			return found, err
		}
		if now, e := l.Inspect(ctx, s); e == nil && now.Owner.Held && l.another(&found.Row, now.Owner) {
			// Not the holder: somebody who asks, or releases, and does not end.
			found.Owner, found.Verdict = now.Owner, Gone
			return found, &EvictError{Status: found, Hint: l.Engine.Native.EvictHint(now.Owner),
				Err: fmt.Errorf("its session has ended, and another one (%s) has the database's own lock", now.Owner.Session)}
		}
		return found, stuck(err)
	}
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		l.Engine.Native.Free(cleanup, s, l.Key()) // our session ends next, and the lock with it
	}()
	if err := l.ensure(ctx, s); err != nil {
		return found, err
	}
	if l.Prepare != nil {
		if err := l.Prepare(ctx, s); err != nil {
			return found, err
		}
	}
	return found, l.release(ctx, s, found, o)
}

// endingLooks is how often is looked whether a run that was released has ended:
// some two seconds, in which its watcher finds out.
const endingLooks = 80

// revoke takes the lease of a holder whose session is on another node, where
// nobody can be ended from here: the row stays locked under a new token, so
// that the holder can neither commit nor renew, and is left alone until it
// has stopped by its own clock.
func (l Lock) revoke(ctx context.Context, s engine.Session, found *Status, o BreakOptions) error {
	if err := l.rehearse(ctx, s, o); err != nil {
		return err
	}
	n, err := l.insist(ctx, s, "UPDATE "+l.table()+" SET fencing_token = fencing_token + 1 WHERE id = 1 AND "+sameHold(&found.Row))
	if err != nil {
		return fmt.Errorf("take the lease: %w", err)
	}
	if n == 0 {
		return l.changed(ctx, s, found.Row)
	}
	found.Row.Token++
	_, node, _ := strings.Cut(found.Row.Session, "@")
	o.Observe.Emit(event.Event{Kind: event.Notice, Holder: found.Who(), Detail: fmt.Sprintf("NOTICE: "+
		"its session is on node %s and cannot be ended from here; it can commit nothing more, and in %s it has stopped by itself", node, l.term())})
	return waitFor(ctx, l.term())
}

// rehearse finds out whether the row may be released: the same statements, on
// no row, so that they change nothing and wait for nobody. The release goes
// first and alone: the note fails where there is no row.
func (l Lock) rehearse(ctx context.Context, s engine.Session, o BreakOptions) error {
	if l.Engine.Native.EvictRight == nil {
		return nil // a product without rights
	}
	silent := o
	silent.Note = nil
	for _, o := range []BreakOptions{silent, o} {
		err := l.write(ctx, s, Status{}, "1 = 0", o)
		if l.Engine.Fault(err).Kind == engine.Denied {
			return fmt.Errorf("release the lock row: %w", err)
		}
		// Else the fence's refusal, or a table that is yet to be extended.
	}
	return nil
}

// release frees the row that was found, and notes it, in one transaction.
func (l Lock) release(ctx context.Context, s engine.Session, found Status, o BreakOptions) error {
	same := fmt.Sprintf("locked AND fencing_token = %d AND run_id IS NULL", found.Row.Token)
	if found.Row.Run != "" {
		same = sameHold(&found.Row)
	}
	err := l.write(ctx, s, found, same, o)
	for tries := 1; tries < 5 && l.lostRace(s, err); tries++ {
		err = l.write(ctx, s, found, same, o)
	}
	if f := l.Engine.Fault(err); f.Kind == engine.NotNull && f.Column == "fencing_token" {
		return l.changed(ctx, s, found.Row)
	}
	if err != nil {
		return fmt.Errorf("release the lock row: %w", err)
	}
	return nil
}

// write releases the row, if it is still as the condition says. The note
// comes first: it fails where it is not.
func (l Lock) write(ctx context.Context, s engine.Session, found Status, condition string, o BreakOptions) error {
	d := l.Engine.Dialect
	where := " WHERE id = 1 AND " + condition
	detail := "released by " + o.By.String()
	if o.Reason != "" {
		detail += ": " + o.Reason
	}
	var queries []engine.Query
	if o.Note != nil {
		queries = append(queries, o.Note(found, "(SELECT fencing_token FROM "+l.table()+where+d.ForUpdate+")"))
	}
	queries = append(queries, engine.Query{
		Text: "UPDATE " + l.table() + " SET locked = FALSE, release_at = " + d.Now + ", fencing_token = fencing_token + 1, state = " + d.Bind(1) +
			", detail = " + d.Bind(2) + where,
		Args: []any{string(Forced), engine.Fit(detail, 2000)},
	})
	return s.Run(ctx, engine.Unit{Begin: d.Begin, Statements: engine.NoStatements, Closing: queries})
}

// changed says what became of the row since it was read: nil, where it is the
// same.
func (l Lock) changed(ctx context.Context, s engine.Session, was Row) error {
	row, err := l.read(ctx, s)
	switch {
	case err != nil:
		return err
	case row == nil || !row.Locked:
		return ErrNotHeld
	case row.Run == was.Run && row.Token == was.Token && row.ReleasedAt.IsZero() == was.ReleasedAt.IsZero():
		return nil
	}
	now, err := l.Inspect(ctx, s)
	if err != nil {
		return err
	}
	if !now.Active {
		return ErrNotHeld
	}
	return &HeldError{Status: now}
}

// takeFrom takes the native lock after the holder of was, so that nobody
// starts or judges between its end and the release of the row. It stops when
// the row is another's.
func (l Lock) takeFrom(ctx context.Context, s engine.Session, was Row) error {
	for {
		got, err := l.Engine.Native.Try(ctx, s, l.Key())
		if err != nil {
			return err
		}
		if got {
			return nil
		}
		if err := l.changed(ctx, s, was); err != nil {
			return err
		}
		if waitFor(ctx, pollMin) != nil {
			return errors.New("its session has not ended yet")
		}
	}
}

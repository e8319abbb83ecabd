package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// BreakOptions say how to release somebody else's lock.
type BreakOptions struct {
	// Force ends the session of a holder that is alive.
	Force bool

	By     Holder
	Reason string

	// Wait is how long the old session's end is waited for; 0: 10 s.
	Wait time.Duration
}

// An EvictError says that the holder's session could not be ended.
type EvictError struct {
	Status Status
	Hint   string // what somebody with more rights, or at the holder's machine, can do
	Err    error
}

func (e *EvictError) Error() string {
	return fmt.Sprintf("the lock is still held by %s: %v", e.Status.Who(), e.Err)
}

func (e *EvictError) Unwrap() error { return e.Err }

// Break releases the lock of another run, and returns what it found. It
// refuses a living holder (*HeldError) unless o.Force asks to end it, and
// returns ErrNotHeld for a free lock. The row is released only if it still
// bears the run and token that were found: a newer holder is never touched.
func (l Lock) Break(ctx context.Context, s engine.Session, o BreakOptions) (Status, error) {
	if why := s.Server().ReadOnly; why != "" {
		return Status{}, &ReadOnlyError{why}
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	found, err := l.Inspect(ctx, s)
	if err != nil {
		return found, err
	}
	if !found.Active {
		return found, ErrNotHeld
	}
	limited, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	if found.Owner.Held {
		if !o.Force {
			return found, &HeldError{Status: found}
		}
		if err := l.Engine.Native.Evict(limited, s, l.Key(), found.Owner); err != nil {
			return found, &EvictError{found, l.Engine.Native.EvictHint(found.Owner), err}
		}
	}
	if err := l.takeNative(limited, s); err != nil {
		return found, &EvictError{found, l.Engine.Native.EvictHint(found.Owner), err}
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
	d := l.Engine.Dialect
	detail := "released by " + o.By.String()
	if o.Reason != "" {
		detail += ": " + o.Reason
	}
	args := []any{string(Forced), clip(detail, 2000), found.Row.Token}
	sameRun := "run_id IS NULL"
	if found.Row.Run != "" {
		sameRun = "run_id = " + d.Bind(4)
		args = append(args, found.Row.Run)
	}
	n, err := s.Exec(ctx, "UPDATE "+l.table()+" SET locked = FALSE, release_at = "+d.Now+", fencing_token = fencing_token + 1, state = "+d.Bind(1)+
		", detail = "+d.Bind(2)+" WHERE id = 1 AND locked AND fencing_token = "+d.Bind(3)+" AND "+sameRun, args...)
	if err != nil {
		return found, fmt.Errorf("release the lock row: %w", err)
	}
	if n == 0 {
		return found, ErrNotHeld
	}
	return found, nil
}

// takeNative takes the native lock, so that nobody starts or judges between
// the old holder's end and the release of the row.
func (l Lock) takeNative(ctx context.Context, s engine.Session) error {
	for {
		got, err := l.Engine.Native.Try(ctx, s, l.Key())
		if err != nil {
			return err
		}
		if got {
			return nil
		}
		timer := time.NewTimer(pollMin)
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.New("its session has not ended yet")
		case <-timer.C:
		}
	}
}

package dbwarden

import (
	"context"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// watched does what looks at our own tables with s. Where it waits in vain for
// one, the error says which, and for whom: that is seen only while it waits, by
// another session.
func (w *Warden) watched(ctx context.Context, s engine.Session, do func() error) error {
	limit := w.c.Limits.WithDefaults().Lock
	if s == nil || w.c.Engine.Activity == nil || limit <= 0 {
		return do()
	}
	looking, stop := context.WithCancel(ctx)
	seen := make(chan engine.Activity, 1)
	go func() {
		defer close(seen)
		select {
		case <-looking.Done():
			return
		case <-time.After(limit / 2):
		}
		// What cannot be seen is not told: the error is the same.
		other, err := w.beside(looking)
		if err != nil {
			return
		}
		defer other.Close()
		if a, err := w.c.Engine.Activity(looking, other, s.ID()); err == nil {
			seen <- a
		}
	}()
	err := do()
	stop()
	a := <-seen
	if err != nil && len(a.Blockers) > 0 && w.c.Engine.Fault(err).WaitedOut {
		return &BusyError{Table: a.Object, Blockers: a.Blockers, Err: err}
	}
	return err
}

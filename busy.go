package dbwarden

import (
	"context"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/lock"
)

// watched does what looks at our own tables with s. Where it waits in vain for
// one, the error says which, and for whom.
func (w *Warden) watched(ctx context.Context, s engine.Session, do func() error) error {
	a, err := engine.Watched(ctx, w.c.Engine, s, w.c.Limits.WithDefaults().Lock, w.beside, do)
	if len(a.Blockers) > 0 {
		return &BusyError{Table: a.Object, Blockers: a.Blockers, Err: err}
	}
	return err
}

// writerWait is a run's wait for programs that write.
func (w *Warden) writerWait() *lock.WriterWait {
	return &lock.WriterWait{File: w.c.Engine.Caps.File, Most: w.c.Wait, Observe: w.c.Observe}
}

// past does what reads the database ahead of the lock, and does it again while
// a program that writes keeps everybody from reading.
func (w *Warden) past(ctx context.Context, wait *lock.WriterWait, do func() error) error {
	for wait.Begin(); ; {
		err := do()
		if !w.c.Engine.Caps.SingleWriter || !w.c.Engine.Fault(err).WaitedOut {
			return err
		}
		if err := wait.Again(ctx, err); err != nil {
			return err
		}
	}
}

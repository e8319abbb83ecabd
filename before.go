package dbwarden

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Before is what a run is about to do, as BeforeRun is told.
type Before struct {
	Run       string
	Direction migration.Direction
	Planned   []*migration.Migration // in the order of their execution
	Newest    migration.Version      // the highest version that is applied; zero: none is
	Server    engine.Server
	Ours      engine.Ours

	// Observe takes what is to be told meanwhile, from the goroutine that
	// BeforeRun was called in.
	Observe event.Observer
}

// A BeforeError says that BeforeRun ended a run: nothing was run.
type BeforeError struct{ Err error }

func (e *BeforeError) Error() string { return e.Err.Error() }
func (e *BeforeError) Unwrap() error { return e.Err }

// before calls BeforeRun.
func (w *Warden) before(ctx context.Context, s engine.Session, todo *agenda, res *Result) error {
	if w.c.BeforeRun == nil || len(todo.steps) == 0 {
		return nil
	}
	b := Before{Run: res.Run, Direction: res.Direction, Newest: todo.newest, Server: s.Server(), Ours: w.ours(s), Observe: w.c.Observe}
	for _, st := range todo.steps {
		b.Planned = append(b.Planned, st.Migration)
	}
	err := w.kept(ctx, s, func(ctx context.Context) error { return w.c.BeforeRun(ctx, b) })
	if err != nil {
		err = w.underHold(ctx, &BeforeError{err})
	}
	return err
}

// ours names our tables for backups.
func (w *Warden) ours(s engine.Session) engine.Ours {
	return engine.Ours{
		Lock:    []string{lock.Table, lock.RunTable},
		History: []string{journal.HistoryTable, journal.LaterHistoryTable},
		Journal: journal.EntryTable,
		Schema:  journal.FingerprintTable,
		Free:    w.lock(s, w.journal(s)).Freed(),
	}
}

// keptEvery is the longest time that a session with nothing to do is silent.
const keptEvery = 15 * time.Second

// kept calls do, and meanwhile has s, which nobody uses, say to the server
// that it is there: the server ends a session that is silent for too long,
// and with it the lock. A session that is lost all the same ends do.
func (w *Warden) kept(ctx context.Context, s engine.Session, do func(context.Context) error) error {
	every := keptEvery
	if idle := w.c.Limits.WithDefaults().Idle; idle > 0 {
		every = max(min(every, idle/3), 10*time.Millisecond)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	stop := make(chan struct{})
	var calling sync.WaitGroup
	calling.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			// Not interrupted: on some products that would end the session.
			asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
			err := s.Query(asking, func(func(...any) error) error { return nil }, "SELECT 1")
			cancel()
			if err != nil {
				end(fmt.Errorf("%w: %w", lock.ErrLost, err))
				return
			}
		}
	})
	err := do(ctx)
	close(stop)
	calling.Wait()
	if lost := context.Cause(ctx); err != nil && lost != nil {
		err = lost
	}
	return err
}

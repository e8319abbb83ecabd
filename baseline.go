package dbwarden

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Baseline writes the versioned migrations up to the target's version into the
// history without running them: of a database that has what they make
// already. All of them come into it, or none; under the lock, as any run.
//
// Of the target, To and the Allow fields count. It refuses (*plan.Refusal)
// where the history goes beyond that version. Completed holds what was
// written; other errors as for Migrate.
func (w *Warden) Baseline(ctx context.Context, t plan.Target) (res *Result, err error) {
	started := time.Now()
	res = &Result{Run: lock.NewRun(), Direction: migration.Up}
	defer func() { res.Elapsed = time.Since(started) }()
	set, err := w.load()
	if err != nil {
		return res, err
	}
	// As for a run, what is refused is refused before a file is made of it.
	if p, err := w.baselineNow(ctx, set, t); err != nil || len(p.Steps) == 0 {
		return res, err
	}
	s, err := w.connect(ctx, res.Run, false)
	if err != nil {
		return res, err
	}
	defer s.Close()
	defer func() { err = w.denied(s, err, true) }()
	j := w.journal(s)
	hold, err := w.lock(s, j).Acquire(ctx, s, w.c.Holder, lock.Options{Wait: w.c.Wait, Run: res.Run, Observe: w.c.Observe})
	if err != nil {
		return res, err
	}
	held, stop := hold.Watch(ctx, w.beside, func() lock.Progress { return lock.Progress{} }, func(context.Context, engine.Session) {}, nil)
	defer stop()
	err = w.underHold(held, w.writeBaseline(held, s, j.Writer(hold), set, t, res))
	stop()
	return res, w.letGo(ctx, s, hold, err, false)
}

// baselineNow plans without the lock.
func (w *Warden) baselineNow(ctx context.Context, set *migration.Set, t plan.Target) (p *plan.Plan, err error) {
	err = w.look(ctx, func(s engine.Session, j *journal.Journal) error {
		h, err := j.Read(ctx, s)
		if err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
		p, err = plan.Baseline(set, h, t)
		return err
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		return plan.Baseline(set, &journal.History{}, t)
	}
	return p, err
}

// writeBaseline plans anew, with the lock in hand, and writes in one
// transaction.
func (w *Warden) writeBaseline(ctx context.Context, s engine.Session, jw *journal.Writer, set *migration.Set, t plan.Target, res *Result) error {
	h, err := w.history(ctx, s, migration.Up)
	if err != nil {
		return err
	}
	p, err := plan.Baseline(set, h, t)
	if err != nil || len(p.Steps) == 0 {
		return err
	}
	u := engine.Unit{Begin: w.c.Engine.Dialect.Begin, Statements: engine.NoStatements, AtOnce: !w.c.NoPipeline}
	for _, st := range p.Steps {
		step, hashes, err := described(st.Migration)
		if err != nil {
			return err
		}
		u.Closing = append(u.Closing, jw.Baseline(step, hashes)...)
		res.Planned = append(res.Planned, st.Migration)
	}
	if err := s.Run(ctx, u); err != nil {
		if journal.IsFence(w.c.Engine.Fault(err)) {
			return fmt.Errorf("%w: %w", lock.ErrLost, err)
		}
		return fmt.Errorf("write the history: %w", err)
	}
	res.Completed = res.Planned
	return nil
}

// described is what the history holds of a migration's statements.
func described(m *migration.Migration) (journal.Step, []string, error) {
	st := journal.Step{Migration: m, Direction: migration.Up}
	var hashes []string
	_, err := m.Upgrade.Outline(func(p migration.Piece) error {
		if st.Statements++; len(hashes) < plan.MaxHashes {
			hashes = append(hashes, hex.EncodeToString(p.Hash[:migration.ShortLength]))
		}
		return nil
	})
	return st, hashes, err
}

// PreviewBaseline is Baseline without the lock: Planned holds what would be
// written, and nothing is.
func (w *Warden) PreviewBaseline(ctx context.Context, t plan.Target) (*Result, error) {
	res := &Result{Direction: migration.Up}
	set, err := w.load()
	if err != nil {
		return res, err
	}
	p, err := w.baselineNow(ctx, set, t)
	if err != nil {
		return res, err
	}
	for _, st := range p.Steps {
		res.Planned = append(res.Planned, st.Migration)
	}
	return res, nil
}

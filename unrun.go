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

// unrun is a way of writing migrations into the history that are not run.
type unrun struct {
	// plan decides which. It is asked without the lock first, and again with
	// it; without a database yet there is no session.
	plan func(context.Context, engine.Session, *migration.Set, *journal.History) (*plan.Plan, error)

	// record makes the queries for the plan's step of that number.
	record func(jw *journal.Writer, number int, st journal.Step, hashes []string) []engine.Query
}

// writeUnrun writes them, all or none, under the lock as any run.
func (w *Warden) writeUnrun(ctx context.Context, u unrun) (res *Result, err error) {
	started := time.Now()
	res = &Result{Run: lock.NewRun(), Direction: migration.Up}
	w = w.of(res.Run)
	defer func() { res.Elapsed = time.Since(started) }()
	set, err := w.load()
	if err != nil {
		return res, err
	}
	// As for a run, what is refused is refused before a file is made of it; and
	// what somebody is at is waited for.
	if p, err := w.unrunNow(ctx, set, u); err != nil && !w.mayPass(ctx, err) || err == nil && len(p.Steps) == 0 {
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
	err = w.underHold(held, w.recordUnrun(held, s, j.Writer(hold), set, u, res))
	stop()
	return res, w.letGo(ctx, s, hold, err, false)
}

// mayPass says that a refusal because of what is half done may be over with the
// lock in hand: a run is at it, or has been until now.
func (w *Warden) mayPass(ctx context.Context, refused error) bool {
	var r *plan.Refusal
	if !errors.As(refused, &r) || r.Code != plan.HalfApplied && !unfinished(refused) {
		return false
	}
	l, err := w.Lock(ctx)
	return err == nil && l.Verdict != lock.Kept && l.Verdict != lock.Gone && l.Verdict != lock.ByHand
}

// unrunNow plans without the lock.
func (w *Warden) unrunNow(ctx context.Context, set *migration.Set, u unrun) (p *plan.Plan, err error) {
	err = w.look(ctx, func(s engine.Session, j *journal.Journal) error {
		h, err := j.Read(ctx, s)
		if err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
		p, err = u.plan(ctx, s, set, h)
		return err
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		return u.plan(ctx, nil, set, &journal.History{})
	}
	return p, err
}

// recordUnrun plans anew, with the lock in hand, and writes in one
// transaction.
func (w *Warden) recordUnrun(ctx context.Context, s engine.Session, jw *journal.Writer, set *migration.Set, u unrun, res *Result) error {
	h, err := w.history(ctx, s, migration.Up)
	if err != nil {
		return err
	}
	p, err := u.plan(ctx, s, set, h)
	if err == nil {
		res.Planned, err = w.writePlanned(ctx, s, jw, p, u)
		if err == nil {
			res.Completed = res.Planned
		}
	}
	return err
}

// writePlanned writes a plan's steps into the history in one transaction, and
// returns their migrations.
func (w *Warden) writePlanned(ctx context.Context, s engine.Session, jw *journal.Writer, p *plan.Plan, u unrun) (all []*migration.Migration, err error) {
	if len(p.Steps) == 0 {
		return nil, nil
	}
	unit := engine.Unit{Begin: w.c.Engine.Dialect.Begin, Statements: engine.NoStatements, AtOnce: !w.c.NoPipeline}
	for i, st := range p.Steps {
		step, hashes, err := described(st.Migration)
		if err != nil {
			return all, err
		}
		if r := st.Revision; r != nil && r.Kind == journal.Squashed {
			unit.Closing = append(unit.Closing, jw.Unnote(r)) // in its place
		}
		unit.Closing = append(unit.Closing, u.record(jw, i, step, hashes)...)
		all = append(all, st.Migration)
	}
	if err := s.Run(ctx, unit); err != nil {
		if journal.IsFence(w.c.Engine.Fault(err)) {
			return all, fmt.Errorf("%w: %w", lock.ErrLost, err)
		}
		return all, fmt.Errorf("write the history: %w", err)
	}
	return all, nil
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

// previewUnrun is writeUnrun without the lock: Planned holds what would be
// written, and nothing is.
func (w *Warden) previewUnrun(ctx context.Context, u unrun) (*Result, error) {
	res := &Result{Direction: migration.Up}
	set, err := w.load()
	if err != nil {
		return res, err
	}
	p, err := w.unrunNow(ctx, set, u)
	if err != nil {
		return res, err
	}
	for _, st := range p.Steps {
		res.Planned = append(res.Planned, st.Migration)
	}
	return res, nil
}

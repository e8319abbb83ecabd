package dbwarden

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// An atomic run is one transaction: the statements of all its migrations, then
// all their history rows with the fence, then COMMIT. Either all of them are
// in the database or none.

// oneTransaction says whether steps fit into one; a *plan.Refusal names the
// statement that does not.
func (w *Warden) oneTransaction(steps []*step, v engine.Server) error {
	versioned := 0
	for i, st := range steps {
		at, why := plan.Place{}, ""
		if st.outline.Setting.Number > 0 && i < len(steps)-1 && (v.Pooled || !w.c.Engine.Caps.TransactionalDDL) {
			at, why = st.outline.Setting, "what it sets would reach the next file, and cannot be put back in between"
		}
		switch h := st.Migration.Header; {
		case why != "":
		case st.Resume().Open:
			why = "it is half applied: finish it first, without --atomic"
		case h.TransactionOff:
			why = "its header says transaction: off"
		case h.LockTimeout != nil, h.StatementTimeout != nil:
			why = "its header sets time limits, which hold for a whole transaction"
		case len(st.outline.Groups) > 1, len(st.outline.Groups) == 1 && (st.outline.Groups[0].Mode != plan.InTransaction || st.outline.Groups[0].Begin >= 0):
			at, why = st.outline.Apart, "this statement does not run inside a transaction with others"
		}
		if why != "" {
			r := st.refuse(plan.NotAtomic, at, why)
			r.Before = versioned
			return r
		}
		if !st.Migration.Version.IsZero() {
			versioned++
		}
	}
	return nil
}

// walkAtomic runs all steps in one transaction.
func (w *Warden) walkAtomic(ctx context.Context, steps []*step, runner func(int, *step) *runner, res *Result) error {
	for _, st := range steps {
		defer st.text.Close()
	}
	a := &atomicRun{first: make([]int, len(steps))}
	all := 0
	for i, st := range steps {
		a.runners = append(a.runners, runner(i, st))
		a.first[i] = all
		all += st.outline.Statements
	}
	if err := a.leaks(ctx); err != nil {
		return err
	}
	s, at := a.runners[0].s, a.runners[0].at
	if err := s.Reset(ctx, w.c.Limits); err != nil {
		return a.fail(ctx, &engine.UnitError{Part: engine.PartBegin, Err: err, RolledBack: true})
	}
	at.waits(w.c.Limits)
	whole := plan.Group{Mode: plan.InTransaction, Begin: -1, Atomic: true}
	if err := a.runners[0].runUnit(ctx, whole, func() engine.Unit { return a.unit(ctx) }); err != nil {
		return a.fail(ctx, err)
	}
	for _, r := range a.runners {
		res.Completed = append(res.Completed, r.step.Migration)
		r.done()
	}
	return nil
}

// atomicRun is the one unit of an atomic run.
type atomicRun struct {
	runners []*runner
	first   []int // each one's first statement, counted over all
	now     int   // whose statements are running
	ask     engine.Asking
}

func (a *atomicRun) unit(ctx context.Context) engine.Unit {
	a.now = 0
	last := a.runners[len(a.runners)-1]
	u := engine.Unit{Begin: last.w.c.Engine.Dialect.Begin, Closing: last.restore(), Before: func(ask engine.Asking) error {
		a.ask = ask
		return nil
	}, Statements: func(yield func(sqltext.Statement, error) bool) {
		for i, r := range a.runners {
			a.now = i
			if i > 0 {
				if err := r.s.ResetWithin(ctx); err != nil {
					yield(sqltext.Statement{}, fmt.Errorf("put the session back between two migrations: %w", err))
					return
				}
			}
			r.started = time.Now()
			r.emit(event.MigrationStarted, nil)
			if err := a.conditions(ctx, r, migration.Require); err != nil {
				yield(sqltext.Statement{}, err)
				return
			}
			for st, err := range r.step.text.Statements(0, r.step.outline.Statements) {
				if !yield(st, err) {
					return
				}
			}
			r.step.text.Close()
			if err := a.conditions(ctx, r, migration.Ensure); err != nil {
				yield(sqltext.Statement{}, err)
				return
			}
		}
	}, Watch: func(p engine.Progress) {
		p.Index -= a.first[a.now]
		a.runners[a.now].watch(0)(p)
	}}
	if slices.ContainsFunc(a.runners, func(r *runner) bool { return r.step.function() != nil }) {
		u.Work = func(ctx context.Context, s engine.Plain, st sqltext.Statement) (int64, error) {
			if r := a.runners[a.now]; r.step.function() != nil {
				return 0, r.call(ctx, s)
			}
			return s.Execute(ctx, st)
		}
	}
	for _, r := range a.runners {
		u.Closing = append(u.Closing, r.record()...)
	}
	return u
}

// conditions asks a migration's conditions inside of the one transaction.
func (a *atomicRun) conditions(ctx context.Context, r *runner, kind migration.ConditionKind) error {
	ask := r.conditions(ctx, kind)
	if ask == nil {
		return nil
	}
	return ask(a.ask)
}

// leaks refuses what keeps no step with the one transaction: a crash would
// leave it half written, and nothing would know.
func (a *atomicRun) leaks(ctx context.Context) error {
	leak := a.runners[0].w.c.Engine.Leak
	if leak == nil {
		return nil
	}
	versioned := 0
	for _, r := range a.runners {
		what, err := leak(ctx, r.s, r.step.text.Statements(0, r.step.outline.Statements))
		r.step.text.Close()
		if err != nil {
			return err
		}
		if what != "" {
			refusal := r.step.refuse(plan.NotAtomic, plan.Place{}, what+" takes no part in transactions")
			refusal.Before = versioned
			return refusal
		}
		if !r.step.Migration.Version.IsZero() {
			versioned++
		}
	}
	return nil
}

// fail is about the migration whose statement it was.
func (a *atomicRun) fail(ctx context.Context, err error) error {
	r := a.runners[a.now]
	var u *engine.UnitError
	if errors.As(err, &u) && u.Part == engine.PartStatement {
		u.Index -= a.first[a.now]
	}
	r.tries = a.runners[0].tries
	whole := plan.Group{Mode: plan.InTransaction, Begin: -1, Atomic: true}
	if groups := r.step.outline.Groups; len(groups) > 0 {
		whole = groups[0] // see oneTransaction: there is no other
	}
	err = r.fail(ctx, whole, err)
	var failed *MigrationError
	if errors.As(err, &failed) {
		for _, other := range a.runners {
			if other != r {
				failed.With = append(failed.With, other.step.Migration)
			}
		}
	}
	r.failed(err)
	return err
}

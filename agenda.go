package dbwarden

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// agenda are the steps of a run. Each of them is read and cut before the
// first one runs, so that what is wrong with any of them costs nothing; and
// again when it is reached, so that what is known of ten thousand files is not
// held together. A file that is another one by then is refused.
type agenda struct {
	w      *Warden
	server engine.Server
	steps  []plan.Step
	newest migration.Version // that is applied; zero: none
	left   int               // how many are pending and not among the steps

	near []*step // ready to run, of steps[from:]
	from int
}

// at returns the i-th step, ready to run, and up to n-1 that follow it. Steps
// before it are not asked for any more. The error is the i-th step's.
func (a *agenda) at(i, n int) ([]*step, error) {
	a.near = slices.Delete(a.near, 0, min(i-a.from, len(a.near)))
	a.from = i
	if err := a.fill(n); err != nil && len(a.near) == 0 {
		return nil, err // of one behind it, the turn comes
	}
	return a.near[:min(n, len(a.near))], nil
}

// all returns all steps, ready to run, or the error of one of them.
func (a *agenda) all() ([]*step, error) {
	err := a.fill(len(a.steps))
	return a.near, err
}

// fill makes n steps ready, and stops at the first error.
func (a *agenda) fill(n int) error {
	for len(a.near) < n && a.from+len(a.near) < len(a.steps) {
		st, err := a.w.ready(a.steps[a.from+len(a.near)], a.server)
		if err != nil {
			return err
		}
		a.near = append(a.near, st)
	}
	return nil
}

// sound reads and cuts each step, but those that seen has in the same place,
// and refuses what cannot run.
func (a *agenda) sound(seen []plan.Step) error {
	for i, ps := range a.steps {
		if i < len(seen) && same(ps, seen[i]) {
			continue
		}
		st, err := a.w.cut(ps, a.server, false)
		if err == nil {
			err = st.resumable()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// same says that two steps are the same migration from its beginning.
func same(a, b plan.Step) bool {
	return a.Migration == b.Migration && a.Direction == b.Direction && a.Attempt == nil && b.Attempt == nil
}

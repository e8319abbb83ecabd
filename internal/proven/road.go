package proven

import (
	"context"
	"io/fs"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// A Road is what the last migrations of a folder make of a database: there,
// back, and there again.
type Road struct {
	Stops              []*schema.State // behind so many of them as was asked for
	There, Back, Again Place

	// Err is why the road ends, nil where it was gone to its end; On says on
	// which of its ways, as in Error.
	On  string
	Err error
}

// A Place is a schema and its rows; without a State it was not reached.
type Place struct {
	State *schema.State
	Rows  Rows
}

// Road runs below, which may be empty, and then the n versioned migrations that
// folder has besides, looking at the schema behind the first stops of them, each
// a number from 0 to n, rising. With back it reverts these n and runs them again.
// The error is of what is not their fault.
func (p Prover) Road(ctx context.Context, d engine.Database, below, folder fs.FS, n int, stops []int, back bool) (*Road, error) {
	if _, err := p.Replay(ctx, d, below, plan.Target{}); err != nil {
		return nil, err
	}
	r := &Road{}
	fails := func(on string, err error) (*Road, error) {
		if ctx.Err() != nil {
			return nil, err
		}
		r.On, r.Err = on, err
		return r, nil
	}
	at := 0
	for _, stop := range append(slices.Clone(stops), n) {
		var state *schema.State
		var err error
		if stop == at {
			state, err = p.state(ctx, d)
		} else {
			state, err = p.Replay(ctx, d, folder, plan.Target{Count: stop - at})
		}
		if err != nil {
			return fails("the way there", err)
		}
		r.Stops, at = append(r.Stops, state), stop
	}
	var err error
	if r.There, err = p.place(ctx, d, r.Stops[len(r.Stops)-1]); err != nil {
		return nil, err
	}
	r.Stops = r.Stops[:len(stops)]
	if !back {
		return r, nil
	}
	w, err := p.warden(d, folder)
	if err != nil {
		return nil, err
	}
	if _, err := w.Rollback(ctx, plan.Target{Count: n}); err != nil {
		return fails("the way back", err)
	}
	state, err := p.state(ctx, d)
	if err == nil {
		r.Back, err = p.place(ctx, d, state)
	}
	if err != nil {
		return nil, err
	}
	if state, err = p.Replay(ctx, d, folder, plan.Target{Count: n}); err != nil {
		return fails("the way there again", err)
	}
	r.Again, err = p.place(ctx, d, state)
	return r, err
}

func (p Prover) place(ctx context.Context, d engine.Database, state *schema.State) (Place, error) {
	rows, err := p.Rows(ctx, d, state)
	return Place{state, rows}, err
}

// A Fork is where two roads part.
type Fork struct {
	On     string // as in Error
	Schema []schema.Change
	Rows   []schema.ID // tables and columns whose rows are others
}

// Parts compares two roads, but for the values of the columns that skip has; nil
// says that they lead to the same places.
func (r *Road) Parts(other *Road, skip map[schema.ID]bool) *Fork {
	for _, way := range []struct {
		on   string
		a, b Place
	}{{"the way there", r.There, other.There}, {"the way back", r.Back, other.Back}, {"the way there again", r.Again, other.Again}} {
		if way.a.State == nil || way.b.State == nil {
			continue
		}
		f := &Fork{On: way.on, Schema: schema.Diff(way.a.State, way.b.State), Rows: way.a.Rows.Unlike(way.b.Rows, skip)}
		if len(f.Schema)+len(f.Rows) > 0 {
			return f
		}
	}
	return nil
}

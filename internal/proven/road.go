package proven

import (
	"context"
	"io/fs"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// A Route says how a road is to be gone.
type Route struct {
	Folder fs.FS // whole: what depends on what decides the order
	Below  int   // how many of its migrations run ahead
	N      int   // how many of those behind them the road is about

	Stops []int // the schema is looked at behind so many of the N, each from 0 to N, rising
	Back  bool  // the N are reverted, and run again
	Rest  bool  // at last all else of the folder runs
	Fill  bool  // tables that are there ahead of the N, and empty, get generated rows
}

// A Road is what migrations of a folder make of a database: there, back, and
// there again.
type Road struct {
	Stops              []*schema.State // behind so many of them as was asked for
	There, Back, Again Place
	Whole              Place // behind the rest of the folder

	// Err is why the road ends, nil where it was gone to its end; On says on
	// which of its ways, as in Error. Beyond is why the rest of the folder did not run.
	On     string
	Err    error
	Beyond error

	// Filled is how many tables had rows ahead of the road, with Route.Fill;
	// Unfilled for which none could be made, with the server's last word.
	Filled   int
	Unfilled map[schema.ID]string
}

// Rest is the way on through what else the folder has.
const Rest = "the way on through the files behind it"

// A Place is a schema and its rows; without a State it was not reached.
type Place struct {
	State *schema.State
	Rows  Rows
}

// Road goes a route in an empty database. The error is of what is not the fault of
// the migrations that it is about.
func (p Prover) Road(ctx context.Context, d engine.Database, t Route) (*Road, error) {
	r := &Road{}
	if t.Below > 0 {
		if _, err := p.Replay(ctx, d, t.Folder, first(t.Below)); err != nil {
			return nil, err
		}
	}
	if t.Fill {
		if err := r.fill(ctx, p, d); err != nil || r.Filled == 0 {
			return r, err
		}
	}
	fails := func(on string, err error) (*Road, error) {
		if ctx.Err() != nil {
			return nil, err
		}
		r.On, r.Err = on, err
		return r, nil
	}
	at := 0
	for _, stop := range append(slices.Clone(t.Stops), t.N) {
		var state *schema.State
		var err error
		if stop == at {
			state, err = p.state(ctx, d)
		} else {
			state, err = p.Replay(ctx, d, t.Folder, first(stop-at))
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
	r.Stops = r.Stops[:len(t.Stops)]
	if t.Back {
		w, err := p.warden(d, t.Folder)
		if err != nil {
			return nil, err
		}
		if _, err := w.Rollback(ctx, plan.Target{Count: t.N}); err != nil {
			return fails("the way back", err)
		}
		state, err := p.state(ctx, d)
		if err == nil {
			r.Back, err = p.place(ctx, d, state)
		}
		if err != nil {
			return nil, err
		}
		if state, err = p.Replay(ctx, d, t.Folder, first(t.N)); err != nil {
			return fails("the way there again", err)
		}
		if r.Again, err = p.place(ctx, d, state); err != nil {
			return nil, err
		}
	}
	if !t.Rest {
		return r, nil
	}
	state, err := p.Replay(ctx, d, t.Folder, plan.Target{AllowOutOfOrder: true})
	if err != nil {
		if ctx.Err() == nil {
			r.Beyond, err = err, nil
		}
		return r, err
	}
	r.Whole, err = p.place(ctx, d, state)
	return r, err
}

// fill has the tables of a database have rows.
func (r *Road) fill(ctx context.Context, p Prover, d engine.Database) error {
	state, err := p.state(ctx, d)
	if err != nil {
		return err
	}
	x := &data{p: p, d: d, given: map[schema.ID]int{}}
	return x.with(ctx, func(f *filler) error {
		if r.Unfilled, err = f.fill(ctx, state, nil); err != nil {
			return err
		}
		for _, t := range state.Tables {
			has, err := f.filled(ctx, t)
			if err != nil {
				return err
			}
			if has {
				r.Filled++
			}
		}
		return nil
	})
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
	}{{"the way there", r.There, other.There}, {"the way back", r.Back, other.Back}, {"the way there again", r.Again, other.Again}, {Rest, r.Whole, other.Whole}} {
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

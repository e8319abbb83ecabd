package dbwarden

import (
	"context"
	"errors"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A flush is several migrations on their way to the server at once: each one
// a transaction of its own, or a part of one that they share, with its history
// and its fence in it. Whatever needs an answer of the server's before it goes
// on takes the plain road.
//
// What is told of a flush is in the order of the plain road, and true: from
// the end of its first migration on, or from its beginning where all of it may
// begin anew, events wait until it is known which of them are in the database
// for good.

// together is how many of the first steps travel in one flush; 0 for a first
// one that takes the plain road.
func (w *Warden) together(steps []*step, room engine.Flush) int {
	if w.c.NoPipeline || w.aroundMigrations() {
		return 0
	}
	n := travel(steps, room)
	if n == 1 && room.Shared {
		return 0
	}
	return n
}

func travel(steps []*step, room engine.Flush) int {
	bytes := 0
	for n, st := range steps[:min(len(steps), room.Units)] {
		bytes += st.bytes
		pace := engine.Stepwise
		if st.fits() && bytes <= room.Bytes {
			pace = st.pace
		}
		if n == 0 && pace == engine.Long {
			return 1
		}
		if pace != engine.Brief {
			return n
		}
	}
	return min(len(steps), room.Units)
}

// fits says whether a step is one transaction that needs no answer before its
// end, from its first statement to its history.
func (st *step) fits() bool {
	h, groups := st.Migration.Header, st.outline.Groups
	if len(groups) == 2 && groups[1].Mode == plan.OwnCommands {
		groups = groups[:1]
	}
	return st.function() == nil && len(groups) == 1 && groups[0].Mode == plan.InTransaction && !groups[0].Sole && groups[0].EndedBy == 0 && groups[0].To == st.outline.Last &&
		st.Attempt == nil && h.LockTimeout == nil && h.StatementTimeout == nil && len(st.require)+len(st.ensure) == 0 && len(st.cautions()) == 0
}

// flight is a flush under way.
type flight struct {
	runners []*runner
	events  *relay
	shared  bool  // in one transaction
	now     int   // whose statements run
	ends    []int // where the end of each stands among the events that are kept back
}

// fly hands the migrations over and tells what became of them; n of them are
// in the database then. One that waited in vain for a lock tries again by
// itself, and those behind it are left for another flush.
func (f *flight) fly(ctx context.Context, res *Result) (n int, err error) {
	units := make([]engine.Unit, len(f.runners))
	for i := range f.runners {
		units[i] = f.unit(ctx, i)
	}
	f.runners[0].at.waits(f.runners[0].w.c.Limits)
	f.events.hold = f.shared
	f.begin()
	done, err := f.runners[0].s.RunAll(ctx, units)
	f.runners[0].at.end()
	f.reach(min(done, len(units)-1))
	if err == nil {
		f.end()
	}
	told := len(f.events.kept)
	if done < len(f.ends) && err != nil {
		told = f.ends[done] // its COMMIT was answered, and that is not enough
	}
	f.events.release(told)
	for _, r := range f.runners[:done] {
		res.Completed = append(res.Completed, r.step.Migration)
	}
	if err == nil {
		return done, nil
	}
	r, g := f.runners[done], f.runners[done].step.outline.Groups[0]
	if r.again(ctx, g, err) {
		r.waited = err
		if err = r.run(ctx); err == nil {
			r.completed(res)
			return done + 1, nil
		}
	} else {
		err = r.fail(ctx, g, err)
		var failed *MigrationError
		if errors.As(err, &failed) && failed.State == Undecided {
			for _, behind := range f.runners[done+1:] {
				failed.Sent = append(failed.Sent, behind.step.Migration)
			}
		}
	}
	r.failed(err)
	return done, err
}

// unit is what one of the migrations does.
func (f *flight) unit(ctx context.Context, i int) engine.Unit {
	r := f.runners[i]
	u, _ := r.unit(ctx, r.step.outline.Groups[0], true)
	u.Fresh = &r.w.c.Limits
	statements, watch := u.Statements, u.Watch
	u.Statements = func(yield func(sqltext.Statement, error) bool) {
		defer r.step.text.Close()
		statements(yield)
	}
	u.Watch = func(p engine.Progress) {
		if p.Undone {
			f.again()
			return
		}
		f.reach(i)
		watch(p)
	}
	return u
}

// reach says that the statements of a migration have begun, and so, that the
// ones before it have ended.
func (f *flight) reach(i int) {
	for f.now < i {
		f.end()
		f.now++
		f.begin()
	}
}

// again forgets what was told of migrations of which nothing has stayed.
func (f *flight) again() {
	f.runners[0].at.end()
	f.events.release(0)
	f.now, f.ends = 0, nil
	f.begin()
}

func (f *flight) begin() {
	r := f.runners[f.now]
	r.started = time.Now()
	r.emit(event.MigrationStarted, nil)
}

func (f *flight) end() {
	f.events.hold = true
	f.ends = append(f.ends, len(f.events.kept))
	f.runners[f.now].done()
}

package fleet

import (
	"context"
	"slices"
	"time"
)

// A Fleet is what is done to many targets. R is what doing it to one yields.
type Fleet[R any] struct {
	// Canaries go first, one after another, while nothing else runs. When one
	// of them fails, nothing behind it begins.
	Canaries []Target
	Rest     []Target

	// Parallel is how many run at once; below 1 it is 1.
	Parallel int

	// MaxFailures is with how many failed targets no other one begins; 0: a
	// failure stops nobody.
	MaxFailures int

	// Each does the work on one target. It is called from as many goroutines
	// as run at once, and must come to an end when its context does.
	Each func(context.Context, Target) (R, error)

	// Later says of an error that the target is only taken, so that it can be
	// tried again; nil: never. Such a target waits without a place among those
	// that run, and is tried again, at growing intervals, once no other one is
	// left to begin: for Wait at least, and once more behind that.
	Later func(error) bool
	Wait  time.Duration

	// Observe is told of each event, by one goroutine at a time; nil: nobody.
	Observe func(Event[R])
}

// EventKind is what happened to a target.
type EventKind int

const (
	Started EventKind = iota
	Waiting           // it is taken, and will be tried again
	Ended
)

// An Event is something that happened to a target.
type Event[R any] struct {
	Kind    EventKind
	Outcome Outcome[R] // of Started the target alone, of Waiting what was in the way as well
}

// Try again after retryMin at first, then after ever longer, up to retryMax.
const (
	retryMin = 500 * time.Millisecond
	retryMax = 5 * time.Second
)

// turn is a target on its way through a run.
type turn struct {
	at    int // its place in the report
	since time.Time
	due   time.Time
	pause time.Duration
	last  bool // its time to wait is over
}

// run is the state of Run, which one goroutine has.
type run[R any] struct {
	Fleet[R]
	report  *Report[R]
	ended   chan ending[R]
	running int
	failed  int
}

type ending[R any] struct {
	turn
	result R
	err    error
	began  time.Time
}

// Run does it, and reports on every target, in the order in which they were to
// go. When ctx ends, those that run are waited for, and no other one begins.
func (f Fleet[R]) Run(ctx context.Context) *Report[R] {
	started := time.Now()
	r := &run[R]{Fleet: f, report: &Report[R]{}, ended: make(chan ending[R])}
	for _, t := range append(append([]Target{}, f.Canaries...), f.Rest...) {
		r.report.Outcomes = append(r.report.Outcomes, Outcome[R]{Target: t, State: NotStarted})
	}
	n := len(f.Canaries)
	r.stage(ctx, 0, n, 1, 1)
	stop := CanaryFailed
	if r.failed == 0 && ctx.Err() == nil {
		r.stage(ctx, n, len(r.report.Outcomes), max(1, f.Parallel), f.MaxFailures)
		stop = TooManyFailed
	}
	if ctx.Err() != nil {
		stop = Interrupted
	}
	if r.report.Count(NotStarted)+r.report.Count(Broken) > 0 {
		r.report.Stopped = stop
	}
	r.report.Elapsed = time.Since(started)
	return r.report
}

// stage runs the targets from one place in the report up to another.
func (r *run[R]) stage(ctx context.Context, from, to, parallel, maxFailures int) {
	next, later, done := from, []turn(nil), ctx.Done()
	over := func() bool { return ctx.Err() != nil || maxFailures > 0 && r.failed >= maxFailures }
	for {
		var wake *time.Timer
		for !over() && r.running < parallel && wake == nil {
			i := soonest(later)
			if next < to {
				r.start(ctx, turn{at: next})
				next++
			} else if i < 0 {
				break
			} else if wait := time.Until(later[i].due); wait > 0 {
				wake = time.NewTimer(wait)
			} else {
				r.start(ctx, later[i])
				later = slices.Delete(later, i, i+1)
			}
		}
		if r.running == 0 && wake == nil {
			return
		}
		var due <-chan time.Time
		if wake != nil {
			due = wake.C
		}
		select {
		case e := <-r.ended:
			r.running--
			if t, again := r.end(ctx, e, over()); again {
				later = append(later, t)
			}
		case <-due:
		case <-done:
			done = nil // those that run end by themselves now
		}
		if wake != nil {
			wake.Stop()
		}
	}
}

func soonest(later []turn) int {
	at := -1
	for i, t := range later {
		if at < 0 || t.due.Before(later[at].due) {
			at = i
		}
	}
	return at
}

func (r *run[R]) start(ctx context.Context, t turn) {
	began := time.Now()
	if t.since.IsZero() {
		t.since, t.pause = began, retryMin
	}
	t.last = began.Sub(t.since) >= r.Wait
	r.running++
	target := r.report.Outcomes[t.at].Target
	r.tell(Started, Outcome[R]{Target: target})
	go func() {
		result, err := r.Each(ctx, target)
		r.ended <- ending[R]{t, result, err, began}
	}()
}

// end notes what became of a target, or that it is to be tried again.
func (r *run[R]) end(ctx context.Context, e ending[R], stopped bool) (t turn, again bool) {
	o := &r.report.Outcomes[e.at]
	o.Result, o.Err, o.Elapsed, o.Waited = e.result, e.err, time.Since(e.began), e.began.Sub(e.since)
	taken := e.err != nil && r.Later != nil && r.Later(e.err)
	switch {
	case e.err == nil:
		o.State, o.Err = Done, nil
	case taken && stopped:
		o.State = NotStarted // it has done nothing, and will not
	case ctx.Err() != nil:
		o.State = Broken
	case taken && !e.last:
		r.tell(Waiting, *o)
		t = e.turn
		t.due, t.pause = time.Now().Add(t.pause), min(2*t.pause, retryMax)
		if limit := t.since.Add(r.Wait); t.due.After(limit) {
			t.due = limit
		}
		return t, true
	default:
		o.State = Failed
		r.failed++
	}
	r.tell(Ended, *o)
	return t, false
}

func (r *run[R]) tell(kind EventKind, o Outcome[R]) {
	if r.Observe != nil {
		r.Observe(Event[R]{kind, o})
	}
}

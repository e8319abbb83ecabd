package dbwarden

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A statement that waits for a table keeps everybody behind it waiting, too:
// PostgreSQL and MySQL queue readers behind the waiting ALTER. So it waits no
// longer than the lock timeout, lets go, and comes again later, until
// Config.LockRetry is over.

// DefaultLockRetry is for how long a migration that ran into its lock timeout
// is tried again. It outlives a report or a backup of a minute.
const DefaultLockRetry = 3 * time.Minute

// Between two tries a run pauses, at first for about retryMin, doubling up to
// retryMax. That is less than the server allows a session to be silent.
const (
	retryMin = time.Second
	retryMax = 20 * time.Second
)

// runUnit runs a group, and runs it again when a wait for a lock ran into its
// limit and nothing of the group stayed, or what stayed could be taken away.
func (r *runner) runUnit(ctx context.Context, g plan.Group, unit func() engine.Unit) error {
	again := r.trying()
	var err error
	left := false // something invalid, which keeps the group from being run
	for {
		switch {
		case r.waited != nil:
			err, r.waited = r.waited, nil
		case !left:
			err = r.send(ctx, unit)
			r.at.end()
		}
		if r.ran(g, err) && !again.over(ctx) {
			// What is left is to write that it ran.
			if e := again.pause(ctx, err); e != nil {
				return e
			}
			return r.write(ctx, again, r.sent.Closing)
		}
		if err == nil || !r.again(ctx, g, err) || again.over(ctx) {
			return err
		}
		if e := again.pause(ctx, err); e != nil {
			return e
		}
		if r.anew(ctx, g) != nil {
			return err
		}
		var e error
		if left, e = r.takeAway(ctx, g); e != nil && !r.w.c.Engine.Fault(e).WaitedOut {
			return err
		}
	}
}

// write writes into our own tables what a group did that is in the database for
// good, and writes it again while a wait for a lock runs into its limit.
func (r *runner) write(ctx context.Context, again *tries, closing []engine.Query) error {
	for {
		err := r.s.Run(ctx, engine.Unit{Begin: r.w.c.Engine.Dialect.Begin, Closing: closing})
		u, ok := errors.AsType[*engine.UnitError](err)
		if !ok || !u.RolledBack {
			return err
		}
		u.Part = engine.PartClosing
		if !r.w.c.Engine.Fault(err).WaitedOut || again.over(ctx) {
			return err
		}
		if e := again.pause(ctx, err); e != nil {
			return e
		}
	}
}

// tries are the tries at one piece of work.
type tries struct {
	r       *runner
	started time.Time
	number  int
	wait    time.Duration // before the next one
}

func (r *runner) trying() *tries {
	t := &tries{r: r, started: time.Now(), number: 1, wait: retryMin}
	if r.waited != nil {
		t.started = r.started
	}
	return t
}

func (t *tries) over(ctx context.Context) bool {
	return time.Since(t.started) >= t.r.w.lockRetry() || ctx.Err() != nil
}

// pause tells of a try that waited in vain, and pauses before the next one.
// Before a long wait begins anew, the hold must still be ours. Its error ends
// the tries.
func (t *tries) pause(ctx context.Context, err error) error {
	r := t.r
	for {
		sleep := t.wait/2 + rand.N(t.wait)
		t.wait = min(2*t.wait, retryMax)
		r.emit(event.LockTimeout, func(e *event.Event) {
			e.Number, e.Elapsed, e.Err, e.Blockers = t.number, sleep, err, engine.Blockers(r.at.blocked())
		})
		timer := time.NewTimer(sleep)
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(err, context.Cause(ctx)) // that it was to stop is what ended it
		case <-timer.C:
		}
		t.number++
		r.tries = t.number
		good, e := r.hold.Good(ctx)
		switch {
		case e == nil && good:
			return nil
		case e == nil:
			return lock.ErrLost
		case !r.w.c.Engine.Fault(e).WaitedOut || t.over(ctx):
			return err
		}
	}
}

// send runs a group, whose evidence may have been presumed: then a look tells
// what it is.
func (r *runner) send(ctx context.Context, unit func() engine.Unit) error {
	r.look = false
	r.sent = unit()
	err := r.s.Run(ctx, r.sent)
	u, ok := errors.AsType[*engine.UnitError](err)
	if r.look = r.presumed && ok && u.Part == engine.PartOpening && journal.IsCondition(r.w.c.Engine.Fault(err)); r.look {
		r.sent = unit()
		err = r.s.Run(ctx, r.sent)
	}
	return err
}

// again says whether a group may simply be run again.
func (r *runner) again(ctx context.Context, g plan.Group, err error) bool {
	if !r.w.c.Engine.Fault(err).WaitedOut {
		return false
	}
	var u *engine.UnitError
	if !errors.As(err, &u) {
		return false
	}
	switch g.Mode {
	case plan.InTransaction:
		return u.RolledBack
	case plan.Alone:
		if u.Part == engine.PartOpening {
			return true // nothing has begun
		}
		if g.To-g.From != 1 || u.Part != engine.PartStatement {
			return false
		}
		// The server refused the one statement, whole. Its entry stays begun
		// until the next try's takes its place. Of one that may leave
		// something (CREATE INDEX CONCURRENTLY) the evidence tells.
		return g.Atomic || r.proof != "" && r.w.find(ctx, r.s, r.proof).Outcome == engine.TookNot
	}
	return false
}

// ran says that a group outside a transaction has run, and that somebody kept
// that from being written.
func (r *runner) ran(g plan.Group, err error) bool {
	u, ok := errors.AsType[*engine.UnitError](err)
	if !ok || g.Mode != plan.Alone || u.Part != engine.PartClosing && u.Part != engine.PartCommit || !r.w.c.Engine.Fault(err).WaitedOut {
		return false
	}
	u.Part = engine.PartClosing // a COMMIT that waited in vain has not happened
	return true
}

// anew puts the session back to where it was before the first try of a
// transaction: a rollback leaves what is the session's own (variables and
// temporary tables on MySQL, prepared statements on PostgreSQL), and the next
// try would find that. Where what stands before the group has made something
// that cannot be made again, the session stays as it is.
func (r *runner) anew(ctx context.Context, g plan.Group) error {
	if g.Mode != plan.InTransaction {
		return nil
	}
	from := r.from(g)
	if at := r.step.outline.Fleeting.Number; at > 0 && at <= from {
		return nil
	}
	skip, broken := r.step.outline.Bonds.Resume(from)
	if broken != nil {
		return nil
	}
	if err := r.s.Reset(ctx, r.limits); err != nil {
		return err
	}
	_, err := r.restoreSettings(ctx, from, skip)
	return err
}

// takeAway takes away what a try left that was broken off. left says that it
// is still there: that, too, waits for others.
func (r *runner) takeAway(ctx context.Context, g plan.Group) (left bool, err error) {
	if g.Mode != plan.Alone || g.Atomic {
		return false, nil
	}
	for _, o := range r.w.find(ctx, r.s, r.proof).Clear {
		if err := r.w.c.Engine.Witness.Clear(ctx, r.s, o); err != nil {
			return true, err
		}
	}
	return false, nil
}

// lockRetry is the configured time, or the default.
func (w *Warden) lockRetry() time.Duration {
	if w.c.LockRetry == 0 {
		return DefaultLockRetry
	}
	return w.c.LockRetry
}

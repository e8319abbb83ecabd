package lock

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Where several servers take writes, no native lock reaches all of them. The
// row's compare-and-swap decides there who has the lock, and a lease tells
// whether the holder lives: its beats, seen from afar.
//
// Two clocks are read, and never compared. The holder trusts its lease by its
// own, from before it asked for the last renewal that was answered. Whoever
// looks counts by theirs how long the beat has not changed. The holder's time
// is the shorter, so it has stopped before anybody may say that it is gone.
const (
	// leaseTerm is how long a beat must stand still before its holder is
	// gone.
	leaseTerm = 30 * time.Second

	// slowAnswer is from when on an answer shows that the cluster stood
	// still, and wideGap the time between two looks in which it may have:
	// then beats stand still too, and prove nothing.
	slowAnswer = 2 * time.Second
	wideGap    = 5 * time.Second
)

// errExpired is the end of a hold that was not renewed in time.
var errExpired = fmt.Errorf("%w: its lease was not renewed in time", ErrLost)

// trusted is how much of a term the holder itself relies on.
func trusted(term time.Duration) time.Duration { return term - term/6 }

// Mark is what changes with every sign of life.
type Mark struct {
	Run   string
	Token int64
	Beat  string
}

// A Sight is what somebody has seen of a holder. It is used by one goroutine.
type Sight struct {
	Term time.Duration

	mark   Mark
	since  time.Time // from when on the mark is known not to have changed
	last   time.Time // when the last look was answered
	moving bool
}

// See takes one look: the mark that was read between two moments of our
// clock. It returns Alive, Silent, Gone, or Unknown while it is too early to
// tell.
func (s *Sight) See(asked, answered time.Time, m Mark) Verdict {
	switch {
	case s.last.IsZero():
		s.since = answered
	case m != s.mark:
		s.since, s.moving = answered, true
	case answered.Sub(asked) > slowAnswer, asked.Sub(s.last) > wideGap:
		s.since = answered
	}
	s.mark, s.last = m, answered
	switch still := asked.Sub(s.since); {
	case still >= s.Term:
		return Gone
	case still >= min(Stale, s.Term/2):
		return Silent
	case s.moving:
		return Alive
	}
	return Unknown
}

// still is for how long the mark has not changed.
func (s *Sight) still() time.Duration { return max(0, s.last.Sub(s.since)) }

// A lease is the holder's own view of it.
type lease struct {
	term    time.Duration
	ordered func() bool // nothing can be renewed, nor taken over, for a statement of ours
	lose    func(error)

	mu    sync.Mutex
	until time.Time
}

// renewed is told when a renewal was asked for that has been answered.
func (l *lease) renewed(asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := asked.Add(trusted(l.term)); until.After(l.until) {
		l.until = until
	}
}

// left is how long the lease may still be trusted; at its end the hold is
// lost.
func (l *lease) left() time.Duration {
	l.mu.Lock()
	left := time.Until(l.until)
	l.mu.Unlock()
	if left > 0 {
		return left
	}
	if l.ordered != nil && l.ordered() {
		// Whoever looks gets no answer either, and counts from its end.
		l.renewed(time.Now())
		return trusted(l.term)
	}
	l.lose(errExpired)
	return 0
}

// run ends the hold when the time comes.
func (l *lease) run(ctx context.Context) {
	for {
		left := l.left()
		if left == 0 {
			return
		}
		if waitFor(ctx, left) != nil {
			return
		}
	}
}

// leased is a context that looks at the clock itself: a process that was
// stopped, and wakes up behind the end of its lease, must find out before it
// does anything, not when a timer gets its turn.
type leased struct {
	context.Context
	lease *lease
}

func (c leased) Err() error {
	if c.Context.Err() == nil {
		c.lease.left()
	}
	return c.Context.Err()
}

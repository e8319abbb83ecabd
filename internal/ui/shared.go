package ui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Many pages may be open, and each looks again every other second. A database
// feels one of them: who asks while a reading is under way waits for that one,
// and a reading serves everybody for as long as it is fresh. A page waits for
// a database only so long; then it shows what was read last, and says so.

// pace is how often and how long a kind of thing is read.
type pace struct {
	fresh    time.Duration // how long a reading serves
	limit    time.Duration // how long one may take
	patience time.Duration // how long a page waits for it
}

// lively is for what changes under way; still for what is read as a whole.
var (
	lively = pace{fresh: 1500 * time.Millisecond, limit: 10 * time.Second, patience: 2 * time.Second}
	still  = pace{fresh: 3 * time.Second, limit: 30 * time.Second, patience: 10 * time.Second}
)

// perServer is how many readings of one server are under way at once.
const perServer = 4

// readers carries out the readings of a site.
type readers struct {
	ctx   context.Context // ends with the site
	pages sync.WaitGroup  // readings under way
	now   func() time.Time

	mu    sync.Mutex
	slots map[string]chan struct{} // by server
}

func (r *readers) slot(server string) chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slots == nil {
		r.slots = map[string]chan struct{}{}
	}
	if r.slots[server] == nil {
		r.slots[server] = make(chan struct{}, perServer)
	}
	return r.slots[server]
}

// shared is one thing to read, for everybody who asks.
type shared[T any] struct {
	of   *readers
	on   string // the server
	pace pace
	read func(context.Context) (T, error)

	mu    sync.Mutex
	last  *outcome[T]
	under *turn
}

// outcome is what a reading came to.
type outcome[T any] struct {
	value T
	err   error
	began time.Time
	at    time.Time
}

// turn is a reading under way.
type turn struct {
	since time.Time
	done  chan struct{}
}

// seen is what there is to show.
type seen[T any] struct {
	value  T
	err    error
	at     time.Time     // of the reading; zero: none has come to its end
	behind time.Duration // for how long a newer one has kept us waiting; 0: there is none
}

// known says that there is something to show.
func (s seen[T]) known() bool { return !s.at.IsZero() && s.err == nil }

// get returns a fresh reading, or what there is when patience ends.
func (s *shared[T]) get(ctx context.Context) seen[T] {
	s.mu.Lock()
	if s.last != nil && s.of.now().Sub(s.last.at) < s.pace.fresh {
		defer s.mu.Unlock()
		return seen[T]{value: s.last.value, err: s.last.err, at: s.last.at}
	}
	if s.under == nil && s.of.ctx.Err() == nil {
		s.begin()
	}
	t := s.under
	s.mu.Unlock()
	if t != nil {
		timer := time.NewTimer(s.pace.patience)
		defer timer.Stop()
		select {
		case <-t.done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out seen[T]
	if s.last != nil {
		out = seen[T]{value: s.last.value, err: s.last.err, at: s.last.at}
	}
	if s.under != nil {
		out.behind = max(s.of.now().Sub(s.under.since), time.Nanosecond)
	}
	return out
}

// begin starts a reading, which outlives the page that asked for it.
func (s *shared[T]) begin() {
	t := &turn{since: s.of.now(), done: make(chan struct{})}
	s.under = t
	s.of.pages.Go(func() {
		ctx, cancel := context.WithTimeout(s.of.ctx, s.pace.limit)
		defer cancel()
		o := &outcome[T]{began: t.since}
		slot := s.of.slot(s.on)
		select {
		case slot <- struct{}{}:
			o.value, o.err = s.carefully(ctx)
			<-slot
			if o.err != nil && ctx.Err() != nil && s.of.ctx.Err() == nil {
				o.err = &Trouble{Message: fmt.Sprintf("the database gave no answer within %d s", int(s.pace.limit.Seconds()))}
			}
		case <-ctx.Done():
			o.err = &Trouble{Message: fmt.Sprintf("%d other readings of this server gave no answer within %d s", perServer, int(s.pace.limit.Seconds()))}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		o.at = s.of.now()
		s.last, s.under = o, nil
		close(t.done)
	})
}

// carefully reads, and makes an error of a panic: one page's mishap does not
// end the others.
func (s *shared[T]) carefully(ctx context.Context) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("a mistake in the program: the reading ended in a panic")
		}
	}()
	return s.read(ctx)
}

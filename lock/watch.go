package lock

import (
	"context"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// A Watcher looks after a hold while it is used: it tells the database that
// the holder lives and how far it is, and it notices when the hold is gone,
// so that a statement that runs for an hour is not the first to be told.
//
// It is a loop over three functions and knows no database itself.
type Watcher struct {
	// Every is the time between two looks; 0: 2 s.
	Every time.Duration

	// Beat says that the holder lives; nil where nobody listens. An error is
	// not the hold's end: the next beat may get through.
	Beat func(context.Context) error

	// Held says whether the hold is still ours. An error leaves it open.
	Held func(context.Context) (bool, error)

	// Glance looks at something else when Wake asks for it, between two looks:
	// at what would be over by the next one. nil: there is nothing.
	Glance func(context.Context)
	Wake   <-chan struct{}

	// Term is that of a lease (see lease.go), which each answered look
	// renews; 0: the hold is none. Since is from before the lock was asked
	// for. Ordered says that a statement of the holder's keeps every commit
	// waiting; nil: there is no such thing.
	Term    time.Duration
	Since   time.Time
	Ordered func() bool
}

// WatchEvery is the time between two looks, where a Watcher does not say it.
const WatchEvery = 2 * time.Second

// Start watches until stop is called. The context that it returns ends with
// the cause ErrLost when the hold is gone. stop waits for the loop's end.
func (w Watcher) Start(ctx context.Context) (held context.Context, stop func()) {
	if w.Every == 0 {
		w.Every = WatchEvery
	}
	held, lose := context.WithCancelCause(ctx)
	var leaseOf *lease
	if w.Term > 0 {
		leaseOf = &lease{term: w.Term, ordered: w.Ordered, lose: lose}
		leaseOf.renewed(w.Since)
	}
	// What the loop asks must be answered also while the run is being
	// stopped; the loop itself ends with stop.
	asking, end := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	if leaseOf != nil {
		// Apart from the looks: one that gets no answer is what it is for.
		loops.Go(func() { leaseOf.run(asking) })
		held = leased{held, leaseOf}
	}
	loops.Go(func() {
		ticker := time.NewTicker(w.Every)
		defer ticker.Stop()
		for {
			select {
			case <-asking.Done():
				return
			case <-w.Wake:
				w.glance(asking)
				continue
			case <-ticker.C:
			}
			if w.look(asking, leaseOf) {
				continue
			}
			if asking.Err() == nil {
				lose(ErrLost)
			}
			return
		}
	})
	return held, func() {
		end()
		loops.Wait()
		lose(nil)
	}
}

// look beats and says whether the hold may go on. A question that is not
// answered within the time between two looks is asked anew.
func (w Watcher) look(ctx context.Context, leaseOf *lease) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*w.Every)
	defer cancel()
	asked := time.Now()
	var beat error
	if w.Beat != nil {
		beat = w.Beat(ctx) // the hold's check below finds out what matters
	}
	held, err := w.Held(ctx)
	if leaseOf != nil && beat == nil && err == nil && held {
		leaseOf.renewed(asked)
	}
	return err != nil || held
}

func (w Watcher) glance(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.Every)
	defer cancel()
	w.Glance(ctx)
}

// Progress is how far a run is, for whoever looks.
type Progress struct {
	Migration  string // file
	Direction  string
	Statement  int // that runs now, from 1
	Statements int
}

// Watch looks after the hold with a session of its own, which connect opens
// when the first look is due, so that a short run does not pay for it.
// progress is asked at every beat; look is called behind every look with that
// session, for what else somebody beside the run can see, and by itself when
// wake asks for it.
func (h *Hold) Watch(ctx context.Context, connect func(context.Context) (engine.Session, error), progress func() Progress, look func(context.Context, engine.Session), wake <-chan struct{}) (context.Context, func()) {
	var c engine.Session
	session := func(ctx context.Context) (engine.Session, error) {
		if c != nil {
			return c, nil
		}
		var err error
		c, err = connect(ctx)
		return c, err
	}
	// A session that failed is not used again: it may be in any state.
	drop := func(err error) error {
		if err != nil && c != nil {
			c.Close()
			c = nil
		}
		return err
	}
	w := Watcher{
		Wake: wake,
		Glance: func(ctx context.Context) {
			if s, err := session(ctx); err == nil && look != nil {
				look(ctx, s)
			}
		},
		Beat: func(ctx context.Context) error {
			if h.lock.Engine.Native.Beat != nil {
				return h.lock.Engine.Native.Beat(ctx, h.session, h.lock.Key())
			}
			s, err := session(ctx)
			if err != nil {
				return err
			}
			return drop(h.beat(ctx, s, progress()))
		},
		Held: func(ctx context.Context) (bool, error) {
			s, err := session(ctx)
			if err != nil {
				return true, err
			}
			held, err := h.held(ctx, s)
			if held && err == nil && look != nil {
				look(ctx, s)
			}
			return held, drop(err)
		},
	}
	if h.leased() {
		w.Term, w.Since = h.lock.term(), h.asked
		if ordered := h.lock.Engine.Native.Ordered; ordered != nil {
			w.Ordered = func() bool { return ordered(h.session) }
		}
	}
	held, stop := w.Start(ctx)
	return held, sync.OnceFunc(func() {
		stop()
		if c != nil {
			c.Close()
		}
	})
}

// held asks the database, by another session, whether row and native lock
// are still ours.
func (h *Hold) held(ctx context.Context, s engine.Session) (bool, error) {
	row, err := h.lock.read(ctx, s)
	if err != nil {
		return true, err
	}
	if !h.ours(row) {
		return false, nil
	}
	if h.leased() {
		// The native lock is one node's, and this session may be on another.
		return true, nil
	}
	owner, err := h.lock.Engine.Native.Look(ctx, s, h.lock.Key())
	if err != nil {
		return true, err
	}
	id := h.session.ID()
	return owner.Held && (id == "" || owner.Session == "" || owner.Session == id), nil
}

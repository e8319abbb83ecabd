package dbwarden

import (
	"context"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
)

// lookout is where a run is, for the watcher, which asks from another
// goroutine; and what the watcher sees of the statement that runs: who keeps
// it waiting, and how far it is.
type lookout struct {
	activity func(ctx context.Context, s engine.Session, id string) (engine.Activity, error)
	session  func() string // the run's session, as the server names it
	emit     func(event.Event)
	wake     chan struct{} // asks the watcher to look now

	mu       sync.Mutex
	soon     *time.Timer   // asks it half-way to a lock timeout that is over before the watcher comes by
	half     time.Duration // of that lock timeout; 0: the watcher comes soon enough
	at       lock.Progress
	running  event.Event // of the statement that runs; zero between two
	since    time.Time
	blockers []engine.Blocker // who was last seen to keep it waiting
}

// newLookout is that of a run with this session.
func newLookout(e *engine.Engine, s engine.Session, emit func(event.Event)) *lookout {
	l := &lookout{activity: e.Activity, session: s.ID, emit: emit, wake: make(chan struct{}, 1)}
	l.soon = time.AfterFunc(time.Hour, func() {
		select {
		case l.wake <- struct{}{}:
		default: // it has been asked
		}
	})
	l.soon.Stop()
	return l
}

// waits says how long statements wait for locks from now on. Who keeps one
// waiting is seen only while it waits.
func (l *lookout) waits(limits engine.Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.half = 0
	if limit := limits.WithDefaults().Lock; l.activity != nil && limit > 0 && limit < 2*lock.WatchEvery {
		l.half = limit / 2
	}
}

// begin notes that a statement begins.
func (l *lookout) begin(at lock.Progress, e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.half > 0 {
		l.soon.Reset(l.half)
	}
	l.at, l.running, l.since, l.blockers = at, e, time.Now(), nil
}

// end notes that no statement runs.
func (l *lookout) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.soon.Stop()
	l.running = event.Event{}
}

func (l *lookout) progress() lock.Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at
}

// blocked is who kept the last statement waiting, as far as it was seen.
func (l *lookout) blocked() []engine.Blocker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blockers
}

// longStatement is how long a statement runs before anybody is told that it
// still does.
const longStatement = time.Second

// look is called by the watcher, with its own session. What cannot be seen is
// left out: the run does not depend on it.
func (l *lookout) look(ctx context.Context, s engine.Session) {
	l.mu.Lock()
	e, since := l.running, l.since
	l.mu.Unlock()
	if e.Kind == "" {
		return
	}
	seen := engine.Activity{Percent: -1}
	if l.activity != nil {
		if a, err := l.activity(ctx, s, l.session()); err == nil {
			seen = a
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since != since || l.running.Kind == "" {
		return // it has ended meanwhile
	}
	if len(seen.Blockers) > 0 {
		l.blockers = seen.Blockers
	}
	if time.Since(since) < longStatement {
		return
	}
	e.Kind, e.Elapsed, e.Detail, e.Percent = event.StatementRunning, time.Since(since), seen.Phase, seen.Percent
	e.Blockers = engine.Blockers(seen.Blockers)
	l.emit(e)
}

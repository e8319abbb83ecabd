package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/dbwarden-go/dbwarden/event"
)

// A program that writes to a SQLite file keeps everybody else from writing to
// it, and so from taking our lock; one that is just storing what it wrote, also
// from reading. It is no other holder: nothing tells who it is.

// WriterStep is how long one try waits for such a program. Behind each the time
// and the run's own context are looked at.
const WriterStep = 500 * time.Millisecond

// writerGrace is what one who would not wait gives it all the same: an
// application writes all the time, and is through in a moment.
const writerGrace = time.Second

// A BlockedError says that a transaction of another program, which is no run
// of ours, kept the lock from being taken until the wait was over.
type BlockedError struct {
	File   bool // it is a file that is being written to
	Waited time.Duration
	Err    error
}

func (e *BlockedError) Error() string {
	what := "has locked what this one has to write to"
	if e.File {
		what = "has a transaction open on the database file"
	}
	return fmt.Sprintf("another program, not a dbwarden run, %s, so that the migration lock could not be taken", what)
}

func (e *BlockedError) Unwrap() error { return e.Err }

// A WriterWait is a wait for programs that write.
type WriterWait struct {
	File    bool          // of the error
	Most    time.Duration // 0: a moment
	Observe event.Observer

	since    time.Time // zero: it has not begun
	say, gap time.Duration
	blocked  bool // somebody was in the way
}

// Begin is when the wait begins, unless it has.
func (w *WriterWait) Begin() {
	if w.since.IsZero() {
		w.since, w.say, w.gap = time.Now(), time.Second, sayEvery
	}
}

// Left is what is left of Most. Time in which nobody was in the way counts as
// none.
func (w *WriterWait) Left() time.Duration {
	if !w.blocked {
		return w.Most
	}
	return max(0, w.Most-time.Since(w.since))
}

// Again says whether what err kept from being done is tried again: nil, or the
// error that ends the wait. Longer than a second it is told, then at growing
// intervals.
func (w *WriterWait) Again(ctx context.Context, err error) error {
	w.Begin()
	w.blocked = true
	waited := time.Since(w.since)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case waited >= max(w.Most, writerGrace):
		return &BlockedError{File: w.File, Waited: waited, Err: err}
	case waited >= w.say:
		w.Observe.Emit(event.Event{Kind: event.LockWaiting, Holder: "a transaction of another program", Elapsed: waited, Detail: event.Writer})
		w.say, w.gap = waited+w.gap, min(2*w.gap, time.Minute)
	}
	return nil
}

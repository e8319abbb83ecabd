package dbwarden

import (
	"time"

	"github.com/dbwarden-go/dbwarden/event"
)

// relay passes on what a run tells, or keeps it back while it is not known
// yet whether that will stay true.
type relay struct {
	to   event.Observer
	hold bool
	kept []event.Event
}

func (r *relay) emit(e event.Event) {
	if !r.hold {
		r.to.Emit(e)
		return
	}
	e.At = time.Now()
	r.kept = append(r.kept, e)
}

// release passes on the first n of what was kept, and drops the others.
func (r *relay) release(n int) {
	for _, e := range r.kept[:n] {
		r.to.Emit(e)
	}
	r.hold, r.kept = false, nil
}

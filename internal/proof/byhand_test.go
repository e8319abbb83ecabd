package proof_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/lock"
)

// TestRunReleasedByHandWritesNoMore: a run freezes at each of its requests,
// and the row is released by the UPDATE that everybody may do, which ends no
// session. When the run wakes up, it can write nothing more into history and
// journal, says that the lock was lost, and the next run finishes the work.
func TestRunReleasedByHandWritesNoMore(t *testing.T) {
	onEveryServer(t, func(t *testing.T, p product) {
		actions := []wirelab.Action{wirelab.Hold}
		overWire(t, p, actions, actions, func(t *testing.T, open func(wirelab.Fault) *lab, f wirelab.Fault, j journey) (wirelab.Request, bool) {
			l, h := j.hold(t, open, f)
			if h == nil {
				return wirelab.Request{}, false
			}
			b := l.near
			locked, err := b.tryValue("SELECT COUNT(*) FROM dbwarden_lock WHERE locked")
			if err != nil || locked != "1" {
				h.wake() // there is nothing to release
				if o := <-h.ended; o.err != nil {
					t.Errorf("nobody took the lock from it, and it ended with %v", o.err)
				}
				j.finished(b)
				return h.request, true
			}
			released := make(chan error, 1)
			s := b.session()
			go func() {
				_, err := s.Exec(t.Context(), "UPDATE dbwarden_lock SET locked = FALSE, release_at = "+p.engine.Dialect.Now)
				released <- err
			}()
			came := true
			select {
			case err = <-released:
			case <-time.After(time.Second):
				// The run is between its fence and its COMMIT, and comes first.
				came = false
			}
			told := func() string {
				return b.list("SELECT version FROM dbwarden_migrations ORDER BY id") + "\n" + b.list("SELECT event FROM dbwarden_journal ORDER BY id")
			}
			before := told()
			h.wake()
			o := <-h.ended
			if !came {
				err = <-released
			}
			if err != nil {
				t.Fatalf("the UPDATE by hand: %v", err)
			}
			if came && o.err == nil && strings.Contains(h.request.Text, "IS TRUE THEN 1") {
				// It was about to read the row that it had taken, found that
				// it was not its own any more, and took it again.
				j.finished(b)
				return h.request, true
			}
			// Where the watcher's session was frozen the run was not, and may
			// have come to its end before it was released.
			frozen := h.request.Session == 1
			if came && !errors.Is(o.err, lock.ErrLost) && (frozen || o.err != nil) {
				t.Errorf("the lock was taken from it, and it ended with %v", o.err)
			}
			if after := told(); came && frozen && before != after {
				t.Errorf("the released run wrote on: from\n%s\nto\n%s", before, after)
			}
			j.settle(b, b.awaitQuiet(), false)
			j.finished(b)
			return h.request, true
		})
	})
}

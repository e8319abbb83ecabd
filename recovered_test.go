package dbwarden_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestRecoverFreesADeadRunsLockWithNothingLeftToDo: who died behind the last
// migration left the lock, which is warned of; with Recover it is freed, by one
// of several at once, and the others do not fail for it.
func TestRecoverFreesADeadRunsLockWithNothingLeftToDo(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.killed(func(e event.Event) bool { return e.Kind == event.RunDone })

		b.recover = false
		res, err := b.warden().Migrate(t.Context(), plan.Target{})
		if err != nil || len(res.Warnings) == 0 || !b.locked() {
			t.Fatalf("without Recover: %v, the warnings %q, is it held: %v", err, res.Warnings, b.locked())
		}

		b.recover, b.wait = true, 0
		var all sync.WaitGroup
		var freed atomic.Int64
		for range 6 {
			w := b.warden()
			all.Go(func() {
				res, err := w.Migrate(t.Context(), plan.Target{})
				if err != nil || len(res.Completed) > 0 {
					t.Errorf("with Recover it ended with %v, and applied %d", err, len(res.Completed))
				}
				for _, warning := range res.Warnings {
					if strings.HasSuffix(warning, "it has been freed") {
						freed.Add(1)
					}
				}
			})
		}
		all.Wait()
		if n := freed.Load(); n != 1 {
			t.Errorf("%d said that they freed it, want one", n)
		}
		if r, err := b.warden().Lock(t.Context()); err != nil || r.Verdict != lock.Free {
			t.Errorf("the lock is %s: %v", r.Verdict, err)
		}
	})
}

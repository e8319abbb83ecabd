package engine

import (
	"context"
	"time"
)

// Watched does what looks at the database with s, which gets its error where it
// waits for a lock longer than limit. What keeps it waiting is seen only while
// it waits, by another session: half-way to the limit, beside opens one. Where
// do fails since it has waited in vain, and that one saw for whom, the Activity
// has Blockers; without a limit, or where the product cannot tell, it never
// has. The error is do's own.
func Watched(ctx context.Context, e *Engine, s Session, limit time.Duration, beside func(context.Context) (Session, error), do func() error) (Activity, error) {
	if s == nil || e.Activity == nil || limit <= 0 {
		return Activity{}, do()
	}
	looking, stop := context.WithCancel(ctx)
	seen := make(chan Activity, 1)
	go func() {
		defer close(seen)
		select {
		case <-looking.Done():
			return
		case <-time.After(limit / 2):
		}
		// What cannot be seen is not told: the error is the same.
		other, err := beside(looking)
		if err != nil {
			return
		}
		defer other.Close()
		if a, err := e.Activity(looking, other, s.ID()); err == nil {
			seen <- a
		}
	}()
	err := do()
	stop()
	a := <-seen
	if err == nil || !e.Fault(err).WaitedOut {
		a = Activity{}
	}
	return a, err
}

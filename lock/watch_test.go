package lock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbwarden-go/dbwarden/lock"
)

// TestWatcher runs in virtual time.
func TestWatcher(t *testing.T) {
	gone := errors.New("no connection")
	for _, c := range []struct {
		name string
		held func(look int) (bool, error) // what the n-th look finds, from 1
		lost time.Duration                // when the hold counts as lost; 0: never
	}{
		{"held all the time", func(int) (bool, error) { return true, nil }, 0},
		{"taken away", func(n int) (bool, error) { return n < 3, nil }, 6 * time.Second},
		{"not answered is not lost", func(int) (bool, error) { return true, gone }, 0},
		{"an error is not lost, whatever else it says", func(int) (bool, error) { return false, gone }, 0},
		{"taken away behind errors", func(n int) (bool, error) {
			if n < 4 {
				return true, gone
			}
			return false, nil
		}, 8 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started, looks, beats := time.Now(), 0, 0
				w := lock.Watcher{
					Beat: func(context.Context) error { beats++; return gone },
					Held: func(context.Context) (bool, error) { looks++; return c.held(looks) },
				}
				held, stop := w.Start(t.Context())
				select {
				case <-held.Done():
				case <-time.After(time.Minute):
				}
				took := time.Since(started)
				if c.lost == 0 {
					if held.Err() != nil || looks != 30 && looks != 29 {
						t.Errorf("after %s: %v, %d looks", took, context.Cause(held), looks)
					}
				} else if took != c.lost || !errors.Is(context.Cause(held), lock.ErrLost) {
					t.Errorf("lost after %s with %v, want %s", took, context.Cause(held), c.lost)
				}
				if beats != looks {
					t.Errorf("%d beats and %d looks", beats, looks)
				}
				stop()
				if held.Err() == nil {
					t.Error("the context lives on behind stop")
				}
				if c.lost == 0 && errors.Is(context.Cause(held), lock.ErrLost) {
					t.Error("stopping counts as a loss")
				}
			})
		})
	}
}

// TestWatcherIsNotHeldUpByAQuestion: a database that does not answer must not
// keep stop waiting.
func TestWatcherIsNotHeldUpByAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lock.Watcher{Held: func(ctx context.Context) (bool, error) {
			<-ctx.Done()
			return true, ctx.Err()
		}}
		held, stop := w.Start(t.Context())
		time.Sleep(3 * time.Second)
		stop()
		if errors.Is(context.Cause(held), lock.ErrLost) {
			t.Error("a question without an answer counts as a loss")
		}
	})
}

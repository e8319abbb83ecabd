package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
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
				started := time.Now()
				var looks, beats atomic.Int64
				w := lock.Watcher{
					Beat: func(context.Context) error { beats.Add(1); return gone },
					Held: func(context.Context) (bool, error) { return c.held(int(looks.Add(1))) },
				}
				held, stop := w.Start(t.Context())
				select {
				case <-held.Done():
				case <-time.After(time.Minute):
				}
				took := time.Since(started)
				stop()
				looked, beaten := looks.Load(), beats.Load()
				if c.lost == 0 {
					if errors.Is(context.Cause(held), lock.ErrLost) || looked != 30 && looked != 29 {
						t.Errorf("after %s: %v, %d looks", took, context.Cause(held), looked)
					}
				} else if took != c.lost || !errors.Is(context.Cause(held), lock.ErrLost) {
					t.Errorf("lost after %s with %v, want %s", took, context.Cause(held), c.lost)
				}
				if beaten != looked {
					t.Errorf("%d beats and %d looks", beaten, looked)
				}
				if held.Err() == nil {
					t.Error("the context lives on behind stop")
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

// TestAWatcherGlancesWhenItIsAsked, between two looks and besides them.
func TestAWatcherGlancesWhenItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		var looks, glances atomic.Int64
		w := lock.Watcher{
			Held:   func(context.Context) (bool, error) { looks.Add(1); return true, nil },
			Glance: func(context.Context) { glances.Add(1) },
			Wake:   wake,
		}
		_, stop := w.Start(t.Context())
		defer stop()
		wake <- struct{}{}
		synctest.Wait()
		if glances.Load() != 1 || looks.Load() != 0 {
			t.Errorf("%d glances and %d looks", glances.Load(), looks.Load())
		}
		time.Sleep(lock.WatchEvery)
		synctest.Wait()
		if glances.Load() != 1 || looks.Load() != 1 {
			t.Errorf("%d glances and %d looks", glances.Load(), looks.Load())
		}
	})
}

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

const term = 30 * time.Second

// TestLeaseIsTrustedFromBeforeItWasAskedFor, in virtual time: a run beats
// every two seconds, and stops by its own clock before anybody else may say
// that it is gone.
func TestLeaseIsTrustedFromBeforeItWasAskedFor(t *testing.T) {
	gone := errors.New("no connection")
	trusted := 25 * time.Second
	for _, c := range []struct {
		name    string
		beat    func(ctx context.Context, n int) error // the n-th, from 1
		ordered func(since time.Duration) bool
		lost    time.Duration // 0: never
	}{
		{"renewed all the time", func(context.Context, int) error { return nil }, nil, 0},
		{"never renewed", func(context.Context, int) error { return gone }, nil, trusted},
		{"renewed thrice, at 2, 4 and 6 s", func(_ context.Context, n int) error {
			if n > 3 {
				return gone
			}
			return nil
		}, nil, 6*time.Second + trusted},
		{"a reply that takes long counts from before the question", func(_ context.Context, n int) error {
			if n > 1 {
				return gone
			}
			time.Sleep(9 * time.Second)
			return nil
		}, nil, 2*time.Second + trusted},
		{"no reply at all", func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}, nil, trusted},
		{"a failure or two in between", func(_ context.Context, n int) error {
			if n%3 != 0 {
				return gone
			}
			return nil
		}, nil, 0},
		{"nobody gets a commit through for a statement of ours", func(_ context.Context, n int) error {
			return gone
		}, func(d time.Duration) bool { return d < 40*time.Second }, 2 * trusted},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started := time.Now()
				var n atomic.Int64
				w := lock.Watcher{
					Term: term, Since: started,
					Beat: func(ctx context.Context) error { return c.beat(ctx, int(n.Add(1))) },
					Held: func(context.Context) (bool, error) { return true, nil },
				}
				if c.ordered != nil {
					w.Ordered = func() bool { return c.ordered(time.Since(started)) }
				}
				held, stop := w.Start(t.Context())
				select {
				case <-held.Done():
				case <-time.After(5 * time.Minute):
				}
				took := time.Since(started)
				stop()
				if c.lost == 0 {
					if errors.Is(context.Cause(held), lock.ErrLost) {
						t.Errorf("lost after %s", took)
					}
				} else if took != c.lost || !errors.Is(context.Cause(held), lock.ErrLost) {
					t.Errorf("lost after %s with %v, want %s", took, context.Cause(held), c.lost)
				}
			})
		})
	}
}

// TestLeaseIsNotRenewedByAHoldThatCannotBeSeen: a beat gets through also
// after the row is another's.
func TestLeaseIsNotRenewedByAHoldThatCannotBeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		w := lock.Watcher{
			Term: term, Since: started,
			Beat: func(context.Context) error { return nil },
			Held: func(context.Context) (bool, error) { return true, errors.New("no answer") },
		}
		held, stop := w.Start(t.Context())
		<-held.Done()
		if took := time.Since(started); took != 25*time.Second {
			t.Errorf("lost after %s", took)
		}
		stop()
	})
}

// TestAStoppedProcessFindsOutBeforeItActs: whoever wakes up behind the end of
// the lease is told by the first look at its context, also where no timer has
// had its turn yet. The lease's beginning lies in the past here, as it does
// for a process that was stopped for so long.
func TestAStoppedProcessFindsOutBeforeItActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lock.Watcher{
			Term: term, Since: time.Now().Add(-26 * time.Second),
			Held: func(context.Context) (bool, error) { return true, nil },
		}
		held, stop := w.Start(t.Context())
		// Nothing has slept: the loops have not run.
		if held.Err() == nil || !errors.Is(context.Cause(held), lock.ErrLost) {
			t.Errorf("it may go on: %v", context.Cause(held))
		}
		derived, cancel := context.WithCancel(held)
		if derived.Err() == nil {
			t.Error("a context below it may go on")
		}
		cancel()
		stop()
	})
}

// TestSightOfALease: what who looks may say, by their own clock alone.
func TestSightOfALease(t *testing.T) {
	// A look a second; the world says what is read at each second, and how
	// long that takes.
	type world func(second int) (beat string, took time.Duration)
	const prompt = 10 * time.Millisecond
	still := func(int) (string, time.Duration) { return "2026-01-01T00:00:00Z", prompt }
	for _, c := range []struct {
		name  string
		world world
		want  map[int]lock.Verdict // after so many seconds
	}{
		{"the first look tells nothing", still, map[int]lock.Verdict{0: lock.Unknown, 5: lock.Unknown}},
		{"no beat for the whole term", still, map[int]lock.Verdict{9: lock.Unknown, 12: lock.Silent, 29: lock.Silent, 31: lock.Gone}},
		{"beats", func(n int) (string, time.Duration) { return string(rune('a' + n/2)), prompt },
			map[int]lock.Verdict{1: lock.Unknown, 2: lock.Alive, 60: lock.Alive}},
		{"a holder whose clock goes backwards lives", func(n int) (string, time.Duration) {
			return time.Unix(1_800_000_000-int64(n)*3600, 0).UTC().Format(time.RFC3339), prompt
		}, map[int]lock.Verdict{1: lock.Alive, 40: lock.Alive}},
		{"a beat from a clock years ahead counts from when it was seen", func(n int) (string, time.Duration) {
			return "2099-01-01T00:00:00Z", prompt
		}, map[int]lock.Verdict{20: lock.Silent, 31: lock.Gone}},
		{"a holder that stops", func(n int) (string, time.Duration) { return string(rune('a' + min(n, 10))), prompt },
			map[int]lock.Verdict{10: lock.Alive, 19: lock.Alive, 21: lock.Silent, 39: lock.Silent, 41: lock.Gone}},
		{"a cluster that stands still proves nothing", func(n int) (string, time.Duration) {
			if n == 25 {
				return "x", 40 * time.Second // somebody's ALTER
			}
			return "x", prompt
		}, map[int]lock.Verdict{24: lock.Silent, 26: lock.Unknown, 50: lock.Silent, 56: lock.Gone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := lock.Sight{Term: term}
				for n := range 61 {
					beat, took := c.world(n)
					asked := time.Now()
					time.Sleep(took)
					got := s.See(asked, time.Now(), lock.Mark{Run: "r", Token: 1, Beat: beat})
					if want, ok := c.want[n]; ok && got != want {
						t.Errorf("after %d s: %s, want %s", n, got, want)
					}
					time.Sleep(time.Second - min(took, time.Second))
				}
			})
		})
	}
}

// TestSightOfWhoWasStopped: two looks an hour apart prove nothing of what lay
// between them.
func TestSightOfWhoWasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lock.Sight{Term: term}
		m := lock.Mark{Run: "r", Token: 1, Beat: "x"}
		s.See(time.Now(), time.Now(), m)
		time.Sleep(time.Hour)
		if got := s.See(time.Now(), time.Now(), m); got != lock.Unknown {
			t.Errorf("%s", got)
		}
	})
}

// TestHolderStopsBeforeAnybodyMaySayThatItIsGone puts both sides into one
// world: wherever between two beats the holder is cut off, it has stopped
// when the first looker calls it gone.
func TestHolderStopsBeforeAnybodyMaySayThatItIsGone(t *testing.T) {
	for cut := 2 * time.Second; cut < 7*time.Second; cut += 370 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			var beats atomic.Int64
			w := lock.Watcher{
				Term: term, Since: started,
				Beat: func(ctx context.Context) error {
					if time.Since(started) >= cut {
						<-ctx.Done()
						return ctx.Err()
					}
					beats.Add(1)                       // committed
					time.Sleep(300 * time.Millisecond) // and answered later
					return nil
				},
				Held: func(context.Context) (bool, error) { return true, nil },
			}
			held, stop := w.Start(t.Context())
			s := lock.Sight{Term: term}
			for {
				asked := time.Now()
				m := lock.Mark{Run: "r", Token: 1, Beat: string(rune('a' + beats.Load()))}
				time.Sleep(5 * time.Millisecond)
				if s.See(asked, time.Now(), m) == lock.Gone {
					break
				}
				time.Sleep(495 * time.Millisecond)
			}
			if !errors.Is(context.Cause(held), lock.ErrLost) {
				t.Errorf("cut off at %s: gone for others after %s, and still trusted", cut, time.Since(started))
			}
			stop()
		})
	}
}

package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errBad   = errors.New("bad")
	errTaken = errors.New("taken")
)

func names(n int) (out []Target) {
	for i := range n {
		out = append(out, Target{Name: fmt.Sprintf("t%04d", i+1)})
	}
	return out
}

// work is what a test's function does to targets: it takes a second for each,
// and remembers what ran when.
type work struct {
	mu      sync.Mutex
	began   []string
	running int
	most    int
	do      func(ctx context.Context, name string) error
}

func (w *work) each(ctx context.Context, t Target) (string, error) {
	w.mu.Lock()
	w.began = append(w.began, t.Name)
	w.running++
	w.most = max(w.most, w.running)
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.running--
		w.mu.Unlock()
	}()
	if w.do != nil {
		if err := w.do(ctx, t.Name); err != nil {
			return "", err
		}
	}
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-time.After(time.Second):
	}
	return "did " + t.Name, nil
}

func later(err error) bool { return errors.Is(err, errTaken) }

func states[R any](r *Report[R]) string {
	out := ""
	for _, o := range r.Outcomes {
		out += string(o.State[0])
	}
	return out
}

func TestSoManyRunAtOnceAndEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &work{}
		r := Fleet[string]{Rest: names(1000), Parallel: 8, Each: w.each}.Run(t.Context())
		slices.Sort(w.began)
		if w.most != 8 || len(slices.Compact(w.began)) != 1000 || len(w.began) != 1000 {
			t.Errorf("%d at once, %d runs", w.most, len(w.began))
		}
		if r.Count(Done) != 1000 || r.Stopped != "" || r.Elapsed != 125*time.Second {
			t.Errorf("%d done, stopped %q, %s", r.Count(Done), r.Stopped, r.Elapsed)
		}
		for i, o := range r.Outcomes {
			if want := fmt.Sprintf("t%04d", i+1); o.Target.Name != want || o.Result != "did "+want || o.Elapsed != time.Second {
				t.Fatalf("outcome %d is %+v", i, o)
			}
		}
	})
}

func TestAFailureStopsNobodyUnlessAsked(t *testing.T) {
	fails := func(_ context.Context, name string) error {
		if name == "t0002" || name == "t0005" {
			return errBad
		}
		return nil
	}
	for _, c := range []struct {
		most    int
		want    string
		stopped Stop
	}{
		{0, "dfddfddddd", ""},
		{1, "dfnnnnnnnn", TooManyFailed},
		{2, "dfddfnnnnn", TooManyFailed},
		{3, "dfddfddddd", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &work{do: fails}
			r := Fleet[string]{Rest: names(10), MaxFailures: c.most, Each: w.each}.Run(t.Context())
			if got := states(r); got != c.want || r.Stopped != c.stopped {
				t.Errorf("after %d failures: %s, %q", c.most, got, r.Stopped)
			}
		})
	}
}

// With several at once, those that run beside the last straw come to their
// end.
func TestThoseThatRunBesideTheLastStrawEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &work{do: func(_ context.Context, name string) error {
			if name == "t0002" {
				return errBad
			}
			return nil
		}}
		r := Fleet[string]{Rest: names(10), Parallel: 4, MaxFailures: 1, Each: w.each}.Run(t.Context())
		if got := states(r); got != "dfddnnnnnn" {
			t.Error(got)
		}
	})
}

func TestACanaryGoesFirstAndAlone(t *testing.T) {
	for _, c := range []struct {
		fails string
		want  string
		began int
		stop  Stop
	}{
		{"", "dddddd", 6, ""},
		{"t0001", "fnnnnn", 1, CanaryFailed},
		{"t0002", "dfnnnn", 2, CanaryFailed},
	} {
		synctest.Test(t, func(t *testing.T) {
			all := names(6)
			ended := map[string]bool{}
			var mu sync.Mutex
			w := &work{do: func(_ context.Context, name string) error {
				mu.Lock()
				defer mu.Unlock()
				if name == "t0002" && !ended["t0001"] || name > "t0002" && !ended["t0002"] {
					t.Errorf("%s began beside a canary", name)
				}
				if name == c.fails {
					return errBad
				}
				return nil
			}}
			observe := func(e Event[string]) {
				if e.Kind == Ended {
					mu.Lock()
					ended[e.Outcome.Target.Name] = true
					mu.Unlock()
				}
			}
			r := Fleet[string]{Canaries: all[:2], Rest: all[2:], Parallel: 3, Each: w.each, Observe: observe}.Run(t.Context())
			if got := states(r); got != c.want || len(w.began) != c.began || r.Stopped != c.stop {
				t.Errorf("%s fails: %s, %v began, stopped %q", c.fails, got, w.began, r.Stopped)
			}
		})
	}
}

// Two places, and four targets that are taken: the others are done before
// anybody is tried again.
func TestATakenTargetKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		w := &work{do: func(_ context.Context, name string) error {
			if name <= "t0004" && time.Since(from) < 20*time.Second {
				return errTaken
			}
			return nil
		}}
		var waited, started []string
		observe := func(e Event[string]) {
			switch e.Kind {
			case Waiting:
				waited = append(waited, e.Outcome.Target.Name)
			case Started:
				started = append(started, e.Outcome.Target.Name)
			}
		}
		r := Fleet[string]{Rest: names(20), Parallel: 2, Wait: time.Minute, Later: later, Each: w.each, Observe: observe}.Run(t.Context())
		if got := states(r); got != strings.Repeat("d", 20) || r.Stopped != "" {
			t.Errorf("%s, stopped %q", got, r.Stopped)
		}
		if first := started[:20]; !slices.IsSorted(first) {
			t.Errorf("somebody was tried again before all had begun: %v", first)
		}
		if len(waited) < 8 || len(w.began) > 20+4*12 {
			t.Errorf("waited %d times, began %d", len(waited), len(w.began))
		}
		if r.Elapsed > 28*time.Second {
			t.Errorf("it took %s", r.Elapsed)
		}
	})
}

func TestATakenTargetFailsWhenItsTimeIsOver(t *testing.T) {
	for _, wait := range []time.Duration{0, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := &work{do: func(_ context.Context, name string) error {
				if name == "t0001" {
					return errTaken
				}
				return nil
			}}
			r := Fleet[string]{Rest: names(2), Parallel: 2, Wait: wait, Later: later, Each: w.each}.Run(t.Context())
			if got := states(r); got != "fd" || !errors.Is(r.Outcomes[0].Err, errTaken) {
				t.Errorf("%s, %v", got, r.Outcomes[0].Err)
			}
			if want := max(wait, time.Second); r.Elapsed != want {
				t.Errorf("with a wait of %s it took %s, want %s", wait, r.Elapsed, want)
			}
			if wait == 0 && len(w.began) != 2 {
				t.Errorf("without a wait it was tried again: %v", w.began)
			}
		})
	}
}

// What was only taken counts as not begun when the run ends before its turn
// comes again.
func TestWhoeverStopsItIsToldWhatIsDoneAndWhatIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stop")
		w := &work{do: func(_ context.Context, name string) error {
			if name == "t0001" {
				return errTaken
			}
			return nil
		}}
		time.AfterFunc(1500*time.Millisecond, func() { cancel(stop) })
		r := Fleet[string]{Rest: names(9), Parallel: 2, Wait: time.Minute, Later: later, Each: w.each}.Run(ctx)
		if got := states(r); got != "nddiinnnn" || r.Stopped != Interrupted {
			t.Errorf("%s, stopped %q", got, r.Stopped)
		}
		for _, o := range r.Outcomes {
			if o.State == Broken && !errors.Is(o.Err, stop) {
				t.Errorf("%s: %v", o.Target.Name, o.Err)
			}
		}
		if r.Elapsed != 1500*time.Millisecond || w.running != 0 {
			t.Errorf("it took %s, and %d still run", r.Elapsed, w.running)
		}
	})
}

// A run that is stopped while all that is left waits does not wait on.
func TestARunThatOnlyWaitsIsStoppedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		w := &work{do: func(context.Context, string) error { return errTaken }}
		r := Fleet[string]{Rest: names(1), Wait: time.Hour, Later: later, Each: w.each}.Run(ctx)
		if got := states(r); got != "n" || r.Elapsed != 3*time.Second || !errors.Is(r.Outcomes[0].Err, errTaken) {
			t.Errorf("%s after %s: %v", got, r.Elapsed, r.Outcomes[0].Err)
		}
	})
}

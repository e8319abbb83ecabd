package fleet

import "time"

// State is what became of a target.
type State string

const (
	Done       State = "done"        // also where there was nothing to do
	Failed     State = "failed"      // Err says how
	Broken     State = "interrupted" // the run was stopped while this one was under way
	NotStarted State = "not_started" // the run was stopped before its turn, or while it was taken
)

// Stop is why a run began no further target.
type Stop string

const (
	CanaryFailed  Stop = "canary_failed"
	TooManyFailed Stop = "max_failures"
	Interrupted   Stop = "interrupted"
)

// An Outcome is what became of one target.
type Outcome[R any] struct {
	Target  Target
	State   State
	Result  R
	Err     error
	Elapsed time.Duration // of its last try
	Waited  time.Duration // from its first try to its last
}

// A Report is what became of all of them.
type Report[R any] struct {
	Outcomes []Outcome[R] // in the order in which they were to go
	Stopped  Stop         // "" where all had their turn
	Elapsed  time.Duration
}

// Count is how many targets ended in a state.
func (r *Report[R]) Count(s State) (n int) {
	for _, o := range r.Outcomes {
		if o.State == s {
			n++
		}
	}
	return n
}

package lock

import (
	"context"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Verdict is what can be said of the holder.
type Verdict string

const (
	Free    Verdict = "free"
	Alive   Verdict = "alive"         // the native lock is held, and the holder says that it lives
	Silent  Verdict = "not answering" // the native lock is held, and the holder has not said so for Stale
	Gone    Verdict = "gone"          // the row is locked, and the native lock that it took is free
	Kept    Verdict = "kept"          // the holder failed half-way and kept the row on purpose
	ByHand  Verdict = "by hand"       // the row was locked by an UPDATE, to freeze migrations
	Unknown Verdict = "unknown"       // held by a tool that takes no native lock
)

// Status is the lock as somebody sees who looks.
type Status struct {
	Active  bool
	Verdict Verdict
	Row     Row
	Owner   engine.Owner // of the native lock
	Beat    *Beat        // what the holder last said; nil: nothing (yet)
	Node    string       // of a cluster, where the holder of a lease has its session

	// Follows is why the native lock may be held on another server, of which
	// the one that was asked is a copy: there it could not be looked at.
	Follows string

	// Waiting are those who ask for the lock meanwhile, as their sessions call
	// themselves; WaitersKnown says that the database told.
	Waiting      []string
	WaitersKnown bool

	// SessionLives is set on a free lock whose last holder was released by
	// hand and still has its session.
	SessionLives bool
}

// Who names the holder for people.
func (s Status) Who() string {
	switch {
	case s.Verdict == ByHand:
		return "nobody: it was locked by hand"
	case s.Row.Holder != "" && s.Row.Run != "":
		return s.Row.Holder
	case s.Row.Owner != "":
		return "another tool (owner token " + s.Row.Owner + ")"
	case s.Row.Locked:
		return "an unknown holder"
	case s.Owner.App != "":
		return s.Owner.App
	}
	return "another dbwarden process"
}

// looks is how often the native lock must be seen free before its holder is
// called gone, lookPause the time between two looks: a holder that is just
// releasing is seen once, not thrice.
const (
	looks     = 3
	lookPause = 30 * time.Millisecond
)

// Inspect looks at the lock without taking, creating or waiting for
// anything. Where something cannot be seen it returns an error; no table is
// a free lock.
//
// Whether the holder of a lease lives is seen by its beats: that takes two
// seconds where it does, and the lease's term where it does not.
func (l Lock) Inspect(ctx context.Context, s engine.Session) (Status, error) {
	l.sight = &Sight{Term: l.term()}
	for {
		status, err := l.inspect(ctx, s)
		undecided := status.Verdict == Unknown || status.Verdict == Silent && !status.Owner.Held
		if err != nil || !undecided || !l.isLease(status.Row) || status.Follows != "" {
			return status, err
		}
		if err := waitFor(ctx, leasePause); err != nil {
			return Status{}, err
		}
	}
}

// leasePause is the time between two looks at the beats of a lease.
const leasePause = 500 * time.Millisecond

func (l Lock) inspect(ctx context.Context, s engine.Session) (Status, error) {
	var last Row
	for i := 1; ; i++ {
		row, err := l.read(ctx, s)
		if err != nil {
			return Status{}, err
		}
		if row == nil {
			row = &Row{}
		}
		if row.Run != last.Run || row.Token != last.Token {
			// Another hold than at the look before, of which nothing is known
			// yet: where many come and go, each look may meet one that ends.
			i, last = 1, *row
		}
		owner, err := l.Engine.Native.Look(ctx, s, l.Key())
		if err != nil {
			return Status{}, err
		}
		status, err := l.view(ctx, s, row, owner)
		if err != nil {
			return Status{}, err
		}
		if l.isLease(*row) {
			status.Follows = s.Server().Follows
		} else if status.Follows = s.Server().Follows; status.Verdict == Gone && status.Follows != "" {
			// The row came here from another server, the native lock did not.
			status.Verdict = Unknown
		}
		if !l.isLease(*row) && (status.Verdict == Alive || status.Verdict == Unknown && status.Follows != "") {
			if status.Beat, err = l.readBeat(ctx, s, row.Run); err != nil {
				return Status{}, err
			}
			if owner.Beat > 0 {
				status.Beat = &Beat{Age: owner.Beat}
			}
			if status.Verdict == Alive && status.Beat == nil {
				if status.Beat, err = l.firstSign(ctx, s, *row); err != nil {
					return Status{}, err
				}
			}
			if status.Verdict == Alive && status.Beat != nil && status.Beat.Age > Stale {
				status.Verdict, status.Owner.Silent = Silent, true
			}
		}
		if status.Verdict != Gone || i == looks {
			return status, nil
		}
		if err := waitFor(ctx, lookPause); err != nil {
			return Status{}, err
		}
	}
}

// See is Inspect with those who wait for the lock: for people, who want to
// know what else stands still.
func (l Lock) See(ctx context.Context, s engine.Session) (Status, error) {
	status, err := l.Inspect(ctx, s)
	if err != nil || !status.Active || l.Engine.Native.Waiters == nil {
		return status, err
	}
	status.Waiting, status.WaitersKnown, err = l.Engine.Native.Waiters(ctx, s, l.Key(), status.Owner)
	return status, err
}

// Locked reads the row alone, in one query: whether a closer look is worth
// while.
func (l Lock) Locked(ctx context.Context, s engine.Session) (bool, error) {
	row, err := l.read(ctx, s)
	return row != nil && row.Locked, err
}

// judge puts row and native lock together.
func (l Lock) judge(row *Row, owner engine.Owner) Status {
	st := Status{Active: row.Locked, Row: *row, Owner: owner, Verdict: Free}
	switch {
	case !row.Locked && owner.Held:
		// A run that has not yet written its row, has just cleared it, or
		// was released by hand.
		st.SessionLives = row.Run != "" && row.State == Running
	case !row.Locked:
	case row.State == Released, row.State == Forced, row.Run != "" && !row.ReleasedAt.IsZero():
		// Whoever had it is through with it, or was released by hand: this is
		// an UPDATE by hand.
		st.Verdict = ByHand
	case l.Engine.Native.Knows(row.Native) && owner.Held && !l.another(row, owner):
		st.Verdict = Alive
	case row.State == Failed:
		st.Verdict = Kept
	case l.Engine.Native.Knows(row.Native):
		st.Verdict = Gone
	case row.Run == "" && row.Owner == "" && row.Native == "":
		st.Verdict = ByHand
	default:
		st.Verdict = Unknown
	}
	return st
}

// another says whether the native lock is proven to be held by somebody else
// than whom the row names: by one who asks for a lock that he will not get.
func (l Lock) another(row *Row, owner engine.Owner) bool {
	if row.Run == "" && row.State == Released {
		return true
	}
	// Behind a pooler, what is left of a run may be seen by another session.
	return row.Native == l.Engine.Native.Name && row.Session != "" && owner.Session != "" && row.Session != owner.Session
}

// inspectAfter is Inspect, unless nothing has moved since seen found a lease
// that had run out.
func (l Lock) inspectAfter(ctx context.Context, s engine.Session, seen Status) (Status, error) {
	if seen.Verdict != Gone || !l.isLease(seen.Row) {
		return l.Inspect(ctx, s)
	}
	row, err := l.read(ctx, s)
	if err != nil {
		return Status{}, err
	}
	beat, err := l.readBeat(ctx, s, seen.Row.Run)
	if err != nil {
		return Status{}, err
	}
	same := row != nil && row.Locked && row.Run == seen.Row.Run && row.Token == seen.Row.Token &&
		(beat == nil) == (seen.Beat == nil) && (beat == nil || beat.At == seen.Beat.At)
	if !same {
		return l.Inspect(ctx, s)
	}
	return seen, nil
}

// isLease says whether whoever took this row did so for a lease.
func (l Lock) isLease(row Row) bool {
	return row.Locked && row.Native != "" && row.Native == l.Engine.Native.Leased
}

func (l Lock) term() time.Duration {
	if l.Term > 0 {
		return l.Term
	}
	return leaseTerm
}

// view is judge, for a lease too.
func (l Lock) view(ctx context.Context, s engine.Session, row *Row, owner engine.Owner) (Status, error) {
	if !l.isLease(*row) {
		return l.judge(row, owner), nil
	}
	blind := owner.Blind
	if owner.Session != row.Session {
		owner = engine.Owner{} // this node's lock is with somebody who looks, or waits
	}
	st := l.judge(row, owner)
	_, st.Node, _ = strings.Cut(row.Session, "@")
	if st.Verdict != Alive && st.Verdict != Gone {
		return st, nil
	}
	if st.Verdict == Gone && !blind && st.Node == s.Server().Node {
		return st, nil // its session was here, and is not any more
	}
	asked := time.Now()
	var err error
	if st.Beat, err = l.readBeat(ctx, s, row.Run); err != nil {
		return st, err
	}
	m := Mark{Run: row.Run, Token: row.Token}
	if st.Beat != nil {
		m.Beat = st.Beat.At
	}
	seen := l.sight.See(asked, time.Now(), m)
	if seen == Gone && owner.Held {
		seen = Silent // its process is stopped; its session holds this node's lock
	}
	if st.Beat != nil {
		st.Beat.Age = l.sight.still() // by our clock, not by another machine's
	}
	st.Verdict = seen
	return st, nil
}

// lostRace says that a write of ours was refused because another node's came
// first.
func (l Lock) lostRace(s engine.Session, err error) bool {
	if err == nil || s.Server().Cluster == "" {
		return false
	}
	f := l.Engine.Fault(err)
	return f.Kind == engine.Busy && !f.WaitedOut || f.Kind == engine.Duplicate
}

// insist writes the row, again where another node's write came between.
func (l Lock) insist(ctx context.Context, s engine.Session, query string, args ...any) (n int64, err error) {
	for range 5 {
		if n, err = s.Exec(ctx, query, args...); !l.lostRace(s, err) {
			break
		}
	}
	return n, err
}

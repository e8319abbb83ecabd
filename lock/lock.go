// Package lock permits: it decides who may change a database, one run at a
// time, whatever dies.
//
// A lock has three parts. The row in dbwarden_lock is the truth for people
// and survives crashes on purpose. The native lock of the product, taken on
// the session that runs the statements, is mutual exclusion and proof of
// life: the server frees it when that session ends. The pair of fencing
// token and run id is checked in the commit of every piece of work, so that
// a holder that was paused or released can change nothing any more. Who runs
// holds both row and native lock.
//
// The package knows nothing of migrations. It creates and extends its own
// table, always under the native lock, and never drops anything.
package lock

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
)

// A Lock is the lock of one database, or of one schema in it.
type Lock struct {
	Engine *engine.Engine
	Schema string // where the table lives, as the catalogue names it

	// Floor is a scalar SQL expression for the highest token known elsewhere
	// (the journal's), so that tokens rise even past a lost or restored row;
	// "" for none. Prepare makes what it reads.
	Floor string

	// Prepare is called under the native lock before the row is taken, to
	// create what the holder will need; nil for nothing.
	Prepare func(context.Context, engine.Session) error

	// Term is that of a lease, where the lock is one; 0: 30 s.
	Term time.Duration

	sight *Sight // of a lease's holder, from one look to the next
}

// Holder is who takes the lock.
type Holder struct {
	User, Host string
	Pid        int
	Program    string // "dbwarden 1.3.0"
	Command    string // "migrate"
}

func (h Holder) String() string {
	return fmt.Sprintf("%s@%s pid %d (%s %s)", h.User, h.Host, h.Pid, h.Program, h.Command)
}

// Options say how to wait.
type Options struct {
	// Wait is how long to wait for another holder; 0 fails at once.
	Wait time.Duration

	// Run is the id of the run; "" makes one.
	Run string

	// Recover takes over from a holder that is gone, or that kept the lock
	// after a failure, instead of giving up.
	Recover bool

	Observe event.Observer
}

// NewRun returns an id for a run: a UUID that sorts by time.
func NewRun() string {
	id, err := uuid.NewV7()
	if err != nil {
		// Only a machine without randomness comes here; then nothing we
		// could make up would be unique.
		panic(err)
	}
	return id.String()
}

// RunMark is the end of a run's id, as the run's session has it in its name: a
// server cuts the name, and how the id begins is the time, which runs share
// that begin in the same minute.
func RunMark(run string) string { return run[strings.LastIndexByte(run, '-')+1:] }

// ErrLost says that the hold was taken away while it was in use: unlock, an
// UPDATE by hand, or the end of its session.
var ErrLost = errors.New("the lock was lost")

// ErrNotHeld says that there is nothing to release.
var ErrNotHeld = errors.New("the lock is not held")

// A HeldError says that somebody else holds the lock.
type HeldError struct {
	Status Status
	Waited time.Duration
}

func (e *HeldError) Error() string {
	if e.Status.Verdict == ByHand {
		return "the migration lock was locked by hand, to keep everybody from migrating"
	}
	s := "the migration lock is held by " + e.Status.Who()
	switch e.Status.Verdict {
	case Gone:
		s += ", whose process is gone"
	case Kept:
		s += ", kept after a failure"
	case Unknown:
		s += "; whether it is alive cannot be known"
	}
	return s
}

// Hold is the lock, held.
type Hold struct {
	Run   string
	Token int64

	// From is whose lock was taken over; nil: it was free.
	From *Status

	lock    Lock
	session engine.Session
	holder  Holder
	asked   time.Time // before the row was taken
	observe event.Observer
}

// leased says whether the hold is a lease.
func (h *Hold) leased() bool { return h.session.Server().Cluster != "" }

// Poll bounds: between tries a waiter sleeps from pollMin, doubling, to
// pollMax, with jitter, so that many waiters do not come at once. Waiting
// inside the server instead would deadlock with an index that is built
// concurrently.
const (
	pollMin = 50 * time.Millisecond
	pollMax = time.Second

	// sayEvery is how often a waiter says again that it waits, at first; it
	// doubles up to a minute.
	sayEvery = 10 * time.Second
)

// releaseGrace is how long a holder gets between clearing its row and giving
// back its native lock before its session counts as one that was released by
// hand.
const releaseGrace = 5 * time.Second

// entryGrace is how long somebody who would not wait does so all the same for
// a holder that is not in the row: a moment later it has a name, or has gone.
// On a machine where fifty start at once the moment has been seen to be two
// seconds long.
const entryGrace = 10 * time.Second

// endReleased ends the session of a holder that was released by hand. A
// failure leaves things as they are: the waiter goes on waiting.
func (l Lock) endReleased(ctx context.Context, s engine.Session, st Status) {
	if st.Owner.Session == "" || st.Owner.Session != st.Row.Session {
		return // not proven to be the one that was released
	}
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	l.Engine.Native.Evict(ctx, s, l.Key(), st.Owner) // see above
}

// Key is the lock's name for the product's native lock.
func (l Lock) Key() engine.Key {
	return engine.Key{Schema: l.Schema, Digest: sha256.Sum256([]byte("dbwarden-lock-v1\x00" + l.Schema + "\x00dbwarden_migrations"))}
}

// Acquire takes the lock for h on s, the session that will run the work.
// Errors: *HeldError when somebody else has it and o.Wait is over or waiting
// is useless, *BlockedError, ctx's cause, *ErrNewerTable, or the database's own.
func (l Lock) Acquire(ctx context.Context, s engine.Session, h Holder, o Options) (taken *Hold, failed error) {
	if why := s.Server().ReadOnly; why != "" {
		return nil, &ReadOnlyError{why}
	}
	if o.Run == "" {
		o.Run = NewRun()
	}
	l.sight = &Sight{Term: l.term()}
	started := time.Now()
	say, nextSay := time.Duration(0), sayEvery
	pause := pollMin
	var released time.Time // since when the row was seen free beside a living session
	retakes := 0
	writer := WriterWait{File: l.Engine.Caps.File, Most: o.Wait, Observe: o.Observe}
	writer.Begin()
	if hasten := l.Engine.Hasten; hasten != nil {
		if err := hasten(ctx, s, WriterStep); err != nil {
			return nil, fmt.Errorf("set the wait for other programs: %w", err)
		}
		defer func() {
			if e := hasten(context.WithoutCancel(ctx), s, -1); failed == nil && e != nil {
				failed = fmt.Errorf("set the wait for other programs: %w", e)
			}
		}()
	}
	for {
		hold, status, err := l.try(ctx, s, h, o)
		waited := time.Since(started)
		if err != nil && l.Engine.Fault(err).WaitedOut {
			// Somebody's transaction keeps the row from being written: on
			// SQLite, any that writes. That is not another holder.
			if err := writer.Again(ctx, err); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		switch {
		case !status.SessionLives:
			released = time.Time{}
		case released.IsZero():
			released = time.Now()
		case time.Since(released) >= releaseGrace:
			// Released by hand, and its session goes on: it can commit
			// nothing, but it keeps everybody out. Its right to be here is
			// gone, so it is ended.
			l.endReleased(ctx, s, status)
			released = time.Time{}
		}
		if hold != nil {
			hold.observe = o.Observe
			o.Observe.Emit(event.Event{Kind: event.LockAcquired, Run: hold.Run, Elapsed: waited})
			return hold, nil
		}
		limit := o.Wait
		if status.Verdict == Alive && status.Row.Run == "" {
			limit = max(limit, entryGrace)
		}
		if status.Verdict == Unknown && l.isLease(status.Row) {
			// Whether it lives is known after a beat or two.
			limit = max(limit, 2*WatchEvery)
		}
		over := status.Verdict == Gone || status.Verdict == Kept
		if over && o.Recover && retakes < maxRetakes {
			// It died, or ended, between our reach for its native lock and our
			// look at it: reached for again, the lock is there to be had.
			over = false
			retakes++
			limit = max(limit, waited+1)
		}
		if over || waited >= limit {
			return nil, &HeldError{Status: status, Waited: waited}
		}
		if waited >= say {
			o.Observe.Emit(event.Event{Kind: event.LockWaiting, Holder: status.Who(), Elapsed: waited, Detail: string(status.Verdict)})
			say, nextSay = waited+nextSay, min(2*nextSay, time.Minute)
		}
		sleep := min(pause/2+rand.N(pause), max(limit-waited, time.Millisecond))
		pause = min(2*pause, pollMax)
		if err := waitFor(ctx, sleep); err != nil {
			return nil, err
		}
	}
}

// maxRetakes bounds how often a lock is reached for whose holder is over: where
// several reach for it, one gets it, and the others find it held.
const maxRetakes = 5

// try takes the lock, or says who has it.
func (l Lock) try(ctx context.Context, s engine.Session, h Holder, o Options) (*Hold, Status, error) {
	got, err := l.Engine.Native.Try(ctx, s, l.Key())
	if err != nil {
		return nil, Status{}, fmt.Errorf("take the native lock: %w", err)
	}
	if !got {
		status, err := l.inspect(ctx, s)
		if err == nil && !status.Active {
			// Between its native lock and its row, or between releasing the
			// one and the other, a holder is not in the row: what stands
			// there is of another.
			status.Active, status.Verdict = true, Alive
			if !status.SessionLives {
				status.Row = Row{}
			}
		}
		return nil, status, err
	}
	hold, status, err := l.takeRow(ctx, s, h, o)
	if l.lostRace(s, err) {
		// Another node's run was quicker: to make a table, or to the row.
		hold, status, err = nil, Status{Active: true, Verdict: Alive}, nil
	}
	if hold == nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		if _, freeErr := l.Engine.Native.Free(cleanup, s, l.Key()); freeErr != nil && err == nil {
			err = fmt.Errorf("give back the native lock: %w", freeErr)
		}
	}
	return hold, status, err
}

// cleanupTime is what giving back gets once the run's own context has ended.
const cleanupTime = 10 * time.Second

// takeRow takes the row, under the native lock.
func (l Lock) takeRow(ctx context.Context, s engine.Session, h Holder, o Options) (*Hold, Status, error) {
	if err := l.ensure(ctx, s); err != nil {
		return nil, Status{}, err
	}
	if l.Prepare != nil {
		if err := l.Prepare(ctx, s); err != nil {
			return nil, Status{}, err
		}
	}
	hold, err := l.claim(ctx, s, h, o.Run, free)
	if hold != nil || err != nil {
		return hold, Status{}, err
	}
	row, err := l.read(ctx, s)
	if err != nil {
		return nil, Status{}, err
	}
	if row == nil {
		return nil, Status{}, fmt.Errorf("the row of %s went away while it was being taken", Table)
	}
	if row.Locked && row.Run == o.Run {
		// Our own, whose answer got lost.
		hold, err = l.claim(ctx, s, h, o.Run, sameHold(row))
		return hold, Status{}, err
	}
	// We hold the native lock, so nobody else does.
	status, err := l.view(ctx, s, row, engine.Owner{})
	if err != nil {
		return nil, Status{}, err
	}
	if o.Recover && (status.Verdict == Gone || status.Verdict == Kept) {
		if err := l.recall(ctx, s, &status); err != nil {
			return nil, Status{}, err
		}
		if hold, err = l.claim(ctx, s, h, o.Run, sameHold(row)); hold != nil {
			hold.From = &status
		}
		return hold, status, err
	}
	return nil, status, nil
}

// sameHold is true of the row as it was read, and of no newer one.
func sameHold(row *Row) string {
	at := ""
	if row.ReleasedAt.IsZero() {
		at = unreleased
	}
	return fmt.Sprintf("locked AND fencing_token = %d AND run_id = '%s'%s", row.Token, strings.ReplaceAll(row.Run, "'", "''"), at)
}

// unreleased tells a hold from a row that was released by hand and then
// locked by hand again, to freeze: that one has the run and the token of the
// hold before, and the time of its release.
const unreleased = " AND release_at IS NULL"

// free is true of a row that nobody holds.
const free = "locked IS NOT TRUE"

// unclaim gives back a row that was free and may have been taken: the server
// may have done it though its answer was not waited for, as when the run is
// told to stop. A row that was another's stays locked. Nothing was run.
func (l Lock) unclaim(ctx context.Context, s engine.Session, run, condition string) {
	if condition != free {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	d := l.Engine.Dialect
	// The error before is the one to tell; with the session gone, the row
	// stays for whoever looks.
	_, _ = s.Exec(ctx, "UPDATE "+l.table()+" SET locked = FALSE, release_at = "+d.Now+", run_id = NULL, session_id = NULL, native = NULL, "+
		"state = "+d.Bind(1)+" WHERE id = 1 AND locked AND run_id = "+d.Bind(2)+unreleased, string(Released), run)
}

// claim writes the row for h, if it is still as the condition says; nil says
// that it is not.
func (l Lock) claim(ctx context.Context, s engine.Session, h Holder, run, condition string) (*Hold, error) {
	d := l.Engine.Dialect
	token := "fencing_token"
	if l.Floor != "" {
		token = "CASE WHEN fencing_token < " + l.Floor + " THEN " + l.Floor + " ELSE fencing_token END"
	}
	asked := time.Now()
	n, err := s.Exec(ctx, "UPDATE "+l.table()+" SET locked = TRUE, acquired_at = "+d.Now+", release_at = NULL, "+
		"fencing_token = "+token+" + 1, run_id = "+d.Bind(1)+", holder = "+d.Bind(2)+", session_id = "+d.Bind(3)+
		", native = "+d.Bind(4)+", state = "+d.Bind(5)+", detail = NULL WHERE id = 1 AND "+condition,
		run, engine.Fit(h.String(), 500), s.ID(), l.Engine.Native.Kind(s.Server()), string(Running))
	if err != nil {
		if !l.Engine.Fault(err).WaitedOut { // else it was not written
			l.unclaim(ctx, s, run, condition)
		}
		return nil, fmt.Errorf("take the lock row: %w", err)
	}
	if n != 1 {
		return nil, nil
	}
	row, err := l.read(ctx, s)
	if err != nil {
		l.unclaim(ctx, s, run, condition)
		return nil, err
	}
	if row == nil || row.Run != run || !row.Locked || !row.ReleasedAt.IsZero() {
		return nil, nil
	}
	return &Hold{Run: run, Token: row.Token, lock: l, session: s, holder: h, asked: asked}, nil
}

// Fence is a scalar subselect that yields the hold's token while it is still
// good, and NULL after it was taken away. Written into a NOT NULL column as
// the last statement before COMMIT it makes the server refuse the work of
// whoever is no longer the holder: a check whose result only we would read
// could be overtaken by a pipelined COMMIT.
//
// A release by hand sets release_at, which stays when somebody freezes the
// lock after it: locked again, the row is no more the old holder's.
func (h *Hold) Fence() string {
	return fmt.Sprintf("(SELECT fencing_token FROM %s WHERE id = 1 AND locked AND release_at IS NULL AND fencing_token = %d AND run_id = '%s'%s)",
		h.lock.table(), h.Token, h.Run, h.lock.Engine.Dialect.ForUpdate)
}

// Good asks the server whether the hold is still ours.
func (h *Hold) Good(ctx context.Context) (bool, error) {
	row, err := h.lock.read(ctx, h.session)
	return h.ours(row), err
}

// ours says whether the row is still as this hold wrote it.
func (h *Hold) ours(row *Row) bool {
	return row != nil && row.Locked && row.ReleasedAt.IsZero() && row.Run == h.Run && row.Token == h.Token
}

// Holder is who holds it.
func (h *Hold) Holder() Holder { return h.holder }

// Carry writes this hold into another copy of the lock's row: the one in a
// copy of the database that takes the place of what is there. The hold is the
// same one afterwards.
func (h *Hold) Carry() engine.Query {
	d, l := h.lock.Engine.Dialect, h.lock
	return engine.Query{
		Text: "UPDATE " + l.table() + " SET locked = TRUE, acquired_at = " + d.Now + ", release_at = NULL, fencing_token = " + d.Bind(1) +
			", run_id = " + d.Bind(2) + ", holder = " + d.Bind(3) + ", session_id = " + d.Bind(4) + ", native = " + d.Bind(5) +
			", state = " + d.Bind(6) + ", detail = NULL WHERE id = 1",
		Args: []any{h.Token, h.Run, engine.Fit(h.holder.String(), 500), h.session.ID(), l.Engine.Native.Kind(h.session.Server()), string(Running)},
	}
}

// Freed makes another copy of the lock's row, in a copy of the database, that
// of a lock which nobody holds.
func (l Lock) Freed() engine.Query {
	d := l.Engine.Dialect
	return engine.Query{
		Text: "UPDATE " + l.table() + " SET locked = FALSE, release_at = " + d.Now + ", run_id = NULL, session_id = NULL, native = NULL, " +
			"state = " + d.Bind(1) + ", detail = NULL WHERE id = 1",
		Args: []any{string(Released)},
	}
}

// Release gives the lock back: the row first, so that the native lock goes
// on protecting it, then the native lock. ErrLost says that it had been
// taken away before.
func (h *Hold) Release(ctx context.Context) error {
	l, d := h.lock, h.lock.Engine.Dialect
	n, err := h.patiently(ctx, "UPDATE "+l.table()+" SET locked = FALSE, release_at = "+d.Now+", run_id = NULL, session_id = NULL, native = NULL, "+
		"state = "+d.Bind(1)+", detail = NULL WHERE id = 1 AND locked AND release_at IS NULL AND run_id = "+d.Bind(2)+" AND fencing_token = "+d.Bind(3),
		string(Released), h.Run, h.Token)
	if err != nil {
		return l.lost(fmt.Errorf("release the lock row: %w", err))
	}
	freed, err := l.Engine.Native.Free(ctx, h.session, l.Key())
	switch {
	case err != nil && n > 0 && l.Engine.Fault(err).Kind == engine.Lost:
		return nil // the session ended behind our release, and its lock with it
	case err != nil:
		return fmt.Errorf("release the native lock: %w", err)
	case n == 0 || !freed:
		return ErrLost
	}
	return nil
}

// An UnfreedError says that a run is over and that its row could not be written
// to say so: whoever comes next finds a holder that is gone.
type UnfreedError struct{ Err error }

func (e *UnfreedError) Error() string { return e.Err.Error() }
func (e *UnfreedError) Unwrap() error { return e.Err }

// patiently runs a statement again while a wait for a lock runs into its
// limit: a row that stays locked because an application was writing just then
// would call somebody in the night. It ends with ctx.
//
// The statement has a transaction of its own, so that the server's answer to
// COMMIT says that it took effect, whatever the session commits by itself.
func (h *Hold) patiently(ctx context.Context, query string, args ...any) (int64, error) {
	l, s := h.lock, h.session
	if hasten := l.Engine.Hasten; hasten != nil {
		if err := hasten(ctx, s, WriterStep); err != nil {
			return 0, err
		}
		defer func() { _ = hasten(context.WithoutCancel(ctx), s, -1) }() // its run is over
	}
	started, told := time.Now(), false
	for {
		n, err := l.committed(ctx, s, query, args...)
		if err == nil || !l.Engine.Fault(err).WaitedOut && ctx.Err() == nil {
			return n, err
		}
		if ctx.Err() != nil {
			return n, &UnfreedError{err}
		}
		if !told && time.Since(started) >= time.Second {
			told = true
			h.observe.Emit(event.Event{Kind: event.Warning, Run: h.Run, Detail: "another program is writing to the database; waiting for it, to write down what has become of the lock"})
		}
	}
}

func (l Lock) committed(ctx context.Context, s engine.Session, query string, args ...any) (int64, error) {
	if _, err := s.Exec(ctx, l.Engine.Dialect.Begin); err != nil {
		return 0, err
	}
	n, err := s.Exec(ctx, query, args...)
	if err == nil {
		_, err = s.Exec(ctx, "COMMIT")
	}
	if err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		_, _ = s.Exec(cleanup, "ROLLBACK") // the error before is the one to tell
	}
	return n, err
}

// lost adds that the hold is lost to the error of a session that has ended.
func (l Lock) lost(err error) error {
	if l.Engine.Fault(err).Kind == engine.Lost && !errors.Is(err, ErrLost) {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

// Keep leaves the row locked, because the database is in a state that no
// migration describes, and gives the native lock back. detail is one line
// for whoever looks.
func (h *Hold) Keep(ctx context.Context, detail string) error {
	l, d := h.lock, h.lock.Engine.Dialect
	n, err := h.patiently(ctx, "UPDATE "+l.table()+" SET state = "+d.Bind(1)+", detail = "+d.Bind(2)+
		" WHERE id = 1 AND locked AND release_at IS NULL AND run_id = "+d.Bind(3)+" AND fencing_token = "+d.Bind(4),
		string(Failed), engine.Fit(detail, 2000), h.Run, h.Token)
	if err != nil {
		return l.lost(fmt.Errorf("mark the lock as kept: %w", err))
	}
	if _, err := l.Engine.Native.Free(ctx, h.session, l.Key()); err != nil {
		return fmt.Errorf("release the native lock: %w", err)
	}
	if n == 0 {
		return ErrLost
	}
	return nil
}

// ReadOnlyError says that this server takes no writes, so that no lock on it
// would mean anything: a standby grants native locks of its own.
type ReadOnlyError struct{ Why string }

func (e *ReadOnlyError) Error() string { return "nothing can be written here: " + e.Why }

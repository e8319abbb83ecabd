// Package dbwarden applies plain SQL migrations to a database, one run at a
// time.
//
// A Warden knows one database and one folder of migrations. Its verbs load
// the folder, take the lock, plan, run and release; what each of these means
// is told by the packages migration, lock, plan and journal, and what a
// database product needs by the packages below engine. The package prints
// nothing, reads no environment and keeps no state outside a Warden.
//
// A service applies what it has embedded before it begins:
//
//	w, err := dbwarden.Open(url, dbwarden.Config{Engine: postgres.Engine(), Migrations: folder, Wait: time.Minute})
//	if err != nil {
//		return err
//	}
//	res, err := w.Migrate(ctx, plan.Target{})
//
// Replicas that start together may all do so: one of them applies, the others
// wait for it, up to Config.Wait, and find nothing to do. The folder
// examples/service has it whole, for each engine.
package dbwarden

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Config says what a Warden watches over. Engine and Database are required.
type Config struct {
	Engine   *engine.Engine
	Database engine.Database

	// Migrations is the folder; nil for verbs that read none (Lock, Unlock).
	Migrations fs.FS

	// Go are migrations in Go, which stand among the files in the order of their
	// versions.
	Go []migration.Go

	// Loaded is that folder as Load has read it, with those in Go, for whoever runs many verbs
	// on one that stays as it is; nil: each verb reads it anew. A file that is
	// another one when its turn comes is refused in any case.
	Loaded *migration.Set

	// Holder is who we are, for the lock row and the history. Zero: this
	// process, on this host, by this user, with the command "library".
	Holder lock.Holder

	// Wait is how long to wait for the lock; 0 fails at once.
	Wait time.Duration

	// Recover takes over from a run that is gone or failed half-way, where
	// what it left can be settled, instead of asking for an unlock.
	Recover bool

	// Fingerprint has a run that came to its end keep what the schema looks
	// like, and the next one with something to do look whether it is still so:
	// what was changed in between is told as Result.Drift. nil: neither.
	Fingerprint *Fingerprint

	// RefuseDrift has Migrate refuse (*DriftError) a schema that is not as the
	// last run left it, or of which that cannot be seen.
	RefuseDrift bool

	// Limits protect the database's other users; zero means the documented
	// defaults.
	Limits engine.Limits

	// LockRetry is for how long a migration that waited in vain for a table
	// or row is tried again; 0: DefaultLockRetry; negative: not at all.
	LockRetry time.Duration

	// NoPipeline has each migration go to the server step by step, with an
	// answer to each statement before the next is sent, also where several
	// migrations could share a round trip, or a transaction.
	NoPipeline bool

	// Schema names the objects of the schema that s works in, ours left out,
	// each with a digest of what it is: what a saved plan was made for is known
	// again by it. nil: saved plans know files and history alone.
	Schema func(ctx context.Context, s engine.Session) (map[string]string, error)

	// Vars are the values of variables in files that ask for them, by name;
	// names do not depend on case.
	Vars map[string]migration.Value

	// Env is which environment the database belongs to: what is for others
	// does not run. "" is none, for which only files without environments are.
	Env string

	// BeforeRun is called under the lock when there is something to run, before
	// the first statement of it: for a backup, or somebody's consent. Its error
	// ends the run, before anything is touched. nil: nothing.
	BeforeRun func(context.Context, Before) error

	// Hooks are called around the run and its migrations, those of one moment
	// in their order. HookTimeout is how long one of them may take; 0:
	// DefaultHookTimeout.
	Hooks       []Hook
	HookTimeout time.Duration

	// SkipConditions has no file's conditions asked, for a database that is
	// there for planning: what they ask of rows is not true there.
	SkipConditions bool

	// Observe receives what happens; nil drops it.
	Observe event.Observer
}

// A Warden applies migrations to one database. It owns no connection between
// calls, and is safe for use by several goroutines.
type Warden struct{ c Config }

// New checks the configuration. It connects to nothing.
func New(c Config) (*Warden, error) {
	if c.Engine == nil || c.Database == nil {
		return nil, errors.New("dbwarden: Config needs an Engine and a Database")
	}
	if c.Holder == (lock.Holder{}) {
		c.Holder = ourselves()
	}
	for _, h := range c.Hooks {
		if err := h.sound(); err != nil {
			return nil, fmt.Errorf("dbwarden: Config.Hooks: %w", err)
		}
		if _, err := sqltext.All(h.SQL, c.Engine.Lexis); err != nil {
			return nil, fmt.Errorf("dbwarden: Config.Hooks: %s: %w", h.At, err)
		}
	}
	if _, err := migration.Functions(c.Go); err != nil {
		return nil, fmt.Errorf("dbwarden: Config.Go: %w", err)
	}
	for name := range c.Vars {
		if !migration.ValidVariable(name) {
			return nil, fmt.Errorf("dbwarden: Config.Vars: %q is no name of a variable", name)
		}
	}
	if o := c.Observe; o != nil {
		var mu sync.Mutex
		c.Observe = func(e event.Event) {
			mu.Lock()
			defer mu.Unlock()
			o(e)
		}
	}
	return &Warden{c}, nil
}

// Migrate applies what is pending, up to the target. With nothing to do it
// takes no lock.
//
// Errors: migration.Problems for a folder that cannot be read,
// *plan.Refusal, *DriftError, *lock.HeldError, *MigrationError, lock.ErrLost,
// or the database's own. The result tells what was applied in any case.
func (w *Warden) Migrate(ctx context.Context, t plan.Target) (*Result, error) {
	return w.run(ctx, migration.Up, t, nil)
}

// Rollback reverts the newest migrations by order of execution, one unless
// the target says otherwise. Of two files with one version it takes the one that
// ran. Errors as for Migrate.
func (w *Warden) Rollback(ctx context.Context, t plan.Target) (*Result, error) {
	return w.run(ctx, migration.Down, t, nil)
}

// Result is what a run did.
type Result struct {
	Run       string
	Direction migration.Direction
	Planned   []*migration.Migration
	Completed []*migration.Migration // in the order of their execution
	Elapsed   time.Duration
	Beyond    []*migration.Migration // with nothing to do up to a target: what is pending above it
	Pending   int                    // of Migrate: how many are left to apply; negative where that is not known
	Warnings  []string               // told as events as well, ahead of the last one

	// Drift is what was changed in the schema since the last run, nil for
	// nothing, or where that is not known.
	Drift *Drift

	// Noted are squashed migrations that were written into the history without
	// being run, since all that they replace is there.
	Noted []*migration.Migration

	// TookOver: the lock was a run's that is gone or failed. It stays held
	// where nothing was run.
	TookOver bool

	// Unfinished and Progress are, behind a *lock.HeldError, what is half done:
	// as of LockReport.
	Unfinished *journal.Entry
	Progress   plan.Progress
}

// of is w at work for one run: whatever is told of it bears the run's id, also
// what knows of no run, as the wait for the lock and what the server says.
func (w *Warden) of(run string) *Warden {
	own, to := w.c, w.c.Observe
	own.Observe = func(e event.Event) {
		e.Run = run
		to.Emit(e)
	}
	return &Warden{own}
}

// run is the story of migrate and rollback. saved is the plan that is to be
// run, nil for whatever is to do.
func (w *Warden) run(ctx context.Context, d migration.Direction, t plan.Target, saved *savedPlan) (res *Result, err error) {
	started := time.Now()
	res = &Result{Run: lock.NewRun(), Direction: d, Pending: -1}
	w = w.of(res.Run)
	events := &relay{to: w.c.Observe}
	own := w.c
	own.Observe = events.emit
	w = &Warden{own}
	var todo *agenda
	w.c.Observe.Emit(event.Event{Kind: event.RunStarted, Run: res.Run, Direction: string(d)})
	defer func() {
		res.Elapsed = time.Since(started)
		if todo != nil && d == migration.Up && saved == nil {
			res.Pending = todo.left + len(todo.steps) - len(res.Completed)
		}
		for _, text := range res.Warnings {
			w.c.Observe.Emit(event.Event{Kind: event.Warning, Run: res.Run, Detail: text})
		}
		w.c.Observe.Emit(event.Event{Kind: event.RunEnded, Run: res.Run, Direction: string(d), Elapsed: res.Elapsed, Pending: res.Pending, Err: err})
	}()

	// The first plan is for finding out whether there is anything to do. On a
	// file it is made by a session that does not create it. The folder is read
	// while the database is asked; what is wrong with it is told first.
	folder := w.loading(ctx, d)
	defer folder.end()
	var s engine.Session
	defer func() {
		if s != nil {
			err = w.denied(s, err, true)
			s.Close()
		}
	}()
	var h *journal.History
	writer, looks := w.writerWait(), &Warden{own}
	if w.c.Engine.Caps.SingleWriter {
		looks.c.Limits.Lock = lock.WriterStep // past counts the time
	}
	err = w.past(folder.ctx, writer, func() (err error) {
		if s != nil {
			s.Close()
		}
		if s, err = looks.connect(folder.ctx, res.Run, w.c.Engine.Caps.File); err != nil && !errors.Is(err, engine.ErrNoDatabase) {
			return err
		}
		return w.watched(ctx, s, func() (err error) {
			h, err = w.history(ctx, s, d)
			return err
		})
	})
	set, bad := folder.wait(ctx)
	if bad != nil {
		return res, bad
	}
	if err != nil {
		return res, err
	}
	var dead *lock.Status // whose lock is to be freed, where there is nothing else to do
	switch {
	case saved == nil:
		var beyond []*migration.Migration
		todo, beyond, err = w.planOn(h, s, set, d, t, nil)
		if err != nil && !unfinished(err) {
			return res, w.withDifferences(ctx, s, set, h, err)
		}
		if err == nil && len(todo.steps) == 0 && (d == migration.Down || len(plan.Untracked(set, h)) == 0) {
			res.Beyond = beyond
			w.warnEmpty(set, h, res)
			if dead, err = looks.warnHeld(ctx, s, writer, res); err != nil || dead == nil {
				return res, err
			}
		}
	case len(saved.Steps) == 0:
		if _, err := w.planSaved(ctx, s, set, t, saved); err != nil {
			return res, err
		}
		w.warnEmpty(set, h, res)
		if dead, err = looks.warnHeld(ctx, s, writer, res); err != nil || dead == nil {
			return res, err
		}
	}
	// Whether a saved plan is still good is looked at under the lock alone:
	// whoever has it now may be at the very same plan.
	if w.c.Engine.Caps.File {
		if s != nil {
			s.Close()
		}
		if err = w.past(ctx, writer, func() (err error) {
			s, err = w.connect(ctx, res.Run, false)
			return err
		}); err != nil {
			return res, w.unfreed(dead, err, res)
		}
	}

	j := w.journal(s)
	wait := writer.Left()
	if dead != nil && s.Server().Cluster == "" {
		wait = 0 // with nothing to do nobody is waited for; on a cluster whoever is dead is known after a while
	}
	hold, err := w.lock(s, j).Acquire(ctx, s, w.c.Holder, lock.Options{Wait: wait, Run: res.Run, Recover: w.c.Recover, Observe: w.c.Observe})
	if err != nil && dead != nil {
		return res, w.unfreed(dead, err, res)
	}
	if err != nil {
		w.halfDone(ctx, s, j, err, res)
		return res, err
	}
	res.TookOver = hold.From != nil
	// From here on the work is done on a context that ends with the hold.
	at := newLookout(w.c.Engine, s, events.to.Emit)
	held, stop := hold.Watch(ctx, w.beside, at.progress, at.look, at.wake)
	defer stop() // an observer that panics leaves no watcher behind
	// What was pending before the lock was ours may have been applied by
	// whoever had it: the plan is made anew.
	if anew, e := w.planUnder(held, s, j.Writer(hold), hold, set, d, t, h, todo, saved); e != nil {
		err = e
	} else {
		todo = anew
	}
	h = nil // it may be large, and the run long
	if err == nil && len(todo.steps) > 0 {
		err = w.seekDrift(held, s, j, res)
	}
	var around *hooks
	if err == nil {
		around = w.hooks(s, hold, todo, res, started)
		err = around.run(held, HookBeforeRun)
	}
	if err == nil {
		err = w.before(held, s, todo, res)
	}
	if err == nil {
		err = w.walk(held, s, j.Writer(hold), hold, todo, t.Atomic, at, events, around, res)
	}
	if err == nil && d == migration.Up {
		err = w.underHold(held, w.noteSquashed(held, s, j.Writer(hold), set, res))
	}
	if err == nil {
		err = around.run(held, HookAfterRun)
	}
	if err == nil {
		w.keepFingerprint(held, s, j, j.Writer(hold), res)
	}
	stop()
	err = w.letGo(ctx, s, hold, err, len(res.Completed) > 0)
	if err == nil && dead != nil && hold.From != nil {
		res.Warnings = append(res.Warnings, (&lock.HeldError{Status: *hold.From}).Error()+": it has been freed")
	}
	return res, around.ended(ctx, err)
}

// halfDone notes what a holder left half done that does not run any more: the
// next step depends on it. Not to know is no error of the run's.
func (w *Warden) halfDone(ctx context.Context, s engine.Session, j *journal.Journal, err error, res *Result) {
	held, ok := errors.AsType[*lock.HeldError](err)
	if !ok || held.Status.Verdict != lock.Kept && held.Status.Verdict != lock.Gone {
		return
	}
	if h, err := j.Read(ctx, s); err == nil {
		res.Unfinished, res.Progress = plan.Unfinished(h)
	}
}

// unfinished says that a plan was refused because an attempt is open. Before
// the lock is ours that attempt may be somebody's who is still at it; the
// lock tells.
func unfinished(err error) bool {
	var r *plan.Refusal
	if !errors.As(err, &r) {
		return false
	}
	switch r.Code {
	case plan.InDoubt, plan.MendedTooEarly, plan.HalfReverted, plan.BelowHalfApplied, plan.FileGone, plan.SessionGone, plan.HalfRestored:
		return true
	}
	return false
}

// letGo releases the lock, or keeps it when the database was left in a state
// that no migration describes. ran says that a migration came to its end: then
// nothing is left of what a holder before left half done.
func (w *Warden) letGo(ctx context.Context, s engine.Session, hold *lock.Hold, err error, ran bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if !errors.Is(err, lock.ErrLost) {
		// What the last file set in the session must not decide whether the
		// lock can be let go.
		if e := s.Reset(ctx, w.c.Limits); e != nil {
			err = errors.Join(err, fmt.Errorf("reset the session: %w", e))
		}
	}
	var failed *MigrationError
	if errors.As(err, &failed) && failed.State == Partial {
		e := hold.Keep(ctx, failed.Summary())
		failed.LockKept = e == nil
		if e == nil {
			w.c.Observe.Emit(event.Event{Kind: event.LockKept, Run: hold.Run, Detail: failed.Error()})
		}
		return errors.Join(err, e)
	}
	if errors.Is(err, lock.ErrLost) {
		return err
	}
	if hold.From != nil && err != nil && failed == nil && !ran {
		// Taken over from somebody, and then nothing was run: what that one
		// left is as it was, and so the lock stays held.
		detail := err.Error()
		w.c.Observe.Emit(event.Event{Kind: event.LockKept, Run: hold.Run, Detail: detail})
		return errors.Join(err, hold.Keep(ctx, detail))
	}
	if e := hold.Release(ctx); e != nil {
		if _, unfreed := errors.AsType[*lock.UnfreedError](e); unfreed && failed != nil {
			failed.LockKept = true
		}
		return errors.Join(err, e)
	}
	w.c.Observe.Emit(event.Event{Kind: event.LockReleased, Run: hold.Run})
	return err
}

// cleanupTime is what a release gets once the run's own context has ended.
const cleanupTime = 10 * time.Second

// planUnder plans with the lock in hand, and writes down whose it was. before
// is the plan that was made of h without it, and stays where nothing was written
// since; saved the one that is to be run. Each is nil for none.
func (w *Warden) planUnder(ctx context.Context, s engine.Session, jw *journal.Writer, hold *lock.Hold, set *migration.Set, d migration.Direction, t plan.Target, h *journal.History, before *agenda, saved *savedPlan) (todo *agenda, err error) {
	if hold.From != nil {
		q := jw.TakenOver(hold.From)
		if _, err := s.Exec(ctx, q.Text, q.Values()...); err != nil {
			return nil, w.underHold(ctx, fmt.Errorf("write the journal: %w", err))
		}
	}
	unsure, err := w.settle(ctx, s, jw, set, d)
	if err != nil {
		return nil, w.underHold(ctx, err)
	}
	if saved == nil && before != nil && before.server == s.Server() && hold.From == nil && len(h.Open) == 0 {
		same, err := w.journal(s).Unchanged(ctx, s, h)
		if err != nil {
			return nil, w.underHold(ctx, fmt.Errorf("read the history: %w", err))
		}
		if same {
			return before, nil
		}
	}
	if saved != nil {
		todo, err = w.planSaved(ctx, s, set, t, saved)
	} else {
		todo, err = w.plan(ctx, s, set, d, t, before)
	}
	var r *plan.Refusal
	if errors.As(err, &r) && r.Code == plan.InDoubt {
		r.Detail = unsure
	}
	return todo, w.underHold(ctx, err)
}

// underHold says of an error that it is the hold that was lost, where it is.
func (w *Warden) underHold(held context.Context, err error) error {
	if err != nil && (errors.Is(context.Cause(held), lock.ErrLost) || w.c.Engine.Fault(err).Kind == engine.Lost) {
		return fmt.Errorf("%w: %w", lock.ErrLost, err)
	}
	return err
}

// plan reads the history and plans.
func (w *Warden) plan(ctx context.Context, s engine.Session, set *migration.Set, d migration.Direction, t plan.Target, before *agenda) (*agenda, error) {
	h, err := w.history(ctx, s, d)
	if err != nil {
		return nil, err
	}
	todo, _, err := w.planOn(h, s, set, d, t, before)
	return todo, err
}

// history is what a plan of that direction needs to know. Without a session
// there is no database yet, and no history.
func (w *Warden) history(ctx context.Context, s engine.Session, d migration.Direction) (h *journal.History, err error) {
	if s == nil {
		return &journal.History{}, nil
	}
	if d == migration.Up {
		h, err = w.journal(s).Read(ctx, s)
	} else {
		h, err = w.journal(s).ReadWhole(ctx, s)
	}
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return h, nil
}

// planOn decides what is to run, and refuses what cannot; what before has seen
// is not looked at again.
func (w *Warden) planOn(h *journal.History, s engine.Session, set *migration.Set, d migration.Direction, t plan.Target, before *agenda) (todo *agenda, beyond []*migration.Migration, err error) {
	defer func() { placeDoubt(set, h, err) }()
	v := engine.Server{}
	if s != nil {
		v = s.Server()
	}
	decide := plan.Up
	if d == migration.Down {
		decide = plan.Down
	}
	p, err := decide(set, h, t)
	if err != nil {
		return nil, nil, err
	}
	todo = &agenda{w: w, server: v, steps: p.Steps, left: p.Left}
	if w.c.BeforeRun != nil {
		todo.newest = plan.Newest(set, h)
	}
	var seen []plan.Step
	if before != nil && before.server == v {
		seen = before.steps
	}
	if err := todo.sound(seen); err != nil {
		return nil, nil, err
	}
	if t.Atomic {
		steps, err := todo.all()
		if err == nil {
			err = w.oneTransaction(steps, v)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return todo, p.Beyond, nil
}

// warnHeld adds a warning when there was nothing to do and the lock is in a
// state that somebody should look at, or cannot be looked at for a program that
// writes. Where Recover says that a lock of its kind is to be taken over, it is
// returned instead, to be freed.
func (w *Warden) warnHeld(ctx context.Context, s engine.Session, writer *lock.WriterWait, res *Result) (dead *lock.Status, err error) {
	if s == nil {
		return nil, nil
	}
	var st lock.Status
	l := w.lock(s, w.journal(s))
	err = w.past(ctx, writer, func() error {
		locked, err := l.Locked(ctx, s)
		if err == nil && locked {
			st, err = l.Inspect(ctx, s)
		}
		return err
	})
	var blocked *lock.BlockedError
	switch {
	case errors.As(err, &blocked):
		res.Warnings = append(res.Warnings, "whether the migration lock is held could not be seen: another program is writing to the database file")
	case err != nil:
		return nil, err
	case st.Active && w.c.Recover && (st.Verdict == lock.Gone || st.Verdict == lock.Kept):
		return &st, nil
	case st.Active && st.Verdict != lock.Alive:
		res.Warnings = append(res.Warnings, (&lock.HeldError{Status: st}).Error())
	}
	return nil, nil
}

// unfreed is what becomes of an error that kept a dead run's lock from being
// freed: where there is nothing else to do, what another is at, a missing right or
// a server that takes no writes are a warning, as without Recover.
func (w *Warden) unfreed(dead *lock.Status, err error, res *Result) error {
	if dead == nil {
		return err
	}
	why := ""
	held, isHeld := errors.AsType[*lock.HeldError](err)
	switch kind := w.c.Engine.Fault(err).Kind; {
	case isHeld && (held.Status.Owner.Held || held.Status.Row.Run != dead.Row.Run || held.Status.Row.Token != dead.Row.Token):
		return nil // another came ahead
	case isHeld:
	case errors.As(err, new(*lock.ReadOnlyError)), errors.As(err, new(*lock.BlockedError)), kind == engine.Denied, kind == engine.ReadOnly:
		why = ", and could not be freed: " + err.Error()
	default:
		return err
	}
	res.Warnings = append(res.Warnings, (&lock.HeldError{Status: *dead}).Error()+why)
	return nil
}

// warnEmpty adds a warning when there is nothing to do since there is nothing at
// all: a new project, or an image, a mount or a folder that is not what was meant.
func (w *Warden) warnEmpty(set *migration.Set, h *journal.History, res *Result) {
	if res.Direction != migration.Up || len(set.Migrations) > 0 || len(h.Revisions) > 0 {
		return
	}
	where := "the folder of migrations"
	if name := nameOf(w.c.Migrations); name != "" {
		where = name
	}
	res.Warnings = append(res.Warnings, "there is no migration in "+where+", and none was ever applied to this database: "+
		"unless the project is new, its files (NNNN_description.sql) are missing there")
}

func (w *Warden) load() (*migration.Set, error) {
	if w.c.Loaded == nil {
		set, err := w.c.Load(w.c.Migrations)
		if err != nil {
			return nil, err
		}
		return set, strayed(w.c.Migrations, set)
	}
	if bad := w.c.Loaded.Twice(); len(bad) > 0 {
		return nil, bad
	}
	return w.c.Loaded, nil
}

// loadFor is load for a run in that direction. A rollback takes two files with one version, as a
// merge leaves them: the history tells which of them ran.
func (w *Warden) loadFor(d migration.Direction) (*migration.Set, error) {
	switch {
	case d == migration.Up:
		return w.load()
	case w.c.Loaded != nil:
		return w.c.Loaded, nil
	}
	return w.c.LoadMerged(w.c.Migrations)
}

// Load reads a folder for this engine, this environment and with these values,
// and puts the migrations in Go among its files; errors as migration.Load has
// them. With migrations in Go there need be no folder (nil).
func (c *Config) Load(folder fs.FS) (*migration.Set, error) {
	return c.loadWith(folder, migration.Load)
}

// LoadMerged is Load for a folder in which a merge may have left two files with
// one version. Of all verbs only Rollback, Preview of one, and Resolve take such a set.
func (c *Config) LoadMerged(folder fs.FS) (*migration.Set, error) {
	return c.loadWith(folder, migration.LoadMerged)
}

func (c *Config) loadWith(folder fs.FS, load func(fs.FS, sqltext.Lexis) (*migration.Set, error)) (*migration.Set, error) {
	set := &migration.Set{}
	if folder == nil && len(c.Go) == 0 {
		return nil, errors.New("dbwarden: Config names no migrations: it needs Migrations, Go or Loaded")
	}
	if folder != nil {
		var err error
		if set, err = load(folder, c.Engine.Lexis); err != nil {
			return nil, err
		}
	}
	if err := set.Join(c.Go, c.Engine.Lexis); err != nil {
		return nil, err
	}
	set.Within(c.Env)
	set.Fill(c.values())
	return set, nil
}

// values are those of the variables, spelled for the product.
func (c *Config) values() *migration.Values {
	v := &migration.Values{Find: make(map[string]migration.Value, len(c.Vars)), Literal: c.Engine.Dialect.Literal, Identifier: c.Engine.Dialect.Quote}
	for name, value := range c.Vars {
		v.Find[strings.ToLower(name)] = value
	}
	v.Near = func(name string) string { return engine.Nearest(name, slices.Sorted(maps.Keys(v.Find))) }
	return v
}

// A loading is the folder that is being read beside other things.
type loading struct {
	ctx  context.Context // ends early when the folder cannot be used
	end  context.CancelFunc
	done chan struct{}
	set  *migration.Set
	err  error
}

func (w *Warden) loading(ctx context.Context, d migration.Direction) *loading {
	l := &loading{done: make(chan struct{})}
	l.ctx, l.end = context.WithCancel(ctx)
	go func() {
		if l.set, l.err = w.loadFor(d); l.err != nil {
			l.end()
		}
		close(l.done)
	}()
	return l
}

// wait returns what was loaded, and ends with ctx: a folder on a network may
// not answer. The goroutine then ends with the process.
func (l *loading) wait(ctx context.Context) (*migration.Set, error) {
	select {
	case <-l.done:
		return l.set, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// connect opens the session of a run, or, without a run's id, one that only
// looks.
func (w *Warden) connect(ctx context.Context, run string, readOnly bool) (engine.Session, error) {
	s, err := w.c.Database.Connect(ctx, engine.ConnectOptions{
		App: w.app(run), ReadOnly: readOnly, Limits: w.c.Limits,
		Notice: func(severity, message string) {
			w.c.Observe.Emit(event.Event{Kind: event.Notice, Detail: severity + ": " + without(message, w.c.secrets())})
		},
	})
	if err != nil {
		return nil, &ConnectError{Label: w.c.Database.Label(), Err: err}
	}
	v := s.Server()
	w.c.Observe.Emit(event.Event{Kind: event.Connected, Run: run, Detail: v.Product + " " + v.Version})
	return s, nil
}

// beside opens the session that watches over a run. It tells nobody of
// itself: observers hear from the run's own goroutine alone.
func (w *Warden) beside(ctx context.Context) (engine.Session, error) {
	return w.c.Database.Connect(ctx, engine.ConnectOptions{App: w.app("")})
}

// denied adds the grant that is missing to an error of our own work; what a
// migration may not do is the migration's.
func (w *Warden) denied(s engine.Session, err error, write bool) error {
	var failed *MigrationError
	if err == nil || errors.As(err, &failed) || w.c.Engine.Grant == nil || w.c.Engine.Fault(err).Kind != engine.Denied {
		return err
	}
	denied := &DeniedError{Grant: w.c.Engine.Grant(s.Server(), write), Err: err}
	var evict *lock.EvictError
	if right := w.c.Engine.Native.EvictRight; right != nil && errors.As(err, &evict) {
		denied.Who, denied.Grant = right(s.Server())
	}
	return denied
}

// app is what a session calls itself on the server.
func (w *Warden) app(run string) string {
	app := "dbwarden " + w.c.Holder.Command
	if run != "" {
		app += " " + lock.RunMark(run)
	}
	return app + fmt.Sprintf(" %s@%s:%d", w.c.Holder.User, w.c.Holder.Host, w.c.Holder.Pid)
}

func (w *Warden) journal(s engine.Session) *journal.Journal {
	return &journal.Journal{Engine: w.c.Engine, Schema: s.Server().Schema}
}

func (w *Warden) lock(s engine.Session, j *journal.Journal) lock.Lock {
	return lock.Lock{Engine: w.c.Engine, Schema: s.Server().Schema, Floor: j.Floor(), Prepare: j.Ensure}
}

package dbwarden

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Moment is when a hook is called.
type Moment string

// The moments. All but the calls of AfterRun are under the lock, with the run's
// context: a hook ends with the run.
const (
	HookBeforeRun       Moment = "before_run"       // there is something to run, and nothing of it has begun
	HookBeforeMigration Moment = "before_migration" // of an atomic run: of all of them, ahead of the transaction
	HookAfterMigration  Moment = "after_migration"  // it is committed
	HookAfterRun        Moment = "after_run"        // SQL: all is applied; a call: also of a run that failed, and the lock is let go
)

// DefaultHookTimeout is how long a hook may take.
const DefaultHookTimeout = time.Minute

// A Hook is called at its moment: it has SQL or a Call. An error of it ends the
// run there: what is applied stays.
type Hook struct {
	At Moment

	// SQL are statements for the run's session: one transaction, or one after
	// another where one of them runs alone or commits. "" for none.
	SQL string

	// Call is told the facts; what it says is for people. nil for none.
	Call func(ctx context.Context, f Facts, say func(line string)) error
}

// sound says what is wrong with a hook that could not be called, which would be
// found out under the lock, or never.
func (h Hook) sound() error {
	switch h.At {
	case HookBeforeRun, HookBeforeMigration, HookAfterMigration, HookAfterRun:
	default:
		return fmt.Errorf("%q is no moment at which a hook is called", h.At)
	}
	if (h.SQL == "") == (h.Call == nil) {
		return fmt.Errorf("%s: it needs SQL or a Call, and not both", h.At)
	}
	return nil
}

// Facts are what a hook is told. No secret is among them. The JSON is stable:
// fields come, and none goes.
type Facts struct {
	Format    int                 `json:"format"` // 1
	Hook      Moment              `json:"hook"`
	Run       string              `json:"run"`
	Direction migration.Direction `json:"direction"`
	Database  string              `json:"database"`         // its label: the URL without a password
	Target    string              `json:"target,omitempty"` // of many alike, which; the command line fills it in
	Env       string              `json:"env"`              // "" for none
	Product   string              `json:"product"`
	Version   string              `json:"server_version"`
	User      string              `json:"user"`
	Host      string              `json:"host"`
	Pid       int                 `json:"pid"`
	Program   string              `json:"program"`
	Planned   []Fact              `json:"planned"`
	Completed []Fact              `json:"completed"` // in this run, so far
	ElapsedMS int64               `json:"elapsed_ms"`

	// Of a migration's hook:
	Migration *Fact `json:"migration,omitempty"`
	Number    int   `json:"number,omitempty"` // of Planned, from 1

	// Of AfterRun:
	Outcome string `json:"outcome,omitempty"` // "succeeded" or "failed"
	Error   string `json:"error,omitempty"`
}

// Fact is a migration among the facts.
type Fact struct {
	Version     string         `json:"version"` // "" for a repeatable one
	File        string         `json:"file"`
	Description string         `json:"description"`
	Kind        migration.Kind `json:"type"`
}

func factOf(m *migration.Migration) Fact {
	return Fact{Version: m.Version.String(), File: m.File, Description: m.Description, Kind: m.Kind}
}

// A HookError says that a hook failed. What it was called ahead of has not
// begun; what is applied stays.
type HookError struct {
	At  Moment
	SQL bool // it is statements
	Err error
}

func (e *HookError) Error() string { return fmt.Sprintf("the hook %s failed: %v", e.At, e.Err) }
func (e *HookError) Unwrap() error { return e.Err }

// hooks calls the hooks of one run.
type hooks struct {
	w     *Warden
	s     engine.Session
	hold  *lock.Hold
	facts Facts
	since time.Time
	res   *Result
}

// hooks are those of a run that has something to do; nil where there are none.
func (w *Warden) hooks(s engine.Session, hold *lock.Hold, todo *agenda, res *Result, since time.Time) *hooks {
	if len(w.c.Hooks) == 0 || todo == nil || len(todo.steps) == 0 {
		return nil
	}
	h, v := w.c.Holder, s.Server()
	k := &hooks{w: w, s: s, hold: hold, res: res, since: since, facts: Facts{Format: 1, Run: res.Run, Direction: res.Direction, Database: w.c.Database.Label(), Env: w.c.Env,
		Product: v.Product, Version: v.Version, User: h.User, Host: h.Host, Pid: h.Pid, Program: h.Program, Planned: []Fact{}}}
	for _, st := range todo.steps {
		k.facts.Planned = append(k.facts.Planned, factOf(st.Migration))
	}
	return k
}

// aroundMigrations says whether each migration has to be waited for.
func (w *Warden) aroundMigrations() bool {
	return slices.ContainsFunc(w.c.Hooks, func(h Hook) bool { return h.At == HookBeforeMigration || h.At == HookAfterMigration })
}

// run calls the hooks of a moment of the run.
func (k *hooks) run(ctx context.Context, at Moment) error {
	if k == nil {
		return nil
	}
	return k.all(ctx, at, k.facts, func(h Hook) bool { return h.At != HookAfterRun || h.SQL != "" })
}

// migration calls those of a migration, the number-th of the run from 1.
func (k *hooks) migration(ctx context.Context, at Moment, m *migration.Migration, number int) error {
	if k == nil {
		return nil
	}
	f, one := k.facts, factOf(m)
	f.Migration, f.Number = &one, number
	return k.all(ctx, at, f, func(Hook) bool { return true })
}

// ended calls what is told how the run has ended, when its lock is let go. What
// goes wrong then is an error of a run that had none.
func (k *hooks) ended(ctx context.Context, err error) error {
	if k == nil {
		return err
	}
	f := k.facts
	f.Outcome = "succeeded"
	if err != nil {
		f.Outcome, f.Error = "failed", err.Error()
	}
	// Whoever stopped the run has not stopped what must know of it.
	limit := k.w.hookTimeout()
	if ctx.Err() != nil {
		limit = min(limit, cleanupTime)
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, &HookTimeoutError{limit})
	defer cancel()
	k.s, k.hold = nil, nil
	bad := k.all(ctx, HookAfterRun, f, func(h Hook) bool { return h.Call != nil })
	if err != nil && bad != nil {
		k.res.Warnings = append(k.res.Warnings, bad.Error())
		return err
	}
	if bad != nil {
		return bad
	}
	return err
}

func (k *hooks) all(ctx context.Context, at Moment, f Facts, wanted func(Hook) bool) error {
	f.Hook, f.Completed, f.ElapsedMS = at, []Fact{}, time.Since(k.since).Milliseconds()
	for _, m := range k.res.Completed {
		f.Completed = append(f.Completed, factOf(m))
	}
	for _, h := range k.w.c.Hooks {
		if h.At != at || !wanted(h) {
			continue
		}
		if err := k.one(ctx, h, f); err != nil {
			return k.w.underHold(ctx, &HookError{At: at, SQL: h.SQL != "", Err: err})
		}
	}
	return nil
}

func (k *hooks) one(ctx context.Context, h Hook, f Facts) (failed error) {
	e := event.Event{Run: f.Run, Direction: string(f.Direction), Detail: string(h.At)}
	if f.Migration != nil {
		e.File = f.Migration.File
	}
	started := time.Now()
	tell := func(kind event.Kind, fill func(*event.Event)) {
		e := e
		e.Kind = kind
		if fill != nil {
			fill(&e)
		}
		k.w.c.Observe.Emit(e)
	}
	if k.hold != nil {
		// A hook bears no fence: it begins only while the hold is good.
		if good, err := k.hold.Good(ctx); err != nil {
			return err
		} else if !good {
			return lock.ErrLost
		}
	}
	tell(event.HookStarted, nil)
	limit := k.w.hookTimeout()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &HookTimeoutError{limit})
	defer cancel()
	var err error
	defer func() {
		// A session tells of a deadline, and not of whose it was.
		if late, ok := context.Cause(ctx).(*HookTimeoutError); ok && failed != nil && !errors.Is(failed, lock.ErrLost) {
			failed = late
		}
	}()
	switch {
	case h.SQL != "":
		err = k.sql(ctx, h.SQL)
	case k.s == nil:
		err = h.Call(ctx, f, func(line string) { tell(event.HookOutput, func(e *event.Event) { e.Detail = line }) })
	default:
		err = k.w.kept(ctx, k.s, func(ctx context.Context) error {
			return h.Call(ctx, f, func(line string) { tell(event.HookOutput, func(e *event.Event) { e.Detail = line }) })
		})
	}
	if err == nil {
		tell(event.HookDone, func(e *event.Event) { e.Elapsed = time.Since(started) })
	}
	return err
}

// sql runs statements with the run's session, which is put right before and
// behind them.
func (k *hooks) sql(ctx context.Context, text string) error {
	e := k.w.c.Engine
	statements, err := sqltext.All(text, e.Lexis)
	if err != nil {
		return err
	}
	if err := k.s.Reset(ctx, k.w.c.Limits); err != nil {
		return err
	}
	u := engine.Unit{Begin: e.Dialect.Begin, Statements: func(yield func(sqltext.Statement, error) bool) {
		for _, st := range statements {
			if !yield(st, nil) {
				return
			}
		}
	}}
	for _, st := range statements {
		switch t := e.Classify(st.Words, k.s.Server()); {
		case t.Refused != "":
			return fmt.Errorf("%s: %s", st.Start, t.Refused)
		case t.Alone, t.Commits, t.Holds, t.Kind == engine.Begin:
			u.Begin = ""
		}
	}
	if u.Begin == "" && k.s.Server().Pooled {
		return fmt.Errorf("its statements do not run in one transaction, and a pooler that hands each transaction to another connection stands between")
	}
	err = k.s.Run(ctx, u)
	if bad := k.s.Reset(context.WithoutCancel(ctx), k.w.c.Limits); err == nil {
		err = bad
	}
	return err
}

// A HookTimeoutError says that a hook had not ended when its time was over.
type HookTimeoutError struct{ Limit time.Duration }

func (e *HookTimeoutError) Error() string { return fmt.Sprintf("it had not ended within %s", e.Limit) }

func (w *Warden) hookTimeout() time.Duration {
	if w.c.HookTimeout > 0 {
		return w.c.HookTimeout
	}
	return DefaultHookTimeout
}

package dbwarden

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// LockReport is the lock as somebody sees who looks, with how far an
// interrupted migration came.
type LockReport struct {
	lock.Status
	Unfinished *journal.Entry // nil: nothing is half done
	Progress   plan.Progress
}

// Lock looks at the lock. It takes and creates nothing; what cannot be seen
// is an error, never a free lock.
func (w *Warden) Lock(ctx context.Context) (LockReport, error) {
	var out LockReport
	err := w.look(ctx, func(s engine.Session, j *journal.Journal) (err error) {
		if out.Status, err = w.lock(s, j).See(ctx, s); err != nil || !out.Active {
			return err
		}
		h, err := j.Read(ctx, s)
		if err != nil {
			return err
		}
		out.Unfinished, out.Progress = plan.Unfinished(h)
		return nil
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		return LockReport{Status: lock.Status{Verdict: lock.Free}}, nil
	}
	return out, err
}

// Unlock releases another run's lock and writes that into the journal. It
// returns what it found, with what that run left half done. Errors:
// lock.ErrNotHeld, *lock.HeldError for a living holder without force, or for
// a newer one, *lock.EvictError.
func (w *Warden) Unlock(ctx context.Context, force bool, reason string) (LockReport, error) {
	// A first look creates nothing, not even a SQLite file.
	report, err := w.Lock(ctx)
	if err != nil {
		return report, err
	}
	if !report.Active {
		return report, lock.ErrNotHeld
	}
	s, err := w.connect(ctx, lock.NewRun(), false)
	if err != nil {
		return report, err
	}
	defer s.Close()
	j := w.journal(s)
	note := func(found lock.Status, fence string) engine.Query {
		detail := "held by " + found.Who()
		if reason != "" {
			detail += "; " + reason
		}
		return j.Unlocked(fence, w.c.Holder, detail)
	}
	report.Status, err = w.lock(s, j).Break(ctx, s, lock.BreakOptions{Force: force, By: w.c.Holder, Reason: reason, Note: note})
	if err != nil {
		return report, w.denied(s, err, true)
	}
	// What was under way when we first looked may have ended since.
	h, err := j.Read(ctx, s)
	if err != nil {
		return report, fmt.Errorf("released; but what was left half done cannot be read: %w", err)
	}
	report.Unfinished, report.Progress = plan.Unfinished(h)
	return report, nil
}

func fileOf(m *migration.Migration) string {
	if m == nil {
		return "a migration"
	}
	return m.File
}

// ErrNothingInDoubt says that there is no statement to resolve.
var ErrNothingInDoubt = errors.New("no statement is in doubt")

// Resolve settles a statement whose end is not known: done says that it took
// effect, otherwise it is run again. It returns the statement's number. A lock
// that was kept, or whose holder is gone, stays held.
func (w *Warden) Resolve(ctx context.Context, v migration.Version, done bool) (int, error) {
	set, err := w.load()
	if err != nil {
		return 0, err
	}
	s, err := w.connect(ctx, lock.NewRun(), false)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	j := w.journal(s)
	find := func() (*journal.Entry, plan.Progress, *migration.Migration, error) {
		h, err := j.Read(ctx, s)
		if err != nil {
			return nil, plan.Progress{}, nil, err
		}
		e, p := plan.Unfinished(h)
		m := set.Find(v)
		if e == nil || p.Doubt == 0 || m == nil || e.Version == "" || m.Version.String() != e.Version {
			return nil, p, m, ErrNothingInDoubt
		}
		return e, p, m, nil
	}
	if _, _, _, err := find(); err != nil {
		return 0, err
	}
	hold, err := w.lock(s, j).Acquire(ctx, s, w.c.Holder, lock.Options{Wait: w.c.Wait, Recover: true, Observe: w.c.Observe})
	if err != nil {
		return 0, err
	}
	e, p, m, err := find()
	if err == nil {
		q := j.Writer(hold).Resolve(journal.Step{Migration: m, Direction: e.Direction, Statements: e.Statements}, p.Doubt, p.To, e.Checksum, done, "")
		_, err = s.Exec(ctx, q.Text, q.Values()...)
	}
	if hold.From != nil {
		// The lock of whoever left the doubt was only borrowed: the migration
		// is as half-done as it was.
		detail := fmt.Sprintf("statement %d of %s was resolved; unlock, then go on", p.Doubt, fileOf(m))
		return p.Doubt, errors.Join(err, hold.Keep(context.WithoutCancel(ctx), detail))
	}
	return p.Doubt, w.letGo(ctx, s, hold, err, false)
}

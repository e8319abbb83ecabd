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
	Restoring  string // the backup that was not put back as a whole; "": there is none
}

// seen takes from the history what is half done.
func (r *LockReport) seen(h *journal.History) {
	r.Unfinished, r.Progress = plan.Unfinished(h)
	if r.Restoring = ""; h.Restoring() != nil {
		r.Restoring = h.Restoring().File
	}
}

// Lock looks at the lock. It takes and creates nothing; what cannot be seen
// is an error, never a free lock.
func (w *Warden) Lock(ctx context.Context) (LockReport, error) {
	var out LockReport
	err := w.look(ctx, func(s engine.Session, j *journal.Journal) (err error) {
		if out.Status, err = w.lock(s, j).See(ctx, s); err != nil {
			return err
		}
		h, err := j.Read(ctx, s)
		if !out.Active && err != nil && w.c.Engine.Fault(err).Kind == engine.Denied {
			return nil // who may see the lock alone has seen it
		}
		if err != nil {
			return err
		}
		out.seen(h)
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
	run := lock.NewRun()
	w = w.of(run)
	// A first look creates nothing, not even a SQLite file.
	report, err := w.Lock(ctx)
	if err != nil {
		return report, err
	}
	if !report.Active {
		return report, lock.ErrNotHeld
	}
	s, err := w.connect(ctx, run, false)
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
		return j.Unlocked(fence, w.c.Holder, found, detail)
	}
	report.Status, err = w.lock(s, j).Break(ctx, s, lock.BreakOptions{Seen: report.Status, Observe: w.c.Observe, Force: force, By: w.c.Holder, Reason: reason, Note: note})
	if err != nil {
		return report, w.denied(s, err, true)
	}
	// What was under way when we first looked may have ended since.
	h, err := j.Read(ctx, s)
	if err != nil {
		return report, fmt.Errorf("released; but what was left half done cannot be read: %w", err)
	}
	report.seen(h)
	return report, nil
}

func fileOf(m *migration.Migration) string {
	if m == nil {
		return "a migration"
	}
	return m.File
}

// ErrNothingInDoubt says that there is no statement to resolve, or to skip.
var ErrNothingInDoubt = errors.New("no statement is in doubt")

// Resolve settles a statement whose end is not known: done says that it took
// effect, otherwise it is run again. It returns which statement that is, or which
// ones where they were begun together. A lock
// that was kept, or whose holder is gone, stays held. name is the migration's
// version, or its file's name: repeatable ones have no version. only is the
// statement that is meant, 0 for whichever it is: *OtherStatementError where it
// is another.
func (w *Warden) Resolve(ctx context.Context, name string, done bool, only int) (Range, error) {
	return w.resolve(ctx, name, only, func(e *journal.Entry, p plan.Progress, m *migration.Migration, _ engine.Server) (settlement, error) {
		if p.Doubt == 0 {
			return settlement{}, ErrNothingInDoubt
		}
		said := journal.RunAgain
		if done {
			said = journal.TookPlace
		}
		return settlement{from: p.Doubt, to: p.To, checksum: e.Checksum, said: said}, nil
	})
}

// Skip has the next statement of a half-applied, or half rolled back,
// migration count as done without being run: the one in doubt, or the one that
// the next run would begin with. It returns which. Errors as for Resolve,
// a refusal of the file, or *TogetherError.
func (w *Warden) Skip(ctx context.Context, name string, only int) (Range, error) {
	return w.resolve(ctx, name, only, func(e *journal.Entry, p plan.Progress, m *migration.Migration, server engine.Server) (settlement, error) {
		if p.Doubt > 0 {
			return settlement{from: p.Doubt, to: p.To, checksum: e.Checksum, said: journal.Skipped}, nil
		}
		st, err := w.ready(plan.Step{Migration: m, Direction: e.Direction, Attempt: &p}, server)
		if err != nil {
			return settlement{}, err
		}
		defer st.text.Close()
		for g, err := range st.groups(p.Done) {
			if err != nil {
				return settlement{}, err
			}
			if at := max(g.From, p.Done); at < g.To && g.Mode != plan.OwnCommands && g.Mode != plan.Settings {
				if g.Mode == plan.InTransaction && g.To > at+1 && only != at+1 {
					return settlement{}, &TogetherError{m.File, at + 1, g.To}
				}
				sum, err := checksum(m.Section(e.Direction), p.Done, at+1)
				return settlement{from: p.Done + 1, to: at + 1, checksum: string(sum), said: journal.Skipped, skipped: at + 1}, err
			}
		}
		return settlement{}, ErrNothingInDoubt
	})
}

// checksum is over the statements from..to of a section, from 0 and without to.
func checksum(s *migration.Section, from, to int) (migration.Checksum, error) {
	sum, i := migration.NewSum(), 0
	_, err := s.Outline(func(p migration.Piece) error {
		if from <= i && i < to {
			sum.Add(p.Hash)
		}
		i++
		return nil
	})
	return sum.Checksum(), err
}

// Resolved ends the detail of a lock that resolve found with a run that is gone,
// and left held: the migration is as half done as it was.
const Resolved = " was resolved; unlock, then go on"

// settlement is what a person says of statements.
type settlement struct {
	from, to int
	checksum string
	said     journal.Resolution
	skipped  int // the statement that would have run, 0 for those in doubt
}

// settled are the statements that a person speaks of: of several that a skip
// passes over, the one that would run.
func (s settlement) settled() Range {
	if s.skipped > 0 {
		return Range{s.skipped, s.skipped}
	}
	return Range{s.from, max(s.from, s.to)}
}

// A Range is statements of a section, from 1, the last included.
type Range struct{ From, To int }

func (r Range) String() string {
	if r.From == r.To {
		return fmt.Sprintf("statement %d", r.From)
	}
	return fmt.Sprintf("statements %d to %d", r.From, r.To)
}

// An OtherStatementError says that the statement which is in doubt, or would
// run next, is not the one that was meant.
type OtherStatementError struct {
	File    string
	Is, Not int
}

func (e *OtherStatementError) Error() string {
	return fmt.Sprintf("it is statement %d of %s that waits to be resolved, not %d", e.Is, e.File, e.Not)
}

// A TogetherError says that the next run would begin with several statements in
// one transaction, of which any may be the one that fails: nothing of them has
// stayed, so that one of them can be taken out of the file. The first is left
// out where it is named.
type TogetherError struct {
	File     string
	From, To int
}

func (e *TogetherError) Error() string {
	return fmt.Sprintf("statements %d to %d of %s run in one transaction, and nothing of them has stayed: the next run begins at statement %d, which need not be the one that fails", e.From, e.To, e.File, e.From)
}

func (w *Warden) resolve(ctx context.Context, name string, only int, say func(*journal.Entry, plan.Progress, *migration.Migration, engine.Server) (settlement, error)) (Range, error) {
	run := lock.NewRun()
	w = w.of(run)
	set, err := w.loadFor(migration.Down) // which may come behind, and be the way out of what a merge left
	if err != nil {
		return Range{}, err
	}
	s, err := w.connect(ctx, run, false)
	if err != nil {
		return Range{}, err
	}
	defer s.Close()
	j := w.journal(s)
	var e *journal.Entry
	var m *migration.Migration
	var said settlement
	find := func() error {
		h, err := j.Read(ctx, s)
		if err != nil {
			return err
		}
		var p plan.Progress
		e, p = plan.Unfinished(h)
		v, notVersion := migration.ParseVersion(name)
		if m = set.FindFile(name); m == nil && notVersion == nil {
			if m = set.Find(v); e != nil && plan.SameMigration(e, v.String(), "") {
				m = plan.FindFile(set, e) // of two with its version the one that it is about
			}
		}
		if m == nil && e != nil && migration.IsGoFile(e.File) && (name == e.File || notVersion == nil && plan.SameMigration(e, v.String(), "")) {
			// Its function is another program's; what is said of it needs none.
			m = migration.Stranger(e.Version, e.File)
		}
		switch {
		case m == nil && notVersion == nil && (e == nil || !plan.SameMigration(e, v.String(), "")):
			return &plan.Refusal{Code: plan.UnknownVersion, Version: v}
		case e == nil:
			return ErrNothingInDoubt
		case m == nil || e.Version != "" && m.Version.String() != e.Version || e.Version == "" && m.File != e.File:
			return fmt.Errorf("%w in %s: the migration that was not finished is %s", ErrNothingInDoubt, name, e.File)
		}
		if said, err = say(e, p, m, s.Server()); err == nil && only > 0 && only != said.settled().From {
			err = &OtherStatementError{m.File, said.settled().From, only}
		}
		return err
	}
	if err := find(); err != nil {
		return Range{}, err
	}
	hold, err := w.lock(s, j).Acquire(ctx, s, w.c.Holder, lock.Options{Wait: w.c.Wait, Run: run, Recover: true, Observe: w.c.Observe})
	if err != nil {
		return Range{}, err
	}
	if hold.From != nil {
		q := j.Writer(hold).TakenOver(hold.From)
		_, err = s.Exec(ctx, q.Text, q.Values()...)
	}
	if err == nil {
		err = find()
	}
	if err == nil {
		q := j.Writer(hold).Resolve(journal.Step{Migration: m, Direction: e.Direction, Statements: e.Statements}, said.from, said.to, said.checksum, said.said, "")
		_, err = s.Exec(ctx, q.Text, q.Values()...)
	}
	settled := said.settled()
	if hold.From != nil {
		// The lock of whoever left the doubt was only borrowed: the migration
		// is as half-done as it was.
		detail := fmt.Sprintf("%s of %s%s", settled, fileOf(m), Resolved)
		return settled, errors.Join(err, hold.Keep(context.WithoutCancel(ctx), detail))
	}
	return settled, w.letGo(ctx, s, hold, err, false)
}

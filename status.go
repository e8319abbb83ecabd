package dbwarden

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// MigrationState is where one migration stands.
type MigrationState string

const (
	Applied       MigrationState = "applied"
	Pending       MigrationState = "pending"
	OutOfOrder    MigrationState = "out_of_order" // pending, and older than the newest applied
	Changed       MigrationState = "changed"      // applied, and its statements are others now
	Missing       MigrationState = "missing"      // applied, and its file is gone
	HalfApplied   MigrationState = "half_applied"
	HalfReverted  MigrationState = "half_rolled_back"
	InDoubt       MigrationState = "in_doubt"  // half applied or reverted, and a statement's end is not known
	Elsewhere     MigrationState = "elsewhere" // for other environments than this one: neither applied nor pending
	Replaced      MigrationState = "replaced"  // a squashed one that is applied, or pending, stands for it
	Waiting       MigrationState = "waiting"   // squashed; a part of what it replaces has run, and the rest comes first
	FailedPending MigrationState = "failed"    // pending; its last attempt failed and left nothing
)

// Standing is one migration's place in Status.
type Standing struct {
	Version     string
	Description string
	File        string
	Kind        migration.Kind
	State       MigrationState
	AppliedAt   time.Time // zero unless applied
	Detail      string    // why, for failed and half-done ones

	// Difference is how a changed one differs from what ran; nil for others, and
	// behind the first twenty.
	Difference *plan.Difference

	// Renumbered is, of a changed or missing one, the file that has what ran under
	// another number now; "": there is none.
	Renumbered string

	place migration.Version // in the order; zero for a repeatable one
}

// Status is where a database stands against its folder.
type Status struct {
	Migrations []Standing // in the order of their versions
	Counts     map[MigrationState]int

	// Lock is active while somebody runs, or has left something behind.
	Lock lock.Status

	// Restoring is a backup that was not put back as a whole: the database is in
	// pieces. "": there is none.
	Restoring string

	// LockUnknown is why the lock could not be looked at: the right is missing.
	LockUnknown error

	// AppliedTotal counts what is in the history, PendingTotal what is not.
	AppliedTotal, PendingTotal int
}

// Clean says that everything applied is as it was and nothing is pending.
func (s *Status) Clean() bool {
	return s.Restoring == "" && s.Counts[Applied]+s.Counts[Elsewhere]+s.Counts[Replaced] == len(s.Migrations)
}

// Status compares the folder with the history. It takes no lock, writes
// nothing and creates nothing.
func (w *Warden) Status(ctx context.Context) (*Status, error) {
	folder := w.loading(ctx, migration.Up)
	defer folder.end()
	var h *journal.History
	var held lock.Status
	var unknown error
	var changes []plan.Difference
	err := w.look(folder.ctx, func(s engine.Session, j *journal.Journal) (err error) {
		if h, err = j.ReadDated(ctx, s); err != nil {
			return err
		}
		l := w.lock(s, j)
		active, err := l.Locked(ctx, s)
		if err == nil && active {
			held, err = l.Inspect(ctx, s)
		}
		if err != nil && w.c.Engine.Fault(err).Kind == engine.Denied {
			unknown, err = err, nil
		}
		if err != nil {
			return err
		}
		if set, bad := folder.wait(ctx); bad == nil {
			changes, err = w.differences(ctx, s, j, set, h, mostDifferences)
		}
		if w.c.Engine.Fault(err).Kind == engine.Denied {
			changes, err = nil, nil // that they have changed is known all the same
		}
		return err
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		h, err = &journal.History{}, nil
	}
	set, bad := folder.wait(ctx)
	if bad != nil {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	st := stand(set, h)
	for i := range changes {
		for k := range st.Migrations {
			if st.Migrations[k].File == changes[i].File {
				st.Migrations[k].Difference = &changes[i]
			}
		}
	}
	st.Lock, st.LockUnknown = held, unknown
	return st, nil
}

func stand(set *migration.Set, h *journal.History) *Status {
	st := &Status{Counts: map[MigrationState]int{}, Migrations: make([]Standing, 0, len(set.Migrations)+1)}
	if e := h.Restoring(); e != nil {
		st.Restoring = e.File
	}
	late := map[*migration.Migration]bool{}
	due, lateOnes := plan.Pending(set, h)
	pending := map[*migration.Migration]bool{}
	for _, m := range due {
		pending[m] = true
	}
	for _, m := range lateOnes {
		late[m] = true
	}
	failures := map[string]string{}
	for _, e := range h.Open {
		if e.What == journal.Aborted && e.Direction == migration.Up {
			failures[e.File] = e.Detail
		}
	}
	half, progress := plan.Unfinished(h)
	shown := false
	add := func(s Standing) {
		if half != nil && plan.SameMigration(half, s.Version, s.File) {
			shown = true
			s.State = HalfApplied
			if half.Direction == migration.Down {
				s.State = HalfReverted
			}
			if progress.Doubt > 0 {
				s.State = InDoubt
			}
			s.Detail = progress.String()
			if plan.FindFile(set, half) == nil {
				if s.Detail += "; its file is missing"; migration.IsGoFile(half.File) {
					s.Detail = progress.String() + "; it is a migration in Go, and the program that ran it has its function"
				}
			} else if s.File != half.File {
				s.Detail += "; its file was called " + half.File
			}
			switch {
			case progress.Doubt == 0:
			case progress.To > progress.Doubt:
				s.Detail += fmt.Sprintf("; statements %d to %d were begun together, and how far they came is not known", progress.Doubt, progress.To)
			case !progress.Settleable():
				s.Detail += fmt.Sprintf("; statement %d was begun, and how it ended is not known", progress.Doubt)
			default:
				s.Detail += fmt.Sprintf("; the next run looks whether statement %d took effect", progress.Doubt)
			}
			if progress.Failure != "" {
				s.Detail += "; " + progress.Failure
			}
		}
		st.Counts[s.State]++
		st.Migrations = append(st.Migrations, s)
	}
	for _, m := range set.Migrations {
		s := Standing{Version: m.Version.String(), Description: m.Description, File: m.File, Kind: m.Kind, State: Pending, place: m.Place()}
		r := h.Find(m.Version)
		if m.Version.IsZero() {
			r = h.FindFile(m.File)
		}
		if r != nil && r.Kind == journal.Squashed && len(m.Header.Replaces) == 0 {
			r = nil // a note of another file, which was taken back
		}
		by := set.Replacer(m.Version)
		switch {
		case by != nil && r == nil && !pending[m] && !isHalf(half, m):
			s.State = Replaced
		case by != nil && r != nil && len(plan.Lacking(by, h)) == 0 && !plan.Changed(m, r):
			s.State, s.AppliedAt = Replaced, r.AppliedAt
		case len(m.Header.Replaces) > 0 && (r == nil || r.Kind == journal.Squashed) && squashed(&s, m, set, h):
			if s.State == Applied {
				st.AppliedTotal++
			}
		case r != nil:
			st.AppliedTotal++
			s.State, s.AppliedAt = Applied, r.AppliedAt
			switch {
			case !plan.Changed(m, r):
			case m.Kind.Once():
				s.State = Changed
				s.renumbered(set, h, r)
			case m.Kind == migration.RunsOnChange && set.Elsewhere(m):
			case m.Kind == migration.RunsOnChange:
				s.State, s.Detail = Pending, "changed since it ran"
				st.AppliedTotal--
				st.PendingTotal++
			}
		case set.Elsewhere(m) && !isHalf(half, m):
			s.State, s.Detail = Elsewhere, "for "+strings.Join(m.Header.Env, ", ")+" alone"
		default:
			st.PendingTotal++
			if late[m] {
				s.State = OutOfOrder
			}
			if why, ok := failures[m.File]; ok {
				s.State, s.Detail = FailedPending, why
			}
		}
		add(s)
	}
	for _, r := range h.Revisions {
		if r.Version.IsZero() || set.Find(r.Version) != nil {
			continue
		}
		s := Standing{Version: r.Version.String(), Description: r.Description, File: r.File, Kind: r.Kind, State: Missing, AppliedAt: r.AppliedAt, place: r.Version}
		switch {
		case r.Kind == journal.Squashed:
			continue // a note whose file was taken back: what it spoke of is in the history
		case set.Replacer(r.Version) != nil:
			s.State = Replaced
		default:
			st.AppliedTotal++
			if r.Kind == migration.InGo {
				s.Detail = "a migration in Go: the program that applied it has its function"
			}
			s.renumbered(set, h, &r)
		}
		add(s)
	}
	if half != nil && !shown {
		// Neither a file nor the history knows it, and the database holds a
		// part of it.
		st.PendingTotal++
		kind := migration.Versioned
		if half.Version == "" {
			kind = migration.RunsAlways
			if strings.HasPrefix(half.File, "ROC__") {
				kind = migration.RunsOnChange
			}
		} else if migration.IsGoFile(half.File) {
			kind = migration.InGo
		}
		at, _ := migration.ParseVersion(half.Version) // zero of a repeatable one
		add(Standing{Version: half.Version, File: half.File, Kind: kind, place: at})
	}
	slices.SortStableFunc(st.Migrations, byVersion)
	return st
}

// renumbered notes that what ran has another number now.
func (s *Standing) renumbered(set *migration.Set, h *journal.History, r *journal.Revision) {
	if now := plan.Renumbered(set, h, r); now != nil {
		s.Renumbered = now.File
		s.Detail = fmt.Sprintf("what ran as %s is %s now", r.File, now.File)
	}
}

// squashed fills in where a squashed migration stands whose row is a note, or
// not there: false where it is pending as any other.
func squashed(s *Standing, m *migration.Migration, set *migration.Set, h *journal.History) bool {
	if plan.Fulfilled(m, h) {
		s.State = Applied
		for _, v := range migration.Versions(m.Header.Replaces) {
			if r := h.Find(v); r != nil && r.AppliedAt.After(s.AppliedAt) {
				s.AppliedAt = r.AppliedAt
			}
		}
		return true
	}
	rest := plan.Lacking(m, h)
	if len(rest) == 0 {
		return false
	}
	s.State = Waiting
	var gone []string
	for _, v := range rest {
		if set.Find(v) == nil {
			gone = append(gone, v.String())
		}
	}
	s.Detail = fmt.Sprintf("of what it replaces, %d have yet to run", len(rest))
	if len(gone) > 0 {
		s.Detail += ", and these files are gone: " + strings.Join(gone, ", ")
	}
	return true
}

// isHalf says that a migration is the half-done one.
func isHalf(half *journal.Entry, m *migration.Migration) bool {
	return half != nil && plan.SameMigration(half, m.Version.String(), m.File)
}

// byVersion has those that are missing where they stood, a squashed one behind
// what it replaces; repeatable ones come last, as they run.
func byVersion(a, b Standing) int {
	switch {
	case !a.place.IsZero() && !b.place.IsZero():
		return cmp.Or(a.place.Compare(b.place), cmp.Compare(a.moved(), b.moved()))
	case !a.place.IsZero():
		return -1
	case !b.place.IsZero():
		return 1
	}
	return 0
}

// moved is 1 where the place is another version's, which is replaced.
func (s Standing) moved() int {
	if v, err := migration.ParseVersion(s.Version); err == nil && v.Equal(s.place) {
		return 0
	}
	return 1
}

// History returns what is applied, in the order of its execution. It takes
// no lock and creates nothing.
func (w *Warden) History(ctx context.Context) ([]journal.Revision, error) {
	var out []journal.Revision
	err := w.look(ctx, func(s engine.Session, j *journal.Journal) error {
		h, err := j.ReadWhole(ctx, s)
		if err == nil {
			out = h.Revisions
		}
		return err
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		err = nil
	}
	return out, err
}

// Attempts returns the whole journal, oldest first: every attempt that came to
// an end, rollback, takeover and release by force.
func (w *Warden) Attempts(ctx context.Context) ([]journal.Entry, error) {
	var out []journal.Entry
	err := w.look(ctx, func(s engine.Session, j *journal.Journal) (err error) {
		out, err = j.Entries(ctx, s)
		return err
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		err = nil
	}
	return out, err
}

// Preview is what a run would do now.
type Preview struct {
	Direction migration.Direction
	Steps     []PreviewStep
	Atomic    bool        // all of them in one transaction
	Lock      lock.Status // warn when it is Active
}

// PreviewStep is one migration of a preview.
type PreviewStep struct {
	Migration  *migration.Migration
	Statements int
	Resume     plan.Progress
	Warning    string // from where on it cannot be gone on with, "" for nowhere

	step *step
}

// Groups yields how the statements would run, those that have run already too.
// It reads the file, as SQL does: an error is that it changed.
func (p PreviewStep) Groups() iter.Seq2[plan.Group, error] { return p.step.groups(0) }

// SQL yields the statements from..to, from 0 and without to: as they run, but
// for secret values, which stay the variables that they are in the file.
func (p PreviewStep) SQL(from, to int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for st, err := range p.step.text.Statements(from, to) {
			if !yield(p.step.shown(st), err) {
				return
			}
		}
	}
}

// Require are the conditions that would be asked ahead of the
// statements, without secret values.
func (p PreviewStep) Require() []string { return shownTexts(p.step.require) }

// Ensure is Require for what is asked behind the statements.
func (p PreviewStep) Ensure() []string { return shownTexts(p.step.ensure) }

func shownTexts(queries []sqltext.Statement) []string {
	all := []string{}
	for _, q := range queries {
		all = append(all, q.Shown())
	}
	return all
}

// Close lets go of the file, which reading it has opened.
func (p PreviewStep) Close() { p.step.text.Close() }

// Preview plans a run and stops before the lock: it creates nothing.
func (w *Warden) Preview(ctx context.Context, d migration.Direction, t plan.Target) (*Preview, error) {
	set, err := w.loadFor(d)
	if err != nil {
		return nil, err
	}
	out := &Preview{Direction: d}
	show := func(p *plan.Plan, v engine.Server) error {
		var steps []*step
		for _, ps := range p.Steps {
			st, err := w.ready(ps, v)
			if err == nil {
				err = st.resumable()
			}
			if err != nil {
				return err
			}
			steps = append(steps, st)
		}
		if t.Atomic {
			if err := w.oneTransaction(steps, v); err != nil {
				return err
			}
			out.Atomic = true
		}
		for i, ps := range p.Steps {
			st := steps[i]
			out.Steps = append(out.Steps, PreviewStep{Migration: st.Migration, Statements: st.outline.Statements, Resume: ps.Resume(),
				Warning: strings.Join(st.cautions(), "; "), step: st})
		}
		return nil
	}
	decide := plan.Up
	if d == migration.Down {
		decide = plan.Down
	}
	err = w.look(ctx, func(s engine.Session, j *journal.Journal) (err error) {
		h, err := j.Read(ctx, s)
		if err != nil {
			return err
		}
		defer func() { placeDoubt(set, h, err) }()
		p, err := decide(set, h, t)
		if err != nil {
			return w.withDifferences(ctx, s, set, h, err)
		}
		if out.Lock, err = w.lock(s, j).Inspect(ctx, s); err != nil {
			return err
		}
		return show(p, s.Server())
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		p, err := decide(set, &journal.History{}, t)
		if err != nil {
			return nil, err
		}
		return out, show(p, engine.Server{})
	}
	return out, err
}

// look opens a session that only looks.
func (w *Warden) look(ctx context.Context, do func(engine.Session, *journal.Journal) error) error {
	s, err := w.connect(ctx, "", true)
	if err != nil {
		return err
	}
	defer s.Close()
	return w.denied(s, w.watched(ctx, s, func() error { return do(s, w.journal(s)) }), false)
}

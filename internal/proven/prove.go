package proven

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// A Verdict is what became of one migration.
type Verdict string

const (
	// Proven: its rollback led back to the schema before it, and it led to
	// the same schema again.
	Proven Verdict = "proven"
	// Differs: one of its ways led elsewhere.
	Differs Verdict = "differs"
	// Failed: one of its ways could not be gone.
	Failed Verdict = "failed"
	// Irreversible: it has no rollback section.
	Irreversible Verdict = "irreversible"
	// Repeats: a repeatable migration, which has no way back, ran; one that
	// runs always did so twice, and led to the same schema.
	Repeats Verdict = "repeats"
	// Unreached: it was not tried, since one before it failed.
	Unreached Verdict = "unreached"
)

// Bad says that something is to be mended.
func (v Verdict) Bad() bool { return v == Differs || v == Failed }

// A Proof is a verdict with its reasons.
type Proof struct {
	Migration *migration.Migration // nil: all of the folder together
	Verdict   Verdict

	On  string // of Failed: as in Error
	Err error  // of Failed

	// Back are the differences between the schema behind the rollback and the
	// one before the migration: what is Added is missing, what is Removed was
	// left. Again are those between its two ways there.
	Back, Again []schema.Change

	// Lost is what the rollback lost of generated rows, where there were any.
	Lost []Loss
}

// Proofs are what became of a folder.
type Proofs struct {
	Each  []Proof // in the order in which they run
	Whole *Proof  // nil where single ones were wanted

	// Unfilled are the tables for which no row could be generated, with the
	// server's last word.
	Unfilled map[schema.ID]string
}

// Inside gives do an empty database, and takes it away behind it.
type Inside func(do func(p Prover, d engine.Database) error) error

// A Folder is one whose migrations are to be proven.
type Folder struct {
	FS  fs.FS
	Set *migration.Set

	// Wanted says which migrations are to be proven; the others are run. nil
	// is all, and then also all of them together.
	Wanted func(*migration.Migration) bool

	// Data has rows generated for every table, before and behind each
	// migration that is proven.
	Data bool

	// Told is called before each that is proven; it may be nil.
	Told func(n, of int, m *migration.Migration)
}

// Prove proves a folder's migrations: each one there, back and there again,
// behind those before it, and all of them back together, without rows of its
// own making. An error is that of the place or of the folder; what a migration
// does wrong is in its Proof.
//
// Each is judged by the schema that the ways there lead to: behind one whose
// way back failed or led elsewhere, a new database is taken.
func (f Folder) Prove(ctx context.Context, in Inside) (*Proofs, error) {
	up, err := plan.Up(f.Set, &journal.History{}, plan.Target{})
	if err != nil {
		return nil, err
	}
	w, last := &walk{Folder: f, ctx: ctx, unfilled: map[schema.ID]string{}}, 0
	for _, s := range up.Steps {
		w.all = append(w.all, s.Migration)
		if f.wants(s.Migration) {
			w.of, last = w.of+1, len(w.all)
		}
	}
	w.all = w.all[:last] // what is behind need not run
	for len(w.each) < len(w.all) && !w.stopped {
		if err := in(w.stretch); err != nil {
			return nil, err
		}
	}
	for _, m := range w.all[len(w.each):] {
		w.each = append(w.each, Proof{Migration: m, Verdict: Unreached})
	}
	all := &Proofs{Unfilled: w.unfilled}
	if f.Wanted == nil && len(w.all) > 0 {
		if all.Whole, err = w.whole(in); err != nil {
			return nil, err
		}
	}
	for _, p := range w.each {
		if f.wants(p.Migration) || p.Verdict == Failed {
			all.Each = append(all.Each, p) // one that only had to run is named where it did not
		}
	}
	return all, nil
}

func (f Folder) wants(m *migration.Migration) bool { return f.Wanted == nil || f.Wanted(m) }

// walk is one Prove.
type walk struct {
	Folder
	ctx  context.Context
	all  []*migration.Migration // in the order in which they run
	each []Proof                // of those that were tried
	told int
	of   int

	unfilled map[schema.ID]string
	data     *data  // of the database at hand, nil for none
	sight    *sight // on the database at hand
	stopped  bool   // one does not go there: those behind it cannot be tried
}

// first is the target of a run: so many versioned migrations, in plan order. A
// lower version may come behind a higher one on which another depends.
func first(n int) plan.Target { return plan.Target{Count: n, AllowOutOfOrder: true} }

// stretch proves in one database until there is no more to prove, or until the
// database is no longer what the ways there alone make of it.
func (w *walk) stretch(p Prover, d engine.Database) (err error) {
	defer w.at(&p, d)()
	if done := len(w.each); done > 0 {
		if err := w.run(p, d, min(done, w.versioned())); err != nil {
			return err
		}
	}
	w.data = nil
	if w.Data {
		w.data = &data{p: p, d: d, given: map[schema.ID]int{}, unfilled: w.unfilled}
	}
	before, err := w.sight.state(w.ctx)
	if err != nil {
		return err
	}
	for len(w.each) < w.versioned() {
		if n := w.unwanted(); n > 0 {
			if before, err = w.through(p, d, n); before == nil {
				return err
			}
			continue
		}
		proof := Proof{Migration: w.all[len(w.each)]}
		after, err := w.one(p, d, &proof, before)
		if err != nil {
			return err
		}
		w.each = append(w.each, proof)
		if proof.Verdict.Bad() {
			return nil
		}
		before = after
	}
	return w.repeatables(p, d)
}

// at makes a database the one at hand, with the folder as it was loaded: it is
// one folder that is proven. What it returns must be called before the database
// is taken away.
func (w *walk) at(p *Prover, d engine.Database) (leave func()) {
	p.loaded = w.Set
	w.sight = &sight{p: *p, d: d}
	return w.sight.close
}

// versioned is how many there are that have a version: they run first.
func (w *walk) versioned() (n int) {
	for _, m := range w.all {
		if m.Kind.Once() {
			n++
		}
	}
	return n
}

// run runs the next n of those with a version.
func (w *walk) run(p Prover, d engine.Database, n int) error {
	if n == 0 {
		return nil // which would be all
	}
	warden, err := p.warden(d, w.FS)
	if err == nil {
		_, err = warden.Migrate(w.ctx, first(n))
	}
	return err
}

// unwanted is how many of those that come next only have to run.
func (w *walk) unwanted() (n int) {
	for _, m := range w.all[len(w.each):w.versioned()] {
		if w.wants(m) {
			break
		}
		n++
	}
	return n
}

// through runs the next n without proving them, and returns the schema behind
// them; nil where one failed.
func (w *walk) through(p Prover, d engine.Database, n int) (*schema.State, error) {
	next := w.all[len(w.each):][:n]
	if err := w.run(p, d, n); err != nil {
		return nil, w.halt(next, "the way there", err)
	}
	for _, m := range next {
		w.each = append(w.each, Proof{Migration: m})
	}
	return w.sight.state(w.ctx)
}

// halt ends the walk at the one of next that failed.
func (w *walk) halt(next []*migration.Migration, on string, err error) error {
	failed, known := errors.AsType[*dbwarden.MigrationError](err)
	if !known {
		return err
	}
	for _, m := range next {
		proof := Proof{Migration: m, Verdict: Repeats}
		if m.File == failed.Migration.File {
			if err := proof.failed(w.ctx, on, err); err != nil {
				return err
			}
			w.each, w.stopped = append(w.each, proof), true
			return nil
		}
		w.each = append(w.each, proof)
	}
	return err
}

// one proves the next migration, and returns the schema behind it.
func (w *walk) one(p Prover, d engine.Database, proof *Proof, before *schema.State) (there *schema.State, err error) {
	w.tell(proof.Migration)
	had, err := w.data.rows(w.ctx, before, nil, true)
	if err != nil {
		return nil, err
	}
	if err := w.run(p, d, 1); err != nil {
		w.stopped = true
		return nil, proof.failed(w.ctx, "the way there", err)
	}
	if there, err = w.sight.state(w.ctx); err != nil {
		return nil, err
	}
	if !proof.Migration.Rollback.Present {
		proof.Verdict = Irreversible
		return there, nil
	}
	stayed, err := w.data.rows(w.ctx, there, nil, false)
	if err != nil {
		return nil, err
	}
	var changes []schema.Change
	if w.data != nil {
		changes = schema.Diff(before, there)
	}
	came, err := w.data.rows(w.ctx, there, changes, true)
	if err != nil {
		return nil, err
	}
	warden, err := p.warden(d, w.FS)
	if err != nil {
		return nil, err
	}
	if _, err := warden.Rollback(w.ctx, plan.Target{Count: 1}); err != nil {
		return nil, proof.failed(w.ctx, "the way back", err)
	}
	back, err := w.sight.state(w.ctx)
	if err != nil {
		return nil, err
	}
	proof.Back = Missed(back, before, nil)
	kept, err := w.data.rows(w.ctx, back, nil, false)
	if err != nil {
		return nil, err
	}
	proof.Lost = lost(had, came, kept.without(came, stayed))
	if err := w.run(p, d, 1); err != nil {
		return nil, proof.failed(w.ctx, "the way there again", err)
	}
	again, err := w.sight.state(w.ctx)
	if err != nil {
		return nil, err
	}
	proof.Again = Missed(again, there, nil)
	proof.judge()
	return again, nil
}

func (p *Proof) judge() {
	if p.Verdict = Proven; len(p.Back)+len(p.Again) > 0 {
		p.Verdict = Differs
	}
}

// failed takes an error of a run as the migration's own where it is: not when
// somebody stopped it all, or the database could not be reached.
func (p *Proof) failed(ctx context.Context, on string, err error) error {
	_, failed := errors.AsType[*dbwarden.MigrationError](err)
	_, refused := errors.AsType[*plan.Refusal](err)
	_, unread := errors.AsType[migration.Problems](err)
	if ctx.Err() != nil || !failed && !refused && !unread {
		return err
	}
	p.Verdict, p.On, p.Err = Failed, on, err
	return nil
}

func (w *walk) tell(m *migration.Migration) {
	if w.told++; w.Told != nil {
		w.Told(w.told, w.of, m)
	}
}

// repeatables runs what has no version, twice what runs always.
func (w *walk) repeatables(p Prover, d engine.Database) error {
	rest := w.all[len(w.each):]
	if len(rest) == 0 {
		return nil
	}
	w.tell(rest[0])
	w.told = w.of
	warden, err := p.warden(d, w.FS)
	if err != nil {
		return err
	}
	twice := func(on string) (*schema.State, error) {
		if _, err := warden.Migrate(w.ctx, plan.Target{AllowOutOfOrder: true}); err != nil {
			return nil, w.halt(rest, on, err)
		}
		return w.sight.state(w.ctx)
	}
	once, err := twice("the way there")
	if err != nil || once == nil {
		return err
	}
	again, err := twice("the way there again")
	if err != nil || again == nil {
		return err
	}
	missed := Missed(again, once, nil)
	for _, m := range rest {
		proof := Proof{Migration: m, Verdict: Repeats}
		if m.Kind == migration.RunsAlways && len(missed) > 0 {
			// Whose it is cannot be told where there are several.
			proof.Verdict, proof.Again = Differs, missed
		}
		w.each = append(w.each, proof)
	}
	return nil
}

// whole proves all that has a version together: back from the last one down to
// the newest that is irreversible, or to the empty database, and there again.
func (w *walk) whole(in Inside) (*Proof, error) {
	proof := &Proof{Verdict: Unreached}
	for _, p := range w.each {
		if p.Verdict == Failed || p.Verdict == Unreached {
			return proof, nil // what the ways of one do not allow, all together do not
		}
	}
	floor, n := 0, w.versioned()
	for i, m := range w.all[:n] {
		if !m.Rollback.Present {
			floor = i + 1
		}
	}
	if floor == n {
		proof.Verdict = Irreversible
		return proof, nil
	}
	target := plan.Target{Empty: true}
	if floor > 0 {
		target = plan.Target{To: w.all[floor-1].Version}
	}
	return proof, in(func(p Prover, d engine.Database) error {
		defer w.at(&p, d)()
		warden, err := p.warden(d, w.FS)
		if err != nil {
			return err
		}
		replay := func(count int) (*schema.State, error) {
			if err := w.run(p, d, count); err != nil {
				return nil, fmt.Errorf("replay the migrations in a scratch database: %w", err)
			}
			return w.sight.state(w.ctx)
		}
		before, err := replay(floor)
		if err != nil {
			return err
		}
		there, err := replay(n - floor)
		if err != nil {
			return err
		}
		if _, err := warden.Rollback(w.ctx, target); err != nil {
			return proof.failed(w.ctx, "the way back", err)
		}
		back, err := w.sight.state(w.ctx)
		if err != nil {
			return err
		}
		proof.Back = Missed(back, before, nil)
		if err := w.run(p, d, n-floor); err != nil {
			return proof.failed(w.ctx, "the way there again", err)
		}
		again, err := w.sight.state(w.ctx)
		if err != nil {
			return err
		}
		proof.Again = Missed(again, there, nil)
		proof.judge()
		return nil
	})
}

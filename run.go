package dbwarden

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// step is a planned step, read and cut, ready to run. Of its statements it
// keeps nothing: they are read again.
type step struct {
	plan.Step
	outline  *plan.Outline
	text     *migration.Reader
	classify func(words []string) engine.Traits
	pace     engine.Pace // of the slowest of its statements
	bytes    int         // of their text
	kept     string      // of the way up, what the history keeps of it

	require, ensure []sqltext.Statement // the conditions of its upgrade
	secret          plan.Place          // the first statement with a secret value in it
}

// ready reads a step's section and cuts it into groups.
func (w *Warden) ready(ps plan.Step, v engine.Server) (*step, error) {
	return w.cut(ps, v, ps.Direction == migration.Up)
}

// cut is ready, and, when keeping, notes what the history keeps of the text.
func (w *Warden) cut(ps plan.Step, v engine.Server, keeping bool) (*step, error) {
	st := &step{Step: ps, classify: func(words []string) engine.Traits { return w.c.Engine.Classify(words, v) }}
	section := ps.Migration.Section(ps.Direction)
	rules := plan.Rules{
		Classify: func(words []string) engine.Traits {
			t := st.classify(words)
			st.pace = max(st.pace, t.Pace)
			return t
		},
		Ties: func(q sqltext.Statement) engine.Ties { return w.c.Engine.Ties(q, v) },
		DDL:  w.c.Engine.Caps.TransactionalDDL, Off: ps.Migration.Header.TransactionOff, Resume: ps.Resume(),
	}
	if f := st.function(); f != nil {
		// Whatever the product makes of the text that stands for it.
		st.classify = func([]string) engine.Traits { return functionTraits[f.Conn != nil] }
		rules.DDL, rules.Ties = true, nil
	}
	var seal migration.Seal
	var err error
	st.outline, err = plan.Cut(func(each func(migration.Piece) error) (err error) {
		st.bytes = 0
		keep := journal.Kept{Room: journal.MigrationBytes}
		room := keeping
		seal, err = section.Outline(func(p migration.Piece) error {
			st.bytes += len(p.Text)
			if st.secret.Number == 0 && p.Filled != nil && len(p.Filled.Secrets) > 0 {
				st.secret = plan.Place{Number: 1, Line: p.Start.Line}
			}
			room = room && keep.Add(p.AsWritten())
			return each(p)
		})
		st.kept = keep.String()
		return err
	}, rules)
	if err != nil {
		var cut *plan.CutError
		if errors.As(err, &cut) {
			return nil, migration.Problems{{File: ps.Migration.File, Line: cut.Pos, Msg: cut.Msg}}
		}
		return nil, err
	}
	if !w.c.SkipConditions {
		if err := st.readConditions(); err != nil {
			return nil, err
		}
	}
	st.text = section.Reader(seal)
	if at := st.outline.Unpooled; v.Pooled && at.Number > 0 {
		return nil, st.refuse(plan.BehindPooler, at, st.outline.Why)
	}
	if ps.Resume().Doubt > 0 {
		return nil, st.refuse(plan.InDoubt, st.outline.Doubt, "")
	}
	if m := st.outline.Mended; m != nil {
		r := st.refuse(plan.MendedTooEarly, plan.Place{}, "the file ends before it")
		r.Mended = m.Mark
		if m.Now != "" {
			r.Items[0].Line = m.Line
			r.Detail = fmt.Sprintf("it ran with checksum %.16s, and the file has %.16s", m.Checksum, m.Now)
			r.Now = kept(st.text, m.From-1, m.To)
		}
		return nil, r
	}
	return st, nil
}

// readConditions finds what is asked around the step. Where a part of it has run
// already, it is too late to ask what is required ahead of it.
func (st *step) readConditions() (err error) {
	if st.Direction != migration.Up || len(st.Migration.Header.Conditions) == 0 {
		return nil
	}
	if !st.Resume().Open {
		if st.require, err = st.Migration.Conditions(migration.Require); err != nil {
			return err
		}
	}
	if st.ensure, err = st.Migration.Conditions(migration.Ensure); err != nil {
		return err
	}
	for _, kind := range []migration.ConditionKind{migration.Require, migration.Ensure} {
		queries := st.require
		if kind == migration.Ensure {
			queries = st.ensure
		}
		for _, q := range queries {
			if why := st.classify(q.Words).Refused; why != "" {
				return migration.Problems{{File: st.Migration.File, Line: q.Start.Line, Msg: string(kind) + ": " + why}}
			}
		}
	}
	return nil
}

// groups are those behind the statements that are done. Where each statement is
// one of its own they are made as the file is read.
func (st *step) groups(done int) iter.Seq2[plan.Group, error] {
	return func(yield func(plan.Group, error) bool) {
		for _, g := range st.outline.Groups {
			if g.To <= done {
				continue
			}
			if g.Mode != plan.OneByOne {
				if !yield(g, nil) {
					return
				}
				continue
			}
			for i := max(g.From, done); i < g.To; i++ {
				q, hash, err := st.text.Peek(i)
				one := plan.Single(i, st.classify(q.Words))
				one.Checksum = migration.SumOf(hash)
				if !yield(one, err) || err != nil {
					return
				}
			}
		}
	}
}

// cautions are what a person should know before the step runs: from where on it
// cannot be gone on with, and what it reads that is another's.
func (st *step) cautions() []string {
	out := st.outline.Bonds.Parted(st.Migration.File)
	at := st.outline.Fleeting
	if at.Number == 0 {
		return out
	}
	return append(out, fmt.Sprintf("%s:%d makes something that ends with its session (a temporary table), outside the transaction of what follows: should the run end behind it, it cannot be gone on with",
		st.Migration.File, at.Line))
}

// resumable refuses to go on behind a statement whose work ended with its
// session: what follows would miss it, or find another table of that name.
func (st *step) resumable() error {
	done := st.Resume().Done
	if done == 0 || done >= st.outline.Statements {
		return nil
	}
	if at := st.outline.Fleeting; at.Number > 0 && at.Number <= done {
		return st.refuse(plan.SessionGone, at, fmt.Sprintf("what it made has ended with its session, so that the migration (%s) cannot be gone on with", st.Resume()))
	}
	if _, broken := st.outline.Bonds.Resume(done); broken != nil {
		return st.refuse(plan.SessionGone, plan.Place{Line: broken.Line}, fmt.Sprintf("%s, so that the migration (%s) cannot be gone on with", broken.Detail, st.Resume()))
	}
	return nil
}

func (st *step) refuse(code plan.Code, at plan.Place, why string) *plan.Refusal {
	it := plan.Item{Version: st.Migration.Version.String(), File: st.Migration.File, Line: at.Line}
	return &plan.Refusal{Code: code, Items: []plan.Item{it}, Progress: st.Resume(), Down: st.Direction == migration.Down, Detail: why}
}

// walk runs the steps one after another and stops at the first error.
func (w *Warden) walk(ctx context.Context, s engine.Session, jw *journal.Writer, hold *lock.Hold, todo *agenda, atomic bool, at *lookout, events *relay, around *hooks, res *Result) error {
	total := len(todo.steps)
	res.Planned = make([]*migration.Migration, total)
	versions := make([]string, total)
	for i, st := range todo.steps {
		res.Planned[i], versions[i] = st.Migration, st.Migration.Name()
	}
	w.c.Observe.Emit(event.Event{Kind: event.PlanReady, Run: res.Run, Direction: string(res.Direction), Versions: versions, Total: total})
	started := time.Now()
	runner := func(i int, st *step) *runner { return w.runner(s, jw, hold, at, res.Run, st, i, total) }
	if atomic && total > 0 {
		steps, err := todo.all()
		if err != nil {
			return err
		}
		for i, st := range steps {
			if err := around.migration(ctx, HookBeforeMigration, st.Migration, i+1); err != nil {
				return err
			}
		}
		if err := w.walkAtomic(ctx, steps, runner, res); err != nil {
			return err
		}
		for i, st := range steps {
			if err := around.migration(ctx, HookAfterMigration, st.Migration, i+1); err != nil {
				return err
			}
		}
		total = 0
	}
	for i := 0; i < total; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		steps, err := todo.at(i, max(1, s.Server().Flush.Units))
		if err != nil {
			r := runner(i, &step{Step: todo.steps[i], outline: &plan.Outline{}})
			err = r.unreadable(err)
			r.failed(err)
			return err
		}
		if n := w.together(steps, s.Server().Flush); n > 0 {
			f := &flight{events: events, shared: s.Server().Flush.Shared}
			for k := range n {
				f.runners = append(f.runners, runner(i+k, steps[k]))
			}
			done, err := f.fly(ctx, res)
			if err != nil {
				return err
			}
			i += done
			continue
		}
		st, r := steps[0], runner(i, steps[0])
		for _, why := range st.cautions() {
			w.c.Observe.Emit(event.Event{Kind: event.Warning, Run: res.Run, Detail: why})
		}
		if err := around.migration(ctx, HookBeforeMigration, st.Migration, i+1); err != nil {
			return err
		}
		r.started = time.Now() // which the hook is no part of
		r.emit(event.MigrationStarted, nil)
		if err := r.run(ctx); err != nil {
			r.failed(err)
			return err
		}
		r.completed(res)
		if err := around.migration(ctx, HookAfterMigration, st.Migration, i+1); err != nil {
			return err
		}
		i++
	}
	w.c.Observe.Emit(event.Event{Kind: event.RunDone, Run: res.Run, Direction: string(res.Direction), Total: len(res.Planned), Elapsed: time.Since(started)})
	return nil
}

// runner runs one step.
type runner struct {
	w       *Warden
	s       engine.Session
	jw      *journal.Writer
	hold    *lock.Hold
	step    *step
	at      *lookout
	started time.Time
	base    event.Event

	committed int    // statements that are in the database for good
	partial   bool   // a part of the step is, or may be, in the database
	proof     string // the evidence of the group that runs, "" for none
	tries     int    // of the group that runs, where there was more than one

	limits engine.Limits // of this migration
	apart  bool          // that the group under way is done is written behind its COMMIT

	sent   engine.Unit // what was run last of a group
	waited error       // of the group's first try, where a flush has made that

	presumed bool // the unit's evidence is presumed
	look     bool // it was, and things are not so

	leaky bool // the group's transaction is not the whole truth, and was written ahead
	idle  bool // of a migration in Go: its function has sent no statement
}

// unreadable is the failure of a step whose file is not there any more, or is
// another one. Nothing of it ran in this run.
func (r *runner) unreadable(err error) error {
	e := &MigrationError{Migration: r.step.Migration, Direction: r.step.Direction, Err: err, Done: r.step.Resume().Done, Total: r.step.Resume().Total, State: Untouched}
	if r.step.Resume().Open {
		e.State = Partial
	}
	return e
}

// runner makes the runner of the i-th of a run's steps.
func (w *Warden) runner(s engine.Session, jw *journal.Writer, hold *lock.Hold, at *lookout, run string, st *step, i, total int) *runner {
	return &runner{w: w, s: s, jw: jw, hold: hold, step: st, at: at, started: time.Now(), base: event.Event{
		Run: run, Direction: string(st.Direction), Version: st.Migration.Name(), File: st.Migration.File,
		Number: i + 1, Total: total, Statements: st.outline.Statements}}
}

// completed notes that the migration came to its end, and tells.
func (r *runner) completed(res *Result) {
	st := r.step
	res.Completed = append(res.Completed, st.Migration)
	for _, g := range st.outline.Groups {
		if g.EndedBy > 0 {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s:%d: this statement ended the file's own transaction by itself; from there on, statements ran outside a transaction",
				st.Migration.File, g.EndedBy))
		}
	}
	if st.outline.Statements == 0 && st.Direction == migration.Up {
		res.Warnings = append(res.Warnings, st.Migration.File+": its upgrade section holds no statement; it counts as applied and did nothing")
	}
	r.done()
}

// done tells that the migration came to its end.
func (r *runner) done() {
	r.emit(event.MigrationDone, func(e *event.Event) { e.Elapsed = time.Since(r.started) })
}

// failed tells that the migration failed.
func (r *runner) failed(err error) {
	r.emit(event.MigrationFailed, func(e *event.Event) {
		e.Err, e.Elapsed = err, time.Since(r.started)
		var failed *MigrationError
		if errors.As(err, &failed) {
			e.Statement, e.Line = failed.Number, failed.Pos.Line
		}
	})
}

func (r *runner) run(ctx context.Context) error {
	defer r.step.text.Close()
	h := r.step.Migration.Header
	limits := r.w.c.Limits
	if h.LockTimeout != nil {
		limits.Lock = orNone(*h.LockTimeout)
	}
	if h.StatementTimeout != nil {
		limits.Statement = orNone(*h.StatementTimeout)
	}
	r.limits = limits
	if err := r.s.Reset(ctx, limits); err != nil {
		return r.fail(ctx, plan.Group{}, &engine.UnitError{Part: engine.PartBegin, Err: err, RolledBack: true})
	}
	r.at.waits(limits)
	r.committed = r.step.Resume().Done
	r.partial = r.step.Resume().Open
	skip, _ := r.step.outline.Bonds.Resume(r.step.Resume().Done)
	if g, err := r.restoreSettings(ctx, r.step.Resume().Done, skip); err != nil {
		return r.fail(ctx, g, err)
	}
	asked := false // what is required
	recorded := false
	for g, err := range r.step.groups(r.step.Resume().Done) {
		if g.Mode == plan.OwnCommands || g.Mode == plan.Settings && skip[g.From] {
			continue
		}
		var closes bool
		if err == nil {
			g, err = r.ahead(ctx, g)
		}
		if err != nil {
			return r.fail(ctx, g, &engine.UnitError{Part: engine.PartOpening, Err: err, RolledBack: true})
		}
		if !asked && g.Mode != plan.InTransaction {
			if err := r.ask(ctx, migration.Require); err != nil {
				return r.fail(ctx, plan.Group{From: g.From, To: g.From}, err)
			}
			asked = true
		}
		if err := r.runUnit(ctx, g, func() (u engine.Unit) {
			// Outside a transaction what is to be ensured is asked when all
			// is done and written down.
			last := g.To == r.step.outline.Last && (g.Mode == plan.InTransaction || len(r.step.ensure) == 0)
			u, closes = r.unit(ctx, g, last)
			if !asked {
				u.Before = r.conditions(ctx, migration.Require)
			}
			if closes || last && r.apart {
				u.After = r.conditions(ctx, migration.Ensure)
			}
			u.AtOnce = u.AtOnce && u.Before == nil && u.After == nil
			return u
		}); err != nil {
			return r.fail(ctx, g, err)
		}
		asked = true
		if r.apart {
			if err := r.recordApart(ctx, g); err != nil {
				return err
			}
			closes = g.To == r.step.outline.Last
		}
		recorded = recorded || closes
		if g.Mode != plan.Settings {
			r.committed, r.partial = g.To, true
		}
	}
	if !recorded {
		if !asked {
			if err := r.ask(ctx, migration.Require); err != nil {
				return r.fail(ctx, r.behind(), err)
			}
		}
		if err := r.ask(ctx, migration.Ensure); err != nil {
			return r.fail(ctx, r.behind(), err)
		}
		// Nothing of the file follows: what it set in the session is put back,
		// so that it does not decide whether the history can be written.
		if err := r.s.Reset(ctx, limits); err != nil {
			return r.fail(ctx, r.behind(), &engine.UnitError{Part: engine.PartBegin, Err: err, RolledBack: true})
		}
		if err := r.write(ctx, r.trying(), r.closing()); err != nil {
			return r.fail(ctx, r.behind(), err)
		}
	}
	return nil
}

// ask asks the conditions of one kind by themselves.
func (r *runner) ask(ctx context.Context, kind migration.ConditionKind) error {
	conditions := r.conditions(ctx, kind)
	if conditions == nil {
		return nil
	}
	return r.s.Run(ctx, engine.Unit{Before: conditions})
}

// behind is the group of no statement at the end of the file.
func (r *runner) behind() plan.Group {
	n := r.step.outline.Statements
	return plan.Group{From: n, To: n, Checksum: migration.SumOf()}
}

// restoreSettings runs again what the first done statements of the file had
// set: it was set in a session that is gone, or was put back. What nobody
// behind needs is left out: it may not be possible any more. It returns the one
// that failed.
func (r *runner) restoreSettings(ctx context.Context, done int, skip map[int]bool) (plan.Group, error) {
	if at := r.step.outline.Setting.Number; at == 0 || at > done {
		return plan.Group{}, nil
	}
	i := -1
	for st, err := range r.step.text.Statements(0, done) {
		i++
		if err == nil && (skip[i] || r.step.classify(st.Words).Kind != engine.Setting) {
			continue
		}
		g := plan.Group{Mode: plan.Settings, From: i, To: i + 1}
		u := engine.Unit{Statements: func(yield func(sqltext.Statement, error) bool) { yield(st, err) }, Watch: r.watch(i)}
		if err := r.s.Run(ctx, u); err != nil {
			return g, err
		}
	}
	return plan.Group{}, nil
}

// unit makes a group's work, and says whether the history row is in it.
func (r *runner) unit(ctx context.Context, g plan.Group, last bool) (engine.Unit, bool) {
	from, to := r.from(g), g.To
	r.proof, r.presumed = "", false
	u := engine.Unit{Statements: r.step.text.Statements(from, to), Watch: r.watch(from), AtOnce: !r.w.c.NoPipeline}
	r.works(&u)
	switch g.Mode {
	case plan.Settings:
		return u, false
	case plan.InTransaction:
		u.Begin = r.w.c.Engine.Dialect.Begin
		if g.Begin >= 0 {
			u.Begin = r.beginOf(g.Begin)
		}
		if r.apart {
			return u, false
		}
		u.Closing = r.closingOf(g, last)
		return u, last
	}
	u.Opening = append(r.restore(), r.start(ctx, from, to, string(g.Checksum)))
	u.Closing = r.closingOf(g, last)
	return u, last
}

// closingOf writes that a group is done. Of the last one the history says it, and of
// one outside a transaction the entry ahead of it has the text.
func (r *runner) closingOf(g plan.Group, last bool) []engine.Query {
	if last {
		return r.closing()
	}
	from, text := r.from(g), ""
	if g.Mode == plan.InTransaction {
		text = kept(r.step.text, from, g.To)
	}
	now := time.Now()
	return append(r.restore(), r.jw.Done(r.about(), from+1, g.To, string(g.Checksum), text, &now))
}

// start is the entry written ahead, with the evidence. It is presumed where
// that can be, which spares the look.
func (r *runner) start(ctx context.Context, from, to int, sum string) engine.Query {
	presume := r.w.c.Engine.Witness.Presume
	if r.step.function() != nil {
		presume = nil
	}
	if presume != nil && !r.look && to == from+1 {
		if st, _, err := r.step.text.Peek(from); err == nil && st.Copy == nil {
			if e, condition := presume(r.s, st); condition != "" {
				r.presumed, r.proof = true, e.Text()
				return r.jw.StartIf(r.about(), from+1, to, sum, r.proof, kept(r.step.text, from, to), condition)
			}
		}
	}
	r.proof = r.evidence(ctx, from, to)
	return r.jw.Start(r.about(), from+1, to, sum, r.proof, kept(r.step.text, from, to))
}

// kept is what the journal keeps of the text of statements from up to but
// without to.
func kept(text *migration.Reader, from, to int) string {
	var k journal.Kept
	for st, err := range text.Near(from, to) {
		if err != nil {
			k.Stop()
			break
		}
		if !k.Add(st.AsWritten()) {
			break
		}
	}
	return k.String()
}

// evidence looks at what a statement outside a transaction is about to
// change. What cannot be looked at leaves it without evidence, which is no
// reason not to run it.
func (r *runner) evidence(ctx context.Context, from, to int) string {
	before := r.w.c.Engine.Witness.Before
	if before == nil || to != from+1 || r.step.function() != nil {
		return ""
	}
	st, _, err := r.step.text.Peek(from)
	if err != nil || st.Copy != nil {
		return ""
	}
	e, err := before(ctx, r.s, st)
	if err != nil {
		return ""
	}
	return e.Text()
}

// ahead sees to a transaction that is not the whole truth, because a table
// (MyISAM) or a file (a second one on SQLite) that may be written to keeps no
// step with it: it is written ahead as if it were outside of one, so that
// after a crash it is in doubt and not run twice.
//
// Files commit one after another: of a COMMIT that was killed the one with our
// tables may be the only one that has it. What it did is then written apart.
func (r *runner) ahead(ctx context.Context, g plan.Group) (plan.Group, error) {
	r.apart, r.leaky = false, false
	leak := r.w.c.Engine.Leak
	if leak == nil || g.Mode != plan.InTransaction {
		return g, nil
	}
	statements := r.step.text.Statements(r.from(g), g.To)
	if r.w.c.Engine.Caps.File && r.step.outline.Setting.Number == 0 {
		// A second file comes by a setting; without one they are not read twice.
		statements = func(func(sqltext.Statement, error) bool) {}
	}
	what, err := leak(ctx, r.s, statements)
	if err != nil || what == "" {
		return g, err
	}
	if g.Sole {
		g.Mode = plan.Alone
		return g, nil
	}
	from := r.from(g)
	q := r.jw.Start(r.about(), from+1, g.To, string(g.Checksum), "", kept(r.step.text, from, g.To))
	_, err = r.s.Exec(ctx, q.Text, q.Values()...)
	r.apart, r.leaky = err == nil && r.w.c.Engine.Caps.File, true
	return g, err
}

// recordApart writes what a group did, behind its COMMIT.
func (r *runner) recordApart(ctx context.Context, g plan.Group) error {
	if err := r.write(ctx, r.trying(), r.closingOf(g, g.To == r.step.outline.Last)); err != nil {
		g.Mode = plan.Alone // it is in the database for good
		return r.fail(ctx, g, err)
	}
	return nil
}

// from is where a group begins that an earlier attempt may have begun.
func (r *runner) from(g plan.Group) int {
	if g.Mode == plan.Settings {
		return g.From
	}
	return max(g.From, r.step.Resume().Done)
}

// beginOf reads the text of the file's own BEGIN.
func (r *runner) beginOf(i int) string {
	st, _, err := r.step.text.Peek(i)
	if err != nil {
		return r.w.c.Engine.Dialect.Begin
	}
	return st.Text
}

// closing is what ends a migration inside its transaction: the session made
// fit for our own statements, then the history with its fence.
func (r *runner) closing() []engine.Query { return append(r.restore(), r.record()...) }

func (r *runner) restore() []engine.Query {
	if text := r.w.c.Engine.Dialect.Restore; text != "" {
		return []engine.Query{{Text: text}}
	}
	return nil
}

func (r *runner) record() []engine.Query {
	if r.step.Direction == migration.Down {
		return r.jw.Forget(r.about(), r.step.Revision, r.step.Also, &r.started)
	}
	return r.jw.Record(r.about(), r.step.outline.Hashes(), r.step.kept, r.step.Revision, &r.started)
}

func (r *runner) about() journal.Step {
	return journal.Step{Migration: r.step.Migration, Direction: r.step.Direction, Statements: r.step.outline.Statements, Since: r.started}
}

// watch turns a unit's progress into events.
func (r *runner) watch(from int) func(engine.Progress) {
	return func(p engine.Progress) {
		e := r.base
		e.Kind = event.StatementStarted
		e.Statement, e.Line, e.SQL = from+p.Index+1, p.Statement.Start.Line, p.Statement.Shown()
		if f := r.step.function(); f != nil {
			e.Line, e.SQL = 0, inGo(f)
		}
		if p.Done {
			r.at.end()
			e.Kind, e.Rows, e.Elapsed, e.Shared = event.StatementDone, p.Rows, p.Elapsed, p.Shared
		} else {
			r.at.begin(lock.Progress{Migration: r.base.File, Direction: r.base.Direction, Statement: e.Statement, Statements: r.step.outline.Statements}, e)
		}
		r.w.c.Observe.Emit(e)
	}
}

func (r *runner) emit(k event.Kind, fill func(*event.Event)) {
	e := r.base
	e.Kind = k
	if fill != nil {
		fill(&e)
	}
	r.w.c.Observe.Emit(e)
}

// fail settles what a failed group left behind: it writes the journal's
// entry, where there is a session left to write with, and says what is
// known.
func (r *runner) fail(ctx context.Context, g plan.Group, err error) error {
	fault := r.w.c.Engine.Fault(err)
	e := &MigrationError{Migration: r.step.Migration, Direction: r.step.Direction, Total: r.step.outline.Statements, Fault: fault, Err: err, Tries: r.tries}
	if fault.WaitedOut {
		e.Blockers = r.at.blocked()
	}
	var u *engine.UnitError
	if errors.As(err, &u) {
		e.Err = u.Err
		r.locate(e, g, u)
		e.OwnReadOnly = fault.Kind == engine.ReadOnly && r.readsOnly(max(e.Number, e.Behind))
	} else {
		u = &engine.UnitError{Part: engine.PartBegin, Err: err}
	}
	e.Err = r.w.c.hide(&e.Fault, e.Err)
	if errors.Is(context.Cause(ctx), lock.ErrLost) || errors.Is(err, lock.ErrLost) {
		// The watcher saw the hold go; nothing of ours may be written any
		// more, and what is still open cannot pass its fence.
		e.State, e.Err, e.Done = Untouched, lock.ErrLost, r.committed
		if r.partial || g.Mode == plan.Alone {
			e.State = Undecided
		}
		return e
	}
	if cause := context.Cause(ctx); cause != nil && (fault.Kind == engine.Canceled || errors.Is(err, cause) || errors.Is(err, ctx.Err())) {
		e.Err = fmt.Errorf("%w: %w", ErrInterrupted, cause)
	}
	e.Done = r.committed
	switch {
	case fault.Kind == engine.Lost || u.Part == engine.PartCommit && !u.RolledBack:
		e.State = Undecided
		e.Err = fmt.Errorf("%w: %w", lock.ErrLost, e.Err)
		return e
	case journal.IsFence(fault) && u.Part != engine.PartStatement:
		e.State = Untouched
		if r.partial || g.Mode == plan.Alone && u.Part == engine.PartClosing {
			e.State = Undecided
		}
		e.Err = lock.ErrLost
		return e
	case r.partial:
		e.State = Partial
	case g.Mode == plan.Alone && (u.Part == engine.PartStatement && !g.Atomic && !r.refused(fault, g) || u.Part == engine.PartClosing):
		e.State = Partial
	case g.Mode == plan.InTransaction && !u.RolledBack:
		e.State = Partial
	default:
		e.State = Untouched
	}
	r.note(ctx, g, u, e)
	if e.State == Partial {
		rest := *r.step
		came := rest.Resume()
		came.Done, came.Total = e.Done, e.Total
		rest.Attempt = &came
		var over *plan.Refusal
		if errors.As(rest.resumable(), &over) {
			e.Over = over.Detail
		}
	}
	if e.State == Untouched && r.step.Direction == migration.Down && r.step.Revision == nil {
		// What was half applied before is so still.
		e.State, e.StillHalf = Partial, true
	}
	return e
}

// refused says that nothing has come of a group outside a transaction: the
// server has refused its one statement, or its function has sent none.
func (r *runner) refused(f engine.Fault, g plan.Group) bool {
	if r.step.function() != nil {
		return r.idle
	}
	return f.Refused && g.To == r.from(g)+1
}

// ErrInterrupted says that the run was asked to stop.
var ErrInterrupted = errors.New("interrupted")

// note writes the failed attempt into the journal.
func (r *runner) note(ctx context.Context, g plan.Group, u *engine.UnitError, e *MigrationError) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	detail := e.Fault.Message
	if detail == "" || r.step.function() != nil || errors.Is(e.Err, ErrInterrupted) {
		detail = e.Err.Error()
	}
	detail = strings.Replace(detail, "interrupted: stopped by ", "interrupted by ", 1) // a signal
	detail = strings.ReplaceAll(detail, "\n", " ")
	if err := r.s.Reset(ctx, r.w.c.Limits); err != nil {
		e.Err = errors.Join(e.Err, fmt.Errorf("reset the session: %w", err))
		return
	}
	if g.Mode == plan.Alone && u.Part == engine.PartClosing {
		r.noteDone(ctx, g, e)
		return
	}
	q := r.jw.Aborted(r.about(), e.Number, detail)
	if e.State == Partial {
		from, to := r.from(g), g.To
		// Of several statements outside a transaction the first may have
		// stayed, and a transaction that could not be rolled back, too.
		e.Torn = u.Part != engine.PartOpening && (g.Mode == plan.Alone && to > from+1 || g.Mode == plan.InTransaction && !u.RolledBack)
		q = r.jw.Failed(r.about(), from+1, to, string(g.Checksum), detail, e.Torn)
		e.From, e.To = from+1, to
	}
	if _, err := r.s.Exec(ctx, q.Text, q.Values()...); err != nil {
		if journal.IsFence(r.w.c.Engine.Fault(err)) {
			err = lock.ErrLost
		}
		e.Err = errors.Join(e.Err, fmt.Errorf("write the journal: %w", err))
	}
}

// noteDone writes once more that a group outside a transaction has run, when it
// was for that, or for the history behind it, that it failed. Where that fails
// too the group stays in doubt.
func (r *runner) noteDone(ctx context.Context, g plan.Group, e *MigrationError) {
	from, to := r.from(g), g.To
	q := r.jw.Done(r.about(), from+1, to, string(g.Checksum), "", &r.started)
	var err error
	for range 3 {
		if _, err = r.s.Exec(ctx, q.Text, q.Values()...); !r.w.c.Engine.Fault(err).WaitedOut {
			break
		}
	}
	switch {
	case err == nil:
		r.committed, e.Done = to, to
	case journal.IsFence(r.w.c.Engine.Fault(err)):
		e.Err = errors.Join(e.Err, lock.ErrLost)
	default:
		e.Unwritten, e.From, e.To = true, from+1, to
	}
}

// locate finds the place of the trouble in the file.
func (r *runner) locate(e *MigrationError, g plan.Group, u *engine.UnitError) {
	if at, ok := errors.AsType[*failedCondition](u.Err); ok {
		e.Pos = sqltext.Pos{Line: at.line}
	}
	if u.Part == engine.PartClosing || u.Part == engine.PartCommit {
		e.Behind, e.Commit = g.To, u.Part == engine.PartCommit
	}
	if u.Part != engine.PartStatement || u.Statement.Text == "" {
		return
	}
	e.Number = r.from(g) + u.Index + 1
	if failed, ok := errors.AsType[*FunctionError](u.Err); ok {
		e.Statement = failed.SQL
		return
	}
	e.Statement, e.Start, e.Pos = u.Statement.AsWritten(), u.Statement.Start, u.Statement.Start
	e.Pos = e.Fault.Place(u.Statement)
	if e.Fault.Row > 0 && u.Statement.Copy != nil {
		e.Row = r.row(e.Number-1, e.Fault.Row)
		e.Pos.Column = columnOf(e.Row, e.Fault.Names[0])
	}
}

// readsOnly reports whether one of the first n statements, or what the last one
// has inside, keeps the session or its transaction from writing.
func (r *runner) readsOnly(n int) bool {
	sets := regexp.MustCompile(readsOnly) // seldom needed: no start waits for it
	for st, err := range r.step.text.Statements(0, n) {
		if err != nil {
			break
		}
		if st.Copy == nil && sets.MatchString(st.Text) {
			return true
		}
	}
	return false
}

const readsOnly = `(?i)\bread\s+only\b|_read_only\b|\bquery_only\b`

// row reads a line of the rows behind statement i, from 0; "" where the file is
// another one by now.
func (r *runner) row(i, n int) string {
	for st, err := range r.step.text.Statements(i, i+1) {
		if err != nil || st.Copy == nil {
			break
		}
		for lines := bufio.NewReader(st.Copy); ; n-- {
			line, err := lines.ReadString('\n')
			if n == 1 {
				return strings.TrimRight(line, "\r\n")
			}
			if err != nil {
				break
			}
		}
	}
	return ""
}

// columnOf is where a value stands in a line, the beginning where it does not,
// or more than once.
func columnOf(line, value string) int {
	if value == "" || strings.Count(line, value) != 1 {
		return 1
	}
	return utf8.RuneCountInString(line[:strings.Index(line, value)]) + 1
}

// orNone makes a header's zero, which means no limit, what Limits mean by
// that.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

package dbwarden

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Script writes what Migrate would do now as one script for the product's own
// client, to be run by somebody else: the statements in their transactions,
// the history and the journal, all with the fence, and the lock around it. It
// stops at the first error, and before anything else where the lock is held or
// the history has moved on, so that it cannot be run twice. The road to it is
// that of a run, with a session that writes down instead of running.
//
// It takes no lock and creates nothing. What it writes before an error is no
// whole script. With nothing to do it writes nothing. Errors: *plan.Refusal
// (NotScripted where no script can do it), and as for Migrate.
func (w *Warden) Script(ctx context.Context, t plan.Target, out io.Writer) (*Preview, error) {
	set, err := w.load()
	if err != nil {
		return nil, err
	}
	spell := w.c.Engine.Script
	if spell == nil {
		return nil, notScripted("there are no scripts for " + w.c.Engine.Title)
	}
	if t.Atomic {
		return nil, notScripted("a script has a transaction for each migration")
	}
	p := &Preview{Direction: migration.Up}
	buffered := bufio.NewWriter(out)
	write := func(s engine.Session, h *journal.History) error {
		v := engine.Server{}
		if s != nil {
			v = s.Server()
		}
		switch {
		case v.Pooled:
			return notScripted("a pooler stands between: write the script with the URL of the server itself")
		case v.Cluster != "":
			return notScripted("the lock of a cluster is a lease, which a script cannot keep")
		}
		todo, _, err := w.planOn(h, s, set, migration.Up, t, nil)
		if err != nil || len(todo.steps) == 0 {
			return err
		}
		r := &scripted{Session: s, server: v, spell: spell, begin: w.c.Engine.Dialect.Begin, out: buffered}
		// Nobody can look in the middle of the script what is there.
		e := *w.c.Engine
		e.Witness = engine.Witness{}
		if s == nil {
			e.Leak = nil
		}
		of := *w
		of.c.Engine, of.c.Observe = &e, nil
		todo.w = &of
		for _, ps := range todo.steps {
			p.Steps = append(p.Steps, PreviewStep{Migration: ps.Migration})
		}
		return of.script(ctx, r, h, todo)
	}
	err = w.look(ctx, func(s engine.Session, j *journal.Journal) error {
		h, err := j.Read(ctx, s)
		if err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
		if p.Lock, err = w.lock(s, j).Inspect(ctx, s); err != nil {
			return err
		}
		return write(s, h)
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		err = write(nil, &journal.History{})
	}
	return p, errors.Join(err, buffered.Flush())
}

func notScripted(why string) *plan.Refusal { return &plan.Refusal{Code: plan.NotScripted, Detail: why} }

// script writes the whole of it.
func (w *Warden) script(ctx context.Context, s *scripted, h *journal.History, todo *agenda) error {
	j := w.journal(s)
	l := w.lock(s, j)
	var newest, known int64
	if s.Session != nil {
		var err error
		if newest, known, err = j.Newest(ctx, s); err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
	}
	hold, err := l.Foresee(ctx, s, w.c.Holder, lock.NewRun(), known)
	if err != nil {
		return err
	}
	s.lines("-- "+w.c.Holder.Program+": "+fmt.Sprintf("%d migrations", len(todo.steps))+" for "+w.c.Database.Label(),
		"-- Run it with "+s.spell.Client+", where FILE is this file:", "--   "+s.spell.Usage,
		"-- It stops at the first error. Where the lock is held, or something was applied since it was written, it",
		"-- changes nothing. A migration that fails keeps the lock: dbwarden status and dbwarden lock-status tell.", "")
	s.lines(s.spell.Head...)
	if err := s.settle(ctx, w.c.Limits); err != nil {
		return err
	}
	if take := s.spell.Take(l.Key()); take != "" {
		s.guard(take, heldMessage)
	}
	// Our tables come with the row, or not at all, where that can be.
	if w.c.Engine.Caps.TransactionalDDL {
		s.lines(s.begin + ";")
	}
	// Where that changes the lock's table, a script that runs again, or behind
	// somebody who did the same, must not get as far.
	unmoved := func() {
		s.guard(hold.Free(), heldMessage)
		s.guard(hold.Unmoved(), movedMessage)
	}
	if hold.Whole {
		unmoved()
	} else {
		if hold.There {
			s.guard(hold.Free(), heldMessage)
		}
		s.guard(fmt.Sprintf("%s = %d", s.spell.Columns(s.server.Schema, lock.Table), hold.Columns), movedMessage)
	}
	if err := hold.Prepare(ctx, s); err != nil {
		return err
	}
	if !w.c.Engine.Caps.TransactionalDDL {
		s.lines(s.begin + ";")
	}
	unmoved()
	for _, q := range j.Unmoved(h, newest) {
		condition, err := s.spell.Query(q)
		if err != nil {
			return err
		}
		s.guard(condition, movedMessage)
	}
	s.query(hold.Claim(s.spell.Session))
	s.guard(hold.Taken(), heldMessage)
	s.lines("COMMIT;")
	jw := j.Writer(hold.Hold)
	for i := range todo.steps {
		near, err := todo.at(i, 1)
		if err != nil {
			return err
		}
		st := near[0]
		if f := st.function(); f != nil {
			return st.refuse(plan.NotScripted, plan.Place{}, "it is a migration in Go, "+f.String()+", which the program runs and no SQL can: end the script ahead of it (Target.To)")
		}
		if at := st.outline.Setting; at.Number > 0 && s.spell.Undo == nil && i < len(todo.steps)-1 {
			return st.refuse(plan.NotScripted, at, "what it sets would reach the next file, and a script cannot put it back: end this script with it (-t) and write another one behind it")
		}
		if len(st.require)+len(st.ensure) > 0 {
			return st.refuse(plan.NotScripted, plan.Place{Line: st.Migration.Header.Conditions[0].Line}, "a script asks no conditions")
		}
		if st.secret.Number > 0 {
			return st.refuse(plan.NotScripted, st.secret, "the value of a secret variable would stand in the script")
		}
		s.lines("", "-- "+st.Migration.File)
		for _, why := range st.cautions() {
			s.lines("-- " + oneLine(why))
		}
		if err := w.runner(s, jw, hold.Hold, newLookout(w.c.Engine, s, w.c.Observe.Emit), hold.Run, st, i, len(todo.steps)).run(ctx); err != nil {
			return err
		}
	}
	if err := s.Reset(ctx, w.c.Limits); err != nil {
		return err
	}
	s.lines("")
	s.query(hold.Give())
	if free := s.spell.Free(l.Key()); free != "" {
		s.lines(free)
	}
	s.lines(fmt.Sprintf("SELECT '%d migrations applied' AS dbwarden;", len(todo.steps)))
	return s.err
}

// What the script says when it stops before anything else.
const (
	heldMessage  = "dbwarden: the migration lock is held"
	movedMessage = "dbwarden: not the history that this script is for"
)

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// scripted is a session that writes down what it is to run. What it is asked,
// it asks the session that is there, which only looks.
type scripted struct {
	engine.Session // nil: there is no database yet

	server engine.Server
	spell  *engine.Script
	begin  string // of our own transactions
	out    *bufio.Writer
	err    error // the first one

	limits engine.Limits
	used   bool // a statement of the user's has run since the session was put right
}

// Unwrap gives engines their own session.
func (s *scripted) Unwrap() engine.Session { return s.Session }

func (s *scripted) ID() string            { return "" }
func (s *scripted) Server() engine.Server { return s.server }
func (s *scripted) Close() error          { return nil }

func (s *scripted) lines(all ...string) {
	for _, l := range all {
		s.fail(io.WriteString(s.out, l+"\n"))
	}
}

func (s *scripted) fail(_ int, err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *scripted) query(q engine.Query) {
	text, err := s.spell.Query(q)
	s.fail(0, err)
	s.lines(text + ";")
}

func (s *scripted) guard(condition, message string) {
	s.lines(s.spell.Guard(s.server, condition, message)...)
}

// settle makes the client's session what a run's is.
func (s *scripted) settle(ctx context.Context, l engine.Limits) error {
	s.limits, s.used = l, false
	lines, err := s.spell.Settings(ctx, s.Session, l)
	s.lines(lines...)
	return err
}

// Exec writes a statement down. Nobody knows what it will change.
func (s *scripted) Exec(_ context.Context, query string, args ...any) (int64, error) {
	s.query(engine.Query{Text: query, Args: args})
	return 1, s.err
}

func (s *scripted) Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error {
	if s.Session == nil {
		return nil
	}
	return s.Session.Query(ctx, each, query, args...)
}

// Run writes a unit down, in the order of engine.RunPlain.
func (s *scripted) Run(_ context.Context, u engine.Unit) error {
	ours := func(queries []engine.Query) {
		own := u.Begin == "" && len(queries) > 1
		if own {
			s.lines(s.begin + ";")
		}
		for _, q := range queries {
			s.query(q)
		}
		if own {
			s.lines("COMMIT;")
		}
	}
	if u.Begin != "" {
		s.lines(u.Begin + ";")
	}
	ours(u.Opening)
	if u.Statements != nil {
		for st, err := range u.Statements {
			if err != nil {
				return &engine.UnitError{Part: engine.PartStatement, Statement: st, Err: err}
			}
			s.used = true
			if err := s.spell.Statement(s.out, st); err != nil {
				return &engine.UnitError{Part: engine.PartStatement, Statement: st, Err: err}
			}
		}
	}
	ours(u.Closing)
	if u.Begin != "" {
		s.lines("COMMIT;")
	}
	return s.err
}

func (s *scripted) RunAll(ctx context.Context, units []engine.Unit) (int, error) {
	for i, u := range units {
		if err := s.Run(ctx, u); err != nil {
			return i, err
		}
	}
	return len(units), nil
}

// Reset writes down what puts the client's session back.
func (s *scripted) Reset(ctx context.Context, l engine.Limits) error {
	if !s.used && l == s.limits {
		return s.err
	}
	if s.used && s.spell.Undo != nil {
		s.lines(strings.Join(s.spell.Undo, "; ") + ";")
	} else if l == s.limits {
		return s.err
	}
	return errors.Join(s.settle(ctx, l), s.err)
}

func (s *scripted) ResetWithin(context.Context) error { return s.err }

package mysql

import (
	"context"
	"errors"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// closingTime is what the closing of a unit without a transaction gets after
// the run's own context ended.
const closingTime = 10 * time.Second

// Run does one unit of work: in one packet where it can, else with a round
// trip for each of its parts.
func (s *session) Run(ctx context.Context, u engine.Unit) error {
	if p := s.pack(ctx, u); p != nil {
		again, err := s.runPacket(ctx, u, p)
		if !again {
			return err
		}
		u.Watch = butFirst(u.Watch)
	}
	r := &runner{session: s, begin: u.Begin, alone: u.Begin == ""}
	err := engine.RunPlain(ctx, r, u, begin)
	if e, ok := errors.AsType[*engine.UnitError](err); ok && r.committed {
		// ROLLBACK succeeds all the same behind an implicit commit.
		e.RolledBack = false
	}
	if err != nil && r.holds {
		// Behind LOCK TABLES nobody could write down what happened. Where
		// this fails too, the session is lost, and its locks with it.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
		defer cancel()
		_, _ = s.Exec(after, "UNLOCK TABLES")
	}
	return err
}

// RunAll does units one after another.
func (s *session) RunAll(ctx context.Context, units []engine.Unit) (int, error) {
	return engine.RunEach(ctx, s, units)
}

// runner is a session within a unit.
type runner struct {
	*session
	begin     string
	alone     bool // without a transaction
	ran       bool // a statement of the user's succeeded
	committed bool // the transaction may have ended before its end
	holds     bool // tables may be locked
	inside    bool // a transaction of the unit is open
}

func (r *runner) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if r.alone && r.ran {
		// What has been done must be written down, also when it was the
		// last thing that the run was allowed to do.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), closingTime)
		defer cancel()
	}
	if r.holds && r.alone {
		// The file ends with tables locked: the next one finds none, and the
		// journal must not.
		if _, err := r.session.Exec(ctx, "UNLOCK TABLES"); err != nil {
			return 0, err
		}
		r.holds = false
	}
	ends := manners(query) == patient
	if !ends {
		if err := r.shield.raise(ctx, r.session, r.inside); err != nil {
			return 0, err
		}
	}
	n, err := r.session.Exec(ctx, query, args...)
	if err == nil {
		r.inside = !ends && (r.inside || query == begin || query == r.begin)
	}
	if err == nil && query == "ROLLBACK" && !r.alone {
		err = r.proveRollback(ctx)
	}
	return n, err
}

func (r *runner) Execute(ctx context.Context, st sqltext.Statement) (n int64, err error) {
	if err := r.before(ctx, st); err != nil {
		return 0, err
	}
	n, err = r.session.Execute(ctx, st)
	r.ran = r.ran || err == nil
	return n, err
}

func (r *runner) Do(ctx context.Context, c engine.Call) (*engine.Reply, error) {
	if err := r.before(ctx, c.Statement); err != nil {
		return nil, err
	}
	reply, err := r.session.Do(ctx, c)
	r.ran = r.ran || err == nil
	return reply, err
}

// before is called before a statement of the user's.
func (r *runner) before(ctx context.Context, st sqltext.Statement) error {
	t := classify(st.Words, r.server)
	switch t.Kind {
	case engine.Begin, engine.Commit, engine.Rollback:
		r.committed = true
	}
	r.committed = r.committed || t.Commits
	if err := r.shield.lower(ctx, r.session, r.inside); err != nil {
		return err
	}
	r.shield.note(t)
	r.holds = r.holds && !t.Frees || t.Holds
	return nil
}

func (r *runner) Ask(ctx context.Context, query sqltext.Statement) (*engine.Answer, error) {
	if err := r.shield.lower(ctx, r.session, r.inside); err != nil {
		return nil, err
	}
	return r.session.Ask(ctx, query)
}

var errNotAllRolledBack = errors.New("a table without transactions was changed, and cannot be rolled back")

// proveRollback asks whether ROLLBACK left something behind: that is no
// error there, only a warning.
func (r *runner) proveRollback(ctx context.Context) error {
	left := false
	err := r.eachWarning(ctx, func(_ string, code int, _ string) { left = left || code == errNotRolledBack })
	if err == nil && left {
		err = errNotAllRolledBack
	}
	return err
}

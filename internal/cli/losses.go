package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/fleet"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// countMost bounds the counting of rows: of more, it is enough to know that.
const countMost = 100_000

// losses are what the statements of a preview would take away that has rows, as
// far as they are read: a statement that is not understood is not judged.
func (t *target) losses(ctx context.Context, p *dbwarden.Preview) (lost []string, err error) {
	s, err := t.db.Connect(ctx, engine.ConnectOptions{App: "dbwarden rollback", ReadOnly: true, Limits: t.wants.Limits})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	note := func(what, things, from string) {
		n := 0
		err := s.Query(ctx, func(scan func(...any) error) error { return scan(&n) },
			fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 AS one FROM %s LIMIT %d) AS counted", from, countMost+1))
		many := fmt.Sprint(n)
		if n > countMost {
			many = fmt.Sprintf("more than %d", countMost)
		}
		// What is not there any more, or not yet, is not lost; what may not be
		// read, or is locked, is not counted.
		line := what + " with " + many + " " + things
		switch {
		case t.product.Engine.Fault(err).Kind == engine.Missing || err == nil && n == 0:
			return
		case err != nil:
			line = what + ", whose " + things + " could not be counted"
		}
		if !slices.Contains(lost, line) {
			lost = append(lost, line)
		}
	}
	dialect := t.product.Check().Dialect
	for _, step := range p.Steps {
		defer step.Close()
		for text, err := range step.SQL(step.Resume.Done, step.Statements) {
			if err != nil {
				return nil, err
			}
			st := ddl.Read(text, dialect)
			for _, name := range st.Names {
				switch {
				case st.Verb == ddl.Drop && st.Object == "TABLE":
					note("table "+name.Text, "rows", name.Text)
				case st.Verb == ddl.Truncate:
					note("what is in table "+name.Text, "rows", name.Text)
				case st.Verb == ddl.Delete:
					note("rows of table "+name.Text+", which is deleted from,", "rows", name.Text)
				case st.Verb == ddl.Drop && st.Object == "SCHEMA":
					lost = append(lost, "schema "+name.Text+" with all that is in it")
				}
			}
			for _, a := range st.Actions {
				if a.Kind == ddl.DropColumn && st.Object == "TABLE" && len(st.Names) == 1 {
					table := st.Names[0].Text
					note("column "+table+"."+a.Name.Text, "values", table+" WHERE "+a.Name.Text+" IS NOT NULL")
				}
			}
		}
	}
	return lost, ctx.Err()
}

func (a *app) showLosses(lost []string) {
	fmt.Fprintln(a.Stderr, a.style(a.Stderr).Bad("This would be lost:"))
	for _, l := range lost {
		fmt.Fprintln(a.Stderr, "  "+render.Plain(a.masked(l)))
	}
}

// agreed asks at a terminal; any answer but a yes is an error that says what was
// not done.
func (a *app) agreed(ctx context.Context, question, undone string) error {
	ok, err := a.confirm(ctx, question)
	if err == nil && !ok {
		err = &unconfirmedError{undone}
	}
	return err
}

// wouldLose is what a rollback would take away that has rows; no preview where
// there is none, since the run finds the same, and says it as ever.
func (t *target) wouldLose(ctx context.Context, to plan.Target) (*dbwarden.Preview, []string, error) {
	to.Settled = true // the run settles a doubt first, and refuses where it cannot
	p, err := t.warden.Preview(ctx, migration.Down, to)
	if err != nil || len(p.Steps) == 0 {
		return nil, nil, nil
	}
	lost, err := t.losses(ctx, p)
	for _, step := range slices.Backward(p.Steps) {
		if n := len(migration.Versions(step.Migration.Header.Replaces)); n > 0 {
			lost = slices.Insert(lost, 0, fmt.Sprintf("all that %s stands for: %s, which go back as one", step.Migration.File, counted(n, "migration")))
		}
	}
	return p, lost, err
}

// refuseSquashed refuses a rollback that nobody has been asked about, and that
// nobody has said how far it goes, where a squashed migration is in it: the
// newest migration is then all that it stands for.
func (a *app) refuseSquashed(_ context.Context, b dbwarden.Before) error {
	for _, m := range b.Planned {
		if n := len(migration.Versions(m.Header.Replaces)); n > 0 {
			return &usageError{fmt.Sprintf("%s stands for %s, which would go back as one with all that is in their tables, and there is nobody to ask", m.File, counted(n, "migration")),
				"look at it with: " + a.again("rollback", " --dry-run") + "; then: " + a.again("rollback", " --yes")}
		}
	}
	return nil
}

// consent has somebody at a terminal say whether a rollback may lose rows. It
// asks before the lock is taken, and has the run refuse where it would then be
// another one than was shown.
func (a *app) consent(ctx context.Context, t *target, to plan.Target) error {
	p, lost, err := t.wouldLose(ctx, to)
	if err != nil || len(lost) == 0 {
		return err
	}
	a.showLosses(lost)
	var names []string
	for _, s := range p.Steps {
		names = append(names, s.Migration.Name())
	}
	if err := a.agreed(ctx, fmt.Sprintf("Roll back %s?", render.Plain(strings.Join(names, ", "))), "not rolled back"); err != nil {
		return err
	}
	c := t.wants
	c.BeforeRun = func(_ context.Context, b dbwarden.Before) error {
		var now []string
		for _, m := range b.Planned {
			now = append(now, m.Name())
		}
		if !slices.Equal(now, names) {
			return &unconfirmedError{fmt.Sprintf("somebody else ran meanwhile: it would be %s that is rolled back now, and not what you were asked about", strings.Join(now, ", "))}
		}
		return nil
	}
	t.warden, err = dbwarden.New(c)
	return err
}

// lookedAt is how many targets of a fleet are looked at for what they would lose.
const lookedAt = 5

// consentToMany asks it once for a whole fleet. What the first targets would lose
// is shown; of a thousand nobody could read it. nil where it is not to be asked.
func (a *app) consentToMany(ctx context.Context, ask bool, to plan.Target) asking {
	if !ask {
		return nil
	}
	return func(targets []fleet.Target, open func(fleet.Target) (*target, error)) error {
		var lost []string
		for _, one := range targets[:min(len(targets), lookedAt)] {
			t, err := open(one)
			var mine []string
			if err == nil {
				_, mine, err = t.wouldLose(ctx, to)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				mine = []string{"what is there, which could not be looked at"}
			}
			for _, l := range mine {
				lost = append(lost, render.Name(one.Name)+": "+l)
			}
		}
		if n := len(targets) - lookedAt; n > 0 {
			lost = append(lost, fmt.Sprintf("and the same of %s, which were not looked at", counted(n, "more target")))
		}
		if len(lost) > 0 {
			a.showLosses(lost)
		}
		return a.agreed(ctx, fmt.Sprintf("Roll back on %d targets? What their migrations made is lost, with the rows in it", len(targets)), "not rolled back")
	}
}

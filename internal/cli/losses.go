package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
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

// consent has somebody at a terminal say whether a rollback may lose rows. It
// asks before the lock is taken, and has the run refuse where it would then be
// another one than was shown.
func (a *app) consent(ctx context.Context, t *target, to plan.Target) error {
	p, err := t.warden.Preview(ctx, migration.Down, to)
	if err != nil || len(p.Steps) == 0 {
		return nil // the run finds the same, and says it as ever
	}
	lost, err := t.losses(ctx, p)
	if err != nil || len(lost) == 0 {
		return err
	}
	st := a.style(a.Stderr)
	fmt.Fprintln(a.Stderr, st.Bad("This would be lost:"))
	for _, l := range lost {
		fmt.Fprintln(a.Stderr, "  "+render.Plain(a.masked(l)))
	}
	var names []string
	for _, s := range p.Steps {
		names = append(names, s.Migration.Name())
	}
	ok, err := a.confirm(ctx, fmt.Sprintf("Roll back %s?", render.Plain(strings.Join(names, ", "))))
	if err != nil {
		return err
	}
	if !ok {
		return &unconfirmedError{"not rolled back"}
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

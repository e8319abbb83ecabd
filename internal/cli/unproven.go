package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// prove runs the draft there, back and there again, behind the folder's other
// migrations, and compares what becomes of it.
func (g *generation) prove(ctx context.Context, d *draft) error {
	folder := proven.With(g.folder, d.name, []byte(d.text))
	var bad *unprovenError
	fail := func(what string, missed []schema.Change, err error) {
		if bad == nil && (len(missed) > 0 || err != nil) {
			bad = &unprovenError{file: g.t.path(d.name), what: what, missed: missed, text: d.text, err: err}
		}
	}
	leaves := func(who string, before, after *schema.State) {
		if v := broken(before, after); v != nil {
			fail(who+" leaves the view "+v.Name+", which cannot be read", nil, errors.New(v.Broken))
			bad.next = cmp.Or(bad.next, "change the view where it is made (a model, a repeatable migration), or keep what it names")
		}
	}
	var before *schema.State
	err := g.inScratch(ctx, g.t, func(s *scratch.Scratch) error {
		w, err := g.prover.Walk(ctx, s, g.folder, folder)
		if w == nil {
			return err
		}
		before = w.Before
		failed, ours := errors.AsType[*proven.Error](err)
		if err != nil && (!ours || ctx.Err() != nil) {
			return err
		}
		for _, state := range []*schema.State{w.There, w.Again} {
			leaves("it", w.Before, state)
		}
		leaves("its rollback", w.Before, w.Back)
		if w.There != nil {
			fail("it does not lead to what the models say", g.missed(w.There, d.left), nil)
		}
		if w.Back != nil {
			fail("its rollback does not lead back", proven.Missed(w.Back, w.Before, d.leftBack), nil)
		}
		if w.Again != nil {
			fail("run again behind its rollback it does not lead to what the models say", g.missed(w.Again, d.left), nil)
		}
		if ours {
			fail("it fails on "+failed.On, nil, failed.Err)
		}
		return nil
	})
	if err == nil && bad == nil && len(g.set.Migrations) > 0 && g.ordered() {
		// On a new database it runs before those that are behind it now.
		err = g.inScratch(ctx, g.t, func(s *scratch.Scratch) error {
			state, err := g.prover.Replay(ctx, s, folder, plan.Target{})
			if err != nil && ctx.Err() == nil {
				fail("the folder with it cannot be run on an empty database", nil, err)
				return nil
			}
			if err == nil {
				leaves("the folder with it", before, state)
			}
			return err
		})
	}
	if bad != nil {
		return errors.Join(bad, err)
	}
	return err
}

// broken is a view that can be read no more, or that nobody can read from the
// beginning; nil where there is none.
func broken(before, after *schema.State) *schema.View {
	if after == nil {
		return nil
	}
	for i, v := range after.Views {
		if v.Broken != "" && !slices.ContainsFunc(before.Views, func(was schema.View) bool {
			return was.Schema == v.Schema && was.Name == v.Name && was.Broken != ""
		}) {
			return &after.Views[i]
		}
	}
	return nil
}

// ordered reports whether some migrations run behind those of higher versions:
// seeds and repeatable ones.
func (g *generation) ordered() bool {
	return g.repeats() || slices.ContainsFunc(g.set.Migrations, func(m *migration.Migration) bool { return m.Header.Seed })
}

// missed are the differences from what the models say.
func (g *generation) missed(is *schema.State, left []schema.Change) []schema.Change {
	state, wanted := g.comparable(is), g.wanted
	if len(schema.Diff(wanted.WithoutGrants(), g.modelled)) == 0 {
		state, wanted = state.WithoutGrants(), wanted.WithoutGrants()
	}
	return proven.Missed(state, wanted, left)
}

// An unprovenError is a migration that was not written, because it does not
// do what it should.
type unprovenError struct {
	file   string
	what   string
	missed []schema.Change
	text   string
	err    error
	next   string // "" for the usual
}

func (e *unprovenError) Error() string {
	text := e.file + " was not written: " + e.what
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// unproven tells of a migration that was not written. The text of it is the
// command's result nevertheless: with what is wrong known, it can be mended by
// hand.
func (a *app) unproven(d *description, t *target, e *unprovenError) {
	a.fault(d, t, e.err)
	d.Message = e.Error()
	d.State = append(d.State, "nothing was written, and no database was changed")
	d.Draft, d.Changes = e.text, e.missed
	for _, c := range e.missed {
		d.State = append(d.State, "is not as it should be: "+c.String())
	}
	d.Next = []string{cmp.Or(e.next, "mend the draft, and keep it as a migration of your own: dbwarden new")}
}

package dbwarden

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Plan is what Migrate would do now, to be written down: with it goes what the
// files, the history and, where Config.Schema tells, the schema are. It takes
// no lock and creates nothing. Errors as for Migrate.
func (w *Warden) Plan(ctx context.Context, t plan.Target) (*plan.Saved, error) {
	set, err := w.load()
	if err != nil {
		return nil, err
	}
	var out *plan.Saved
	save := func(h *journal.History, s engine.Session) error {
		world, err := w.world(ctx, s, set, h, true)
		if err != nil {
			return err
		}
		todo, _, err := w.planOn(h, s, set, migration.Up, t, nil)
		if err != nil {
			return err
		}
		steps, unshown, err := todo.saved()
		if err != nil {
			return err
		}
		if len(unshown) > 0 {
			if world.Salt, err = world.NewSalt(); err != nil {
				return err
			}
			if world.Variables, err = w.veiled(world.Salt, unshown); err != nil {
				return err
			}
		}
		out = &plan.Saved{Format: plan.SavedFormat, About: "made by " + w.c.Holder.Program, Database: w.c.Database.Label(),
			Options: plan.OptionsOf(t), Steps: steps, World: world}
		return nil
	}
	err = w.look(ctx, func(s engine.Session, j *journal.Journal) error {
		h, err := j.ReadWhole(ctx, s)
		if err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
		return save(h, s)
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		err = save(&journal.History{}, nil)
	}
	return out, err
}

// veiled has a plan.Veil of the values of these variables, as far as they have one.
func (w *Warden) veiled(salt string, names []string) (map[string]string, error) {
	values := w.c.values().Find
	out := map[string]string{}
	for _, name := range names {
		v, ok := values[name]
		if !ok {
			continue
		}
		var err error
		if out[name], err = plan.Veil(salt, name, v.Text); err != nil {
			return nil, fmt.Errorf("take a digest of the variable %s: %w", name, err)
		}
	}
	return out, nil
}

// savedPlan is one that is to be run.
type savedPlan struct {
	*plan.Saved
	variables map[string]string // those of its world, as they are now
}

// MigrateSaved runs a saved plan and nothing else. Under the lock it looks
// whether files, history, schema and variables are those that the plan was made for, and
// refuses (*plan.Refusal, PlanMoved) where they are not. A plan that has been
// carried out to its end is done: nothing is run, and that is no error. Of a
// plan with nothing in it the same is looked at without the lock. Other errors
// as for Migrate.
func (w *Warden) MigrateSaved(ctx context.Context, s *plan.Saved) (*Result, error) {
	if s.Format != plan.SavedFormat {
		return &Result{Direction: migration.Up}, fmt.Errorf("a saved plan of format %d: this release reads %d", s.Format, plan.SavedFormat)
	}
	t, err := s.Options.Target()
	if err != nil {
		return &Result{Direction: migration.Up}, fmt.Errorf("the saved plan's target: %w", err)
	}
	// It takes its time, and so not under the lock.
	variables, err := w.veiled(s.World.Salt, slices.Sorted(maps.Keys(s.World.Variables)))
	if err != nil {
		return &Result{Direction: migration.Up}, err
	}
	return w.run(ctx, migration.Up, t, &savedPlan{s, variables})
}

// planSaved is the saved plan as steps to run, once nothing has moved; no step
// where it has been carried out.
func (w *Warden) planSaved(ctx context.Context, s engine.Session, set *migration.Set, t plan.Target, saved *savedPlan) (*agenda, error) {
	h := &journal.History{}
	v := engine.Server{}
	if s != nil {
		v = s.Server()
		var err error
		if h, err = w.journal(s).ReadWhole(ctx, s); err != nil {
			return nil, fmt.Errorf("read the history: %w", err)
		}
	}
	world, err := w.world(ctx, s, set, h, saved.World.Schema != nil)
	if err != nil {
		return nil, err
	}
	world.Variables = saved.variables
	moved := saved.World.Moved(world)
	if len(moved) > 0 && saved.CarriedOut(world, set, h) {
		return &agenda{w: w, server: v}, nil
	}
	var todo *agenda
	if len(moved) == 0 {
		if todo, _, err = w.planOn(h, s, set, migration.Up, t, nil); err != nil {
			return nil, err
		}
		steps, _, err := todo.saved()
		if err != nil {
			return nil, err
		}
		moved = saved.StepsMoved(steps)
	}
	if len(moved) > 0 {
		return nil, &plan.Refusal{Code: plan.PlanMoved, Moved: moved}
	}
	return todo, nil
}

// world looks at all that a saved plan depends on. Without a session there is
// no database.
func (w *Warden) world(ctx context.Context, s engine.Session, set *migration.Set, h *journal.History, schema bool) (plan.World, error) {
	files := map[string]string{}
	if w.c.Migrations != nil {
		var err error
		if files, err = migration.FileDigests(w.c.Migrations); err != nil {
			return plan.World{}, err
		}
	}
	for _, m := range set.Migrations {
		if m.Kind == migration.InGo {
			files[m.File] = string(m.Upgrade.Checksum()) // which is all that is known of it
		}
	}
	var err error
	var objects map[string]string
	if schema && w.c.Schema != nil {
		objects = map[string]string{}
		if s != nil {
			if objects, err = w.c.Schema(ctx, s); err != nil {
				return plan.World{}, fmt.Errorf("look at the schema: %w", err)
			}
		}
	}
	return plan.NewWorld(files, h, objects), nil
}

// How much of a step's text a saved plan shows: the file has the rest, and its
// digest stands in the plan.
const (
	savedStatement = 4_000  // bytes of one statement
	savedStep      = 64_000 // bytes of all
)

// saved writes the steps down, and names the variables whose values cannot be
// seen there. What it has read is let go of.
func (a *agenda) saved() (out []plan.SavedStep, unshown []string, err error) {
	out = []plan.SavedStep{}
	for i := range a.steps {
		near, err := a.at(i, 1)
		if err != nil {
			return nil, nil, err
		}
		one, names, err := near[0].saved()
		if err != nil {
			return nil, nil, err
		}
		out, unshown = append(out, one), append(unshown, names...)
	}
	a.near, a.from = nil, 0
	slices.Sort(unshown)
	return out, slices.Compact(unshown), nil
}

func (st *step) saved() (out plan.SavedStep, unshown []string, err error) {
	defer st.text.Close()
	m := st.Migration
	out = plan.SavedStep{Version: m.Version.String(), File: m.File, Kind: string(m.Kind), Statements: st.outline.Statements,
		Done: st.Resume().Done, Groups: []plan.SavedGroup{}}
	for _, q := range slices.Concat(st.require, st.ensure) { // of which it shows nothing
		unshown = append(unshown, q.Variables()...)
	}
	room := savedStep
	for _, g := range st.outline.Groups {
		from := max(g.From, st.Resume().Done)
		if from >= g.To {
			continue
		}
		one := plan.SavedGroup{Mode: g.Mode, From: from + 1, To: g.To}
		for q, err := range st.text.Statements(from, g.To) {
			if err != nil {
				return out, nil, err
			}
			text := ""
			if room > 0 {
				text = shown(st.shown(q))
				room -= len(text)
				one.SQL = append(one.SQL, text)
			} else if !m.Header.Vars {
				break // the file's digest stands for the rest
			}
			if text != q.Text {
				unshown = append(unshown, q.Variables()...)
			}
		}
		one.More = g.To - from - len(one.SQL)
		out.Groups = append(out.Groups, one)
	}
	return out, unshown, nil
}

// shown is a statement as a saved plan has it.
func shown(text string) string {
	if word := journal.Secretive(text); word != "" {
		return "-- not shown: it says " + word
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	more := ""
	if len(text) > savedStatement {
		more = fmt.Sprintf(" … (%d bytes more)", len(text)-savedStatement)
		text = text[:savedStatement]
	}
	return strings.ToValidUTF8(text, "\uFFFD") + more
}

package dbwarden

import (
	"context"
	"errors"
	"fmt"
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
		steps, err := todo.saved()
		out = &plan.Saved{Format: plan.SavedFormat, About: "made by " + w.c.Holder.Program, Database: w.c.Database.Label(),
			Options: plan.OptionsOf(t), Steps: steps, World: world}
		return err
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

// MigrateSaved runs a saved plan and nothing else. Under the lock it looks
// whether files, history and schema are those that the plan was made for, and
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
	return w.run(ctx, migration.Up, t, s)
}

// planSaved is the saved plan as steps to run, once nothing has moved; no step
// where it has been carried out.
func (w *Warden) planSaved(ctx context.Context, s engine.Session, set *migration.Set, t plan.Target, saved *plan.Saved) (*agenda, error) {
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
	moved := saved.World.Moved(world)
	if len(moved) > 0 && saved.CarriedOut(world, set, h) {
		return &agenda{w: w, server: v}, nil
	}
	var todo *agenda
	if len(moved) == 0 {
		if todo, _, err = w.planOn(h, s, set, migration.Up, t, nil); err != nil {
			return nil, err
		}
		steps, err := todo.saved()
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

// saved writes the steps down. What it has read is let go of.
func (a *agenda) saved() ([]plan.SavedStep, error) {
	out := []plan.SavedStep{}
	for i := range a.steps {
		near, err := a.at(i, 1)
		if err != nil {
			return nil, err
		}
		one, err := near[0].saved()
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	a.near, a.from = nil, 0
	return out, nil
}

func (st *step) saved() (plan.SavedStep, error) {
	defer st.text.Close()
	m := st.Migration
	out := plan.SavedStep{Version: m.Version.String(), File: m.File, Kind: string(m.Kind), Statements: st.outline.Statements,
		Done: st.Resume().Done, Groups: []plan.SavedGroup{}}
	room := savedStep
	for _, g := range st.outline.Groups {
		from := max(g.From, st.Resume().Done)
		if from >= g.To {
			continue
		}
		one := plan.SavedGroup{Mode: g.Mode, From: from + 1, To: g.To}
		for q, err := range st.text.Statements(from, g.To) {
			if err != nil {
				return out, err
			}
			if room <= 0 {
				break
			}
			text := shown(st.shown(q))
			room -= len(text)
			one.SQL = append(one.SQL, text)
		}
		one.More = g.To - from - len(one.SQL)
		out.Groups = append(out.Groups, one)
	}
	return out, nil
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

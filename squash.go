package dbwarden

import (
	"context"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Track notes in the history which squashed migrations this database has
// already, because it has all that they replace; Migrate does so, too. Nothing
// is run. Completed holds what was written; it refuses (*plan.Refusal) while a
// migration is half applied; other errors as for Migrate.
func (w *Warden) Track(ctx context.Context) (*Result, error) { return w.writeUnrun(ctx, tracking) }

var tracking = unrun{
	plan: func(_ context.Context, _ engine.Session, set *migration.Set, h *journal.History) (*plan.Plan, error) {
		return plan.Track(set, h)
	},
	record: func(jw *journal.Writer, _ int, st journal.Step, hashes []string) []engine.Query {
		return jw.Squash(st, hashes)
	},
}

// Unsquash has the history of a database go by the files that the squashed
// migration of that version replaces, as though they had run: a note goes, and
// of one that has run the rows of what it replaces come in its place. Nothing is
// run. It refuses (*plan.Refusal) while a migration is half applied, and where a
// file that comes in its place is gone. Completed holds that migration, where
// the history knew of it; other errors as for Migrate.
func (w *Warden) Unsquash(ctx context.Context, v migration.Version) (*Result, error) {
	var old []journal.Unsquashed
	var row *journal.Revision
	var behind []journal.Revision
	return w.writeUnrun(ctx, unrun{
		plan: func(ctx context.Context, s engine.Session, set *migration.Set, h *journal.History) (*plan.Plan, error) {
			if s != nil {
				// Rows that come in another's place take its time.
				whole, err := w.journal(s).ReadWhole(ctx, s)
				if err != nil {
					return nil, fmt.Errorf("read the history: %w", err)
				}
				h = whole
			}
			p, ms, err := plan.Unsquash(set, h, v)
			if err != nil || len(p.Steps) == 0 {
				return p, err
			}
			old, row, behind = nil, p.Steps[0].Revision, nil
			for _, m := range ms {
				step, hashes, err := described(m)
				if err != nil {
					return nil, err
				}
				old = append(old, journal.Unsquashed{Step: step, Hashes: hashes})
			}
			for _, r := range h.Revisions {
				if r.ID > row.ID && !r.Version.IsZero() {
					behind = append(behind, r)
				}
			}
			return p, nil
		},
		record: func(jw *journal.Writer, _ int, st journal.Step, _ []string) []engine.Query {
			return jw.Unsquash(st, row, old, behind)
		},
	})
}

// noteSquashed is Track at the end of a run, under its hold. A run that did not
// come to its end leaves it to the next one.
func (w *Warden) noteSquashed(ctx context.Context, s engine.Session, jw *journal.Writer, set *migration.Set, res *Result) error {
	if !set.Squashed() {
		return nil
	}
	h, err := w.journal(s).Read(ctx, s)
	if err != nil {
		return fmt.Errorf("read the history: %w", err)
	}
	p := &plan.Plan{Direction: migration.Up}
	for _, m := range plan.Untracked(set, h) {
		p.Steps = append(p.Steps, plan.Step{Migration: m, Direction: migration.Up})
	}
	res.Noted, err = w.writePlanned(ctx, s, jw, p, tracking)
	return err
}

package dbwarden

import (
	"context"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Baseline writes the versioned migrations up to the target's version into the
// history without running them: of a database that has what they make
// already. All of them come into it, or none; under the lock, as any run.
//
// Of the target, To and the Allow fields count. It refuses (*plan.Refusal)
// where the history goes beyond that version. Completed holds what was
// written; other errors as for Migrate.
func (w *Warden) Baseline(ctx context.Context, t plan.Target) (*Result, error) {
	return w.writeUnrun(ctx, baseline(t))
}

// PreviewBaseline is Baseline without the lock: Planned holds what would be
// written, and nothing is.
func (w *Warden) PreviewBaseline(ctx context.Context, t plan.Target) (*Result, error) {
	return w.previewUnrun(ctx, baseline(t))
}

func baseline(t plan.Target) unrun {
	return unrun{
		plan: func(_ context.Context, _ engine.Session, set *migration.Set, h *journal.History) (*plan.Plan, error) {
			return plan.Baseline(set, h, t)
		},
		record: func(jw *journal.Writer, _ int, st journal.Step, hashes []string) []engine.Query {
			return jw.Baseline(st, hashes)
		},
	}
}

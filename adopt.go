package dbwarden

import (
	"context"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Adopted is a migration that another tool has applied.
type Adopted struct {
	File string // of the Warden's folder
	journal.Elsewhere
}

// A Ledger reads another tool's history: what that one has applied, in the
// order of execution. It is called twice, the second time with the lock in
// hand, and writes nothing. Without a database yet there is no session.
type Ledger func(context.Context, engine.Session) ([]Adopted, error)

// Adopt writes what another tool has applied into the history, so that nothing
// of it runs again: with the times that the other tool knows, in its order. All
// of it comes into the history, or none; under the lock, as any run. What is
// there already stays, so that it may be repeated.
//
// The lock is ours alone: the other tool does not know it, and must not run
// meanwhile. Completed holds what was written. It refuses (*plan.Refusal) where
// the history has versions which the other tool's has not; other errors are the
// ledger's, or as for Migrate.
func (w *Warden) Adopt(ctx context.Context, l Ledger) (*Result, error) {
	return w.writeUnrun(ctx, adopt(l))
}

// PreviewAdopt is Adopt without the lock: Planned holds what would be written,
// and nothing is.
func (w *Warden) PreviewAdopt(ctx context.Context, l Ledger) (*Result, error) {
	return w.previewUnrun(ctx, adopt(l))
}

func adopt(l Ledger) unrun {
	var planned []journal.Elsewhere // of the last plan's steps
	return unrun{
		plan: func(ctx context.Context, s engine.Session, set *migration.Set, h *journal.History) (*plan.Plan, error) {
			rows, err := l(ctx, s)
			if err != nil {
				return nil, err
			}
			byFile := map[string]*migration.Migration{}
			for _, m := range set.Migrations {
				byFile[m.File] = m
			}
			known := map[*migration.Migration]journal.Elsewhere{}
			var applied []*migration.Migration
			for _, r := range rows {
				m := byFile[r.File]
				if m == nil {
					return nil, fmt.Errorf("%s is applied by %s and is not in the folder", r.File, r.Tool)
				}
				applied, known[m] = append(applied, m), r.Elsewhere
			}
			p, err := plan.Adopt(set, h, applied)
			if err != nil {
				return nil, err
			}
			planned = planned[:0]
			for _, st := range p.Steps {
				planned = append(planned, known[st.Migration])
			}
			return p, nil
		},
		record: func(jw *journal.Writer, number int, st journal.Step, hashes []string) []engine.Query {
			return jw.Adopt(st, hashes, planned[number])
		},
	}
}

package dbwarden

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// mostDifferences is of how many files status and a refusal tell how they
// differ from what ran.
const mostDifferences = 20

// Differences tells of each applied migration whose file has changed how it
// differs from what ran, in the order of the folder, and not of one that has
// another number now. It takes no lock and creates nothing.
func (w *Warden) Differences(ctx context.Context) (out []plan.Difference, err error) {
	set, err := w.load()
	if err != nil {
		return nil, err
	}
	err = w.look(ctx, func(s engine.Session, j *journal.Journal) error {
		h, err := j.Read(ctx, s)
		if err == nil {
			out, err = w.differences(ctx, s, j, set, h, len(set.Migrations))
		}
		return err
	})
	if errors.Is(err, engine.ErrNoDatabase) {
		err = nil
	}
	return out, err
}

// differences are at most so many.
func (w *Warden) differences(ctx context.Context, s engine.Session, j *journal.Journal, set *migration.Set, h *journal.History, most int) ([]plan.Difference, error) {
	var out []plan.Difference
	for _, m := range set.Migrations {
		r := h.Find(m.Version)
		if !m.Kind.Once() || r == nil || r.Kind == journal.Squashed || !plan.Changed(m, r) {
			continue
		}
		if plan.Renumbered(set, h, r) != nil {
			continue // what ran stands in another file, as it ran
		}
		if len(out) == most {
			break
		}
		ran, err := j.Ran(ctx, s, r)
		if err != nil {
			return nil, err
		}
		d, err := plan.Differ(m, r, ran, w.c.Engine.Lexis)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// withDifferences adds to a refusal of changed files how they differ. What
// cannot be found out is left out: the refusal says what matters.
func (w *Warden) withDifferences(ctx context.Context, s engine.Session, set *migration.Set, h *journal.History, err error) error {
	var r *plan.Refusal
	if s != nil && errors.As(err, &r) && r.Code == plan.ChangedFile {
		if found, e := w.differences(ctx, s, w.journal(s), set, h, mostDifferences); e == nil {
			r.Changes = found
		}
	}
	return err
}

// Repair has the history say of changed files that what stands in them is what
// ran: of those that somebody has looked at, as Differences told of them. All
// of them are adopted or none, under the lock and its fence, and the journal
// says by whom. It refuses (*plan.Refusal, ChangedAgain) where a file or its
// row is not what was looked at any more, and (RenumberedFile) where what ran has
// another number now. Completed holds what was adopted;
// other errors as for Migrate.
func (w *Warden) Repair(ctx context.Context, seen []plan.Difference) (*Result, error) {
	byFile := map[string]plan.Difference{}
	for _, d := range seen {
		byFile[d.File] = d
	}
	var rows []*journal.Revision
	return w.writeUnrun(ctx, unrun{
		plan: func(_ context.Context, _ engine.Session, set *migration.Set, h *journal.History) (*plan.Plan, error) {
			p := &plan.Plan{Direction: migration.Up}
			rows = nil
			for _, d := range seen {
				v, err := migration.ParseVersion(d.Version)
				if err != nil {
					return nil, fmt.Errorf("repair %s: %w", d.File, err)
				}
				m, r := set.Find(v), h.Find(v)
				if r != nil {
					if now := plan.Renumbered(set, h, r); now != nil {
						return nil, &plan.Refusal{Code: plan.RenumberedFile, Items: []plan.Item{{Version: d.Version, File: r.File, Now: now.File}}}
					}
				}
				if m == nil || r == nil || m.File != d.File || r.Checksum != d.Was || m.Upgrade.Checksum() != d.Is {
					return nil, &plan.Refusal{Code: plan.ChangedAgain, Items: []plan.Item{{Version: d.Version, File: d.File}}}
				}
				p.Steps = append(p.Steps, plan.Step{Migration: m, Direction: migration.Up, Revision: r})
				rows = append(rows, r)
			}
			return p, nil
		},
		record: func(jw *journal.Writer, number int, st journal.Step, hashes []string) []engine.Query {
			return jw.Repair(st, rows[number], hashes, byFile[st.Migration.File].Now)
		},
	})
}

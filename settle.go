package dbwarden

import (
	"context"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// settle finds out how a statement ended whose process died over it, from
// what was written down before it ran. unsure is why it could not, where it
// could not.
//
// It is called with the lock in hand. The native lock lives as long as the
// session that took it, and a session lives as long as its statement, also
// where its client is long gone (an ALTER on MySQL goes on to its end): that
// the lock is ours is the proof that nothing of the old run is under way any
// more, and that what is seen now stays.
func (w *Warden) settle(ctx context.Context, s engine.Session, jw *journal.Writer, set *migration.Set, d migration.Direction) (unsure string, err error) {
	open, err := w.journal(s).Open(ctx, s)
	if err != nil {
		return "", fmt.Errorf("read the journal: %w", err)
	}
	e, p := plan.Unfinished(journal.NewHistory(nil, open))
	turning := e != nil && e.Direction != d
	if e == nil || turning && d == migration.Up || p.Doubt == 0 && (turning || p.Evidence == "") {
		return "", nil
	}
	m := plan.FindFile(set, e)
	if m == nil {
		return "", nil // refused for that
	}
	f := w.find(ctx, s, p.Evidence)
	if p.Doubt > 0 && f.Outcome == engine.Unsure {
		return f.Saw, nil
	}
	saw := f.Saw
	if turning && len(f.Clear) > 0 {
		// What is left of the statement is the rollback section's to drop. The
		// evidence stays, as with a person's word, should it go upwards after all.
		f.Clear, saw = nil, ""
	}
	for _, o := range f.Clear {
		if s.Server().Pooled {
			return "something of it is left, which cannot be cleared through a pooler: " + f.Saw, nil
		}
		if err := w.c.Engine.Witness.Clear(ctx, s, o); err != nil {
			return "", fmt.Errorf("clear what statement %d of %s left (%s): %w", max(p.Doubt, p.Done+1), m.File, f.Saw, err)
		}
		f.Saw += " and was dropped"
		saw = f.Saw
	}
	settled := event.Event{Kind: event.StatementSettled, Direction: string(d), Version: m.Name(), File: m.File,
		Statement: p.Doubt, Statements: p.Total, Detail: "it runs: " + f.Saw}
	if turning {
		settled.Direction, settled.Detail = string(e.Direction), "it counts as not run: "+f.Saw
	}
	if f.Outcome == engine.Took {
		settled.Detail = "it had taken effect: " + f.Saw
	}
	if p.Doubt == 0 {
		// The server had refused it: only what it left was of interest.
		if settled.Statement = p.Done + 1; len(f.Clear) > 0 {
			w.c.Observe.Emit(settled)
		}
		return "", nil
	}
	said := journal.RunAgain
	if f.Outcome == engine.Took {
		said = journal.TookPlace
	}
	q := jw.Resolve(journal.Step{Migration: m, Direction: e.Direction, Statements: e.Statements}, p.Doubt, p.To, e.Checksum, said, saw)
	if _, err := s.Exec(ctx, q.Text, q.Values()...); err != nil {
		return "", fmt.Errorf("write the journal: %w", err)
	}
	w.c.Observe.Emit(settled)
	return "", nil
}

// find looks at what the evidence speaks of.
func (w *Warden) find(ctx context.Context, s engine.Session, text string) engine.Finding {
	e, err := engine.ReadEvidence(text)
	now := make([]string, len(e.Objects))
	for i, o := range e.Objects {
		if err == nil && !e.Again {
			now[i], err = w.c.Engine.Witness.Now(ctx, s, o)
		}
	}
	if err != nil {
		return engine.Finding{Saw: err.Error()}
	}
	return e.Judge(now)
}

package dbwarden

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Fingerprint says how a run looks at the schema, to keep what it looks like
// behind the run, and to find what was changed in between. The library itself
// knows no schema: the program that embeds it gives Take and Compare, or none.
type Fingerprint struct {
	// Take makes a fingerprint of the session's schema, without our own
	// tables. It writes nothing, and leaves the session as it was.
	Take func(ctx context.Context, s engine.Session) (string, error)

	// Same says for less than Take that the schema is as a fingerprint has it
	// that is kept; no where it may be another. nil: there is no such way.
	Same func(ctx context.Context, s engine.Session, kept string) (bool, error)

	// Compare names what differs between two of them, as a person reads it:
	// "changed column orders.amount". What cannot be compared (a fingerprint of
	// another version, account or server) does not differ.
	Compare func(kept, now string) []string
}

// Drift is what somebody else has changed in the schema since the last run.
type Drift struct {
	Objects []string  // at most MostDrifted, as Compare names them
	Total   int       // of all
	Since   time.Time // when the last run ended
	By      string    // whose that was: user@host
}

// MostDrifted is how many of the objects a Drift names.
const MostDrifted = 20

// String tells it in one line.
func (d *Drift) String() string {
	more := ""
	if n := d.Total - len(d.Objects); n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	return fmt.Sprintf("the schema is not as the last run left it (%s, %s): %s%s",
		d.By, d.Since.UTC().Format("2006-01-02 15:04:05 UTC"), strings.Join(d.Objects, ", "), more)
}

// A DriftError refuses to migrate a schema that has drifted. Nothing was run.
type DriftError struct{ Drift *Drift }

func (e *DriftError) Error() string { return e.Drift.String() }

// seekDrift looks, with the lock in hand and before anything is run, whether
// the schema is as the last run left it. That is known only where that run kept
// a fingerprint, and no other has done anything since.
//
// A rollback is never refused: it may be what mends.
func (w *Warden) seekDrift(ctx context.Context, s engine.Session, j *journal.Journal, res *Result) error {
	if w.c.Fingerprint == nil {
		return nil
	}
	drift, err := w.drift(ctx, s, j)
	refuse := w.c.RefuseDrift && res.Direction == migration.Up
	switch {
	case err != nil && (refuse || ctx.Err() != nil || w.c.Engine.Fault(err).Kind == engine.Lost):
		return w.underHold(ctx, fmt.Errorf("look for drift: %w", err))
	case err != nil:
		w.c.Observe.Emit(event.Event{Kind: event.Warning, Run: res.Run, Detail: "whether the schema is as the last run left it cannot be seen: " + err.Error()})
		return nil
	case drift == nil:
		return nil
	case refuse:
		return &DriftError{drift}
	}
	res.Drift = drift
	w.c.Observe.Emit(event.Event{Kind: event.Drifted, Run: res.Run, Objects: drift.Objects, Total: drift.Total, Detail: drift.String()})
	return nil
}

// drift compares the schema to the fingerprint that is kept; nil where there is
// nothing to say.
func (w *Warden) drift(ctx context.Context, s engine.Session, j *journal.Journal) (*Drift, error) {
	kept, err := j.Fingerprint(ctx, s)
	if err != nil || kept == nil {
		return nil, err
	}
	if w.c.Fingerprint.Same != nil {
		if same, err := w.c.Fingerprint.Same(ctx, s, kept.Text); err != nil || same {
			return nil, err
		}
	}
	now, err := w.c.Fingerprint.Take(ctx, s)
	if err != nil {
		return nil, err
	}
	objects := w.c.Fingerprint.Compare(kept.Text, now)
	if len(objects) == 0 {
		return nil, nil
	}
	return &Drift{Objects: objects[:min(len(objects), MostDrifted)], Total: len(objects), Since: kept.At, By: kept.By}, nil
}

// keepFingerprint keeps what the schema looks like behind a run that came to
// its end. Whatever goes wrong here, the run's work is done: a fingerprint that
// is not kept is one that the next run does not have.
func (w *Warden) keepFingerprint(ctx context.Context, s engine.Session, j *journal.Journal, jw *journal.Writer, res *Result) {
	if w.c.Fingerprint == nil || len(res.Completed) == 0 {
		return
	}
	err := w.takeFingerprint(ctx, s, j, jw)
	fault := w.c.Engine.Fault(err)
	if err == nil || journal.IsFence(fault) || fault.Kind == engine.Lost || errors.Is(context.Cause(ctx), lock.ErrLost) {
		return // of a hold that is lost the release tells
	}
	res.Warnings = append(res.Warnings, "what the schema looks like now was not kept, so that the next run cannot tell whether it drifts: "+err.Error())
}

func (w *Warden) takeFingerprint(ctx context.Context, s engine.Session, j *journal.Journal, jw *journal.Writer) error {
	// What the last file set in the session does not decide what is seen.
	if err := s.Reset(ctx, w.c.Limits); err != nil {
		return err
	}
	text, err := w.c.Fingerprint.Take(ctx, s)
	if err != nil {
		return err
	}
	if err := j.EnsureFingerprint(ctx, s); err != nil {
		return err
	}
	return s.Run(ctx, engine.Unit{
		Begin: w.c.Engine.Dialect.Begin, Statements: engine.NoStatements, Closing: jw.Fingerprint(text), AtOnce: !w.c.NoPipeline,
	})
}

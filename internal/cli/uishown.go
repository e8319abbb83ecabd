package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/diagram"
	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/internal/ui"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/schema"
)

// What the page of dbwarden ui shows is what the verbs of the same names say,
// in their words.

// onPage is a database for the page.
func (a *app) onPage(t *target) ui.Database {
	d := ui.Database{
		Label: a.masked(t.db.Label()), Server: serverOf(t),
		Lock: seenBy(a, t, func(ctx context.Context) (ui.Lock, error) {
			r, err := t.warden.Lock(ctx)
			return a.lockShown(t, r), err
		}),
		Status: seenBy(a, t, func(ctx context.Context) (ui.Status, error) {
			if t.wants.Migrations == nil {
				return ui.Status{}, &folderError{t.MigrationsDir}
			}
			s, err := t.warden.Status(ctx)
			if err != nil {
				return ui.Status{}, err
			}
			return a.statusShown(s), nil
		}),
		History: seenBy(a, t, func(ctx context.Context) ([]ui.Revision, error) {
			rs, err := t.warden.History(ctx)
			return a.historyShown(rs), err
		}),
		Attempts: seenBy(a, t, func(ctx context.Context) ([]ui.Attempt, error) {
			es, err := t.warden.Attempts(ctx)
			return a.attemptsShown(es), err
		}),
		Pending: seenBy(a, t, func(ctx context.Context) (ui.Pending, error) {
			if t.wants.Migrations == nil {
				return ui.Pending{}, &folderError{t.MigrationsDir}
			}
			return a.pendingShown(ctx, t)
		}),
		Text: func(file string) (io.ReadCloser, error) {
			f, err := os.Open(filepath.Join(t.MigrationsDir, filepath.Base(file)))
			if err != nil {
				return nil, a.trouble(context.Background(), t, err)
			}
			return struct {
				io.Reader
				io.Closer
			}{&maskedText{mask: a.masked, from: f}, f}, nil
		},
	}
	if t.product.Inspect != nil {
		d.Diagram = seenBy(a, t, func(ctx context.Context) (ui.Diagram, error) { return a.diagramShown(ctx, t) })
	}
	return d
}

// serverOf is what databases on one server have in common.
func serverOf(t *target) string {
	if t.product.Engine.Caps.File {
		return t.db.Label()
	}
	// The label is the URL without its password; the database comes last.
	label, _, _ := strings.Cut(t.db.Label(), "?")
	if i := strings.LastIndexByte(label, '/'); i > 0 {
		label = label[:i]
	}
	return t.product.Engine.Name + " " + label
}

// commands are ours within a sentence, with the flags that mean something
// else when they are left out. What has two ways is words: a person chooses.
var commandsIn = lazy.Regexp(`\bdbwarden [a-z-]+(?: (?:-[-a-z]+ (?:'[^']*'|[^\s,;():']+)|--(?:force|yes|retry|done|all)\b))*`)

// phrase sets the commands in a sentence apart.
func phrase(text string) (out ui.Phrase) {
	for text != "" {
		at := commandsIn().FindStringIndex(text)
		if at == nil {
			return append(out, ui.Part{Text: text})
		}
		if at[0] > 0 {
			out = append(out, ui.Part{Text: text[:at[0]]})
		}
		out = append(out, ui.Part{Text: text[at[0]:at[1]], Command: true})
		text = text[at[1]:]
	}
	return out
}

// tones of verdicts.
func toneOf(v lock.Verdict) ui.Tone {
	switch v {
	case lock.Alive, lock.ByHand:
		return ui.Busy
	case lock.Free:
		return ui.Good
	}
	return ui.Bad
}

func (a *app) lockShown(t *target, r dbwarden.LockReport) ui.Lock {
	plain := func(text string) string { return render.Plain(a.masked(text)) }
	if !r.Active {
		out := ui.Lock{Verdict: string(lock.Free), Tone: ui.Good}
		if r.Follows != "" {
			out.Notes = append(out.Notes, plain("This is what has arrived on "+r.Follows+": a lock that was taken just now is seen on the primary."))
		}
		if r.SessionLives {
			out.Notes = append(out.Notes, plain("The lock was released by hand, and the session of "+r.Row.Holder+" still lives: it can commit nothing more. A statement outside a transaction that runs there may still take effect."))
		}
		for _, text := range a.leftBehind(t, r) {
			out.Next = append(out.Next, phrase(plain(text)))
		}
		return out
	}
	out := ui.Lock{Active: true, Verdict: string(r.Verdict), Known: plain(verdictWords(r.Status)), Tone: toneOf(r.Verdict), Holder: plain(r.Who()), Since: heldSince(r.Status)}
	fact := func(name, text string) {
		if text != "" {
			out.Facts = append(out.Facts, ui.Fact{Name: name, Text: plain(text)})
		}
	}
	fact(runWords(r.Status))
	fact("session", sessionWords(r.Status))
	fact("doing", doingWords(r.Status))
	fact("detail", whyHeld(r.Status))
	fact("waiting", waitingWords(r.Status))
	if b := r.Beat; b != nil && b.Migration != "" {
		out.Progress = &ui.Progress{File: plain(b.Migration), Direction: string(b.Direction), Statement: b.Statement, Statements: b.Statements, Over: r.Verdict != lock.Alive}
	}
	if r.Unfinished != nil {
		fact("half done", a.halfDoneWords(r))
	}
	for _, n := range a.advice(t, r) {
		out.Next = append(out.Next, phrase(plain(n)))
	}
	return out
}

func (a *app) statusShown(s *dbwarden.Status) ui.Status {
	out := ui.Status{Applied: s.AppliedTotal, Pending: s.PendingTotal}
	for _, o := range stateOrder {
		if n := s.Counts[o.state]; n > 0 {
			out.Counts = append(out.Counts, ui.Count{What: strings.ToLower(o.name), N: n})
		}
	}
	if s.Restoring != "" {
		out.Notes = append(out.Notes, "In pieces: the backup "+render.Plain(s.Restoring)+dbwarden.HalfRestored+"; dbwarden restore puts it back")
	}
	switch {
	case s.LockUnknown != nil:
		out.Lock, out.LockTone = "UNKNOWN", ui.Bad
	case s.Lock.Active:
		out.Lock, out.LockTone, out.Held = "ACTIVE, "+string(s.Lock.Verdict), toneOf(s.Lock.Verdict), true
	default:
		out.Lock, out.LockTone = "INACTIVE", ui.Good
	}
	for _, m := range s.Migrations {
		shown := ui.Standing{Version: m.Version, Description: render.Plain(m.Description), File: render.Plain(m.File), State: strings.ReplaceAll(string(m.State), "_", " "),
			Tone: toneOfState(m.State), AppliedAt: m.AppliedAt, Detail: render.Plain(render.OneLine(a.masked(m.Detail)))}
		if m.Difference != nil {
			shown.Difference = a.differenceText(nil, *m.Difference, render.Style{})
		}
		out.Migrations = append(out.Migrations, shown)
	}
	return out
}

func toneOfState(s dbwarden.MigrationState) ui.Tone {
	switch s {
	case dbwarden.Applied:
		return ui.Good
	case dbwarden.Elsewhere, dbwarden.Replaced:
		return ui.Plain
	case dbwarden.Pending, dbwarden.OutOfOrder, dbwarden.Waiting:
		return ui.Busy
	}
	return ui.Bad
}

func (a *app) historyShown(rs []journal.Revision) []ui.Revision {
	out := make([]ui.Revision, len(rs))
	for i, r := range rs {
		out[i] = ui.Revision{Order: i + 1, Version: r.Version.String(), File: render.Plain(r.File), Description: render.Plain(r.Description), AppliedAt: r.AppliedAt,
			Kind: string(r.Kind), Took: shownDuration(r.Duration), By: render.Plain(a.masked(r.By))}
	}
	return out
}

func (a *app) attemptsShown(es []journal.Entry) []ui.Attempt {
	out := make([]ui.Attempt, len(es))
	for i, e := range es {
		row := ui.Attempt{At: e.At, What: attemptWhat(e), Migration: render.Plain(e.File), Statements: attemptWhere(e), Took: attemptTook(e), By: render.Plain(a.masked(e.By)),
			Detail: render.Plain(render.OneLine(a.masked(e.Detail))), Tone: ui.Good}
		switch e.What {
		case journal.Failed, journal.Aborted:
			row.Tone = ui.Bad
		case journal.Started, journal.Unlocked, journal.TakenOver, journal.Resolved, journal.Restoring, journal.Restored:
			row.Tone = ui.Busy
		}
		out[i] = row
	}
	return out
}

// pendingShown is what the next run would do, in its order, with what check
// says of it.
func (a *app) pendingShown(ctx context.Context, t *target) (ui.Pending, error) {
	out := ui.Pending{}
	status, err := t.warden.Status(ctx)
	if err != nil {
		return out, err
	}
	set, err := t.wants.Load(os.DirFS(t.MigrationsDir))
	if err != nil {
		return out, err
	}
	of := map[string]dbwarden.Standing{}
	for _, m := range status.Migrations {
		switch m.State {
		case dbwarden.Applied, dbwarden.Missing, dbwarden.Changed, dbwarden.Elsewhere, dbwarden.Replaced:
		default:
			of[m.File] = m
		}
	}
	findings := map[string][]check.Finding{}
	if t.product.Check != nil {
		c, err := a.judge(ctx, t, checkFlags{live: true}, nil)
		if err != nil {
			return out, err
		}
		out.Server, out.Unjudged, out.Ignored = c.server.Product+" "+c.server.Version, c.report.Unjudged, len(c.report.Ignored)
		if said := c.said(); said != "" {
			out.Note = strings.ToUpper(said[:1]) + said[1:] + "."
		}
		for _, f := range c.report.Findings {
			findings[f.File] = append(findings[f.File], f)
		}
	} else {
		out.Note = "There are no rules for " + t.product.Engine.Title + "."
	}
	for _, m := range set.Migrations {
		st, pending := of[m.File]
		if !pending {
			continue
		}
		row := ui.Migration{Version: st.Version, Description: render.Plain(st.Description), File: m.File, State: strings.ReplaceAll(string(st.State), "_", " "), Tone: toneOfState(st.State)}
		if info, err := os.Stat(filepath.Join(t.MigrationsDir, m.File)); err == nil { // else opening it says so
			row.Size = info.Size()
		}
		for _, f := range findings[m.File] {
			row.Findings = append(row.Findings, a.findingShown(f))
		}
		out.Migrations = append(out.Migrations, row)
	}
	return out, nil
}

func (a *app) findingShown(f check.Finding) ui.Finding {
	tone := map[check.Severity]ui.Tone{check.Error: ui.Bad, check.Warning: ui.Busy}[f.Severity]
	out := ui.Finding{Rule: f.Rule.ID, Severity: string(f.Severity), Message: render.Plain(a.masked(f.Message)), Why: f.Rule.Why, Lock: effectWords(f.Effect), Safer: a.masked(f.Safer), Tone: tone, Line: f.Line}
	if f.Size != nil {
		out.Size = sizeWords(f.Table, *f.Size)
	}
	return out
}

// diagramShown is the live schema, as dbwarden diagram draws it.
func (a *app) diagramShown(ctx context.Context, t *target) (ui.Diagram, error) {
	state, err := a.stateOf(ctx, t, drawnFlags{}, nil)
	if errors.Is(err, engine.ErrNoDatabase) {
		return ui.Diagram{}, nil
	}
	if err != nil {
		return ui.Diagram{}, err
	}
	if state.Database = filepath.Base(state.Database); t.Name != "" {
		state.Database = t.Name
	}
	return drawn(state), nil
}

func drawn(state *schema.State) ui.Diagram {
	p := diagram.Of(state, diagram.Options{})
	out := ui.Diagram{SVG: p.SVG(), Page: p.HTML()}
	for i, b := range p.Boxes {
		table := ui.Table{Name: b.Label, Kind: b.Kind}
		for _, r := range b.Rows {
			table.Columns = append(table.Columns, strings.TrimSpace(r.Name+" "+r.Type))
		}
		for _, l := range p.Lines {
			if to := p.Boxes[l.To].Label; l.From == i && !slices.Contains(table.Refers, to) {
				table.Refers = append(table.Refers, to)
			}
		}
		out.Tables = append(out.Tables, table)
	}
	return out
}

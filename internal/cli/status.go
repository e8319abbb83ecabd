package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

const timeLayout = "2006-01-02 15:04:05"

func (a *app) historyCommand() *cobra.Command {
	var attempts bool
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "Show what was applied, in the order of its execution",
		Example: "  dbwarden history\n  dbwarden history --attempts\n  dbwarden history -o json",
	}
	cmd.Flags().BoolVar(&attempts, "attempts", false, "every failure, rollback, takeover and forced release too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.each(cmd, wardenOptions{}, func(ctx context.Context, t *target) error {
			if attempts {
				entries, err := t.warden.Attempts(ctx)
				if err != nil {
					return &runError{err: err, target: t}
				}
				return a.attempts(cmd, t, entries)
			}
			revisions, err := t.warden.History(ctx)
			if err != nil {
				return &runError{err: err, target: t}
			}
			return a.history(cmd, t, revisions)
		})
	}
	return cmd
}

func (a *app) history(cmd *cobra.Command, t *target, rs []journal.Revision) error {
	if a.json() {
		list := []map[string]any{}
		for i, r := range rs {
			list = append(list, map[string]any{"order": i + 1, "version": r.Version.String(), "description": r.Description, "file": r.File,
				"type": r.Kind, "applied_at": jsonTime(r.AppliedAt), "duration_ms": milliseconds(r.Duration), "by": r.By, "run": r.Run,
				"fencing_token": r.Token, "checksum": r.Checksum, "checksum_kind": r.ChecksumKind, "statements": r.Statements, "program": r.Program})
		}
		return a.document(cmd, t, map[string]any{"applied": len(rs), "migrations": list})
	}
	if len(rs) == 0 {
		fmt.Fprintln(a.Stdout, "No migrations have been applied yet.")
		return nil
	}
	st := a.style(a.Stdout)
	table := render.Table{Head: []string{"VERSION", "ORDER", "DESCRIPTION", "APPLIED AT (UTC)", "TYPE", "DURATION", "BY"}}
	for i, r := range rs {
		name := r.Version.String()
		if name == "" {
			name = r.File
		}
		table.Rows = append(table.Rows, []render.Cell{render.Text(name), render.Text(fmt.Sprint(i + 1)), render.Text(r.Description),
			render.Text(shownTime(r.AppliedAt)), render.Text(string(r.Kind)), render.Text(shownDuration(r.Duration)), render.Text(r.By)})
	}
	fmt.Fprintf(a.Stdout, "%s\n\n", st.Bold("Migration History"))
	table.Write(a.Stdout, st)
	fmt.Fprintf(a.Stdout, "\nApplied: %d\n", len(rs))
	return nil
}

// milliseconds is nil for a duration that is not known.
func milliseconds(d time.Duration) any {
	if d < 0 {
		return nil
	}
	return d.Milliseconds()
}

func shownDuration(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return render.Duration(d)
}

func (a *app) attempts(cmd *cobra.Command, t *target, es []journal.Entry) error {
	if a.json() {
		list := []map[string]any{}
		for _, e := range es {
			list = append(list, map[string]any{"id": e.ID, "at": jsonTime(e.At), "event": e.What, "direction": e.Direction, "version": e.Version,
				"file": e.File, "statement_from": e.From, "statement_to": e.To, "statements": e.Statements, "duration_ms": e.Duration.Milliseconds(),
				"by": e.By, "run": e.Run, "fencing_token": e.Token, "detail": a.masked(e.Detail)})
		}
		return a.document(cmd, t, map[string]any{"attempts": list})
	}
	if len(es) == 0 {
		fmt.Fprintln(a.Stdout, "No migrations have been applied yet.")
		return nil
	}
	st := a.style(a.Stdout)
	table := render.Table{Head: []string{"AT (UTC)", "EVENT", "MIGRATION", "STATEMENTS", "DURATION", "BY", "DETAIL"}}
	for _, e := range es {
		draw := st.Good
		switch e.What {
		case journal.Failed, journal.Aborted:
			draw = st.Bad
		case journal.Started, journal.Unlocked, journal.TakenOver, journal.Resolved, journal.Restoring, journal.Restored:
			draw = st.Warn
		}
		table.Rows = append(table.Rows, []render.Cell{render.Text(shownTime(e.At)), {Text: attemptWhat(e), Draw: draw}, render.Text(e.File), render.Text(attemptWhere(e)),
			render.Text(attemptTook(e)), render.Text(e.By), render.Text(render.Shorten(render.OneLine(a.masked(e.Detail)), 120))})
	}
	fmt.Fprintf(a.Stdout, "%s\n\n", st.Bold("Migration Attempts"))
	table.Write(a.Stdout, st)
	return nil
}

// attemptWhat is what an entry is about, in words.
func attemptWhat(e journal.Entry) string {
	if e.Direction == migration.Down && e.What != journal.Reverted {
		return string(e.What) + " (rollback)"
	}
	return string(e.What)
}

// attemptWhere are the statements that it is about; "" for none.
func attemptWhere(e journal.Entry) string {
	switch {
	case e.From == 0:
		return ""
	case e.What == journal.Unlocked, e.What == journal.TakenOver:
		return fmt.Sprintf("was at %d of %d", e.To, e.Statements) // it had begun that, and perhaps done nothing of it
	case e.From != e.To:
		return fmt.Sprintf("%d-%d of %d", e.From, e.To, e.Statements)
	}
	return fmt.Sprintf("%d of %d", e.To, e.Statements)
}

// attemptTook is how long it took; "" for what takes no time, "-" for what was
// not run.
func attemptTook(e journal.Entry) string {
	switch e.What {
	case journal.Applied, journal.Reverted, journal.Done, journal.Failed, journal.Aborted:
		if e.Unrun() {
			return "-"
		}
		return render.Duration(e.Duration)
	}
	return ""
}

func (a *app) statusCommand() *cobra.Command {
	var exit bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what is applied, pending, changed, missing, late or failed",
		Long: "Compares the files with the history.\n\n" +
			"  applied           it is in the database\n" +
			"  pending           migrate applies it\n" +
			"  out of order      pending, and older than the newest applied one: migrate refuses\n" +
			"  changed           applied, and its upgrade statements are others now: migrate refuses\n" +
			"  missing           applied, and its file is gone: migrate refuses\n" +
			"  replaced          a squashed one stands for it, which is applied or pending\n" +
			"  waiting           a squashed one, of whose replaced ones a part has run: migrate runs the others first\n" +
			"  elsewhere         for other environments than this one (its header env): migrate passes it over\n" +
			"  failed            its last attempt failed and left nothing: migrate tries it again\n" +
			"  half applied      some of its statements ran: migrate goes on at the next one\n" +
			"  half rolled back  some of its rollback did: rollback finishes it\n" +
			"  in doubt          a statement was interrupted, and how it ended is not known: see resolve",
		Example: "  dbwarden status\n  dbwarden status --exit-code   # 0 all applied, 6 something is not\n  dbwarden status -o json",
	}
	var fleet fleetFlags
	fleet.add(cmd)
	cmd.Flags().BoolVar(&exit, "exit-code", false, "exit with 6 unless everything is applied as it stands in the files")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		opt := wardenOptions{folder: true}
		return a.over(cmd, &fleet, opt, a.statusJob(opt, exit), func(ctx context.Context, t *target) error {
			s, err := t.warden.Status(ctx)
			if err != nil {
				return &runError{err: err, target: t}
			}
			if a.json() {
				err = a.statusDocument(cmd, t, s)
			} else {
				a.status(ctx, t, s)
				a.statusLock(t, s)
			}
			if err == nil && exit && !s.Clean() {
				err = foundError{exitFound}
			}
			return err
		})
	}
	return cmd
}

// stateWords are the states as the table shows them.
var stateOrder = []struct {
	state dbwarden.MigrationState
	name  string
}{
	{dbwarden.Changed, "Changed"}, {dbwarden.Missing, "Missing"}, {dbwarden.OutOfOrder, "Out of order"}, {dbwarden.FailedPending, "Failed"},
	{dbwarden.HalfApplied, "Half applied"}, {dbwarden.HalfReverted, "Half rolled back"}, {dbwarden.InDoubt, "In doubt"}, {dbwarden.Replaced, "Replaced"}, {dbwarden.Waiting, "Waiting"}, {dbwarden.Elsewhere, "Elsewhere"},
}

// mostReplaced is how many replaced ones in a row stand in the table singly: they
// stay in the history for good, and there is nothing to do about them.
const mostReplaced = 5

// replacedFrom is how many replaced ones, with nothing to note, a list begins with.
func replacedFrom(all []dbwarden.Standing) int {
	n := slices.IndexFunc(all, func(m dbwarden.Standing) bool {
		return m.State != dbwarden.Replaced || m.Detail != "" || m.Version == ""
	})
	if n < 0 {
		return len(all)
	}
	return n
}

func (a *app) status(ctx context.Context, t *target, s *dbwarden.Status) {
	st := a.style(a.Stdout)
	fmt.Fprintf(a.Stdout, "%s\n\n", st.Bold("Migration Status"))
	table := render.Table{Head: []string{"STATUS", "VERSION", "DESCRIPTION", "APPLIED AT (UTC)"}, Rows: make([][]render.Cell, 0, len(s.Migrations))}
	var notes []string
	for i := 0; i < len(s.Migrations); i++ {
		m := s.Migrations[i]
		if n := replacedFrom(s.Migrations[i:]); n > mostReplaced && !a.verbose {
			i += n - 1
			table.Rows = append(table.Rows, []render.Cell{{Text: string(m.State), Draw: st.Dim}, render.Text(m.Version + " to " + s.Migrations[i].Version),
				render.Text(counted(n, "migration") + "; -v lists them"), render.Text("")})
			continue
		}
		draw := st.Bad
		switch m.State {
		case dbwarden.Applied:
			draw = st.Good
		case dbwarden.Elsewhere, dbwarden.Replaced:
			draw = st.Dim
		case dbwarden.Pending, dbwarden.OutOfOrder, dbwarden.Waiting:
			draw = st.Warn
		}
		name := m.Version
		if name == "" {
			name = m.File
		}
		table.Rows = append(table.Rows, []render.Cell{{Text: strings.ReplaceAll(string(m.State), "_", " "), Draw: draw}, render.Text(name),
			render.Text(m.Description), render.Text(shownTime(m.AppliedAt))})
		if m.Detail != "" {
			notes = append(notes, m.File+": "+render.Shorten(render.OneLine(a.masked(m.Detail)), 300))
		}
	}
	if len(s.Migrations) > 0 {
		table.Write(a.Stdout, st)
		fmt.Fprintln(a.Stdout)
	}
	for _, m := range s.Migrations {
		if m.Difference != nil && m.Renumbered == "" { // else the file is another one
			fmt.Fprintf(a.Stdout, "%s\n\n", a.differenceText(nil, *m.Difference, st))
		}
	}
	for _, n := range notes {
		fmt.Fprintln(a.Stdout, st.Warn(render.Plain(n)))
	}
	if len(notes) > 0 {
		fmt.Fprintln(a.Stdout)
	}
	a.statusNext(ctx, t, s)
	fmt.Fprintf(a.Stdout, "Applied: %d\nPending: %d\nTotal: %d\n", s.AppliedTotal, s.PendingTotal, s.AppliedTotal+s.PendingTotal)
	for _, o := range stateOrder {
		if n := s.Counts[o.state]; n > 0 {
			above := " (counted above)"
			if o.state == dbwarden.Elsewhere || o.state == dbwarden.Replaced {
				above = ""
			}
			fmt.Fprintf(a.Stdout, "%s%s\n", st.Warn(fmt.Sprintf("%s: %d", o.name, n)), above)
		}
	}
}

// statusNext says what to do about files that are not what ran.
func (a *app) statusNext(ctx context.Context, t *target, s *dbwarden.Status) {
	say := func(text string) { fmt.Fprintln(a.Stdout, render.Plain(a.masked(a.typed(t, text)))+"\n") }
	changed, renumbered := false, false
	var gone []plan.Item
	for _, m := range s.Migrations {
		switch {
		case m.Renumbered != "":
			renumbered = true
		case m.State == dbwarden.Changed:
			changed = true
		case m.State == dbwarden.Missing && m.Kind != migration.InGo:
			gone = append(gone, plan.Item{Version: m.Version, File: m.File})
		}
	}
	if changed {
		say("Put changed files back as they were, adopt them with dbwarden repair, or go on without: dbwarden migrate --allow-changed")
	}
	if renumbered {
		say("What ran has another number now, which the history does not know: dbwarden migrate --dry-run says how it is taken back")
	}
	if len(gone) > 0 {
		next := a.back(ctx, t, gone, "")
		next[0] = "P" + strings.TrimPrefix(next[0], "p")
		if s.Counts[dbwarden.OutOfOrder] == 0 { // what is gone may have stood for those
			next = append(next, "or go on without: dbwarden migrate --allow-missing")
		}
		say(strings.Join(next, "\n"))
	}
}

// statusLock is a line about the lock, where it is not free.
func (a *app) statusLock(t *target, s *dbwarden.Status) {
	if s.Restoring != "" {
		fmt.Fprintln(a.Stdout, a.style(a.Stdout).Bad("In pieces: the backup "+render.Plain(s.Restoring)+dbwarden.HalfRestored+a.typed(t, "; dbwarden restore puts it back")))
	}
	text := ""
	switch {
	case s.LockUnknown != nil:
		text = "UNKNOWN, the right to look is missing"
	case !s.Lock.Active:
		return
	case s.Lock.Verdict == lock.ByHand:
		text = "ACTIVE, " + verdictWords(s.Lock)
	default:
		text = "ACTIVE, held by " + s.Lock.Who() + ", " + verdictWords(s.Lock)
	}
	fmt.Fprintln(a.Stdout, a.style(a.Stdout).Warn("Migration lock: "+render.Plain(a.masked(text))+a.typed(t, "; dbwarden lock-status tells more")))
}

func (a *app) statusDocument(cmd *cobra.Command, t *target, s *dbwarden.Status) error {
	list := []map[string]any{}
	for _, m := range s.Migrations {
		row := map[string]any{"version": m.Version, "description": m.Description, "file": m.File, "type": m.Kind, "state": m.State}
		if !m.AppliedAt.IsZero() {
			row["applied_at"] = jsonTime(m.AppliedAt)
		}
		if m.Detail != "" {
			row["detail"] = a.masked(m.Detail)
		}
		if d := m.Difference; d != nil {
			shown := *d
			shown.Ran, shown.Now = a.masked(d.Ran), a.masked(d.Now)
			row["difference"] = shown
		}
		list = append(list, row)
	}
	counts := map[string]int{}
	for _, o := range stateOrder {
		counts[string(o.state)] = s.Counts[o.state]
	}
	doc := map[string]any{"applied": s.AppliedTotal, "pending": s.PendingTotal, "total": s.AppliedTotal + s.PendingTotal,
		"counts": counts, "clean": s.Clean(), "migrations": list}
	if s.Restoring != "" {
		doc["restoring"] = s.Restoring
	}
	if s.LockUnknown != nil {
		doc["lock"] = map[string]any{"state": "unknown"}
	} else if s.Lock.Active {
		doc["lock"] = map[string]any{"state": "active", "holder": a.masked(s.Lock.Who()), "verdict": s.Lock.Verdict}
	}
	return a.document(cmd, t, doc)
}

func shownTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(timeLayout)
}

func jsonTime(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format(time.RFC3339Nano)
}

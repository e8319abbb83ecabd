package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
)

// Progress tells a person what a run does, as it does it. It is an
// event.Observer.
type Progress struct {
	W       io.Writer
	Style   Style
	Verbose bool // the SQL of every statement
	Quiet   bool // warnings only

	// Mask takes secrets out of texts of the server and of the file; nil
	// leaves them.
	Mask func(string) string

	total int
	bar   bool          // a bar is on the screen's last line
	said  time.Duration // how long the statement that runs had run when it was told last; 0: not yet
}

// manySteps is when a bar tells more than a line each.
const manySteps = 20

// Observe shows one event.
func (p *Progress) Observe(e event.Event) {
	switch e.Kind {
	case event.LockWaiting:
		if p.Quiet {
			return
		}
		if e.Detail == event.Writer {
			p.line(p.Style.Warn(fmt.Sprintf("Waiting for the migration lock for %s: another program, not a dbwarden run, has a transaction open on the database", e.Elapsed.Round(time.Second))))
		} else if e.Elapsed < time.Second {
			p.line(p.Style.Warn("Waiting for the migration lock, " + p.holder(e)))
		} else {
			p.line(p.Style.Warn(fmt.Sprintf("Still waiting for the migration lock after %s, %s", e.Elapsed.Round(time.Second), p.holder(e))))
		}
	case event.PlanReady:
		p.total = e.Total
	case event.MigrationStarted:
		switch {
		case p.Quiet:
		case p.bars():
			p.draw(e, e.Number-1)
		default:
			p.line(fmt.Sprintf("Starting %s: %s", action(e.Direction), Plain(e.File)))
		}
	case event.HookStarted:
		if p.Verbose {
			p.line(p.Style.Dim("  hook " + e.Detail))
		}
	case event.HookOutput:
		p.line("  " + p.text(e.Detail))
	case event.ConditionHeld:
		if p.Verbose {
			p.line(p.Style.Dim(fmt.Sprintf("  %s:%d  %s holds", Plain(e.File), e.Line, e.Detail)))
			p.line(indent(p.Style.SQL(p.text(clip(e.SQL)))))
		}
	case event.StatementSettled:
		if !p.Quiet {
			p.line(fmt.Sprintf("Statement %d of %s was begun before; %s", e.Statement, Plain(e.File), p.text(e.Detail)))
		}
	case event.StatementStarted:
		p.said = 0
		if p.Verbose {
			p.line(p.Style.Dim(fmt.Sprintf("  %s:%d  statement %d of %d", Plain(e.File), e.Line, e.Statement, e.Statements)))
			p.line(indent(p.Style.SQL(p.text(clip(e.SQL)))))
		}
	case event.StatementRunning:
		p.running(e)
	case event.BackupStarted:
		p.said = 0
		if !p.Quiet {
			p.line("Backing up into " + Plain(e.File))
		}
	case event.BackupRunning:
		p.copying("Backing up", e)
	case event.BackupDone:
		if !p.Quiet {
			p.line(fmt.Sprintf("Backed up: %s in %s", Bytes(e.Bytes), Duration(e.Elapsed)))
		}
	case event.RestoreRunning:
		what := "Restoring"
		if e.Detail == "checksum" {
			what = "Verifying"
		}
		p.copying(what, e)
	case event.LockTimeout:
		by := ""
		if e.Blockers != "" {
			by = "; in its way: " + p.text(e.Blockers)
		}
		p.line(p.Style.Warn(fmt.Sprintf("%s: a statement waited too long for a lock%s; nothing was kept; next try in %s", Plain(e.File), by, Duration(e.Elapsed))))
	case event.StatementDone:
		if p.Verbose {
			p.line(p.Style.Dim(fmt.Sprintf("  done in %s, %d rows", Duration(e.Elapsed), e.Rows)))
		}
	case event.MigrationDone:
		switch {
		case p.Quiet:
		case p.bars():
			p.draw(e, e.Number)
			if e.Number == e.Total {
				p.clear()
			}
		default:
			p.line(fmt.Sprintf("Completed %s: %s in %s", action(e.Direction), Plain(e.File), Duration(e.Elapsed)))
		}
	case event.MigrationFailed:
		p.clear()
	case event.Notice:
		if p.Verbose {
			p.line(p.Style.Dim("  " + p.text(e.Detail)))
		}
	case event.Warning:
		p.line(p.Style.Warn("Warning: " + p.text(e.Detail)))
	}
}

// sayEvery is how often a log is told that a statement still runs, at first;
// the time doubles.
const sayEvery = 10 * time.Second

// copying tells how far a backup is, on its way there or back.
func (p *Progress) copying(what string, e event.Event) {
	text := fmt.Sprintf("%s: %s", what, Bytes(e.Bytes))
	switch {
	case e.OfBytes > 0 && e.Kind == event.BackupRunning:
		// A copy may be smaller than the database, or larger.
		text += fmt.Sprintf(", %d%% of the database's size of %s", 100*e.Bytes/e.OfBytes, Bytes(e.OfBytes))
	case e.OfBytes > 0:
		text += fmt.Sprintf(" of %s, %d%%", Bytes(e.OfBytes), 100*e.Bytes/e.OfBytes)
	}
	p.passing(text, e.Elapsed)
}

// Bytes is a size as the lines show it: 12.3 MB.
func Bytes(n int64) string {
	switch {
	case n < 1_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// running tells of a long statement.
func (p *Progress) running(e event.Event) {
	text := fmt.Sprintf("%s:%d: statement %d of %d runs for %s", Plain(e.File), e.Line, e.Statement, e.Statements, e.Elapsed.Round(time.Second))
	if e.Detail != "" {
		text += ", " + p.text(e.Detail)
	}
	if e.Percent >= 0 {
		text += fmt.Sprintf(", %.0f%%", e.Percent)
	}
	if e.Blockers != "" {
		text += ", kept waiting by " + p.text(e.Blockers)
	}
	p.passing(text, e.Elapsed)
}

// passing shows what is going on since elapsed: in place on a terminal, in a
// log seldom.
func (p *Progress) passing(text string, elapsed time.Duration) {
	if p.Quiet {
		return
	}
	if p.Style.Terminal {
		if p.Style.Width > 0 {
			text = Shorten(text, p.Style.Width-1)
		}
		fmt.Fprint(p.W, "\r\x1b[K"+text)
		p.bar = true
		return
	}
	if elapsed >= max(sayEvery, 2*p.said) {
		p.said = elapsed
		p.line(text)
	}
}

func (p *Progress) bars() bool { return p.total >= manySteps && p.Style.Terminal && !p.Verbose }

// line writes a line, above the bar if there is one.
func (p *Progress) line(text string) {
	p.clear()
	fmt.Fprintln(p.W, text)
}

func (p *Progress) clear() {
	if p.bar {
		fmt.Fprint(p.W, "\r\x1b[K")
		p.bar = false
	}
}

func (p *Progress) draw(e event.Event, done int) {
	const width = 30
	filled := width * done / max(1, e.Total)
	text := fmt.Sprintf("[%s%s] %d/%d %s", strings.Repeat("█", filled), strings.Repeat("·", width-filled), done, e.Total, Plain(e.File))
	if p.Style.Width > 0 {
		text = Shorten(text, p.Style.Width-1)
	}
	fmt.Fprint(p.W, "\r\x1b[K"+text)
	p.bar = true
}

func (p *Progress) text(s string) string {
	if p.Mask != nil {
		s = p.Mask(s)
	}
	return Plain(s)
}

func action(direction string) string {
	if direction == "rollback" {
		return "rollback"
	}
	return "migration"
}

// Duration is a time as the lines show it: 0.05s, 12.30s, 3m 12s.
func Duration(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%dm %02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh %02dm", int(d.Hours()), int(d.Minutes())%60)
}

// holder says who has the lock that is waited for.
func (p *Progress) holder(e event.Event) string {
	if e.Detail == string(lock.ByHand) {
		return "which was locked by hand, to keep everybody from migrating"
	}
	if e.Detail == string(lock.Unknown) && (lock.Row{Holder: e.Holder}).Script() {
		return "held by " + p.text(e.Holder) + ": if it does not run any more, stop this and see: dbwarden lock-status"
	}
	return "held by " + p.text(e.Holder)
}

// clip bounds what is shown of a statement.
func clip(sql string) string {
	const limit = 4000
	if len(sql) <= limit {
		return sql
	}
	return strings.ToValidUTF8(sql[:limit], "") + fmt.Sprintf(" … (%d bytes more)", len(sql)-limit)
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

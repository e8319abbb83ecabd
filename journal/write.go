package journal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Writer writes for one hold. Its queries are made to be run by the session
// that holds the lock; every one of them that changes anything is, or stands
// in one transaction before, an entry with the hold's fence.
type Writer struct {
	journal *Journal
	hold    *lock.Hold
}

// Writer returns a writer for a hold. Ensure has run before.
func (j *Journal) Writer(h *lock.Hold) *Writer { return &Writer{j, h} }

// Step is the migration and direction that entries are about.
type Step struct {
	Migration  *migration.Migration
	Direction  migration.Direction
	Statements int
	Since      time.Time // when the attempt began; zero where nothing is attempted
}

// Start writes ahead that statements from..to are about to run, with what
// will tell whether they did, and with their text as far as it is kept.
func (w *Writer) Start(s Step, from, to int, checksum, evidence, kept string) engine.Query {
	return w.entry(s, Entry{What: Started, From: from, To: to, Checksum: checksum, Evidence: evidence, Detail: kept})
}

// StartIf is Start where a condition holds; else it raises: see IsCondition.
func (w *Writer) StartIf(s Step, from, to int, checksum, evidence, kept, condition string) engine.Query {
	return w.insert(s, Entry{What: Started, From: from, To: to, Checksum: checksum, Evidence: evidence, Detail: kept}, nil,
		"CASE WHEN "+condition+" THEN "+w.journal.Engine.Dialect.Now+" END")
}

// Done writes that they ran; since is when they were begun. Their text is kept
// where it was not when they were started.
func (w *Writer) Done(s Step, from, to int, checksum, kept string, since *time.Time) engine.Query {
	return w.timed(s, Entry{What: Done, From: from, To: to, Checksum: checksum, Detail: kept}, since)
}

// Failed writes that one of them was refused; torn, that those before it may
// have stayed.
func (w *Writer) Failed(s Step, from, to int, checksum, detail string, torn bool) engine.Query {
	e := Entry{What: Failed, From: from, To: to, Checksum: checksum, Detail: detail}
	if torn {
		e.Evidence = Torn
	}
	return w.timed(s, e, s.since())
}

// Aborted writes that an attempt failed at statement at (0: before or behind
// them) and was rolled back whole.
func (w *Writer) Aborted(s Step, at int, detail string) engine.Query {
	return w.timed(s, Entry{What: Aborted, From: at, To: at, Detail: detail}, s.since())
}

// Resolution is what a Resolved entry says of its statements.
type Resolution string

const (
	RunAgain  Resolution = "run again"
	TookPlace Resolution = "done"
	Skipped   Resolution = "skipped" // they count as done, and were not run
)

// Resolve writes that statements from..to are settled: by what was seen, or
// with saw empty by a person.
func (w *Writer) Resolve(s Step, from, to int, checksum string, r Resolution, saw string) engine.Query {
	return w.entry(s, Entry{What: Resolved, From: from, To: to, Checksum: checksum, Detail: string(r), Evidence: saw})
}

// ResolvedDone says whether a Resolved entry has its statements not run again.
func (e Entry) ResolvedDone() bool {
	return e.What == Resolved && (e.Detail == string(TookPlace) || e.Detail == string(Skipped))
}

// Record puts the migration into the history; its entry, which is the fence,
// comes last. hashes are the short hashes of its statements, kept is their text
// as far as it is kept, before is the row that a repeatable migration left when it last ran: a new one takes its
// place, so that ids go on telling the order of execution.
func (w *Writer) Record(s Step, hashes []string, kept string, before *Revision, since *time.Time) []engine.Query {
	return w.record(s, hashes, before, since, how{detail: kept, by: text(by(w.hold.Holder())), program: program(w.hold.Holder().Program)})
}

// Baseline is Record of a migration that was not run: it has no duration, and
// its entry says what it is.
func (w *Writer) Baseline(s Step, hashes []string) []engine.Query {
	return w.record(s, hashes, nil, nil, how{detail: BaselineDetail, by: text(by(w.hold.Holder())), program: program(w.hold.Holder().Program)})
}

// BaselineDetail is what an Applied entry says of a migration that was written
// into the history without being run.
const BaselineDetail = "baseline: not run"

// Squash is Record of a migration that was not run, because the history has all
// that it replaces.
func (w *Writer) Squash(s Step, hashes []string) []engine.Query {
	return w.record(s, hashes, nil, nil, how{kind: Squashed, detail: SquashedDetail, by: text(by(w.hold.Holder())), program: program(w.hold.Holder().Program)})
}

// Unnote takes such a row away. What stands in its place must follow, with an
// entry of its own.
func (w *Writer) Unnote(r *Revision) engine.Query { return w.remove(r) }

// Unsquash has the history say, of a squashed migration, what it would say had
// all that it replaces run instead: its row r (nil: there is none) goes; each of
// old, which it stood for, comes in its place; and what ran behind it stays
// behind them.
func (w *Writer) Unsquash(s Step, r *Revision, old []Unsquashed, behind []Revision) (out []engine.Query) {
	if r == nil {
		return nil
	}
	out = append(out, w.remove(r), w.entry(s, Entry{What: Reverted, Checksum: string(r.Checksum), Detail: UnsquashedDetail}))
	for _, o := range old {
		out = append(out, w.record(o.Step, o.Hashes, nil, nil, how{detail: StoodFor + s.Migration.File, by: text(engine.Fit(r.By, byLength)), program: program(r.Program),
			elsewhere: &Elsewhere{At: r.AppliedAt, Duration: -1}})...)
	}
	if len(old) > 0 {
		for i := range behind {
			out = append(out, w.last(&behind[i])...)
		}
	}
	return out
}

// Unsquashed is a migration that a squashed one stood for.
type Unsquashed struct {
	Step   Step
	Hashes []string
}

// What entries say of a squashed migration that is taken back, and of what comes
// in its place.
const (
	UnsquashedDetail = "not run: the files that it replaces have its place again"
	StoodFor         = "not run: its work was done by "
)

// last gives a row a new id, so that it is the last in the order of execution.
func (w *Writer) last(r *Revision) []engine.Query {
	d := w.journal.Engine.Dialect
	table := w.journal.table(w.journal.history)
	list := ""
	for _, c := range historyColumns(d.Types) {
		if c.name != "version" {
			list += ", " + d.Quote(c.name)
		}
	}
	// A version can be there once.
	return []engine.Query{
		{Text: "UPDATE " + table + " SET version = NULL WHERE id = " + d.Bind(1), Args: []any{r.ID}},
		{Text: "INSERT INTO " + table + " (version" + list + ") SELECT " + d.Bind(1) + list + " FROM " + table + " WHERE id = " + d.Bind(2), Args: []any{r.Version.String(), r.ID}},
		w.remove(r),
	}
}

// SquashedDetail is what an Applied entry says of such a migration.
const SquashedDetail = "not run: all that it replaces is in the history"

// Elsewhere is what the history of another tool knows of a migration that it
// applied.
type Elsewhere struct {
	Tool     string        // "goose"
	At       time.Time     // zero where it is not known
	By       string        // "" where it is not known
	Duration time.Duration // negative where it is not known
}

// Adopt is Record of a migration that another tool applied: when, and by whom,
// is what that one knows. Its entry, at the time of now, says whose it was.
func (w *Writer) Adopt(s Step, hashes []string, e Elsewhere) []engine.Query {
	return w.record(s, hashes, nil, nil, how{detail: AdoptedDetail + e.Tool, by: text(engine.Fit(e.By, byLength)), program: program(e.Tool), elsewhere: &e})
}

// AdoptedDetail begins what an Applied entry says of a migration that another
// tool had applied; that tool's name follows.
const AdoptedDetail = "not run: applied before by "

// Unrun says that an Applied entry is of a migration that was not run by us.
func (e Entry) Unrun() bool {
	return e.What == Applied && (e.Detail == BaselineDetail || e.Detail == SquashedDetail || strings.HasPrefix(e.Detail, AdoptedDetail) || strings.HasPrefix(e.Detail, StoodFor))
}

// how is what differs between the ways into the history.
type how struct {
	kind      migration.Kind // "": the migration's own
	detail    string         // of the entry
	by        any
	program   string
	elsewhere *Elsewhere // nil: it is applied now
}

// at is when it was applied: an expression, and its value where it has one.
func (h how) at(d engine.Dialect, bind string) (expression string, value any) {
	switch {
	case h.elsewhere == nil:
		return d.Now, nil
	case h.elsewhere.At.IsZero():
		return "NULL", nil
	}
	return d.At(bind), h.elsewhere.At.UTC().Format("2006-01-02 15:04:05.000000")
}

func (w *Writer) record(s Step, hashes []string, before *Revision, since *time.Time, how how) []engine.Query {
	d, m := w.journal.Engine.Dialect, s.Migration
	runs := int64(1)
	var out []engine.Query
	if before != nil {
		if before.Kind != Squashed {
			runs = int64(before.Runs) + 1
		}
		out = append(out, w.remove(before))
	}
	cols := []string{"version", "description", "filename", "migration_type", "applied_at", "checksum", "checksum_kind", "statements",
		"statement_hashes", "duration_ms", "run_id", "fencing_token", "applied_by", "program", "runs"}
	var version any
	if !m.Version.IsZero() {
		version = m.Version.String()
	}
	var duration any
	if since != nil {
		duration = elapsed(since)
	}
	if e := how.elsewhere; e != nil && e.Duration >= 0 {
		duration = e.Duration.Milliseconds()
	}
	args := []any{version, engine.Fit(m.Description, nameLength), m.File, string(cmp.Or(how.kind, m.Kind)), string(m.Upgrade.Checksum()), migration.ChecksumKind, int64(s.Statements),
		strings.Join(hashes, " "), duration, w.hold.Run, w.hold.Token, how.by, how.program, runs}
	values := make([]string, 0, len(cols))
	n := 0
	for _, c := range cols {
		if c == "applied_at" {
			at, value := how.at(d, d.Bind(n+1))
			if values = append(values, at); value != nil {
				args = slices.Insert(args, n, value)
				n++
			}
			continue
		}
		n++
		values = append(values, w.bind(n, args[n-1]))
	}
	insert := engine.Query{
		Text: "INSERT INTO " + w.journal.table(w.journal.history) + " (" + strings.Join(cols, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")",
		Args: args,
	}
	return append(out, insert, w.timed(s, Entry{What: Applied, Checksum: string(m.Upgrade.Checksum()), Detail: how.detail}, since))
}

// Repair has the history say of an applied migration that its statements are
// those of the file as it is now. The entry, which is the fence, comes last.
func (w *Writer) Repair(s Step, r *Revision, hashes []string, kept string) []engine.Query {
	d := w.journal.Engine.Dialect
	sum := s.Migration.Upgrade.Checksum()
	update := engine.Query{
		Text: "UPDATE " + w.journal.table(w.journal.history) + " SET checksum = " + d.Bind(1) + ", checksum_kind = " + d.Bind(2) + ", statements = " + d.Bind(3) +
			", statement_hashes = " + d.Bind(4) + " WHERE id = " + d.Bind(5),
		Args: []any{string(sum), migration.ChecksumKind, int64(s.Statements), strings.Join(hashes, " "), r.ID},
	}
	return []engine.Query{update, w.entry(s, Entry{What: Repaired, Checksum: string(sum), Evidence: string(r.Checksum), Detail: kept})}
}

// remove deletes a revision's row.
func (w *Writer) remove(r *Revision) engine.Query {
	return engine.Query{
		Text: "DELETE FROM " + w.journal.table(w.journal.history) + " WHERE id = " + w.journal.Engine.Dialect.Bind(1),
		Args: []any{r.ID},
	}
}

// Forget takes the revision (nil for a migration that was only half applied)
// out of the history, and those which go with it; its entry, which is the
// fence, comes last.
func (w *Writer) Forget(s Step, r *Revision, also []*Revision, since *time.Time) []engine.Query {
	if r == nil {
		return []engine.Query{w.timed(s, Entry{What: Reverted, Detail: "was half applied"}, since)}
	}
	out := []engine.Query{w.remove(r)}
	for _, r := range also {
		out = append(out, w.remove(r))
	}
	return append(out, w.timed(s, Entry{What: Reverted, Checksum: string(r.Checksum), Detail: fmt.Sprintf("applied by run %s", r.Run)}, since))
}

// Unlocked writes that somebody released another's lock, whose token is what
// the scalar subselect fence yields while it is still that one's.
func (j *Journal) Unlocked(fence string, who lock.Holder, from lock.Status, detail string) engine.Query {
	return j.about("", fence, Unlocked, who, from.Beat, detail)
}

// TakenOver writes that the hold was another's before.
func (w *Writer) TakenOver(from *lock.Status) engine.Query {
	detail := "from " + from.Who() + ", " + string(from.Verdict)
	return w.journal.about(w.hold.Run, strconv.FormatInt(w.hold.Token, 10), TakenOver, w.hold.Holder(), from.Beat, detail)
}

// Restoring writes that the backup of that name is about to be put back.
func (w *Writer) Restoring(name string) engine.Query { return w.restore(Restoring, name) }

// Restored writes that it has been put back.
func (w *Writer) Restored(name string) engine.Query { return w.restore(Restored, name) }

func (w *Writer) restore(what What, name string) engine.Query {
	d := w.journal.Engine.Dialect
	return engine.Query{
		Text: "INSERT INTO " + w.journal.table(EntryTable) + " (created_at, run_id, event, filename, created_by, fencing_token) VALUES (" +
			d.Now + ", " + d.Bind(1) + ", " + d.Bind(2) + ", " + d.Bind(3) + ", " + d.Bind(4) + ", " + w.hold.Fence() + ")",
		Args: []any{w.hold.Run, string(what), engine.Fit(name, nameLength), by(w.hold.Holder())},
	}
}

// about is an entry that speaks of a lock that was another's, and of what that
// one last said it was at: of a run that was ended inside a transaction nothing
// else tells.
func (j *Journal) about(run, token string, what What, who lock.Holder, last *lock.Beat, detail string) engine.Query {
	d := j.Engine.Dialect
	var at lock.Progress
	if last != nil {
		at = last.Progress
	}
	number := func(n int) any {
		if n == 0 {
			return nil
		}
		return int64(n)
	}
	return engine.Query{
		Text: "INSERT INTO " + j.table(EntryTable) + " (created_at, run_id, fencing_token, event, detail, created_by, " +
			"filename, direction, statement_from, statement_to, statements) VALUES (" +
			d.Now + ", " + d.Bind(1) + ", " + token + ", " + d.Bind(2) + ", " + d.Bind(3) + ", " + d.Bind(4) + ", " +
			d.Bind(5) + ", " + d.Bind(6) + ", " + d.Bind(7) + ", " + d.Bind(8) + ", " + d.Bind(9) + ")",
		Args: []any{text(run), string(what), engine.Fit(detail, 0), by(who),
			text(engine.Fit(at.Migration, nameLength)), text(at.Direction), number(at.Statement), number(at.Statement), number(at.Statements)},
	}
}

func (w *Writer) entry(s Step, e Entry) engine.Query { return w.timed(s, e, nil) }

// timed makes the INSERT of an entry. The fencing token is not a value but
// the fence: see lock.Hold.Fence.
func (w *Writer) timed(s Step, e Entry, since *time.Time) engine.Query {
	return w.insert(s, e, since, w.journal.Engine.Dialect.Now)
}

func (w *Writer) insert(s Step, e Entry, since *time.Time, now string) engine.Query {
	cols := []string{"run_id", "event", "direction", "version", "filename", "statement_from", "statement_to", "statements",
		"checksum", "duration_ms", "detail", "created_by", evidenceColumn}
	var version any
	if !s.Migration.Version.IsZero() {
		version = s.Migration.Version.String()
	}
	var duration any
	if since != nil {
		duration = elapsed(since)
	}
	args := []any{w.hold.Run, string(e.What), string(s.Direction), version, s.Migration.File, number(e.From), number(e.To),
		int64(s.Statements), text(e.Checksum), duration, text(engine.Fit(e.Detail, 0)), by(w.hold.Holder()), text(e.Evidence)}
	binds := make([]string, len(cols))
	for i := range cols {
		binds[i] = w.bind(i+1, args[i])
	}
	return engine.Query{
		Text: "INSERT INTO " + w.journal.table(EntryTable) + " (created_at, " + strings.Join(cols, ", ") + ", fencing_token) VALUES (" +
			now + ", " + strings.Join(binds, ", ") + ", " + w.hold.Fence() + ")",
		Args: args,
	}
}

// bind spells the n-th value.
func (w *Writer) bind(n int, value any) string {
	d := w.journal.Engine.Dialect
	if _, late := value.(engine.Late); late && d.Elapsed != nil {
		return d.Elapsed(d.Bind(n))
	}
	return d.Bind(n)
}

// IsFence says whether a fault is the fence raising: the hold is lost.
func IsFence(f engine.Fault) bool { return f.Kind == engine.NotNull && f.Column == "fencing_token" }

// IsCondition says whether a fault is StartIf's condition that did not hold.
func IsCondition(f engine.Fault) bool { return f.Kind == engine.NotNull && f.Column == "created_at" }

// elapsed is asked for when the entry is sent, behind the statements, and so is
// since when.
func elapsed(since *time.Time) engine.Late {
	return func() any { return time.Since(*since).Milliseconds() }
}

// since is nil where nothing is attempted.
func (s Step) since() *time.Time {
	if s.Since.IsZero() {
		return nil
	}
	return &s.Since
}

// by is whose work it is, as the tables have room for it.
func by(h lock.Holder) string { return engine.Fit(h.User+"@"+h.Host, byLength) }

func program(name string) string { return engine.Fit(name, programLength) }

func number(n int) any {
	if n == 0 {
		return nil
	}
	return int64(n)
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

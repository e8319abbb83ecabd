package otlp

import (
	"cmp"
	"strings"

	"github.com/dbwarden-go/dbwarden/event"
)

// waits is the name of the span of a wait for the lock.
const waits = "wait for the lock"

// run is the spans of a run that are open. What it makes of events is what the
// module otel makes of them, which a test holds it to: that one gives them to
// whatever a program traces with, and brings what this program is to do
// without.
type run struct {
	*Recorder
	of        target
	system    string // "" while there is no connection
	direction string

	span               *span
	lock, hook, backup *span                  // while it is waited for, called, made
	migrations         map[string]*unfinished // by file
}

// unfinished is a migration's open span, and that of its statement.
type unfinished struct{ span, statement *span }

func (r *Recorder) begin(e event.Event) *run {
	one := &run{Recorder: r, of: target{e.Database, e.Target}, direction: e.Direction, migrations: map[string]*unfinished{}}
	one.span = r.start(r.command, "dbwarden "+e.Direction, e.At, one.about(e)...)
	one.span.matters = true
	return one
}

// about are the attributes that every span of a run has.
func (r *run) about(e event.Event, more ...Attribute) []Attribute {
	out := append([]Attribute{text("dbwarden.run.id", e.Run), text("dbwarden.direction", r.direction)}, more...)
	return append(append(out, r.database()...), named(e)...)
}

// database are the attributes of the conventions that are known.
func (r *run) database() []Attribute {
	if r.system == "" {
		return nil
	}
	return []Attribute{text("db.system.name", r.system)}
}

// measured are what measurements say of the database: a name that is
// configured, and no target, of which there may be thousands.
func (r *run) measured() []Attribute {
	return append(r.database(), named(event.Event{Database: r.of.database})...)
}

// short are a run's attributes that have few values.
func (r *run) short(err error) []Attribute {
	out := append(r.measured(), text("dbwarden.direction", r.direction))
	if err != nil {
		out = append(out, errorType(err))
	}
	return out
}

func (r *run) observe(e event.Event) {
	switch e.Kind {
	case event.Connected:
		if r.system == "" {
			r.system = systemOf(e.Detail)
			r.systems[r.system] = true
			r.span.set(r.database()...)
		}
	case event.LockWaiting:
		if r.lock == nil {
			r.lock = r.start(r.span, waits, e.At.Add(-e.Elapsed), r.about(e, text("dbwarden.lock.holder", e.Holder), text("dbwarden.lock.verdict", e.Detail))...)
		}
	case event.LockAcquired:
		r.close(r.lock, e)
		r.lock = nil
		r.meters.record(lockWait, e.Elapsed, r.short(nil))
	case event.PlanReady:
		r.span.set(number("dbwarden.migrations.planned", e.Total))
	case event.MigrationStarted:
		r.migrationStarted(e)
	case event.MigrationDone, event.MigrationFailed:
		r.migrationEnded(e)
	case event.StatementStarted:
		r.statementStarted(e)
	case event.StatementDone:
		r.statementDone(e)
	case event.StatementRunning:
		if u := r.migrations[e.File]; u != nil && u.statement != nil && e.Blockers != "" {
			u.statement.happened("blocked", e.At, text("dbwarden.blockers", e.Blockers))
		}
	case event.LockTimeout:
		r.lockTimeout(e)
	case event.HookStarted:
		r.hook = r.start(r.span, "hook "+e.Detail, e.At, r.about(e)...)
	case event.HookDone:
		r.close(r.hook, e)
		r.hook = nil
	case event.BackupStarted:
		r.backup = r.start(r.span, "backup", e.At, r.about(e)...)
	case event.BackupDone:
		if r.backup != nil {
			r.backup.set(number("dbwarden.backup.bytes", e.Bytes))
		}
		r.close(r.backup, e)
		r.backup = nil
	case event.Warning, event.Notice, event.Drifted, event.LockKept, event.StatementSettled:
		r.span.happened(string(e.Kind), e.At, text("dbwarden.detail", e.Detail))
	case event.RunEnded:
		r.ended(e, true)
	}
}

func (r *run) migrationStarted(e event.Event) {
	if u := r.migrations[e.File]; u != nil { // a try that left nothing
		r.broken(u.statement, e)
		r.broken(u.span, e)
	}
	r.migrations[e.File] = &unfinished{span: r.start(r.span, r.direction+" "+e.File, e.At, r.about(e,
		text("dbwarden.migration.version", e.Version), text("dbwarden.migration.file", e.File),
		number("dbwarden.migration.number", e.Number), number("dbwarden.migration.statements", e.Statements))...)}
}

func (r *run) migrationEnded(e event.Event) {
	r.meters.record(migrationDuration, e.Elapsed, r.short(e.Err))
	u := r.migrations[e.File]
	if u == nil { // it failed before it began
		r.migrationStarted(e)
		u = r.migrations[e.File]
	}
	r.close(u.statement, e)
	r.close(u.span, e)
	delete(r.migrations, e.File)
}

func (r *run) statementStarted(e event.Event) {
	u := r.migrations[e.File]
	if u == nil {
		return
	}
	r.broken(u.statement, e) // a try that waited in vain
	about := r.about(e, text("dbwarden.migration.file", e.File), number("dbwarden.statement.line", e.Line), number("dbwarden.statement.number", e.Statement))
	name := operation(e.SQL)
	if name != "" {
		about = append(about, text("db.operation.name", name))
	}
	if r.settings.Texts {
		about = append(about, text("db.query.text", e.SQL))
	}
	u.statement = r.start(u.span, cmp.Or(name, "statement"), e.At, about...)
	u.statement.kind = client
}

func (r *run) statementDone(e event.Event) {
	u := r.migrations[e.File]
	if u == nil || u.statement == nil {
		return
	}
	s := u.statement
	u.statement = nil
	s.set(number("dbwarden.statement.rows", e.Rows))
	if e.Shared {
		// How long it took by itself nobody knows.
		s.set(Attribute{"dbwarden.statement.shared", true})
	}
	if e.Elapsed >= r.settings.Slow || e.Err != nil || len(s.events) > 0 {
		r.close(s, e)
	}
	if e.Rows > 0 {
		r.meters.add(statementRows, e.Rows, r.short(nil))
	}
	if e.Shared {
		return
	}
	about := r.measured()
	if name := operation(e.SQL); name != "" {
		about = append(about, text("db.operation.name", name))
	}
	r.meters.record(statementDuration, e.Elapsed, about)
}

func (r *run) lockTimeout(e event.Event) {
	r.meters.add(lockTimeouts, 1, r.short(nil))
	u := r.migrations[e.File]
	if u == nil {
		return
	}
	r.broken(u.statement, e)
	u.statement = nil
	u.span.happened("lock timeout", e.At, number("dbwarden.try", e.Number), Attribute{"dbwarden.pause", e.Elapsed.Seconds()}, text("dbwarden.blockers", e.Blockers))
}

// ended ends the run. Without an end of its own nothing is measured of it.
func (r *run) ended(e event.Event, itself bool) {
	for _, s := range []*span{r.hook, r.backup, r.lock} {
		r.broken(s, e)
	}
	for _, u := range r.migrations {
		r.broken(u.statement, e)
		r.broken(u.span, e)
	}
	if itself && e.Pending >= 0 {
		r.span.set(number("dbwarden.migrations.pending", e.Pending))
		r.meters.set(pending, int64(e.Pending), append(r.database(), named(e)...))
	}
	if itself {
		r.meters.record(runDuration, e.Elapsed, r.short(e.Err))
	}
	r.close(r.span, e)
}

// systems are the db.system.name of what servers call themselves.
var systems = map[string]string{"PostgreSQL": "postgresql", "MariaDB": "mariadb", "MySQL": "mysql", "SQLite": "sqlite"}

// systemOf is that of a product with its version.
func systemOf(detail string) string {
	product, _, _ := strings.Cut(detail, " ")
	return cmp.Or(systems[product], "other_sql")
}

// operation is the first word of a statement behind its comments, "" where
// that is no word.
func operation(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n;(")
		var end string
		switch {
		case strings.HasPrefix(sql, "--"), strings.HasPrefix(sql, "#"):
			end = "\n"
		case strings.HasPrefix(sql, "/*"):
			end = "*/"
		default:
			n := 0
			for n < len(sql) && (sql[n] >= 'a' && sql[n] <= 'z' || sql[n] >= 'A' && sql[n] <= 'Z') {
				n++
			}
			return strings.ToUpper(sql[:n])
		}
		_, rest, ok := strings.Cut(sql, end)
		if !ok {
			return ""
		}
		sql = rest
	}
}

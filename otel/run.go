package otel

import (
	"cmp"
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/dbwarden-go/dbwarden/event"
)

// run is the spans of a run that are open.
type run struct {
	tracer    trace.Tracer
	meters    *meters
	options   Options
	system    string
	direction string

	ctx        context.Context // with the run's span
	span       trace.Span
	lock       trace.Span             // while the lock is waited for
	hook       trace.Span             // while one is called
	backup     trace.Span             // while one is made
	migrations map[string]*unfinished // by file
}

// unfinished is a migration's open span, and that of its statement.
type unfinished struct {
	ctx       context.Context
	span      trace.Span
	statement trace.Span
}

func begin(ctx context.Context, tracer trace.Tracer, m *meters, o Options, e event.Event) *run {
	r := &run{tracer: tracer, meters: m, options: o, system: o.System, direction: e.Direction, migrations: map[string]*unfinished{}}
	r.ctx, r.span = tracer.Start(ctx, "dbwarden "+e.Direction, trace.WithTimestamp(e.At), trace.WithAttributes(r.about(e)...))
	return r
}

// about are the attributes that every span of a run has.
func (r *run) about(e event.Event, more ...attribute.KeyValue) []attribute.KeyValue {
	out := append([]attribute.KeyValue{attribute.String("dbwarden.run.id", e.Run), attribute.String("dbwarden.direction", r.direction)}, more...)
	out = append(out, r.database()...)
	if e.Database != "" {
		out = append(out, attribute.String("dbwarden.database", e.Database))
	}
	if e.Target != "" {
		out = append(out, attribute.String("dbwarden.target", e.Target))
	}
	return out
}

// database are the attributes of the conventions that are known.
func (r *run) database() (out []attribute.KeyValue) {
	if r.system != "" {
		out = append(out, semconv.DBSystemNameKey.String(r.system))
	}
	if r.options.Namespace != "" {
		out = append(out, semconv.DBNamespace(r.options.Namespace))
	}
	return out
}

func (r *run) observe(e event.Event) {
	switch e.Kind {
	case event.Connected:
		if r.system == "" {
			product, _, _ := strings.Cut(e.Detail, " ")
			r.system = systemOf(product)
			r.span.SetAttributes(r.database()...)
		}
	case event.LockWaiting:
		if r.lock == nil {
			_, r.lock = r.tracer.Start(r.ctx, "wait for the lock", trace.WithTimestamp(e.At.Add(-e.Elapsed)),
				trace.WithAttributes(r.about(e, attribute.String("dbwarden.lock.holder", e.Holder), attribute.String("dbwarden.lock.verdict", e.Detail))...))
		}
	case event.LockAcquired:
		r.end(&r.lock, e)
		r.meters.waited(r, e.Elapsed)
	case event.PlanReady:
		r.span.SetAttributes(attribute.Int("dbwarden.migrations.planned", e.Total))
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
			u.statement.AddEvent("blocked", trace.WithTimestamp(e.At), trace.WithAttributes(attribute.String("dbwarden.blockers", e.Blockers)))
		}
	case event.LockTimeout:
		r.lockTimeout(e)
	case event.HookStarted:
		_, r.hook = r.tracer.Start(r.ctx, "hook "+e.Detail, trace.WithTimestamp(e.At), trace.WithAttributes(r.about(e)...))
	case event.HookDone:
		r.end(&r.hook, e)
	case event.BackupStarted:
		_, r.backup = r.tracer.Start(r.ctx, "backup", trace.WithTimestamp(e.At), trace.WithAttributes(r.about(e)...))
	case event.BackupDone:
		if r.backup != nil {
			r.backup.SetAttributes(attribute.Int64("dbwarden.backup.bytes", e.Bytes))
		}
		r.end(&r.backup, e)
	case event.Warning, event.Notice, event.Drifted, event.LockKept, event.StatementSettled:
		r.span.AddEvent(string(e.Kind), trace.WithTimestamp(e.At), trace.WithAttributes(attribute.String("dbwarden.detail", e.Detail)))
	case event.RunEnded:
		r.ended(e)
	}
}

// end ends a span that may be open, badly where e has an error.
func (r *run) end(s *trace.Span, e event.Event) {
	if *s == nil {
		return
	}
	failed(*s, e)
	(*s).End(trace.WithTimestamp(e.At))
	*s = nil
}

func failed(s trace.Span, e event.Event) {
	if e.Err == nil {
		return
	}
	s.SetAttributes(errorAttributes(e.Err)...)
	s.RecordError(e.Err, trace.WithTimestamp(e.At))
	s.SetStatus(codes.Error, e.Err.Error())
}

// broken ends a span of something that the end of the run has cut off.
func broken(s trace.Span, e event.Event) {
	if s != nil {
		s.SetStatus(codes.Error, "it did not come to its end")
		s.End(trace.WithTimestamp(e.At))
	}
}

func (r *run) migrationStarted(e event.Event) {
	if u := r.migrations[e.File]; u != nil { // a try that left nothing
		broken(u.statement, e)
		broken(u.span, e)
	}
	u := &unfinished{}
	u.ctx, u.span = r.tracer.Start(r.ctx, r.direction+" "+e.File, trace.WithTimestamp(e.At), trace.WithAttributes(r.about(e,
		attribute.String("dbwarden.migration.version", e.Version), attribute.String("dbwarden.migration.file", e.File),
		attribute.Int("dbwarden.migration.number", e.Number), attribute.Int("dbwarden.migration.statements", e.Statements))...))
	r.migrations[e.File] = u
}

func (r *run) migrationEnded(e event.Event) {
	r.meters.migration(r, e)
	u := r.migrations[e.File]
	if u == nil { // it failed before it began
		r.migrationStarted(e)
		u = r.migrations[e.File]
	}
	r.end(&u.statement, e)
	r.end(&u.span, e)
	delete(r.migrations, e.File)
}

func (r *run) statementStarted(e event.Event) {
	u := r.migrations[e.File]
	if u == nil {
		return
	}
	broken(u.statement, e) // a try that waited in vain
	attributes := r.about(e, attribute.String("dbwarden.migration.file", e.File), attribute.Int("dbwarden.statement.line", e.Line), attribute.Int("dbwarden.statement.number", e.Statement))
	name := operation(e.SQL)
	if name != "" {
		attributes = append(attributes, semconv.DBOperationName(name))
	}
	if r.options.Texts {
		attributes = append(attributes, semconv.DBQueryText(e.SQL))
	}
	_, u.statement = r.tracer.Start(u.ctx, cmp.Or(name, "statement"), trace.WithTimestamp(e.At), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}

func (r *run) statementDone(e event.Event) {
	u := r.migrations[e.File]
	if u == nil || u.statement == nil {
		return
	}
	u.statement.SetAttributes(attribute.Int64("dbwarden.statement.rows", e.Rows))
	if e.Shared {
		// How long it took by itself nobody knows.
		u.statement.SetAttributes(attribute.Bool("dbwarden.statement.shared", true))
	}
	r.end(&u.statement, e)
	r.meters.statement(r, e)
}

func (r *run) lockTimeout(e event.Event) {
	r.meters.timeout(r)
	u := r.migrations[e.File]
	if u == nil {
		return
	}
	broken(u.statement, e)
	u.statement = nil
	u.span.AddEvent("lock timeout", trace.WithTimestamp(e.At), trace.WithAttributes(
		attribute.Int("dbwarden.try", e.Number), attribute.Float64("dbwarden.pause", e.Elapsed.Seconds()), attribute.String("dbwarden.blockers", e.Blockers)))
}

func (r *run) ended(e event.Event) {
	broken(r.hook, e)
	broken(r.backup, e)
	broken(r.lock, e)
	for _, u := range r.migrations {
		broken(u.statement, e)
		broken(u.span, e)
	}
	if e.Pending >= 0 {
		r.span.SetAttributes(attribute.Int("dbwarden.migrations.pending", e.Pending))
	}
	failed(r.span, e)
	r.span.End(trace.WithTimestamp(e.At))
	r.meters.run(r, e)
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

package otel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/dbwarden-go/dbwarden/event"
)

// meters are the instruments.
type meters struct {
	runs, migrations, statements, lockWait metric.Float64Histogram
	timeouts, rows                         metric.Int64Counter
	pending                                metric.Int64Gauge
}

// Seconds that the buckets of the histograms end at: those of the conventions
// for a call of a database, and longer ones for what may take hours.
var (
	ofCalls = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}
	ofRuns  = []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 7200}
)

func newMeters(m metric.Meter) (*meters, error) {
	var errs []error
	histogram := func(name, what string, bounds []float64) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
		errs = append(errs, err)
		return h
	}
	counter := func(name, unit, what string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		errs = append(errs, err)
		return c
	}
	out := &meters{
		runs:       histogram("dbwarden.run.duration", "How long runs took, with their wait for the lock.", ofRuns),
		migrations: histogram("dbwarden.migration.duration", "How long migrations took.", ofRuns),
		statements: histogram("db.client.operation.duration", "Duration of database client operations.", ofCalls),
		lockWait:   histogram("dbwarden.lock.wait", "How long runs waited for the lock.", ofRuns),
		timeouts:   counter("dbwarden.lock.timeouts", "{timeout}", "How often statements waited in vain for a table or row."),
		rows:       counter("dbwarden.statement.rows", "{row}", "How many rows statements touched."),
	}
	var err error
	out.pending, err = m.Int64Gauge("dbwarden.migrations.pending", metric.WithUnit("{migration}"), metric.WithDescription("How many migrations were left to apply behind the last run."))
	return out, errors.Join(append(errs, err)...)
}

// of are a run's attributes that have few values.
func of(r *run, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(append(append(r.database(), attribute.String("dbwarden.direction", r.direction)), more...)...)
}

func outcome(err error) []attribute.KeyValue {
	if err == nil {
		return nil
	}
	return []attribute.KeyValue{errorType(err)}
}

func (m *meters) run(r *run, e event.Event) {
	m.runs.Record(context.Background(), e.Elapsed.Seconds(), of(r, outcome(e.Err)...))
	if e.Pending >= 0 {
		m.pending.Record(context.Background(), int64(e.Pending), metric.WithAttributes(r.database()...))
	}
}

func (m *meters) migration(r *run, e event.Event) {
	m.migrations.Record(context.Background(), e.Elapsed.Seconds(), of(r, outcome(e.Err)...))
}

func (m *meters) statement(r *run, e event.Event) {
	if e.Rows > 0 {
		m.rows.Add(context.Background(), e.Rows, of(r))
	}
	if e.Shared {
		return
	}
	about := r.database()
	if name := operation(e.SQL); name != "" {
		about = append(about, semconv.DBOperationName(name))
	}
	m.statements.Record(context.Background(), e.Elapsed.Seconds(), metric.WithAttributes(about...))
}

func (m *meters) waited(r *run, d time.Duration) {
	m.lockWait.Record(context.Background(), d.Seconds(), of(r))
}

func (m *meters) timeout(r *run) { m.timeouts.Add(context.Background(), 1, of(r)) }

// Package otel makes OpenTelemetry traces and metrics of the events of runs.
//
// It is a module of its own, so that nobody else has its dependencies. A run is a
// span, its migrations are spans below it, and their statements, which are
// calls of the database, below those; waits for the lock, hooks and backups
// are spans of the run. What is known of a run is an attribute of its span.
// Names are those of the semantic conventions for databases where there are
// such; our own begin with "dbwarden.".
package otel

import (
	"cmp"
	"context"
	"sync"

	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/dbwarden-go/dbwarden/event"
)

// Name is the instrumentation's.
const Name = "github.com/dbwarden-go/dbwarden/otel"

// Options say what is made; all of it may be zero.
type Options struct {
	TracerProvider trace.TracerProvider // nil: the global one
	MeterProvider  metric.MeterProvider // nil: the global one

	// System and Namespace are db.system.name and db.namespace. Without a System
	// it is known from the first connection on, from what the server calls
	// itself; without a Namespace there is none.
	System, Namespace string

	// Texts has db.query.text in the spans of statements: the whole of a
	// statement, with whatever values stand in it, save secret variables.
	Texts bool
}

// Observer makes spans and metrics of events. The spans of runs are children of
// the one in ctx, where there is one; ctx's end means nothing to it.
//
// It may be given to several Wardens, also while they run at once. The error is
// the MeterProvider's, which may refuse an instrument.
func Observer(ctx context.Context, o Options) (event.Observer, error) {
	if o.TracerProvider == nil {
		o.TracerProvider = api.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = api.GetMeterProvider()
	}
	m, err := newMeters(o.MeterProvider.Meter(Name))
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	runs := map[string]*run{}
	tracer := o.TracerProvider.Tracer(Name)
	return func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == event.RunStarted {
			runs[e.Run] = begin(context.WithoutCancel(ctx), tracer, m, o, e)
			return
		}
		r := runs[e.Run]
		if r == nil {
			return // of a verb that is no run
		}
		r.observe(e)
		if e.Kind == event.RunEnded {
			delete(runs, e.Run)
		}
	}, nil
}

// systems are the db.system.name of what servers call themselves.
var systems = map[string]string{"PostgreSQL": "postgresql", "MariaDB": "mariadb", "MySQL": "mysql", "SQLite": "sqlite"}

func systemOf(product string) string { return cmp.Or(systems[product], "other_sql") }

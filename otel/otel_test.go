package otel_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/otel"
	"github.com/dbwarden-go/dbwarden/plan"
)

// bench is a database, its folder, and what is measured of its runs.
type bench struct {
	t      *testing.T
	config dbwarden.Config
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
	traces *sdktrace.TracerProvider
	ctx    context.Context
	parent trace.Span
	watch  event.Observer // besides
}

func newBench(t *testing.T, e *engine.Engine, url string, files map[string]string) *bench {
	t.Helper()
	db, err := e.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	b.traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(b.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(b.reader))
	b.ctx, b.parent = b.traces.Tracer("test").Start(t.Context(), "start-up")
	observe, err := otel.Observer(b.ctx, otel.Options{TracerProvider: b.traces, MeterProvider: meters, Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	b.config = dbwarden.Config{Engine: e, Database: db, Migrations: folder, Wait: 30 * time.Second, Holder: lock.Holder{User: "ada", Host: "test", Pid: 1, Command: "migrate"},
		Observe: func(e event.Event) {
			observe(e)
			if b.watch != nil {
				b.watch(e)
			}
		}}
	return b
}

func (b *bench) migrate(ctx context.Context) (*dbwarden.Result, error) {
	b.t.Helper()
	w, err := dbwarden.New(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	return w.Migrate(ctx, plan.Target{})
}

// tree is the spans, a line each, below their parents in the order of their
// beginning, with what is wrong with them.
func (b *bench) tree() string {
	b.t.Helper()
	b.parent.End()
	all := b.spans.GetSpans()
	slices.SortStableFunc(all, func(x, y tracetest.SpanStub) int { return x.StartTime.Compare(y.StartTime) })
	var out strings.Builder
	var below func(id trace.SpanID, depth string)
	below = func(id trace.SpanID, depth string) {
		for _, s := range all {
			if s.Parent.SpanID() != id {
				continue
			}
			if s.EndTime.Before(s.StartTime) || s.EndTime.IsZero() {
				b.t.Errorf("%s ends before it begins", s.Name)
			}
			out.WriteString(depth + s.Name)
			if s.Status.Code == codes.Error {
				out.WriteString(" FAILED " + attributeOf(s, "error.type") + " " + attributeOf(s, "db.response.status_code"))
			}
			out.WriteString("\n")
			below(s.SpanContext.SpanID(), depth+"  ")
		}
	}
	below(trace.SpanID{}, "")
	if n := strings.Count(out.String(), "\n"); n != len(all) {
		b.t.Errorf("%d spans of %d have parents", n, len(all))
	}
	return strings.ReplaceAll(out.String(), " \n", "\n")
}

func (b *bench) span(name string) tracetest.SpanStub {
	b.t.Helper()
	for _, s := range b.spans.GetSpans() {
		if s.Name == name {
			return s
		}
	}
	b.t.Fatalf("there is no span %q", name)
	return tracetest.SpanStub{}
}

func attributeOf(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

func (b *bench) wantTree(want string) {
	b.t.Helper()
	if got := b.tree(); got != want {
		b.t.Errorf("spans:\n%s\nwant:\n%s", got, want)
	}
}

// measured is the count of a histogram's measurements, a counter's or gauge's value, over
// those that have the attributes.
func (b *bench) measured(name string, with ...attribute.KeyValue) (n int64, found bool) {
	b.t.Helper()
	var all metricdata.ResourceMetrics
	if err := b.reader.Collect(context.Background(), &all); err != nil {
		b.t.Fatal(err)
	}
	has := func(set attribute.Set) bool {
		for _, a := range with {
			if v, ok := set.Value(a.Key); !ok || v != a.Value {
				return false
			}
		}
		return true
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			found = true
			switch d := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					if has(p.Attributes) {
						n += int64(p.Count)
					}
				}
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					if has(p.Attributes) {
						n += p.Value
					}
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					if has(p.Attributes) {
						n += p.Value
					}
				}
			}
		}
	}
	return n, found
}

func (b *bench) wantMeasured(want int64, name string, with ...attribute.KeyValue) {
	b.t.Helper()
	if got, found := b.measured(name, with...); got != want || !found && name == "dbwarden.migrations.pending" {
		b.t.Errorf("%s is %d, want %d; found: %v", name, got, want, found)
	}
}

func TestARunIsATree(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqlite.Engine(), dbtest.SQLite(t), map[string]string{
		// One with a comment and one that is alone by itself: no shared transaction.
		"0001_a.sql": "-- transaction: off\n\n-- upgrade\n/* two */ CREATE TABLE a (id INTEGER);\ninsert into a values (1), (2), (3);\n",
	})
	b.config.Hooks = []dbwarden.Hook{{At: dbwarden.HookBeforeRun, Call: func(context.Context, dbwarden.Facts, func(string)) error { return nil }}}
	res, err := b.migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.wantTree("start-up\n  dbwarden upgrade\n    hook before_run\n    upgrade 0001_a.sql\n      CREATE\n      INSERT\n")
	for _, s := range b.spans.GetSpans() {
		if s.Name == "start-up" {
			continue
		}
		for key, want := range map[string]string{"dbwarden.run.id": res.Run, "db.system.name": "sqlite", "db.namespace": "shop", "dbwarden.direction": "upgrade", "db.query.text": ""} {
			if got := attributeOf(s, key); got != want {
				t.Errorf("%s: %s is %q, want %q", s.Name, key, got, want)
			}
		}
	}
	insert := b.span("INSERT")
	if insert.SpanKind != trace.SpanKindClient || attributeOf(insert, "dbwarden.statement.rows") != "3" || attributeOf(insert, "db.operation.name") != "INSERT" || attributeOf(insert, "dbwarden.statement.line") != "5" {
		t.Errorf("%v %v", insert.SpanKind, insert.Attributes)
	}
	if s := b.span("dbwarden upgrade"); attributeOf(s, "dbwarden.migrations.pending") != "0" || attributeOf(s, "dbwarden.migrations.planned") != "1" {
		t.Errorf("%v", s.Attributes)
	}
	system := attribute.String("db.system.name", "sqlite")
	b.wantMeasured(1, "dbwarden.run.duration", system, attribute.String("dbwarden.direction", "upgrade"))
	b.wantMeasured(1, "dbwarden.migration.duration", system)
	b.wantMeasured(1, "db.client.operation.duration", system, attribute.String("db.operation.name", "INSERT"), attribute.String("db.namespace", "shop"))
	b.wantMeasured(3, "dbwarden.statement.rows")
	b.wantMeasured(1, "dbwarden.lock.wait")
	b.wantMeasured(0, "dbwarden.migrations.pending")
}

func TestAFailureIsOnTheWayUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqlite.Engine(), dbtest.SQLite(t), map[string]string{
		"0001_a.sql": "-- transaction: off\n\n-- upgrade\nCREATE TABLE a (id INTEGER NOT NULL);\nINSERT INTO a VALUES (NULL);\n",
		"0002_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);\n",
	})
	if _, err := b.migrate(t.Context()); err == nil {
		t.Fatal("it did not fail")
	}
	const why = " FAILED SQLITE_CONSTRAINT_NOTNULL SQLITE_CONSTRAINT_NOTNULL\n"
	b.wantTree("start-up\n  dbwarden upgrade" + why + "    upgrade 0001_a.sql" + why + "      CREATE\n      INSERT" + why)
	if s := b.span("INSERT"); len(s.Events) != 1 || s.Events[0].Name != "exception" {
		t.Errorf("%v", s.Events)
	}
	if s := b.span("dbwarden upgrade"); !slices.ContainsFunc(s.Events, func(e sdktrace.Event) bool { return e.Name == "lock_kept" }) {
		t.Errorf("the kept lock is not told: %v", s.Events)
	}
	b.wantMeasured(1, "dbwarden.run.duration", attribute.String("error.type", "SQLITE_CONSTRAINT_NOTNULL"))
	b.wantMeasured(2, "dbwarden.migrations.pending")
}

// A run that waits for another one has a span for that, with whom it waits
// for; one that waits in vain fails by it.
func TestAWaitForTheLockIsASpan(t *testing.T) {
	t.Parallel()
	files := map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n"}
	url := dbtest.SQLite(t)
	first := newBench(t, sqlite.Engine(), url, files)
	held, release := make(chan struct{}), make(chan struct{})
	first.config.Hooks = []dbwarden.Hook{{At: dbwarden.HookBeforeRun, Call: func(context.Context, dbwarden.Facts, func(string)) error {
		close(held)
		<-release
		return nil
	}}}
	ended := make(chan error, 1)
	go func() {
		_, err := first.migrate(t.Context())
		ended <- err
	}()
	<-held
	vain := newBench(t, sqlite.Engine(), url, files)
	vain.config.Wait = 0
	if _, err := vain.migrate(t.Context()); err == nil {
		t.Fatal("two have the lock")
	}
	second := newBench(t, sqlite.Engine(), url, files)
	waits := make(chan struct{}, 100)
	second.watch = func(e event.Event) {
		if e.Kind == event.LockWaiting {
			waits <- struct{}{}
		}
	}
	go func() {
		<-waits
		close(release)
	}()
	if _, err := second.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	second.wantTree("start-up\n  dbwarden upgrade\n    wait for the lock\n")
	if holder := attributeOf(second.span("wait for the lock"), "dbwarden.lock.holder"); !strings.Contains(holder, "ada@test") {
		t.Errorf("waited for %q", holder)
	}
	vain.wantTree("start-up\n  dbwarden upgrade FAILED lock_held\n")
	first.wantTree("start-up\n  dbwarden upgrade\n    hook before_run\n    upgrade 0001_a.sql\n      CREATE\n")
}

// A run that is stopped leaves no span open.
func TestAStoppedRunEndsItsSpans(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqlite.Engine(), dbtest.SQLite(t), map[string]string{
		"0001_a.sql": "-- upgrade\nCREATE TABLE a AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;\n",
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	b.watch = func(e event.Event) {
		if e.Kind == event.StatementStarted {
			cancel(errors.New("enough"))
		}
	}
	if _, err := b.migrate(ctx); !errors.Is(err, dbwarden.ErrInterrupted) {
		t.Fatalf("it ended with %v", err)
	}
	tree := b.tree()
	for _, line := range strings.Split(strings.TrimSpace(tree), "\n")[1:] {
		if !strings.Contains(line, "FAILED interrupted") {
			t.Errorf("not told as interrupted: %s", line)
		}
	}
	if strings.Count(tree, "\n") != 4 {
		t.Errorf("spans:\n%s", tree)
	}
}

// Statements that went to the server in one packet have spans, and no times
// are made up for them.
func TestASharedRoundTripHasNoTimesOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, mysql.Engine(), dbtest.MariaDB(t).NewDatabase(t), map[string]string{
		"0001_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n",
		"0002_b.sql": "-- upgrade\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\n",
	})
	if _, err := b.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantTree("start-up\n  dbwarden upgrade\n    upgrade 0001_a.sql\n      CREATE\n    upgrade 0002_b.sql\n      INSERT\n      INSERT\n")
	if s := b.span("INSERT"); attributeOf(s, "dbwarden.statement.shared") != "true" || attributeOf(s, "db.system.name") != "mariadb" {
		t.Errorf("%v", s.Attributes)
	}
	b.wantMeasured(0, "db.client.operation.duration")
	b.wantMeasured(2, "dbwarden.statement.rows")
}

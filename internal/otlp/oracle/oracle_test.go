package oracle

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/otlp"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/otel"
	"github.com/dbwarden-go/dbwarden/plan"
)

// collector is what a collector has got, decoded by OpenTelemetry's own types.
// A field that they do not know is an error.
type collector struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	spans   []*trace.Span
	metrics map[string]*metrics.Metric
	traces  []*collectortrace.ExportTraceServiceRequest
	answer  []byte // to the next requests
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, metrics: map[string]*metrics.Metric{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	if err == nil && q.Header.Get("Content-Encoding") == "gzip" {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(z)
		}
	}
	if err != nil {
		c.t.Error(err)
	}
	isJSON := q.Header.Get("Content-Type") == "application/json"
	decode := func(m proto.Message) {
		if isJSON {
			if err := protojson.Unmarshal(base64IDs.ReplaceAllFunc(body, inBase64), m); err != nil {
				c.t.Errorf("%v in %s", err, body)
			}
			return
		}
		if err := proto.Unmarshal(body, m); err != nil {
			c.t.Errorf("%s: %v", q.URL.Path, err)
		}
		known, _ := proto.MarshalOptions{}.Marshal(m)
		proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, m)
		if bare, _ := proto.Marshal(m); len(bare) != len(known) {
			c.t.Errorf("%s: %d bytes are unknown", q.URL.Path, len(known)-len(bare))
		}
	}
	switch q.URL.Path {
	case "/v1/traces":
		m := &collectortrace.ExportTraceServiceRequest{}
		decode(m)
		c.traces = append(c.traces, m)
		for _, r := range m.ResourceSpans {
			for _, s := range r.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
	case "/v1/metrics":
		m := &collectormetrics.ExportMetricsServiceRequest{}
		decode(m)
		for _, r := range m.ResourceMetrics {
			for _, s := range r.ScopeMetrics {
				for _, one := range s.Metrics {
					c.metrics[one.Name] = one
				}
			}
		}
	default:
		c.t.Errorf("asked for %s", q.URL.Path)
	}
	w.Header().Set("Content-Type", q.Header.Get("Content-Type"))
	w.Write(c.answer)
}

// The one thing in which OTLP's JSON is not that of protobuf: ids have
// hexadecimal digits.
var base64IDs = regexp.MustCompile(`"(?:traceId|spanId|parentSpanId)":"([0-9a-f]{16}|[0-9a-f]{32})"`)

func inBase64(field []byte) []byte {
	digits := base64IDs.FindSubmatch(field)[1]
	id, _ := hex.DecodeString(string(digits)) // as the pattern says
	return bytes.Replace(field, digits, []byte(base64.StdEncoding.EncodeToString(id)), 1)
}

// ours is what this program sends of what fill has it observe.
func ours(t *testing.T, env map[string]string, failed error, fill func(event.Observer)) (*collector, error) {
	t.Helper()
	c := newCollector(t)
	return c, send(t, c, env, failed, fill)
}

func send(t *testing.T, c *collector, env map[string]string, failed error, fill func(event.Observer)) error {
	t.Helper()
	s := otlp.Read(func(name string) (string, bool) {
		if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
			return c.URL, true
		}
		v, ok := env[name]
		return v, ok
	})
	if s == nil {
		t.Fatal("nothing is sent")
	}
	s.Slow = 0 // as the module otel, which has spans of all statements
	r := otlp.NewRecorder(s, "migrate", time.Now())
	fill(r.Observe)
	code := 0
	if failed != nil {
		code = 3
	}
	return r.Send(t.Context(), otlp.Process{Version: "1.0.0", Host: "web-1", Pid: 7, Mask: func(text string) string { return text }}, code, failed)
}

// theirs is what the module otel sends by OpenTelemetry's SDK.
func theirs(t *testing.T, fill func(event.Observer)) *collector {
	t.Helper()
	c := newCollector(t)
	ctx := t.Context()
	to, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.URL+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	spans := sdktrace.NewTracerProvider(sdktrace.WithSyncer(to))
	too, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(c.URL+"/v1/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	reader := sdkmetric.NewPeriodicReader(too)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	ctx, root := spans.Tracer("test").Start(ctx, "dbwarden migrate")
	o, err := otel.Observer(ctx, otel.Options{TracerProvider: spans, MeterProvider: meters})
	if err != nil {
		t.Fatal(err)
	}
	fill(o)
	root.End()
	if err := errors.Join(spans.Shutdown(ctx), meters.Shutdown(ctx)); err != nil {
		t.Fatal(err)
	}
	return c
}

// tree is the spans as lines, each below its parent, with all that is told of
// them but their ids. Of the command's own span that is its name.
func (c *collector) tree() string {
	children := map[string][]*trace.Span{}
	for _, s := range c.spans {
		children[hex.EncodeToString(s.ParentSpanId)] = append(children[hex.EncodeToString(s.ParentSpanId)], s)
	}
	var out strings.Builder
	var walk func(parent, indent string)
	walk = func(parent, indent string) {
		all := children[parent]
		slices.SortStableFunc(all, func(a, b *trace.Span) int {
			return strings.Compare(fmt.Sprint(a.StartTimeUnixNano, a.Name), fmt.Sprint(b.StartTimeUnixNano, b.Name))
		})
		for _, s := range all {
			fmt.Fprintf(&out, "%s%s", indent, s.Name)
			if indent != "" {
				fmt.Fprintf(&out, " %v %d-%d flags %x status %v %s", s.Kind, s.StartTimeUnixNano, s.EndTimeUnixNano, s.Flags, s.Status.GetCode(), shown(s.Attributes))
				if s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR {
					fmt.Fprintf(&out, " because %s", s.Status.Message)
				}
				for _, e := range s.Events {
					fmt.Fprintf(&out, "\n%s  * %s %d %s", indent, e.Name, e.TimeUnixNano, shown(e.Attributes))
				}
			}
			out.WriteByte('\n')
			walk(hex.EncodeToString(s.SpanId), indent+"  ")
		}
	}
	walk("", "")
	return out.String()
}

func shown(all []*common.KeyValue) string {
	var out []string
	for _, a := range all {
		out = append(out, fmt.Sprintf("%s=%v", a.Key, a.Value))
	}
	slices.Sort(out)
	return "{" + strings.Join(out, " ") + "}"
}

// measured is the metrics as lines, without times.
func (c *collector) measured() string {
	var out []string
	for _, m := range c.metrics {
		head := fmt.Sprintf("%s %s %q", m.Name, m.Unit, m.Description)
		for _, p := range m.GetGauge().GetDataPoints() {
			out = append(out, fmt.Sprintf("%s gauge %s %d", head, shown(p.Attributes), p.GetAsInt()))
		}
		if s := m.GetSum(); s != nil {
			for _, p := range s.DataPoints {
				out = append(out, fmt.Sprintf("%s sum %v %v %s %d", head, s.AggregationTemporality, s.IsMonotonic, shown(p.Attributes), p.GetAsInt()))
			}
		}
		if h := m.GetHistogram(); h != nil {
			for _, p := range h.DataPoints {
				out = append(out, fmt.Sprintf("%s histogram %v %s %d %v %v..%v %v %v", head, h.AggregationTemporality, shown(p.Attributes), p.Count, p.GetSum(), p.GetMin(), p.GetMax(), p.BucketCounts, p.ExplicitBounds))
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// events is a stream of events that has one of each kind that matters, at
// times of its own.
func events() (all []event.Event) {
	at := time.Unix(1_800_000_000, 0)
	put := func(e event.Event) {
		at = at.Add(7 * time.Millisecond)
		if e.At.IsZero() {
			e.At = at
		}
		if e.Run == "" {
			e.Run = "01a207c0-da48-79f0-8acf-0beb3524b961"
		}
		e.Direction = "upgrade"
		all = append(all, e)
	}
	failed := &dbwarden.MigrationError{Migration: &migration.Migration{File: "0001_ä.sql"}, Fault: engine.Fault{Code: "42P01", Message: "relation \"ordrs\" does not exist"}, Err: errors.New("relation \"ordrs\" does not exist")}
	statement := func(kind event.Kind, e event.Event) {
		e.Kind, e.Version, e.File = kind, "0001", "0001_ä.sql"
		put(e)
	}
	put(event.Event{Kind: event.RunStarted})
	put(event.Event{Kind: event.Connected, Detail: "PostgreSQL 15.18"})
	put(event.Event{Kind: event.Notice, Detail: "NOTICE: \"quoted\"\n\tand \x01 more"})
	put(event.Event{Kind: event.LockWaiting, Holder: "ada@web-1", Detail: "alive", Elapsed: 3 * time.Millisecond})
	put(event.Event{Kind: event.LockWaiting, Holder: "ada@web-1", Detail: "alive", Elapsed: time.Second})
	put(event.Event{Kind: event.LockAcquired, Elapsed: 2 * time.Second})
	put(event.Event{Kind: event.PlanReady, Total: 2})
	put(event.Event{Kind: event.BackupStarted, File: "a.dump"})
	put(event.Event{Kind: event.BackupDone, File: "a.dump", Bytes: 1 << 40})
	put(event.Event{Kind: event.HookStarted, Detail: "before_run"})
	put(event.Event{Kind: event.HookDone, Detail: "before_run", Err: errors.New("exit status 7")})
	statement(event.MigrationStarted, event.Event{Number: 1, Total: 2, Statements: 3})
	statement(event.StatementStarted, event.Event{Line: 3, Statement: 1, SQL: "-- so\nCREATE TABLE a (id int)"})
	statement(event.StatementDone, event.Event{Line: 3, Statement: 1, SQL: "-- so\nCREATE TABLE a (id int)", Elapsed: 5 * time.Millisecond, Shared: true})
	statement(event.StatementStarted, event.Event{Line: 4, Statement: 2, SQL: "(select 1)"})
	statement(event.StatementRunning, event.Event{Line: 4, Statement: 2, Blockers: "pid 4711"})
	statement(event.LockTimeout, event.Event{Number: 1, Elapsed: 300 * time.Millisecond, Blockers: "pid 4711"})
	statement(event.MigrationStarted, event.Event{Number: 1, Total: 2, Statements: 3})
	for _, took := range []time.Duration{0, time.Millisecond, 2 * time.Millisecond, 99 * time.Millisecond, 10 * time.Second, time.Hour} {
		statement(event.StatementStarted, event.Event{Line: 4, Statement: 2, SQL: "(select 1)"})
		statement(event.StatementDone, event.Event{Line: 4, Statement: 2, SQL: "(select 1)", Elapsed: took, Rows: 3})
	}
	statement(event.StatementStarted, event.Event{Line: 9, Statement: 3, SQL: "%"})
	statement(event.MigrationFailed, event.Event{Line: 9, Statement: 3, Elapsed: 9 * time.Second, Err: failed})
	put(event.Event{Kind: event.MigrationFailed, File: "0002_b.sql", Version: "0002", Err: lock.ErrLost})
	put(event.Event{Kind: event.Drifted, Detail: "2 differences", Total: 2})
	put(event.Event{Kind: event.MigrationStarted, File: "0003_c.sql", Version: "0003", Number: 3})
	put(event.Event{Kind: event.LockKept, Detail: "it failed half-way"})
	put(event.Event{Kind: event.RunEnded, Elapsed: 2 * time.Hour, Pending: 1, Err: failed})
	// Another one, that waits in vain.
	for _, e := range []event.Event{
		{Kind: event.RunStarted}, {Kind: event.Connected, Detail: "Oracle 23"}, {Kind: event.LockWaiting, Holder: "ada@web-1"},
		{Kind: event.RunEnded, Pending: -1, Elapsed: 5 * time.Second, Err: &lock.HeldError{}},
	} {
		e.Run = "2"
		put(e)
	}
	for i, err := range []error{&plan.Refusal{Code: plan.Code("changed")}, &dbwarden.DriftError{Drift: &dbwarden.Drift{}}, &dbwarden.ConnectError{Err: io.EOF}, context.Canceled, dbwarden.ErrInterrupted, io.EOF} {
		run := fmt.Sprint("more", i)
		put(event.Event{Kind: event.RunStarted, Run: run})
		put(event.Event{Kind: event.RunEnded, Run: run, Pending: i - 1, Err: err})
	}
	return all
}

// What this program makes of events, and how it writes that down, is what the
// module otel and OpenTelemetry's own SDK make of them, in both encodings.
func TestItIsWhatTheSDKSends(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(event.Observer){
		"made up": func(o event.Observer) {
			for _, e := range events() {
				o(e)
			}
		},
		"a run": run(t),
	} {
		want := theirs(t, fill)
		for _, env := range []map[string]string{
			{}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
		} {
			got, err := ours(t, env, errors.New("no"), fill)
			if err != nil {
				t.Fatal(err)
			}
			if len(want.spans) < 3 || len(want.metrics) < 3 {
				t.Fatalf("%d spans, %d metrics", len(want.spans), len(want.metrics))
			}
			if a, b := got.tree(), want.tree(); a != b {
				t.Errorf("%s, %v: spans are\n%s\nand by the SDK\n%s", name, env, a, b)
			}
			if a, b := got.measured(), want.measured(); a != b {
				t.Errorf("%s, %v: metrics are\n%s\nand by the SDK\n%s", name, env, a, b)
			}
		}
	}
}

// run is a real run's events, recorded once.
func run(t *testing.T) func(event.Observer) {
	var all []event.Event
	w, err := dbwarden.Open("sqlite:///"+t.TempDir()+"/app.db", dbwarden.Config{Engine: sqlite.Engine(), Migrations: fstest.MapFS{
		"0001_a.sql": {Data: []byte("-- upgrade\nCREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1), (2);\n")},
		"0002_b.sql": {Data: []byte("-- transaction: off\n\n-- upgrade\nCREATE TABLE b (id INTEGER NOT NULL);\nINSERT INTO b VALUES (NULL);\n")},
	}, Observe: func(e event.Event) { all = append(all, e) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(t.Context(), plan.Target{}); err == nil {
		t.Fatal("it did not fail")
	}
	return func(o event.Observer) {
		for _, e := range all {
			o(e)
		}
	}
}

// The resource, the command's own span and the trace that it goes on.
func TestTheCommandsOwn(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"http/json", "http/protobuf"} {
		c, err := ours(t, map[string]string{
			"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,deployment.environment.name=st%20aging,k8s.pod.name=p-1",
			"TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "TRACESTATE": "congo=t61rcWkgMzE",
		}, &lock.HeldError{}, func(o event.Observer) {})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.spans) != 1 || len(c.metrics) != 0 {
			t.Fatalf("%d spans, %v", len(c.spans), c.metrics)
		}
		s := c.spans[0]
		if got := fmt.Sprintf("%x %x %s %x", s.TraceId, s.ParentSpanId, s.TraceState, s.Flags); got != "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 congo=t61rcWkgMzE 301" {
			t.Errorf("%s", got)
		}
		if len(s.SpanId) != 8 || s.Name != "dbwarden migrate" || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%v", s)
		}
		for _, want := range []string{`dbwarden.command=string_value:"migrate"`, `dbwarden.exit_code=int_value:3`, `error.type=string_value:"lock_held"`} {
			if !strings.Contains(strings.ReplaceAll(shown(s.Attributes), "  ", " "), want) {
				t.Errorf("no %s in %s", want, shown(s.Attributes))
			}
		}
		r := shown(c.traces[0].ResourceSpans[0].Resource.Attributes)
		for _, want := range []string{`service.name=string_value:"shop"`, `deployment.environment.name=string_value:"st aging"`, `k8s.pod.name=string_value:"p-1"`, `service.version=string_value:"1.0.0"`, `process.pid=int_value:7`, `host.name=string_value:"web-1"`} {
			if !strings.Contains(r, want) {
				t.Errorf("no %s in %s", want, r)
			}
		}
		if strings.Count(r, "service.name") != 1 {
			t.Error(r)
		}
	}
}

// What a collector took in part is told.
func TestARefusalInPart(t *testing.T) {
	t.Parallel()
	for protocol, answer := range map[string]func(m proto.Message) []byte{
		"http/protobuf": func(m proto.Message) []byte { b, _ := proto.Marshal(m); return b },
		"http/json": func(m proto.Message) []byte {
			return []byte(`{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}`)
		},
	} {
		c := newCollector(t)
		c.answer = answer(&collectortrace.ExportTraceServiceResponse{PartialSuccess: &collectortrace.ExportTracePartialSuccess{RejectedSpans: 3, ErrorMessage: "too old"}})
		err := send(t, c, map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}, nil, func(event.Observer) {})
		if err == nil || !strings.HasSuffix(err.Error(), "took the rest, and refused 3: too old") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}

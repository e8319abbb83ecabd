package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden/event"
)

func read(env ...string) *Settings {
	return Read(func(name string) (string, bool) {
		for _, e := range env {
			if n, v, _ := strings.Cut(e, "="); n == name {
				return v, true
			}
		}
		return "", false
	})
}

func TestVariables(t *testing.T) {
	t.Parallel()
	const to = "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, "off"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT="}, "off"},
		{[]string{to}, "http://c:4318/v1/traces http://c:4318/v1/metrics 5s []"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/otlp/?k=v"}, "https://c/otlp/v1/traces?k=v https://c/otlp/v1/metrics?k=v 5s []"},
		{[]string{to, "OTEL_SDK_DISABLED=TRUE"}, "off"},
		{[]string{to, "OTEL_SDK_DISABLED=1"}, "http://c:4318/v1/traces http://c:4318/v1/metrics 5s []"}, // as the specification says
		{[]string{to, "OTEL_TRACES_EXPORTER=none"}, "- http://c:4318/v1/metrics 5s []"},
		{[]string{to, "OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=None"}, "off"},
		{[]string{to, "OTEL_METRICS_EXPORTER=console"}, "http://c:4318/v1/traces - 5s [OTEL_METRICS_EXPORTER: want otlp or none]"},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t"}, "http://t/ - 5s []"},
		{[]string{to, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m/x"}, "http://c:4318/v1/traces http://m/x 5s []"},
		{[]string{to, "OTEL_EXPORTER_OTLP_TIMEOUT=300"}, "http://c:4318/v1/traces http://c:4318/v1/metrics 300ms []"},
		{[]string{to, "OTEL_EXPORTER_OTLP_TIMEOUT=3s"}, "http://c:4318/v1/traces http://c:4318/v1/metrics 5s [OTEL_EXPORTER_OTLP_TIMEOUT: want milliseconds, like 3000]"},
		{[]string{to, "OTEL_EXPORTER_OTLP_TIMEOUT=-1"}, "http://c:4318/v1/traces http://c:4318/v1/metrics 5s [OTEL_EXPORTER_OTLP_TIMEOUT: want milliseconds, like 3000]"},
		{[]string{to, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, `- http://c:4318/v1/metrics(json) 5s [OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: want http/protobuf or http/json, of which the collector's port is most often 4318; "grpc" is not spoken here]`},
		{[]string{to, "OTEL_EXPORTER_OTLP_HEADERS=a=1, B%20=%3D,,"}, `http://c:4318/v1/traces http://c:4318/v1/metrics 5s [] {"a":"1" "B ":"="}`},
		{[]string{to, "OTEL_EXPORTER_OTLP_HEADERS=a=%zz"}, "- - 5s [OTEL_EXPORTER_OTLP_HEADERS: want key=value,key=value with values percent-encoded; number 1 is not]"},
		{[]string{to, "OTEL_RESOURCE_ATTRIBUTES=a=1,b"}, "http://c:4318/v1/traces http://c:4318/v1/metrics 5s [OTEL_RESOURCE_ATTRIBUTES: want key=value,key=value with values percent-encoded; number 2 is not]"},
		{[]string{to, "OTEL_EXPORTER_OTLP_COMPRESSION=zstd"}, "http://c:4318/v1/traces http://c:4318/v1/metrics 5s [OTEL_EXPORTER_OTLP_COMPRESSION: want gzip or none]"},
		{[]string{to, "OTEL_TRACES_SAMPLER=jaeger_remote"}, `http://c:4318/v1/traces http://c:4318/v1/metrics 5s [OTEL_TRACES_SAMPLER: "jaeger_remote" is not known here]`},
		{[]string{to, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=x"}, "http://c:4318/v1/traces http://c:4318/v1/metrics 5s [OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: want cumulative or delta]"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=c:4318"}, "- - 5s [OTEL_EXPORTER_OTLP_ENDPOINT: want http://HOST:PORT or https://HOST:PORT]"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://u:hush@c"}, "- - 5s [OTEL_EXPORTER_OTLP_ENDPOINT: want http://HOST:PORT or https://HOST:PORT]"},
	} {
		s, got := read(c.env...), "off"
		if s != nil {
			got = ""
			for _, e := range []*Endpoint{s.Traces, s.Metrics} {
				switch {
				case e == nil:
					got += "- "
				case e.JSON:
					got += e.URL.String() + "(json) "
				default:
					got += e.URL.String() + " "
				}
			}
			got += fmt.Sprintf("%s %v", s.Most, s.Complaints)
			if s.Traces != nil && len(s.Traces.Headers) > 0 {
				got += strings.ReplaceAll(fmt.Sprintf(" {%q}", s.Traces.Headers), "map[", "")
				got = strings.ReplaceAll(got, "]}", "}")
				got = strings.ReplaceAll(got, `"B ":"=" "a":"1"`, `"a":"1" "B ":"="`)
			}
		}
		if got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.env, got, c.want)
		}
	}
}

func TestWhatIsSampled(t *testing.T) {
	t.Parallel()
	const (
		on  = "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		off = "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	)
	for _, c := range []struct {
		env           string
		goes, sampled bool // on with the parent's trace
	}{
		{"", false, true}, {on, true, true}, {off, true, false},
		{"OTEL_TRACES_SAMPLER=always_off", false, false}, {"OTEL_TRACES_SAMPLER=always_off " + on, true, false}, {"OTEL_TRACES_SAMPLER=always_on " + off, true, true},
		{"OTEL_TRACES_SAMPLER=parentbased_always_off", false, false}, {"OTEL_TRACES_SAMPLER=parentbased_always_off " + on, true, true},
		// The lower half of that trace's id is 0.64 of the most there is.
		{"OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0.63 " + on, true, false}, {"OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0.65 " + off, true, true},
		{"OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=0", false, false}, {"OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=x", false, true},
		{"OTEL_PROPAGATORS=baggage " + off, false, true}, {"OTEL_PROPAGATORS=b3,tracecontext " + off, true, false},
		// None of these is a parent; of a later version, with more behind it, one is.
		{"TRACEPARENT=ff" + off[14:], false, true}, {off + "-00", false, true}, {strings.Replace(off, "4bf9", "4BF9", 1), false, true},
		{"TRACEPARENT=00-00000000000000000000000000000000-00f067aa0ba902b7-00", false, true}, {"TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00", false, true},
		{"TRACEPARENT=00-4bf9-00f067aa0ba902b7-00", false, true}, {"TRACEPARENT=cc" + off[14:] + "-more", true, false},
	} {
		in := read(append(strings.Fields(c.env), "OTEL_EXPORTER_OTLP_ENDPOINT=http://c")...).context()
		if got := in.parent != (spanID{}); got != c.goes || in.sampled != c.sampled || in.trace == (traceID{}) {
			t.Errorf("%s: goes on %v, sampled %v: %x", c.env, got, in.sampled, in.trace)
		}
	}
}

// However much happens, what is kept is bounded, and what matters is among it.
func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	r := NewRecorder(read("OTEL_EXPORTER_OTLP_ENDPOINT=http://c"), "migrate", time.Now())
	at := time.Now()
	r.Observe(event.Event{Kind: event.RunStarted, Run: "1", At: at})
	for range 10 * mostMoments {
		r.Observe(event.Event{Kind: event.Notice, Run: "1", At: at, Detail: "so"})
	}
	migration := func(n int, err error) {
		file := fmt.Sprint(n, ".sql")
		r.Observe(event.Event{Kind: event.MigrationStarted, Run: "1", At: at, File: file})
		kind := event.MigrationDone
		if err != nil {
			kind = event.MigrationFailed
		}
		r.Observe(event.Event{Kind: kind, Run: "1", At: at, File: file, Err: err})
	}
	for n := range mostSpans + 7 {
		migration(n, nil)
	}
	for n := range mostSpans + 3 {
		migration(n, io.EOF)
	}
	r.Observe(event.Event{Kind: event.RunEnded, Run: "1", At: at, Err: errors.New("no"), Pending: -1})
	if len(r.closed) != mostAtAll || r.dropped != 7+3+1 {
		t.Errorf("%d spans, %d dropped", len(r.closed), r.dropped)
	}
	one := NewRecorder(read("OTEL_EXPORTER_OTLP_ENDPOINT=http://c"), "migrate", at)
	one.Observe(event.Event{Kind: event.RunStarted, Run: "1", At: at})
	for range 10 * mostMoments {
		one.Observe(event.Event{Kind: event.Notice, Run: "1", At: at, Detail: "so"})
	}
	one.Observe(event.Event{Kind: event.RunEnded, Run: "1", At: at, Err: io.EOF, Pending: -1})
	if s := one.closed[0]; len(s.events) != mostMoments+1 || s.events[mostMoments].name != "exception" || s.lost != 9*mostMoments {
		t.Errorf("%d events, %d lost", len(s.events), s.lost)
	}
	none := NewRecorder(read("OTEL_EXPORTER_OTLP_ENDPOINT=http://c", "OTEL_TRACES_SAMPLER=always_off"), "migrate", at)
	none.Observe(event.Event{Kind: event.RunStarted, Run: "1", At: at})
	none.Observe(event.Event{Kind: event.RunEnded, Run: "1", At: at, Err: io.EOF, Pending: -1})
	if len(none.closed) != 0 || len(none.meters.all) != 1 {
		t.Errorf("%d spans, %d series of what is not sampled", len(none.closed), len(none.meters.all))
	}
}

// A fast statement has no span, one that was kept waiting has.
func TestStatementsWithSpans(t *testing.T) {
	t.Parallel()
	at := time.Now()
	r := NewRecorder(read("OTEL_EXPORTER_OTLP_ENDPOINT=http://c"), "migrate", at)
	r.Observe(event.Event{Kind: event.RunStarted, Run: "1", At: at})
	r.Observe(event.Event{Kind: event.MigrationStarted, Run: "1", At: at, File: "a"})
	for i, took := range []time.Duration{slow - 1, slow, 1} {
		e := event.Event{Kind: event.StatementStarted, Run: "1", At: at, File: "a", Statement: i + 1, SQL: "/* it */ insert"}
		r.Observe(e)
		if i == 2 {
			e.Kind, e.Blockers = event.StatementRunning, "pid 7"
			r.Observe(e)
		}
		e.Kind, e.Elapsed = event.StatementDone, took
		r.Observe(e)
	}
	if len(r.closed) != 2 || r.closed[0].name != "INSERT" || r.meters.all[0].n != 3 {
		t.Errorf("%+v", r.closed)
	}
}

func TestALongTextIsCutBehindItsMasking(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("é", 50)
	mask := func(s string) string { return strings.ReplaceAll(s, secret, "***") }
	long := strings.Repeat("x", longest-31) + secret + strings.Repeat("ü", 99)
	m := attributes([]Attribute{text("a", long)}, mask)
	got := m[0][1].value.(message)[0].value.(string)
	if len(got) > longest+len("…") || strings.Contains(got, "é") || !utf8.ValidString(got) || !strings.HasSuffix(got, "ü…") {
		t.Errorf("%d bytes, to %q", len(got), got[len(got)-40:])
	}
}

// The collector's certificate is checked, by those that are named, and it may
// ask for ours.
func TestTLS(t *testing.T) {
	t.Parallel()
	c := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	c.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	c.StartTLS()
	t.Cleanup(c.Close)
	dir := t.TempDir()
	put := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := put("ca.pem", "CERTIFICATE", c.Certificate().Raw)
	own := c.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key := put("key.pem", "PRIVATE KEY", der)
	for want, env := range map[string][]string{
		"":                     {"OTEL_EXPORTER_OTLP_CERTIFICATE=" + ca, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + ca, "OTEL_EXPORTER_OTLP_CLIENT_KEY=" + key},
		"certificate required": {"OTEL_EXPORTER_OTLP_CERTIFICATE=" + ca},
		"certificate signed by unknown authority": nil,
		"no certificate in " + key:                {"OTEL_EXPORTER_OTLP_CERTIFICATE=" + key},
	} {
		s := read(append(env, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_TIMEOUT=60000")...)
		err := NewRecorder(s, "migrate", time.Now()).Send(t.Context(), Process{Mask: strings.ToUpper}, 0, nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", env, err, want)
		}
	}
}

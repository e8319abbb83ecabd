package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Process is what is told of the program itself.
type Process struct {
	Version, Host string
	Pid           int
	Mask          func(string) string // takes the secrets out of a text
}

// scope names who made the spans and metrics.
const scope = "github.com/dbwarden-go/dbwarden"

// mostInOne is how many spans one request carries.
const mostInOne = 2000

// Send ends the command, which err and the exit code say the end of, and sends
// all that there is. It takes Settings.Most at the most, less where ctx ends;
// its error is one line.
func (r *Recorder) Send(ctx context.Context, p Process, code int, failed error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.end(now, code, failed)
	ctx, cancel := context.WithTimeout(ctx, r.settings.Most)
	defer cancel()
	var wait sync.WaitGroup
	var spans, points error
	if to := r.settings.Traces; to != nil && r.in.sampled {
		wait.Go(func() { spans = r.sendSpans(ctx, to, p) })
	}
	if to := r.settings.Metrics; to != nil && len(r.meters.all) > 0 {
		wait.Go(func() {
			of := message{{1, "scope", instrumentation(p)}, {2, "metrics", r.meters.messages(now, r.settings.temporality, p.Mask)}}
			points = to.post(ctx, message{{1, "resourceMetrics", []message{{{1, "resource", r.settings.describe(p)}, {2, "scopeMetrics", []message{of}}}}}})
		})
	}
	wait.Wait()
	problems := slices.Clone(r.settings.Complaints)
	const not = "the %s were not sent: %v"
	switch {
	case spans != nil && points != nil && spans.Error() == points.Error():
		problems = append(problems, fmt.Sprintf(not, "traces and metrics", spans))
	default:
		if spans != nil {
			problems = append(problems, fmt.Sprintf(not, "traces", spans))
		}
		if points != nil {
			problems = append(problems, fmt.Sprintf(not, "metrics", points))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.New("OpenTelemetry: " + strings.Join(problems, "; "))
}

func (r *Recorder) sendSpans(ctx context.Context, to *Endpoint, p Process) error {
	// The command first: where there is no time for all, it is what somebody
	// looks for.
	all := append([]*span{r.command}, r.closed...)
	for at := 0; at < len(all); at += mostInOne {
		var spans []message
		for _, s := range all[at:min(at+mostInOne, len(all))] {
			spans = append(spans, s.message(r.in, p.Mask))
		}
		of := message{{1, "scope", instrumentation(p)}, {2, "spans", spans}}
		if err := to.post(ctx, message{{1, "resourceSpans", []message{{{1, "resource", r.settings.describe(p)}, {2, "scopeSpans", []message{of}}}}}}); err != nil {
			return err
		}
	}
	return nil
}

func instrumentation(p Process) message {
	m := message{{1, "name", scope}}
	m.text(2, "version", p.Version)
	return m
}

// describe is the process, as the resource of all that is sent. What is on its
// command line is not told: it may be a password.
func (s *Settings) describe(p Process) message {
	all := []Attribute{text("service.name", "dbwarden"), text("telemetry.sdk.language", "go"), text("telemetry.sdk.name", "dbwarden"), number("process.pid", p.Pid)}
	if p.Version != "" {
		all = append(all, text("service.version", p.Version), text("telemetry.sdk.version", p.Version))
	}
	if p.Host != "" {
		all = append(all, text("host.name", p.Host))
	}
	for _, a := range s.resource {
		all = put(all, a)
	}
	return message{{1, "attributes", attributes(all, p.Mask)}}
}

// post sends one request, and again while the collector asks for that and
// there is time.
func (e *Endpoint) post(ctx context.Context, m message) error {
	body, kind := m.protobuf, "application/x-protobuf"
	if e.JSON {
		body, kind = m.json, "application/json"
	}
	data := body()
	if e.Gzip {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write(data)
		w.Close()
		data = packed.Bytes()
	}
	transport, err := e.transport()
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport,
		// Whoever it leads to was not named, and would get the headers.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for pause := 250 * time.Millisecond; ; pause *= 2 {
		after, err := e.once(ctx, client, data, kind)
		if after < 0 {
			return err
		}
		if after == 0 {
			after = pause/2 + rand.N(pause)
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < after {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(after):
		}
	}
}

// once sends it once. after is how long to wait before it is sent again: 0
// where the collector does not say, negative for never.
func (e *Endpoint) once(ctx context.Context, client *http.Client, data []byte, kind string) (after time.Duration, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL.String(), bytes.NewReader(data))
	if err != nil {
		return -1, fmt.Errorf("%s cannot be used", e.variable) // the error would show it
	}
	for name, value := range e.Headers {
		q.Header.Set(name, value)
	}
	q.Header.Set("Content-Type", kind)
	q.Header.Set("User-Agent", "dbwarden")
	if e.Gzip {
		q.Header.Set("Content-Encoding", "gzip")
	}
	r, err := client.Do(q)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if ctx.Err() != nil {
			err = errors.New("no answer in time")
		}
		return -1, fmt.Errorf("%s: %w", e.URL.Host, err)
	}
	defer r.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if r.StatusCode/100 == 2 {
		if n, why := refused(said, e.JSON); n != 0 {
			return -1, fmt.Errorf("%s took the rest, and refused %d: %s", e.URL.Host, n, line(why))
		}
		return -1, nil
	}
	why := ""
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.HasPrefix(kind, "text/") || kind == "application/json" {
		why = line(string(said))
	}
	err = errors.New(strings.TrimSuffix(fmt.Sprintf("%s answered %s: %s", e.URL.Host, r.Status, why), ": "))
	switch r.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(r.Header.Get("Retry-After"))
		return time.Duration(max(0, min(seconds, 3600))) * time.Second, err
	}
	return -1, err
}

// line is what a collector says, in a short line.
func line(said string) string {
	text := []rune(strings.Join(strings.Fields(valid(said)), " "))
	return string(text[:min(len(text), 200)])
}

func (e *Endpoint) transport() (*http.Transport, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if e.CA == "" && e.Cert == "" {
		return t, nil
	}
	t.TLSClientConfig = &tls.Config{}
	t.ForceAttemptHTTP2 = true
	if e.CA != "" {
		pem, err := os.ReadFile(e.CA)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: no certificate in %s", e.CA)
		}
	}
	if e.Cert != "" {
		own, err := tls.LoadX509KeyPair(e.Cert, e.Key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, _CLIENT_KEY: %w", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{own}
	}
	return t, nil
}

// refused is how much of what it took in part a collector says that it
// refused, and why. What cannot be read is no refusal.
func refused(said []byte, isJSON bool) (n int64, why string) {
	if isJSON {
		var answer struct {
			Partial struct {
				Spans  json.Number `json:"rejectedSpans"`
				Points json.Number `json:"rejectedDataPoints"`
				Why    string      `json:"errorMessage"`
			} `json:"partialSuccess"`
		}
		if json.Unmarshal(said, &answer) != nil {
			return 0, ""
		}
		spans, _ := answer.Partial.Spans.Int64()
		points, _ := answer.Partial.Points.Int64()
		return spans + points, answer.Partial.Why
	}
	fields(said, func(number int, partial []byte, _ uint64) {
		if number == 1 {
			fields(partial, func(number int, text []byte, value uint64) {
				switch number {
				case 1:
					n = int64(value)
				case 2:
					why = string(text)
				}
			})
		}
	})
	return n, why
}

// fields reads the fields of a message that are varints or have a length, until
// something cannot be read.
func fields(m []byte, each func(number int, text []byte, value uint64)) {
	for len(m) > 0 {
		tag, n := binary.Uvarint(m)
		if n <= 0 {
			return
		}
		m = m[n:]
		value, n := binary.Uvarint(m)
		if n <= 0 {
			return
		}
		m = m[n:]
		switch tag & 7 {
		case varint:
			each(int(tag>>3), nil, value)
		case lengthy:
			if value > uint64(len(m)) {
				return
			}
			each(int(tag>>3), m[:value], 0)
			m = m[value:]
		default:
			return
		}
	}
}

package otlp

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are what the standard variables of OpenTelemetry say, as far as a
// program that ends soon can follow them.
type Settings struct {
	Traces, Metrics *Endpoint // nil: none are sent

	// Most is how long sending may take in all, behind the command.
	Most time.Duration

	// Slow is how long a statement that succeeds must have taken for a span of
	// its own.
	Slow time.Duration

	// Texts has the texts of statements in their spans.
	Texts bool

	// Complaints are what of the variables is not followed, for people.
	Complaints []string

	resource    []Attribute
	temporality enum
	parent      Context // zero where there is none
	sampler     string
	ratio       string
}

// An Endpoint is where one signal goes.
type Endpoint struct {
	URL      *url.URL
	JSON     bool // else protobuf
	Gzip     bool
	Headers  map[string]string
	CA       string // a file with the certificates to trust; "": those of the system
	Cert     string // files of our own certificate and its key
	Key      string
	variable string // that names it
}

// Secrets are the texts in settings that nobody may see.
func (s *Settings) Secrets() (all []string) {
	for _, e := range []*Endpoint{s.Traces, s.Metrics} {
		if e == nil {
			continue
		}
		for _, v := range e.Headers {
			all = append(all, v)
			// "Basic dXNlcjpwdw" is shown neither with nor without its scheme.
			if _, token, ok := strings.Cut(v, " "); ok {
				all = append(all, token)
			}
		}
		if p, ok := e.URL.User.Password(); ok {
			all = append(all, p)
		}
	}
	return all
}

// usual is how long sending may take where nothing is said. The
// specification's 10 s are for programs that go on meanwhile.
const usual = 5 * time.Second

// slow is Settings.Slow.
const slow = 100 * time.Millisecond

// Texts is the variable that has the texts of statements sent.
const Texts = "DBWARDEN_OTEL_TEXTS"

// signal is traces or metrics: how variables and paths name it.
type signal struct{ name, path string }

var (
	traces  = signal{"TRACES", "/v1/traces"}
	metrics = signal{"METRICS", "/v1/metrics"}
)

// Read reads the variables; nil where they name nobody to send to.
func Read(getenv func(string) (string, bool)) *Settings {
	// An empty variable counts as one that is not set.
	get := func(name string) string { v, _ := getenv(name); return strings.TrimSpace(v) }
	if strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") {
		return nil
	}
	s := &Settings{Slow: slow, temporality: cumulative, Texts: strings.EqualFold(get(Texts), "true"), sampler: strings.ToLower(get("OTEL_TRACES_SAMPLER")), ratio: get("OTEL_TRACES_SAMPLER_ARG")}
	complain := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(s.Complaints, text) { // both signals may have the same
			s.Complaints = append(s.Complaints, text)
		}
	}
	s.Traces, s.Metrics = endpoint(traces, get, complain), endpoint(metrics, get, complain)
	if s.Traces == nil && s.Metrics == nil && len(s.Complaints) == 0 {
		return nil
	}
	s.Most = usual
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT"} {
		if v := get(name); v != "" {
			n, err := strconv.ParseInt(v, 10, 32)
			if err != nil || n <= 0 {
				complain("%s: want milliseconds, like 3000", name)
				continue
			}
			s.Most = time.Duration(n) * time.Millisecond
		}
	}
	var err error
	if s.resource, err = pairs(get("OTEL_RESOURCE_ATTRIBUTES")); err != nil {
		complain("OTEL_RESOURCE_ATTRIBUTES: %v", err)
		s.resource = nil
	}
	if name := get("OTEL_SERVICE_NAME"); name != "" {
		s.resource = put(s.resource, text("service.name", name))
	}
	switch v := strings.ToLower(get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")); v {
	case "", "cumulative":
	case "delta", "lowmemory":
		s.temporality = delta
	default:
		complain("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: want cumulative or delta")
	}
	propagators := cmp.Or(strings.ToLower(get("OTEL_PROPAGATORS")), "tracecontext")
	for _, p := range strings.Split(propagators, ",") {
		if strings.TrimSpace(p) == "tracecontext" {
			s.parent = parseParent(get("TRACEPARENT"))
			if s.parent.trace != (traceID{}) {
				s.parent.state = get("TRACESTATE")
			}
		}
	}
	switch s.sampler {
	case "", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio":
	default:
		complain("OTEL_TRACES_SAMPLER: %q is not known here", s.sampler)
		s.sampler = ""
	}
	return s
}

// endpoint is where a signal goes, nil for nowhere.
func endpoint(of signal, get func(string) string, complain func(string, ...any)) *Endpoint {
	switch v := strings.ToLower(get("OTEL_" + of.name + "_EXPORTER")); v {
	case "", "otlp":
	case "none":
		return nil
	default:
		complain("OTEL_%s_EXPORTER: want otlp or none", of.name)
		return nil
	}
	// A variable of one signal beats that of all.
	option := func(name string) (value, variable string) {
		variable = "OTEL_EXPORTER_OTLP_" + of.name + "_" + name
		if value = get(variable); value == "" {
			variable = "OTEL_EXPORTER_OTLP_" + name
			value = get(variable)
		}
		return value, variable
	}
	to, variable := option("ENDPOINT")
	if to == "" {
		return nil
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		complain("%s: want http://HOST:PORT or https://HOST:PORT", variable)
		return nil
	}
	if variable == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		u = u.JoinPath(of.path)
	} else if u.Path == "" {
		u.Path = "/"
	}
	e := &Endpoint{URL: u, variable: variable, Headers: map[string]string{}}
	switch v, variable := option("PROTOCOL"); strings.ToLower(v) {
	case "", "http/protobuf":
	case "http/json":
		e.JSON = true
	default:
		complain("%s: want http/protobuf or http/json, of which the collector's port is most often 4318; %q is not spoken here", variable, v)
		return nil
	}
	headers, variable := option("HEADERS")
	list, err := pairs(headers)
	if err != nil {
		complain("%s: %v", variable, err)
		return nil // without its key the collector would refuse
	}
	for _, h := range list {
		e.Headers[h.Key] = h.Value.(string)
	}
	switch v, variable := option("COMPRESSION"); strings.ToLower(v) {
	case "", "none":
	case "gzip":
		e.Gzip = true
	default:
		complain("%s: want gzip or none", variable)
	}
	e.CA, _ = option("CERTIFICATE")
	e.Cert, _ = option("CLIENT_CERTIFICATE")
	e.Key, _ = option("CLIENT_KEY")
	return e
}

// pairs reads "key=value,key=value", with values percent-encoded.
func pairs(list string) (out []Attribute, err error) {
	for i, pair := range strings.Split(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		key, _ = url.PathUnescape(strings.TrimSpace(key))
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil {
			return nil, fmt.Errorf("want key=value,key=value with values percent-encoded; number %d is not", i+1) // it may be a secret
		}
		out = put(out, text(key, decoded))
	}
	return out, nil
}

// put sets an attribute, also one that is there.
func put(all []Attribute, a Attribute) []Attribute {
	for i := range all {
		if all[i].Key == a.Key {
			all[i] = a
			return all
		}
	}
	return append(all, a)
}

// A Context is where a trace goes on: the span of another process, or none.
type Context struct {
	trace   traceID
	parent  spanID
	state   string
	sampled bool
}

// parseParent reads a traceparent; of one that cannot be read the zero Context.
func parseParent(v string) (c Context) {
	parts := strings.Split(v, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 || strings.ToLower(v) != v {
		return Context{}
	}
	var version, flags [1]byte
	for i, into := range [][]byte{version[:], c.trace[:], c.parent[:], flags[:]} {
		if b, err := hex.DecodeString(parts[i]); err != nil || len(b) != len(into) {
			return Context{}
		} else {
			copy(into, b)
		}
	}
	if c.trace == (traceID{}) || c.parent == (spanID{}) {
		return Context{}
	}
	c.sampled = flags[0]&1 != 0
	return c
}

// context is the one of a new command: a trace that goes on, or one of its own.
func (s *Settings) context() Context {
	c := s.parent
	for c.trace == (traceID{}) {
		rand.Read(c.trace[:])
	}
	sampler, based := strings.CutPrefix(cmp.Or(s.sampler, "parentbased_always_on"), "parentbased_")
	if based && c.parent != (spanID{}) {
		return c
	}
	switch sampler {
	case "always_on":
		c.sampled = true
	case "always_off":
		c.sampled = false
	case "traceidratio":
		ratio, err := strconv.ParseFloat(s.ratio, 64)
		if err != nil || ratio < 0 || ratio > 1 {
			ratio = 1 // so the specification
		}
		c.sampled = ratio == 1 || binary.BigEndian.Uint64(c.trace[8:])>>1 < uint64(ratio*(1<<63))
	}
	return c
}

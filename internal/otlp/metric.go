package otlp

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The kinds of instruments.
const (
	histogram = 9 // the numbers are those of the fields of Metric
	counter   = 7
	gauge     = 5
)

// instrument is something that is measured. Names, units and bounds are those
// of the module otel, which a test holds them to.
type instrument struct {
	kind             int
	name, unit, what string
	bounds           []float64 // of a histogram
}

// Seconds that the buckets of the histograms end at: those of the conventions
// for a call of a database, and longer ones for what may take hours.
var (
	ofCalls = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}
	ofRuns  = []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 7200}
)

var (
	runDuration       = &instrument{histogram, "dbwarden.run.duration", "s", "How long runs took, with their wait for the lock.", ofRuns}
	migrationDuration = &instrument{histogram, "dbwarden.migration.duration", "s", "How long migrations took.", ofRuns}
	statementDuration = &instrument{histogram, "db.client.operation.duration", "s", "Duration of database client operations.", ofCalls}
	lockWait          = &instrument{histogram, "dbwarden.lock.wait", "s", "How long runs waited for the lock.", ofRuns}
	lockTimeouts      = &instrument{counter, "dbwarden.lock.timeouts", "{timeout}", "How often statements waited in vain for a table or row.", nil}
	statementRows     = &instrument{counter, "dbwarden.statement.rows", "{row}", "How many rows statements touched.", nil}
	pending           = &instrument{gauge, "dbwarden.migrations.pending", "{migration}", "How many migrations were left to apply behind the last run.", nil}
)

// measurements are what was measured, by instrument and attributes.
type measurements struct {
	began time.Time
	all   []*series
	of    map[string]*series
}

// series is one instrument with one set of attributes.
type series struct {
	*instrument
	attributes    []Attribute
	n             int64 // of a counter or gauge: its value; of a histogram: how often
	sum, min, max float64
	buckets       []uint64
}

func (m *measurements) series(i *instrument, about []Attribute) *series {
	about = slices.Clone(about)
	slices.SortFunc(about, func(a, b Attribute) int { return strings.Compare(a.Key, b.Key) })
	key := fmt.Sprintf("%s %q", i.name, about)
	s := m.of[key]
	if s == nil {
		s = &series{instrument: i, attributes: about}
		if i.kind == histogram {
			s.buckets = make([]uint64, len(i.bounds)+1)
		}
		if m.of == nil {
			m.of = map[string]*series{}
		}
		m.of[key], m.all = s, append(m.all, s)
	}
	return s
}

// record measures a time.
func (m *measurements) record(i *instrument, d time.Duration, about []Attribute) {
	s, seconds := m.series(i, about), d.Seconds()
	if s.n == 0 || seconds < s.min {
		s.min = seconds
	}
	if s.n == 0 || seconds > s.max {
		s.max = seconds
	}
	s.n++
	s.sum += seconds
	at, _ := slices.BinarySearch(i.bounds, seconds) // a bound belongs to its bucket
	s.buckets[at]++
}

// add counts.
func (m *measurements) add(i *instrument, n int64, about []Attribute) { m.series(i, about).n += n }

// set measures something that is so much now.
func (m *measurements) set(i *instrument, n int64, about []Attribute) { m.series(i, about).n = n }

// Temporalities.
const (
	delta      = 1
	cumulative = 2
)

// messages are the metrics as they are sent at that time.
func (m *measurements) messages(at time.Time, temporality enum, mask func(string) string) []message {
	var order []*instrument
	points := map[*instrument][]message{}
	for _, s := range m.all {
		if points[s.instrument] == nil {
			order = append(order, s.instrument)
		}
		points[s.instrument] = append(points[s.instrument], s.point(m.began, at, mask))
	}
	var out []message
	for _, i := range order {
		data := message{{1, "dataPoints", points[i]}}
		if i.kind != gauge {
			data.add(2, "aggregationTemporality", temporality)
		}
		if i.kind == counter {
			data.add(3, "isMonotonic", true)
		}
		name := map[int]string{histogram: "histogram", counter: "sum", gauge: "gauge"}[i.kind]
		out = append(out, message{{1, "name", i.name}, {2, "description", i.what}, {3, "unit", i.unit}, {i.kind, name, data}})
	}
	return out
}

func (s *series) point(began, at time.Time, mask func(string) string) message {
	var m message
	about := attributes(s.attributes, mask)
	if s.kind != histogram {
		if s.kind == counter {
			m.add(2, "startTimeUnixNano", nanoseconds(began))
		}
		m.add(3, "timeUnixNano", nanoseconds(at))
		m.add(6, "asInt", signed(s.n))
		m.add(7, "attributes", about)
		return m
	}
	m.add(2, "startTimeUnixNano", nanoseconds(began))
	m.add(3, "timeUnixNano", nanoseconds(at))
	m.add(4, "count", uint64(s.n))
	m.add(5, "sum", s.sum)
	m.add(6, "bucketCounts", s.buckets)
	m.add(7, "explicitBounds", s.bounds)
	m.add(9, "attributes", about)
	m.add(11, "min", s.min)
	m.add(12, "max", s.max)
	return m
}

package otlp

import (
	"crypto/rand"
	"time"
	"unicode/utf8"
)

// An Attribute is one thing that is known of a span, a measurement or the
// process. Value is a string, an int64, a float64 or a bool.
type Attribute struct {
	Key   string
	Value any
}

func text(key, value string) Attribute                { return Attribute{key, value} }
func number[T int | int64](key string, n T) Attribute { return Attribute{key, int64(n)} }

// longest is how much of a text goes into an attribute, in bytes: a statement
// may be megabytes.
const longest = 4 << 10

// attributes are messages of attributes, with each text as mask shows it.
func attributes(all []Attribute, mask func(string) string) []message {
	out := make([]message, 0, len(all))
	for _, a := range all {
		var value message
		switch v := a.Value.(type) {
		case string:
			value.add(1, "stringValue", short(mask(v)))
		case bool:
			value.add(2, "boolValue", v)
		case int64:
			value.add(3, "intValue", v)
		case float64:
			value.add(4, "doubleValue", v)
		}
		out = append(out, message{{1, "key", a.Key}, {2, "value", value}})
	}
	return out
}

// short is the beginning of a text that is too long, behind its masking: a
// secret at the cut must not show its first half.
func short(text string) string {
	if len(text) <= longest {
		return text
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

type (
	traceID [16]byte
	spanID  [8]byte
)

func newID() (id spanID) {
	for id == (spanID{}) { // zero means that there is none
		rand.Read(id[:])
	}
	return id
}

// The kinds of spans.
const (
	internal = 1
	client   = 3
)

// span is one stretch of time in a trace.
type span struct {
	id, parent spanID
	name       string
	kind       enum
	start, end time.Time
	attributes []Attribute
	events     []moment
	lost       int64 // events that are left out
	failed     bool
	why        string // with failed
	matters    bool   // it is kept where there are too many
}

// mostMoments is how many events of one span are kept: a server may give a
// notice for each row.
const mostMoments = 128

// moment is an event of a span.
type moment struct {
	name       string
	at         time.Time
	attributes []Attribute
}

func (s *span) set(a ...Attribute) { s.attributes = append(s.attributes, a...) }

func (s *span) happened(name string, at time.Time, a ...Attribute) {
	if len(s.events) >= mostMoments && name != "exception" {
		s.lost++
		return
	}
	s.events = append(s.events, moment{name, at, a})
}

// fail is how a span ends badly, by an error.
func (s *span) fail(err error, at time.Time) {
	s.set(errorAttributes(err)...)
	s.happened("exception", at, text("exception.type", typeOf(err)), text("exception.message", err.Error()))
	s.failed, s.why = true, err.Error()
}

// message is the span as it is sent, below the context that it came in.
func (s *span) message(in Context, mask func(string) string) message {
	trace := in.trace
	m := message{{1, "traceId", id(trace[:])}, {2, "spanId", id(s.id[:])}}
	m.text(3, "traceState", in.state)
	remote := s.parent != spanID{} && s.parent == in.parent
	if s.parent != (spanID{}) {
		m.add(4, "parentSpanId", id(s.parent[:]))
	}
	m.text(5, "name", short(mask(s.name)))
	m.add(6, "kind", s.kind)
	m.add(7, "startTimeUnixNano", nanoseconds(s.start))
	m.add(8, "endTimeUnixNano", nanoseconds(s.end))
	m.add(9, "attributes", attributes(s.attributes, mask))
	var events []message
	for _, e := range s.events {
		events = append(events, message{{1, "timeUnixNano", nanoseconds(e.at)}, {2, "name", e.name}, {3, "attributes", attributes(e.attributes, mask)}})
	}
	if len(events) > 0 {
		m.add(11, "events", events)
	}
	if s.lost > 0 {
		m.add(12, "droppedEventsCount", enum(s.lost))
	}
	if s.failed {
		var status message
		status.text(2, "message", short(mask(s.why)))
		status.add(3, "code", enum(2))
		m.add(15, "status", status)
	}
	// Sampled, and whether the parent is another process's is known.
	flags := uint32(0x101)
	if remote {
		flags |= 0x200
	}
	m.add(16, "flags", flags)
	return m
}

func nanoseconds(t time.Time) uint64 { return uint64(max(0, t.UnixNano())) }

package otlp

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/event"
)

// mostSpans is how many spans of one command are kept, some ten megabytes; those
// that failed, and those of whole runs, are kept beyond it, up to mostAtAll.
// How many more there would have been is an attribute of the command's.
const (
	mostSpans = 10_000
	mostAtAll = 2 * mostSpans
)

// A Recorder makes spans and measurements of a command and of the events of its
// runs. They stay here until Send.
type Recorder struct {
	settings *Settings

	mu      sync.Mutex
	in      Context
	command *span
	runs    map[string]*run // that are under way, by their ids
	others  map[target]*span
	closed  []*span
	dropped int64
	meters  measurements
	systems map[string]bool // of the databases that the command is about
}

// target is one of the databases that a command is about.
type target struct{ database, target string }

// NewRecorder begins to record the command of that name, which began at that
// time.
func NewRecorder(s *Settings, command string, at time.Time) *Recorder {
	r := &Recorder{
		settings: s, in: s.context(), meters: measurements{began: at},
		runs: map[string]*run{}, others: map[target]*span{}, systems: map[string]bool{},
	}
	r.command = &span{id: newID(), parent: r.in.parent, name: "dbwarden " + command, kind: internal, start: at}
	r.command.set(text("dbwarden.command", command))
	return r
}

// Observe is the event.Observer. It may be that of several runs at once.
func (r *Recorder) Observe(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Kind == event.RunStarted {
		r.runs[e.Run] = r.begin(e)
		return
	}
	if one := r.runs[e.Run]; one != nil {
		one.observe(e)
		if e.Kind == event.RunEnded {
			delete(r.runs, e.Run)
		}
		return
	}
	r.other(e)
}

// other is what is told by a verb that is no run: it belongs to the command.
func (r *Recorder) other(e event.Event) {
	of := target{e.Database, e.Target}
	switch e.Kind {
	case event.Connected:
		r.systems[systemOf(e.Detail)] = true
	case event.LockWaiting:
		if r.others[of] == nil {
			r.others[of] = r.start(r.command, waits, e.At.Add(-e.Elapsed), append(named(e), text("dbwarden.lock.holder", e.Holder), text("dbwarden.lock.verdict", e.Detail))...)
		}
	case event.LockAcquired:
		if s := r.others[of]; s != nil {
			r.close(s, e)
			delete(r.others, of)
		}
		r.meters.record(lockWait, e.Elapsed, nil)
	case event.Warning, event.Notice, event.Drifted, event.LockKept:
		r.command.happened(string(e.Kind), e.At, append(named(e), text("dbwarden.detail", e.Detail))...)
	}
}

// named says which of several databases an event is about.
func named(e event.Event) (out []Attribute) {
	if e.Database != "" {
		out = append(out, text("dbwarden.database", e.Database))
	}
	if e.Target != "" {
		out = append(out, text("dbwarden.target", e.Target))
	}
	return out
}

// Released notes whose lock the command has taken away.
func (r *Recorder) Released(database, tenant, holder, verdict, run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	about := append(named(event.Event{Database: database, Target: tenant}), text("dbwarden.lock.holder", holder), text("dbwarden.lock.verdict", verdict))
	if run != "" {
		about = append(about, text("dbwarden.lock.run", run))
	}
	r.command.happened("lock released", time.Now(), about...)
}

// end ends the command.
func (r *Recorder) end(at time.Time, code int, err error) {
	e := event.Event{At: at}
	for _, one := range r.runs { // none, unless a run forgot to say so
		e.Err = err
		one.ended(e, false)
	}
	for _, s := range r.others {
		r.broken(s, event.Event{At: at})
	}
	r.runs, r.others = map[string]*run{}, map[target]*span{}
	if len(r.systems) == 1 {
		r.command.set(text("db.system.name", slices.Collect(maps.Keys(r.systems))[0]))
	}
	r.command.set(number("dbwarden.exit_code", code))
	if r.dropped > 0 {
		r.command.set(number("dbwarden.spans.dropped", r.dropped))
	}
	if err != nil {
		r.command.fail(err, at)
	}
	r.command.end = at
}

// start opens a span.
func (r *Recorder) start(parent *span, name string, at time.Time, about ...Attribute) *span {
	return &span{id: newID(), parent: parent.id, name: name, kind: internal, start: at, attributes: about}
}

// keep has a span that has ended sent.
func (r *Recorder) keep(s *span, at time.Time) {
	s.end = at
	if !r.in.sampled {
		return
	}
	if n := len(r.closed); n >= mostAtAll || n >= mostSpans && !s.failed && !s.matters {
		r.dropped++
		return
	}
	r.closed = append(r.closed, s)
}

// close ends a span that may be open, badly where e has an error.
func (r *Recorder) close(s *span, e event.Event) {
	if s == nil {
		return
	}
	if e.Err != nil {
		s.fail(e.Err, e.At)
	}
	r.keep(s, e.At)
}

// broken ends a span of something that the end of the run has cut off.
func (r *Recorder) broken(s *span, e event.Event) {
	if s != nil {
		s.failed, s.why = true, "it did not come to its end"
		r.keep(s, e.At)
	}
}

// Environ are the variables with which a program that is called for a run has
// its spans below that of its hook, or the run's.
func (r *Recorder) Environ(id string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	parent := r.command
	if one := r.runs[id]; one != nil {
		if parent = one.span; one.hook != nil {
			parent = one.hook
		}
	}
	out := []string{fmt.Sprintf("TRACEPARENT=00-%x-%x-%02x", r.in.trace, parent.id, truth(r.in.sampled))}
	if r.in.state != "" {
		out = append(out, "TRACESTATE="+r.in.state)
	}
	return out
}

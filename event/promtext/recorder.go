package promtext

import (
	"cmp"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/event"
)

// Nameless is the label of a database that has no name of its own, the only
// one of a configuration.
const Nameless = "default"

// A Name is of whom a metric is: a configured database, or one of its targets.
type Name struct{ Database, Target string }

// Labels are the name as samples bear it.
func (n Name) Labels() []Label {
	l := []Label{{"database", cmp.Or(n.Database, Nameless)}}
	if n.Target != "" {
		l = append(l, Label{"target", n.Target})
	}
	return l
}

// A Recorder notes what runs did: the last one of each database or target.
type Recorder struct {
	command, version string

	mu    sync.Mutex
	runs  map[Name]*run
	order []Name
}

// NewRecorder records for the command of that name ("migrate"), of that
// version of a program; "" where there is none.
func NewRecorder(command, version string) *Recorder {
	return &Recorder{command: command, version: version, runs: map[Name]*run{}}
}

// run is what is known of one.
type run struct {
	id             string
	started, ended time.Time
	elapsed        time.Duration
	failed         bool
	exit           int
	hasExit        bool
	applied, back  int
	pending        int
	waiting        time.Time // since when the lock was waited for
	waited         time.Duration
	timeouts       int
	drift          int
	statements     int
	rows, backup   int64
}

// of is the run of a database, a new one where there is none.
func (r *Recorder) of(name Name) *run {
	one := r.runs[name]
	if one == nil {
		one = &run{pending: -1}
		r.runs[name], r.order = one, append(r.order, name)
	}
	return one
}

// Observe is the event.Observer.
func (r *Recorder) Observe(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.of(Name{e.Database, e.Target})
	switch e.Kind {
	case event.RunStarted:
		*one = run{id: e.Run, started: e.At, pending: -1}
	case event.LockWaiting:
		if one.waiting.IsZero() {
			one.waiting = e.At.Add(-e.Elapsed)
		}
	case event.LockAcquired:
		one.waited, one.waiting = e.Elapsed, time.Time{}
	case event.MigrationDone:
		if e.Direction == "rollback" {
			one.back++
		} else {
			one.applied++
		}
	case event.StatementDone:
		one.statements++
		one.rows += max(0, e.Rows)
	case event.LockTimeout:
		one.timeouts++
	case event.Drifted:
		one.drift = e.Total
	case event.BackupDone:
		one.backup += e.Bytes
	case event.RunEnded:
		one.ended, one.elapsed, one.failed, one.pending = e.At, e.Elapsed, e.Err != nil, e.Pending
		if !one.waiting.IsZero() { // in vain
			one.waited = e.At.Sub(one.waiting)
		}
	}
}

// Exit notes the exit code of a program for a database, also where no run
// began: then the time is when it would have.
func (r *Recorder) Exit(name Name, code int, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.of(name)
	one.exit, one.hasExit, one.failed = code, true, one.failed || code != 0
	if one.started.IsZero() {
		one.started = at
	}
	if one.ended.IsZero() {
		one.ended = at
	}
}

// The families of which WriteFile knows.
const (
	// LastSuccess is when a run last came to a good end.
	LastSuccess     = "dbwarden_run_last_success_timestamp_seconds"
	lastSuccessHelp = "When a run last came to a good end."

	succeeded = "dbwarden_run_success"
)

// Page is what is known of those who are asked for; none: of all. A
// run that has not ended is not on it.
func (r *Recorder) Page(names ...Name) *Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &Page{}
	if len(names) == 0 {
		names = r.order
	}
	for _, name := range names {
		if one := r.runs[name]; one != nil && !one.ended.IsZero() {
			r.put(p, name, one)
		}
	}
	return p
}

func (r *Recorder) put(p *Page, name Name, one *run) {
	labels := append(name.Labels(), Label{"command", r.command})
	gauge := func(name, help string, value float64) { p.Gauge("dbwarden_"+name, help, value, labels...) }
	seconds := func(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
	if one.id != "" {
		info := append(labels[:len(labels):len(labels)], Label{"run", one.id})
		if r.version != "" {
			info = append(info, Label{"version", r.version})
		}
		p.Gauge("dbwarden_run_info", "The last run, by its id.", 1, info...)
	}
	success := 1.0
	if one.failed {
		success = 0
	}
	p.Gauge(succeeded, "Whether the last run came to a good end.", success, labels...)
	if one.hasExit {
		gauge("run_exit_code", "The exit code for the last run.", float64(one.exit))
	}
	gauge("run_start_timestamp_seconds", "When the last run began.", seconds(one.started))
	gauge("run_end_timestamp_seconds", "When the last run ended.", seconds(one.ended))
	if !one.failed {
		p.Gauge(LastSuccess, lastSuccessHelp, seconds(one.ended), labels...)
	}
	gauge("run_duration_seconds", "How long the last run took, with its wait for the lock.", one.elapsed.Seconds())
	gauge("run_migrations_applied", "How many migrations the last run applied.", float64(one.applied))
	gauge("run_migrations_rolled_back", "How many migrations the last run rolled back.", float64(one.back))
	if one.pending >= 0 {
		gauge("pending_migrations", "How many migrations were left to apply behind the last run.", float64(one.pending))
	}
	if one.drift > 0 {
		gauge("run_drift_objects", "How many objects of the schema somebody else had changed when the last run began; missing where none was found.", float64(one.drift))
	}
	gauge("run_lock_wait_seconds", "How long the last run waited for the lock.", one.waited.Seconds())
	gauge("run_lock_timeouts", "How often a statement of the last run waited in vain for a table or row.", float64(one.timeouts))
	gauge("run_statements", "How many statements the last run ran.", float64(one.statements))
	gauge("run_rows", "How many rows the statements of the last run touched.", float64(one.rows))
	gauge("run_backup_bytes", "The size of the backup that the last run made.", float64(one.backup))
}

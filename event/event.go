// Package event is the one stream in which a run tells what it does.
//
// The terminal, JSON lines, logs and metrics are readers of it. An event
// carries facts; it never carries a formatted sentence, a secret or a value
// from a user's row.
package event

import "time"

// Kind names what happened.
type Kind string

const (
	RunStarted       Kind = "run_started"         // Run, Direction: the first of every run
	Connected        Kind = "connected"           // Detail: product and version
	LockWaiting      Kind = "lock_waiting"        // Holder, Elapsed: said once, then at growing intervals
	LockAcquired     Kind = "lock_acquired"       // Run, Elapsed
	LockReleased     Kind = "lock_released"       // Run
	LockKept         Kind = "lock_kept"           // Run, Detail: why
	Drifted          Kind = "drift"               // Objects, Total, Detail: what was changed in the schema since the last run
	PlanReady        Kind = "plan_ready"          // Versions, Total
	MigrationStarted Kind = "migration_started"   // Version, File, Number, Total
	StatementStarted Kind = "statement_started"   // Version, File, Line, Statement, Statements, SQL
	StatementRunning Kind = "statement_running"   // of a long one, every two seconds: as above, with Elapsed, Detail (its phase), Percent, Blockers
	StatementDone    Kind = "statement_done"      // as StatementStarted, with Elapsed, Rows and Shared
	LockTimeout      Kind = "lock_timeout"        // Version, File; Number: which try it was; Elapsed: the pause before the next; Err, Blockers
	MigrationDone    Kind = "migration_completed" // Version, File, Elapsed
	MigrationFailed  Kind = "migration_failed"    // Version, File, Line, Statement, Err
	ConditionHeld    Kind = "condition_held"      // Version, File, Line, SQL, Detail: require or ensure
	HookStarted      Kind = "hook_started"        // Detail: its moment; File: of a migration's
	HookOutput       Kind = "hook_output"         // Detail: a line of what a program printed
	HookDone         Kind = "hook_completed"      // as HookStarted, with Elapsed
	StatementSettled Kind = "statement_settled"   // Version, File, Statement, Detail: how one in doubt had ended, and what was seen
	TargetDone       Kind = "target_completed"    // Target, Number of Total, Elapsed, Detail: what was done
	TargetFailed     Kind = "target_failed"       // the same, Err
	Notice           Kind = "notice"              // Detail: the server's words
	Warning          Kind = "warning"             // Detail
	BackupStarted    Kind = "backup_started"      // File
	BackupRunning    Kind = "backup_running"      // of a long one, every second: File, Bytes, OfBytes (the database's size), Elapsed
	BackupDone       Kind = "backup_completed"    // File, Bytes, Elapsed
	RestoreRunning   Kind = "restore_running"     // of a long one, every second: File, Bytes, OfBytes (the file's), Elapsed; Detail: "checksum" while it is verified
	RunDone          Kind = "run_completed"       // Total, Elapsed: all that was planned is done
	RunEnded         Kind = "run_ended"           // Run, Direction, Elapsed, Pending, Err: the last of every run, however it ended
)

// Writer is the Detail of a LockWaiting that waits for no holder, but for
// another program's transaction.
const Writer = "busy"

// An Event is one thing that happened. Fields that a kind does not name are
// zero.
type Event struct {
	Kind      Kind
	At        time.Time
	Database  string // name of the configured database, "" with a single one
	Target    string // of many that are alike, "" where there are none
	Run       string
	Direction string // "upgrade" or "rollback"

	Version string
	File    string
	Line    int
	Number  int // of this migration within the run, from 1
	Total   int // migrations in the run

	Statement  int // of this statement within the migration, from 1
	Statements int
	SQL        string
	Rows       int64
	Shared     bool // a round trip, with other statements: Elapsed is from answer to answer, and can be next to nothing

	Versions []string
	Objects  []string // "changed column orders.amount"
	Holder   string
	Elapsed  time.Duration
	Percent  float64 // of the phase; negative: not known
	Bytes    int64   // of a backup, so far
	OfBytes  int64   // 0: not known
	Blockers string  // who keeps the statement waiting, for people
	Pending  int     // migrations that are left to apply; negative: not known
	Detail   string
	Err      error
}

// An Observer receives events in order and one at a time: a slow one slows the
// run, and one that calls a verb of its own Warden waits for itself, for ever.
// StatementRunning comes from the goroutine that watches over the run.
type Observer func(Event)

// Emit sends e, unless o is nil, stamping it when it bears no time.
func (o Observer) Emit(e Event) {
	if o == nil {
		return
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	o(e)
}

// Package journal remembers: what was applied, by whom and when, and how far
// a migration came that was interrupted.
//
// It keeps two tables, and one more for a fingerprint of the schema, where a
// program wants one kept. dbwarden_migrations, the history, has a row for every
// migration that is applied now; a rollback deletes its row. dbwarden_journal
// is append-only: every attempt, and outside transactions every statement,
// written before it runs and again when it is done. Each entry carries the
// lock's fencing token through a subselect that yields NULL once the hold is
// gone, into a column that takes no NULL: the entry is the fence.
//
// It never decides what to run, and it never deletes an entry.
package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
)

// The tables. A history under its later name is used where it is found.
const (
	HistoryTable      = "dbwarden_migrations"
	LaterHistoryTable = "_dbwarden_migrations"
	EntryTable        = "dbwarden_journal"
)

// Journal is the journal of one database, or of one schema in it.
type Journal struct {
	Engine *engine.Engine
	Schema string

	history string // the history table's name, once found
}

// Revision is what the database remembers of one applied migration.
type Revision struct {
	ID      int64             // rises with every execution
	Version migration.Version // zero for repeatables
	File    string
	Kind    migration.Kind
	Runs    int // how often a repeatable ran

	// Checksum was made the way ChecksumKind says; "" is the original tool's
	// way, which is not compared.
	Checksum     migration.Checksum
	ChecksumKind string

	// Empty unless it was read by ReadDated or ReadWhole.
	Description string
	AppliedAt   time.Time

	// Empty unless it was read by ReadWhole.
	Statements int
	Duration   time.Duration // negative where it is not known: a baseline, or the original tool's row
	Run        string
	Token      int64
	By         string // user@host
	Program    string
}

// Squashed is the kind of a row that was not run: it notes that all which its
// migration replaces are in the history.
const Squashed migration.Kind = "squashed"

// What an entry tells.
type What string

const (
	Started   What = "started"     // statements From..To are about to run, outside a transaction
	Done      What = "done"        // they ran
	Failed    What = "failed"      // the server refused one of them; what it left behind is not known
	Aborted   What = "aborted"     // the attempt was rolled back: nothing stayed
	Applied   What = "applied"     // the migration is in the history
	Reverted  What = "rolled back" // it is out of the history again
	Repaired  What = "repaired"    // a person adopted an applied file as it is now
	Resolved  What = "resolved"    // how a statement in doubt had ended was seen, or said by a person
	Unlocked  What = "unlocked"    // somebody released another's lock
	TakenOver What = "taken over"  // a run took another's lock, as it was asked to
	Restoring What = "restoring"   // a backup is being put back, not in one transaction: until it is Restored, the database is in pieces
	Restored  What = "restored"    // what stands before is what the backup had
)

// Entry is one line of the journal.
type Entry struct {
	ID         int64               `json:"id"`
	At         time.Time           `json:"at"` // server's clock
	Run        string              `json:"run"`
	Token      int64               `json:"token"`
	What       What                `json:"event"`
	Direction  migration.Direction `json:"direction,omitempty"`
	Version    string              `json:"version,omitempty"`
	File       string              `json:"file,omitempty"`
	From       int                 `json:"statement_from,omitempty"` // from 1
	To         int                 `json:"statement_to,omitempty"`
	Statements int                 `json:"statements,omitempty"`
	Checksum   string              `json:"checksum,omitempty"` // over statements From..To
	Duration   time.Duration       `json:"-"`
	Detail     string              `json:"detail,omitempty"` // of a Started or Done one the text of the statements: see Kept
	By         string              `json:"by,omitempty"`

	// Text is what a migration's upgrade consists of, of an Applied or Repaired
	// entry, as far as it was kept: up to MigrationBytes.
	Text string `json:"-"`

	// Evidence is, of a Started entry, engine.Evidence as text; of a Resolved
	// one, what was seen, where no person settled it; of a Failed one, Torn
	// or nothing.
	Evidence string `json:"evidence,omitempty"`

	// Each: it stands for several Done entries, of one statement each, and its
	// Checksum is over theirs. No entry in the database is so.
	Each bool `json:"-"`
}

// column is a column of one of the tables.
type column struct {
	name, typ, rest string
}

// Lengths of columns that hold what comes from outside, in characters.
const (
	nameLength    = 500
	byLength      = 255
	programLength = 100
)

func historyColumns(t engine.Types) []column {
	return []column{
		{"version", t.Varchar(255), "NULL UNIQUE"},
		{"description", t.Varchar(nameLength), "NULL"},
		{"filename", t.Varchar(nameLength), "NULL"},
		{"migration_type", t.Varchar(50), "DEFAULT 'versioned'"},
		{"applied_at", t.Timestamp, "NULL"},
		{"checksum", t.Varchar(128), "NULL"},
		{"checksum_kind", t.Varchar(50), "NULL"},
		{"statements", "INTEGER", "NULL"},
		{"statement_hashes", t.Text, "NULL"},
		{"duration_ms", t.BigInt, "NULL"},
		{"run_id", t.Varchar(64), "NULL"},
		{"fencing_token", t.BigInt, "NULL"},
		{"applied_by", t.Varchar(byLength), "NULL"},
		{"program", t.Varchar(programLength), "NULL"},
		{"runs", "INTEGER", "NULL"},
	}
}

func entryColumns(t engine.Types) []column {
	return []column{
		{"created_at", t.Timestamp, "NOT NULL"},
		{"run_id", t.Varchar(64), "NULL"},
		{"fencing_token", t.BigInt, "NOT NULL"},
		{"event", t.Varchar(20), "NOT NULL"},
		{"direction", t.Varchar(20), "NULL"},
		{"version", t.Varchar(255), "NULL"},
		{"filename", t.Varchar(nameLength), "NULL"},
		{"statement_from", "INTEGER", "NULL"},
		{"statement_to", "INTEGER", "NULL"},
		{"statements", "INTEGER", "NULL"},
		{"checksum", t.Varchar(128), "NULL"},
		{"duration_ms", t.BigInt, "NULL"},
		{"detail", t.Text, "NULL"},
		{"created_by", t.Varchar(byLength), "NULL"},
		{evidenceColumn, t.Text, "NULL"},
	}
}

// evidenceColumn is missing in the journals of the first releases.
const evidenceColumn = "evidence"

// Torn stands in place of the evidence of a Failed entry whose statements ran
// in part, and of which nobody knows how far.
const Torn = "torn"

// Ensure creates the tables, or adds what older ones lack. Called under the
// native lock.
func (j *Journal) Ensure(ctx context.Context, s engine.Session) error {
	d := j.Engine.Dialect
	j.history = HistoryTable
	have, err := j.Engine.Columns(ctx, s, j.Schema, HistoryTable)
	if err == nil && have == nil {
		var later []string
		if later, err = j.Engine.Columns(ctx, s, j.Schema, LaterHistoryTable); later != nil {
			have, j.history = later, LaterHistoryTable
		}
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", HistoryTable, err)
	}
	ddl := j.tableDDL(j.history, have, historyColumns(d.Types))
	have, err = j.Engine.Columns(ctx, s, j.Schema, EntryTable)
	if err != nil {
		return fmt.Errorf("look at %s: %w", EntryTable, err)
	}
	ddl = append(ddl, j.tableDDL(EntryTable, have, entryColumns(d.Types))...)
	for _, q := range ddl {
		if _, err := s.Exec(ctx, q); err != nil {
			return fmt.Errorf("create or extend our own tables: %w", err)
		}
	}
	return nil
}

// tableDDL creates a table, or adds the columns that it lacks.
func (j *Journal) tableDDL(name string, have []string, want []column) []string {
	d := j.Engine.Dialect
	if have == nil {
		cols := []string{d.Quote("id") + " " + d.Types.ID}
		for _, c := range want {
			cols = append(cols, d.Quote(c.name)+" "+c.typ+" "+c.rest)
		}
		return []string{"CREATE TABLE " + j.table(name) + " (\n    " + strings.Join(cols, ",\n    ") + "\n)" + d.TableSuffix}
	}
	var ddl []string
	for _, c := range want {
		if !slices.Contains(have, c.name) {
			ddl = append(ddl, "ALTER TABLE "+j.table(name)+" ADD COLUMN "+d.Quote(c.name)+" "+c.typ+" "+c.rest)
		}
	}
	return ddl
}

// Floor is a scalar expression for the highest token that the journal knows.
func (j *Journal) Floor() string {
	return "(SELECT COALESCE(MAX(fencing_token), 0) FROM " + j.table(EntryTable) + ")"
}

func (j *Journal) table(name string) string { return j.Engine.Dialect.Qualify(j.Schema, name) }

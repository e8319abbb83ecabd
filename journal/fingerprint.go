package journal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// FingerprintTable holds, in its one row, what the schema looked like behind
// the last run that came to its end.
const FingerprintTable = "dbwarden_schema"

// Fingerprint is what the schema looked like behind a run. What its text means
// is known to those who made it.
type Fingerprint struct {
	Text string
	At   time.Time
	Run  string
	By   string // user@host
}

func fingerprintColumns(t engine.Types) []column {
	return []column{
		{"taken_at", t.Timestamp, "NOT NULL"},
		{"run_id", t.Varchar(64), "NULL"},
		{"fencing_token", t.BigInt, "NOT NULL"},
		{"created_by", t.Varchar(byLength), "NULL"},
		{"entry_id", t.BigInt, "NOT NULL"},
		{"history_id", t.BigInt, "NOT NULL"},
		{"history_rows", t.BigInt, "NOT NULL"},
		{"history_at", t.Varchar(64), "NOT NULL"},
		{"fingerprint", t.Text, "NOT NULL"},
	}
}

// stand are the columns that say behind which work a fingerprint was taken. It
// is good while that is still the newest: what a run has changed since, also
// one that took no fingerprint, is no drift.
var stand = []string{"entry_id", "history_id", "history_rows", "history_at"}

// standNow are the expressions for their values as they are now.
//
// An attempt that was rolled back whole has changed nothing, nor has who took
// or released a lock, or said of a changed file that it is as good as what ran. The history is looked at too, for the original tool,
// which knows no journal: it writes and deletes rows.
func (j *Journal) standNow() []string {
	history, entries := " FROM "+j.table(j.history), j.table(EntryTable)
	return []string{
		"COALESCE((SELECT id FROM " + entries + " WHERE event NOT IN ('" + string(Aborted) + "', '" + string(Unlocked) + "', '" + string(TakenOver) + "', '" + string(Repaired) + "') ORDER BY id DESC LIMIT 1), 0)",
		"COALESCE((SELECT MAX(id)" + history + "), 0)",
		"(SELECT COUNT(*)" + history + ")",
		"COALESCE((SELECT " + j.Engine.Dialect.UTC("MAX(applied_at)") + history + "), '')",
	}
}

// EnsureFingerprint creates the table of the fingerprint, or adds what an older
// one lacks. Called with the lock in hand, behind Ensure.
func (j *Journal) EnsureFingerprint(ctx context.Context, s engine.Session) error {
	have, err := j.Engine.Columns(ctx, s, j.Schema, FingerprintTable)
	if err != nil {
		return fmt.Errorf("look at %s: %w", FingerprintTable, err)
	}
	for _, q := range j.tableDDL(FingerprintTable, have, fingerprintColumns(j.Engine.Dialect.Types)) {
		if _, err := s.Exec(ctx, q); err != nil {
			return fmt.Errorf("create or extend our own tables: %w", err)
		}
	}
	return nil
}

// Fingerprint returns the one that was taken behind the newest work, nil where
// there is none. Called with the lock in hand, behind Ensure.
func (j *Journal) Fingerprint(ctx context.Context, s engine.Session) (*Fingerprint, error) {
	var found *Fingerprint
	now := j.standNow()
	conditions := make([]string, len(stand))
	for i, name := range stand {
		conditions[i] = "f." + name + " = " + now[i]
	}
	err := s.Query(ctx, func(scan func(...any) error) error {
		var at, run, by sql.NullString
		f := Fingerprint{}
		if err := scan(&at, &run, &by, &f.Text); err != nil {
			return err
		}
		f.At, f.Run, f.By = parseTime(at.String), run.String, by.String
		found = &f
		return nil
	}, "SELECT "+j.Engine.Dialect.UTC("f.taken_at")+", f.run_id, f.created_by, f.fingerprint FROM "+j.table(FingerprintTable)+
		" f WHERE "+strings.Join(conditions, " AND ")+" ORDER BY f.id DESC LIMIT 1")
	switch {
	case err != nil && j.Engine.Fault(err).Kind == engine.Missing:
		return nil, nil // no table yet, or an older one
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", FingerprintTable, err)
	}
	return found, nil
}

// Fingerprint puts a fingerprint in the place of the one before, in one
// transaction whose last query is the fence.
func (w *Writer) Fingerprint(text string) []engine.Query {
	j, d := w.journal, w.journal.Engine.Dialect
	table := j.table(FingerprintTable)
	return []engine.Query{
		{Text: "DELETE FROM " + table},
		{
			Text: "INSERT INTO " + table + " (taken_at, run_id, created_by, fingerprint, " + strings.Join(stand, ", ") + ", fencing_token) VALUES (" +
				d.Now + ", " + d.Bind(1) + ", " + d.Bind(2) + ", " + d.Bind(3) + ", " + strings.Join(j.standNow(), ", ") + ", " + w.hold.Fence() + ")",
			Args: []any{w.hold.Run, by(w.hold.Holder()), text},
		},
	}
}

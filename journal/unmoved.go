package journal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Newest returns the id of the newest entry, and the highest token that any
// has; zero where there is no journal.
func (j *Journal) Newest(ctx context.Context, s engine.Session) (id, token int64, err error) {
	have, err := j.Engine.Columns(ctx, s, j.Schema, EntryTable)
	if err != nil || have == nil {
		return 0, 0, err
	}
	err = s.Query(ctx, func(scan func(...any) error) error { return scan(&id, &token) },
		"SELECT COALESCE(MAX(id), 0), COALESCE(MAX(fencing_token), 0) FROM "+j.table(EntryTable))
	return id, token, err
}

// Unchanged says that nobody has written history or journal since h was read:
// whatever does so adds an entry to the journal. What was changed by hand is
// seen where the number of revisions, or the newest of them, is another one.
// It takes one query, which reads one row. Where it cannot be known, as with an
// empty history, the answer is no.
func (j *Journal) Unchanged(ctx context.Context, s engine.Session, h *History) (bool, error) {
	if !h.last.Valid || len(h.Revisions) == 0 {
		return false, nil
	}
	var rows, newest sql.NullInt64
	var last sql.NullString
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&rows, &newest, &last) },
		"SELECT COUNT(*), MAX(id), "+j.newest()+" FROM "+j.table(h.table))
	return err == nil && last == h.last && rows.Int64 == int64(len(h.Revisions)) && newest.Int64 == h.Revisions[len(h.Revisions)-1].ID, err
}

// newest is a scalar expression for the journal's newest entry: its number, and
// whose run it is of. A backup that is put back, or another copy of the
// database in its place, begins to count anew from where it was. NULL where the
// entry is of no run, as that of an unlock.
func (j *Journal) newest() string {
	return "(SELECT CASE WHEN run_id IS NOT NULL THEN CONCAT(id, ' ', run_id) END FROM " + j.table(EntryTable) + " ORDER BY id DESC LIMIT 1)"
}

// rowsAtOnce is how many rows of the history one condition compares.
const rowsAtOnce = 200

// Unmoved are conditions that hold together while the history is h and the
// journal's newest entry is that one. Ensure has run before, or what it does
// was written down.
func (j *Journal) Unmoved(h *History, newest int64) []engine.Query {
	d := j.Engine.Dialect
	table := j.table(j.name())
	out := []engine.Query{{Text: fmt.Sprintf("(SELECT COALESCE(MAX(id), 0) FROM %s) = %d AND (SELECT COUNT(*) FROM %s) = %d",
		j.table(EntryTable), newest, table, len(h.Revisions))}}
	for from := 0; from < len(h.Revisions); from += rowsAtOnce {
		rows := h.Revisions[from:min(from+rowsAtOnce, len(h.Revisions))]
		q := engine.Query{}
		value := func(v string) string {
			q.Args = append(q.Args, v)
			return d.Bind(len(q.Args))
		}
		var names, sums strings.Builder
		// Values are numbered in the order of the text.
		for _, r := range rows {
			fmt.Fprintf(&names, " WHEN %d THEN %s", r.ID, value(r.name()))
		}
		for _, r := range rows {
			fmt.Fprintf(&sums, " WHEN %d THEN %s", r.ID, value(string(r.Checksum)))
		}
		q.Text = fmt.Sprintf("(SELECT COUNT(*) FROM %s WHERE id BETWEEN %d AND %d AND COALESCE(version, filename) = CASE id%s END AND COALESCE(checksum, '') = CASE id%s END) = %d",
			table, rows[0].ID, rows[len(rows)-1].ID, &names, &sums, len(rows))
		out = append(out, q)
	}
	return out
}

// name is the version, or the file of what has none.
func (r *Revision) name() string {
	if r.Version.IsZero() {
		return r.File
	}
	return r.Version.String()
}

// name is the history table's, ours where there is none yet.
func (j *Journal) name() string {
	if j.history == "" {
		return HistoryTable
	}
	return j.history
}

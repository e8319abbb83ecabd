package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
)

// lastRow keeps a file's last_insert_rowid() and changes() over the statements
// of ours between its own. SQLite has no SQL that sets them, but to change
// rows: so many of a temporary table, the last of which has that number.
type lastRow struct {
	id, changed         int64 // the file's, as they were saved
	ran, inserted       bool  // by the file, since they were saved
	idOurs, changedOurs bool  // what SQLite would tell now is ours
}

// save is called before a statement of ours.
func (l *lastRow) save(ctx context.Context, s *session, word string) error {
	if !slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, word) {
		return nil
	}
	if l.ran {
		id, changed, err := l.now(ctx, s)
		if err != nil {
			return err
		}
		if l.changed = changed; l.inserted {
			l.id = id
		}
	}
	l.ran, l.inserted = false, false
	l.idOurs, l.changedOurs = true, true
	return nil
}

// note is told of a statement of the file's that changed rows.
func (l *lastRow) note(word string, rows int64) {
	l.ran, l.changedOurs = true, false
	if word != "UPDATE" && word != "DELETE" && rows > 0 {
		l.inserted, l.idOurs = true, false
	}
}

func (l *lastRow) now(ctx context.Context, s *session) (id, changed int64, err error) {
	if err = s.conn.QueryRowContext(ctx, "SELECT last_insert_rowid(), changes()").Scan(&id, &changed); err != nil {
		err = fmt.Errorf("read last_insert_rowid(): %w", clean(ctx, err))
	}
	return id, changed, err
}

// mostChanged is how many rows are changed for the sake of changes().
const mostChanged = 1_000_000

// restore is called before a statement of the file's, and does something only
// where that statement reads the one or the other.
func (l *lastRow) restore(ctx context.Context, s *session, text string) error {
	if !l.idOurs && !l.changedOurs {
		return nil
	}
	reads := engine.Calls(text, "last_insert_rowid", "changes")
	if !(l.idOurs && slices.Contains(reads, "last_insert_rowid") || l.changedOurs && slices.Contains(reads, "changes")) {
		return nil
	}
	id, changed, err := l.now(ctx, s)
	if err != nil {
		return err
	}
	if l.idOurs {
		id = l.id
	}
	if l.changedOurs {
		changed = l.changed
	}
	rows := max(1, min(changed, mostChanged))
	queries := []string{
		"CREATE TEMP TABLE IF NOT EXISTS dbwarden_last_row (n INTEGER PRIMARY KEY)",
		"DELETE FROM temp.dbwarden_last_row",
		fmt.Sprintf("INSERT INTO temp.dbwarden_last_row WITH RECURSIVE r (n) AS (VALUES (%d - %d) UNION ALL SELECT n + 1 FROM r WHERE n < %d) SELECT n FROM r", id, rows-1, id),
	}
	if changed == 0 {
		queries = append(queries, "DELETE FROM temp.dbwarden_last_row WHERE n IS NULL")
	}
	for _, q := range queries {
		if _, err := s.exec(ctx, q); err != nil {
			return fmt.Errorf("restore last_insert_rowid(): %w", err)
		}
	}
	*l = lastRow{ran: true, inserted: true}
	return nil
}

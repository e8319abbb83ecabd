package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// kept are the pragmas that live in the connection, change what statements
// mean or do, and can be read. A file that sets one does not pass it on to
// the next file.
var kept = []string{
	"analysis_limit", "automatic_index", "busy_timeout", "cache_size", "cell_size_check",
	"checkpoint_fullfsync", "count_changes", "empty_result_callbacks", "foreign_keys",
	"full_column_names", "fullfsync", "ignore_check_constraints", "journal_size_limit",
	"legacy_alter_table", "locking_mode", "max_page_count", "query_only", "read_uncommitted",
	"recursive_triggers", "reverse_unordered_selects", "secure_delete", "short_column_names",
	"synchronous", "temp_store", "threads", "trusted_schema", "writable_schema",
}

// snapshot is a connection's state: the values of kept, in their order, then
// whether LIKE tells letters' cases apart, then the journal mode.
type snapshot []string

func (s *session) snapshot(ctx context.Context) (snapshot, error) {
	var b strings.Builder
	b.WriteString("SELECT ")
	for _, name := range kept {
		// The column is called "timeout" in pragma_busy_timeout.
		column := name
		if name == "busy_timeout" {
			column = "timeout"
		}
		fmt.Fprintf(&b, "(SELECT CAST(%s AS TEXT) FROM pragma_%s), ", quote(column), name)
	}
	b.WriteString("CAST(NOT ('a' LIKE 'A') AS TEXT), (SELECT journal_mode FROM pragma_journal_mode)")

	state := make(snapshot, len(kept)+2)
	dest := make([]any, len(state))
	for i := range state {
		dest[i] = &state[i]
	}
	if err := s.conn.QueryRowContext(ctx, b.String()).Scan(dest...); err != nil {
		return nil, fmt.Errorf("read the connection's settings: %w", clean(ctx, err))
	}
	return state, nil
}

// begun keeps what Reset goes back to, ahead of whatever may change it. A session
// that only looks does so when it comes to that.
func (s *session) begun(ctx context.Context) (err error) {
	if s.start == nil {
		s.start, err = s.snapshot(ctx)
	}
	return err
}

// setBusy notes a new wait for locks, and reports whether it is new.
func (s snapshot) setBusy(d time.Duration) bool {
	i := slices.Index(kept, "busy_timeout")
	was := s[i]
	s[i] = strconv.FormatInt(d.Milliseconds(), 10)
	return s[i] != was
}

// value is that of a pragma.
func (s snapshot) value(pragma string) string { return s[slices.Index(kept, pragma)] }

func (s snapshot) like() string    { return s[len(kept)] }
func (s snapshot) journal() string { return strings.ToLower(s[len(kept)+1]) }

// Reset puts the connection back to where Connect left it: pragmas, attached
// databases and temporary tables. There is nothing to do while no statement
// of the user's has run and the limits are what they were.
func (s *session) Reset(ctx context.Context, l engine.Limits) error {
	if err := s.begun(ctx); err != nil {
		return err
	}
	if s.limits = l.WithDefaults(); s.start.setBusy(s.busy()) {
		s.touched = true
	}
	if !s.touched {
		return nil
	}
	s.pragmas, s.covered = false, false
	if err := s.detach(ctx); err != nil {
		return err
	}
	if err := s.dropTemporary(ctx); err != nil {
		return err
	}
	now, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	if slices.Equal(now, s.start) {
		s.touched = false
		return nil
	}
	for i, name := range kept {
		if now[i] == s.start[i] {
			continue
		}
		value := s.start[i]
		if name == "writable_schema" && value == "0" {
			value = "RESET" // and read the schema again
		}
		if _, err := s.exec(ctx, "PRAGMA "+name+" = "+value); err != nil {
			return fmt.Errorf("set pragma %s back: %w", name, err)
		}
		if name == "locking_mode" {
			// The file is let go at the next access only.
			if _, err := s.text(ctx, "SELECT count(*) FROM sqlite_schema"); err != nil {
				return fmt.Errorf("set pragma %s back: %w", name, err)
			}
		}
	}
	if now.like() != s.start.like() {
		if _, err := s.exec(ctx, "PRAGMA case_sensitive_like = "+s.start.like()); err != nil {
			return fmt.Errorf("set pragma case_sensitive_like back: %w", err)
		}
	}
	if err := s.restoreJournal(ctx, now.journal()); err != nil {
		return err
	}
	if s.start, err = s.verify(ctx); err != nil {
		return err
	}
	s.touched = false
	return nil
}

// ResetWithin sets back the pragmas that heed a transaction. Temporary tables
// and attached databases cannot go while it is open: they stay until its end.
func (s *session) ResetWithin(ctx context.Context) error {
	now, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	for i, name := range kept {
		if now[i] == s.start[i] {
			continue
		}
		if _, err := s.exec(ctx, "PRAGMA "+name+" = "+s.start[i]); err != nil {
			return fmt.Errorf("set pragma %s back: %w", name, err)
		}
	}
	_, err = s.verify(ctx)
	return err
}

// restoreJournal leaves the choice between a journal and a WAL as it is: it
// is the file's. The kind of journal is the connection's alone, and one file
// that wants none must not take the rollback from the next.
func (s *session) restoreJournal(ctx context.Context, now string) error {
	want := s.start.journal()
	if now == want || now == "wal" {
		return nil
	}
	if want == "wal" {
		want = "delete"
	}
	if _, err := s.exec(ctx, "PRAGMA journal_mode = "+want); err != nil {
		return fmt.Errorf("set pragma journal_mode back: %w", err)
	}
	return nil
}

// verify reads the state again. It is what it was at the start but for the
// file's own choice of journal.
func (s *session) verify(ctx context.Context) (snapshot, error) {
	now, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	for i, name := range kept {
		if now[i] != s.start[i] {
			return nil, fmt.Errorf("pragma %s stays %s and was %s", name, now[i], s.start[i])
		}
	}
	return now, nil
}

func (s *session) detach(ctx context.Context) error {
	names, err := s.list(ctx, "SELECT name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')")
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := s.exec(ctx, "DETACH "+quote(name)); err != nil {
			return fmt.Errorf("detach the database %s: %w", name, err)
		}
	}
	return nil
}

// dropTemporary drops all temporary tables, views and triggers at once:
// SQLite does so when the place of its temporary store changes.
func (s *session) dropTemporary(ctx context.Context) error {
	there, err := s.list(ctx, "SELECT name FROM pragma_database_list WHERE name = 'temp'")
	if err != nil || len(there) == 0 {
		return err
	}
	now, err := s.text(ctx, "PRAGMA temp_store")
	if err != nil {
		return err
	}
	other := "1"
	if now == "1" {
		other = "2"
	}
	for _, value := range []string{other, now} {
		if _, err := s.exec(ctx, "PRAGMA temp_store = "+value); err != nil {
			return fmt.Errorf("drop the temporary tables: %w", err)
		}
	}
	return nil
}

func (s *session) list(ctx context.Context, query string) ([]string, error) {
	var all []string
	err := s.Query(ctx, func(scan func(...any) error) error {
		var v string
		if err := scan(&v); err != nil {
			return err
		}
		all = append(all, v)
		return nil
	}, query)
	return all, err
}

package lock

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Table is the lock's table. Anybody may read it, and may release the lock
// by hand: UPDATE dbwarden_lock SET locked = FALSE, release_at = NOW().
const Table = "dbwarden_lock"

// State is what the holder, or whoever released it, says of the lock.
type State string

const (
	Running  State = "running"
	Failed   State = "failed"   // kept: a migration was left half done
	Released State = "released" // by the holder
	Forced   State = "forced"   // by unlock
)

// Row is the one row of the lock table. A field that the table does not have
// (one that an older tool made) or that is NULL is zero.
type Row struct {
	Locked     bool
	AcquiredAt time.Time
	ReleasedAt time.Time
	Token      int64
	Run        string // "" with Locked: held by hand, or by another tool
	Holder     string // alice@web-1 pid 4242 (dbwarden 1.3.0 migrate)
	Session    string // as engine.Session.ID
	Native     string // as engine.NativeLock.Kind; "" where none was taken
	State      State
	Detail     string
	Owner      string // owner_token of the original tool
}

// column is one of the table's columns: those of the first releases in their
// order, then ours.
type column struct {
	name string
	typ  func(engine.Types) string
	rest string
}

func columns() []column {
	text := func(n int) func(engine.Types) string { return func(t engine.Types) string { return t.Varchar(n) } }
	return []column{
		{"locked", func(t engine.Types) string { return t.Boolean }, "DEFAULT FALSE"},
		{"acquired_at", func(t engine.Types) string { return t.Timestamp }, "NULL"},
		{"release_at", func(t engine.Types) string { return t.Timestamp }, "NULL"},
		{"fencing_token", func(t engine.Types) string { return t.BigInt }, "DEFAULT 0 NOT NULL"},
		{"run_id", text(64), "NULL"},
		{"holder", text(500), "NULL"},
		{"session_id", text(200), "NULL"},
		{"native", text(20), "NULL"},
		{"state", text(20), "NULL"},
		{"detail", func(t engine.Types) string { return t.Text }, "NULL"},
	}
}

// ErrNewerTable says that the lock table was made by a later release of the
// original tool, whose lock has another shape.
type ErrNewerTable struct{ Name string }

func (e *ErrNewerTable) Error() string {
	return fmt.Sprintf("the table %s belongs to a release of the original tool whose lock has another shape (it has no column \"locked\"); "+
		"it is left as it is: see that no such run is active, then rename the table", e.Name)
}

// ensure creates the table and its row, or adds what an older one lacks.
// The caller holds the native lock: nobody else is doing the same.
func (l Lock) ensure(ctx context.Context, s engine.Session) error {
	d := l.Engine.Dialect
	have, err := l.Engine.Columns(ctx, s, l.Schema, Table)
	if err != nil {
		return fmt.Errorf("look at %s: %w", Table, err)
	}
	var ddl []string
	if have == nil {
		cols := []string{d.Quote("id") + " INTEGER NOT NULL PRIMARY KEY CHECK (" + d.Quote("id") + " = 1)"}
		for _, c := range columns() {
			cols = append(cols, d.Quote(c.name)+" "+c.typ(d.Types)+" "+c.rest)
		}
		ddl = append(ddl, "CREATE TABLE "+l.table()+" (\n    "+strings.Join(cols, ",\n    ")+"\n)"+d.TableSuffix)
	} else {
		if !slices.Contains(have, "locked") {
			return &ErrNewerTable{Table}
		}
		for _, c := range columns() {
			if !slices.Contains(have, c.name) {
				ddl = append(ddl, "ALTER TABLE "+l.table()+" ADD COLUMN "+d.Quote(c.name)+" "+c.typ(d.Types)+" "+c.rest)
			}
		}
	}
	for _, q := range ddl {
		if _, err := s.Exec(ctx, q); err != nil {
			return fmt.Errorf("create or extend %s: %w", Table, err)
		}
	}
	var rows int64 // a new table has none
	if have != nil {
		if err := s.Query(ctx, func(scan func(...any) error) error { return scan(&rows) },
			"SELECT COUNT(*) FROM "+l.table()+" WHERE id = 1"); err != nil {
			return err
		}
	}
	if rows == 0 {
		if _, err := s.Exec(ctx, "INSERT INTO "+l.table()+" (id, locked) VALUES (1, FALSE)"); err != nil {
			return fmt.Errorf("create the row of %s: %w", Table, err)
		}
	}
	return l.ensureRuns(ctx, s)
}

// read returns the row, nil where there is no table or no row. It never
// creates anything.
func (l Lock) read(ctx context.Context, s engine.Session) (*Row, error) {
	all := make([]string, 0, 10)
	for _, c := range columns() {
		all = append(all, c.name)
	}
	row, err := l.selectRow(ctx, s, all)
	if err == nil || l.Engine.Fault(err).Kind != engine.Missing {
		return row, err
	}
	have, err := l.Engine.Columns(ctx, s, l.Schema, Table)
	if err != nil || have == nil {
		return nil, err
	}
	if !slices.Contains(have, "locked") {
		return nil, &ErrNewerTable{Table}
	}
	return l.selectRow(ctx, s, have)
}

func (l Lock) selectRow(ctx context.Context, s engine.Session, have []string) (*Row, error) {
	d := l.Engine.Dialect
	expr := func(name string) string {
		if !slices.Contains(have, name) {
			return "NULL"
		}
		// Qualified: SQLite reads a quoted name that is no column as a string.
		column := "l." + d.Quote(name)
		switch name {
		case "acquired_at", "release_at":
			return d.UTC(column)
		case "locked":
			return "CASE WHEN " + column + " IS TRUE THEN 1 ELSE 0 END"
		}
		return column
	}
	names := []string{"locked", "acquired_at", "release_at", "fencing_token", "run_id", "holder", "session_id", "native", "state", "detail", "owner_token"}
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = expr(n)
	}
	var row *Row
	err := s.Query(ctx, func(scan func(...any) error) error {
		var locked int64
		var token sql.NullInt64
		var acquired, released, run, holder, session, native, state, detail, owner sql.NullString
		if err := scan(&locked, &acquired, &released, &token, &run, &holder, &session, &native, &state, &detail, &owner); err != nil {
			return err
		}
		row = &Row{
			Locked: locked != 0, AcquiredAt: parseTime(acquired.String), ReleasedAt: parseTime(released.String), Token: token.Int64,
			Run: run.String, Holder: holder.String, Session: session.String, Native: native.String,
			State: State(state.String), Detail: detail.String, Owner: owner.String,
		}
		return nil
	}, "SELECT "+strings.Join(list, ", ")+" FROM "+l.table()+" l WHERE id = 1")
	return row, err
}

func (l Lock) table() string { return l.Engine.Dialect.Qualify(l.Schema, Table) }

// parseTime reads what Dialect.UTC writes; an odd value, put there by hand,
// is no time.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// shield keeps what a file sets in its session from our own statements
// between the file's: with autocommit off they would wait for somebody's
// COMMIT, in a session that reads only they would fail, and so they would for
// want of time or rights; they would take the number that is meant for the
// file's next row, and be written at the time that it has set. The file finds
// its settings as it left them.
type shield struct {
	unsure bool // a statement of the file's may have set something
	theirs settings

	modes, rights bool // ours are in their place
}

// settings are the file's; what is harmless is false or empty.
type settings struct {
	uncommitted, readOnly bool
	seconds               string // the statement limit, on MariaDB
	rows                  string // sql_select_limit, which hides what is looked for
	joins                 bool   // sql_big_selects = 0, which refuses what max_join_size calls large
	next                  string // insert_id, which the next row of any table takes
	clock                 string // timestamp, where it stands still
	role                  string
	anyRole               bool // role is not the one of the start
}

// apart are the variables that are in the way of ours also inside a
// transaction: as our statements want them, and as the file had them.
func (t settings) apart() (ours, theirs []string) {
	aside := func(there bool, variable, our, their string) {
		if there {
			ours, theirs = append(ours, variable+" = "+our), append(theirs, variable+" = "+their)
		}
	}
	aside(t.seconds != "", "max_statement_time", "0", t.seconds)
	aside(t.rows != "", "sql_select_limit", allRows, t.rows)
	aside(t.joins, "sql_big_selects", "1", "0")
	aside(t.next != "", "insert_id", "0", t.next)
	aside(t.clock != "", "timestamp", "DEFAULT", t.clock)
	return ours, theirs
}

// note is told of each statement of the file's before it runs.
func (h *shield) note(t engine.Traits) {
	switch t.Kind {
	case engine.Setting, engine.Other:
		h.unsure = true
	}
	// A row may take it.
	h.unsure = h.unsure || h.theirs.next != ""
}

// raise is called before a statement of ours; inside says that a transaction
// is open, which another autocommit would end.
func (h *shield) raise(ctx context.Context, s *session, inside bool) error {
	if h.unsure {
		if err := h.look(ctx, s); err != nil {
			return fmt.Errorf("read the session's settings: %w", err)
		}
	}
	var set []string
	if !inside && !h.modes {
		if h.theirs.uncommitted {
			set = append(set, "autocommit = 1")
		}
		if h.theirs.readOnly {
			set = append(set, s.readOnlyName()+" = 0")
		}
		h.modes = len(set) > 0
	}
	ours, _ := h.theirs.apart()
	if !h.rights {
		set = append(set, ours...)
	}
	if err := assign(ctx, s, set); err != nil {
		return err
	}
	if h.rights {
		return nil
	}
	h.rights = len(ours) > 0 || h.theirs.anyRole
	if !h.theirs.anyRole {
		return nil
	}
	return s.setRole(ctx, s.begun.role)
}

// lower is called before a statement of the file's.
func (h *shield) lower(ctx context.Context, s *session, inside bool) error {
	var set []string
	if h.modes && !inside {
		if h.theirs.uncommitted {
			set = append(set, "autocommit = 0")
		}
		if h.theirs.readOnly {
			set = append(set, s.readOnlyName()+" = 1")
		}
		h.modes = false
	}
	if h.rights {
		_, theirs := h.theirs.apart()
		set = append(set, theirs...)
	}
	if err := assign(ctx, s, set); err != nil {
		return err
	}
	if !h.rights {
		return nil
	}
	h.rights = false
	if !h.theirs.anyRole {
		return nil
	}
	return s.setRole(ctx, h.theirs.role)
}

// look reads what the file has set. LIMIT is said because sql_select_limit
// may be 0.
func (h *shield) look(ctx context.Context, s *session) error {
	limit := "NULL"
	if s.mariadb() {
		limit = "NULLIF(@@session.max_statement_time, 0)"
	}
	var autocommit, readOnly bool
	var joins bool
	var seconds, rows, next, clock, role sql.NullString
	err := s.query(ctx, func(scan func(...any) error) error {
		return scan(&autocommit, &readOnly, &seconds, &rows, &joins, &next, &clock, &role)
	},
		"SELECT @@session.autocommit, @@session."+s.readOnlyName()+", "+limit+
			", NULLIF(@@session.sql_select_limit, "+allRows+"), NOT @@session.sql_big_selects, NULLIF(@@session.insert_id, 0), "+
			"IF("+stopped+", @@timestamp, NULL), "+currentRole+" LIMIT 1")
	if err != nil {
		return err
	}
	// What stands covered is ours, not the file's.
	if !h.modes {
		h.theirs.uncommitted, h.theirs.readOnly = !autocommit, readOnly
	}
	if !h.rights {
		h.theirs.seconds, h.theirs.rows, h.theirs.role = seconds.String, rows.String, role.String
		h.theirs.joins, h.theirs.next, h.theirs.clock = joins, next.String, clock.String
		h.theirs.anyRole = s.begun != nil && role.String != s.begun.role
	}
	h.unsure = false
	return nil
}

func assign(ctx context.Context, s *session, set []string) error {
	if len(set) == 0 {
		return nil
	}
	if _, err := s.Exec(ctx, "SET "+strings.Join(set, ", ")); err != nil {
		return fmt.Errorf("shield our own statements from the file's settings: %w", err)
	}
	return nil
}

package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// state is what a migration may leave changed in its session.
type state struct {
	database, role string
	values         []sql.NullString // in the order of session.variables
	digest         string           // of all of it and the limits: see prepareState
}

// variables are the session variables that migrations and dumps set, and
// those that change what a later statement does; without the limits, which
// are set anyway. Each server has its own subset. Numbers are written as
// numbers, the others as text.
var variables = []struct {
	name   string
	number bool
}{
	{"sql_mode", false}, {"time_zone", false},
	{"character_set_client", false}, {"character_set_connection", false}, {"character_set_results", false},
	{"collation_connection", false}, {"character_set_server", false}, {"collation_server", false},
	{"character_set_filesystem", false}, {"default_collation_for_utf8mb4", false},
	{"transaction_isolation", false}, {"tx_isolation", false},
	{"transaction_read_only", true}, {"tx_read_only", true},
	{"autocommit", true}, {"completion_type", true}, {"foreign_key_checks", true}, {"unique_checks", true}, {"check_constraint_checks", true},
	{"sql_notes", true}, {"sql_warnings", true}, {"sql_safe_updates", true}, {"sql_select_limit", true},
	{"sql_auto_is_null", true}, {"sql_big_selects", true}, {"max_join_size", true}, {"sql_quote_show_create", true},
	{"sql_require_primary_key", true}, {"sql_generate_invisible_primary_key", true}, {"sql_if_exists", true},
	{"sql_log_bin", true}, {"binlog_format", false}, {"binlog_row_image", false},
	{"group_concat_max_len", true}, {"default_week_format", true}, {"div_precision_increment", true},
	{"lc_time_names", false}, {"lc_messages", false}, {"optimizer_switch", false},
	{"default_storage_engine", false}, {"default_tmp_storage_engine", false}, {"enforce_storage_engine", false},
	{"innodb_strict_mode", true}, {"old_mode", false}, {"old_alter_table", false}, {"alter_algorithm", false},
	{"explicit_defaults_for_timestamp", true}, {"system_versioning_alter_history", false},
	{"auto_increment_increment", true}, {"auto_increment_offset", true},
	{"max_sp_recursion_depth", true}, {"max_recursive_iterations", true}, {"cte_max_recursion_depth", true},
	{"max_heap_table_size", true}, {"tmp_table_size", true}, {"sort_buffer_size", true}, {"join_buffer_size", true},
	{"bulk_insert_buffer_size", true}, {"myisam_sort_buffer_size", true},
	{"net_read_timeout", true}, {"net_write_timeout", true}, {"interactive_timeout", true},
	{"wsrep_on", true}, {"wsrep_osu_method", false}, {"wsrep_sync_wait", true},
}

// remember notes the session's settings before the first statement of a
// user's.
func (s *session) remember(ctx context.Context) error {
	if s.begun != nil {
		return nil
	}
	var names []string
	for _, v := range variables {
		names = append(names, "'"+v.name+"'")
	}
	there := map[string]bool{}
	err := s.query(ctx, func(scan func(...any) error) error {
		var name string
		var value sql.NullString
		err := scan(&name, &value)
		there[strings.ToLower(name)] = true
		return err
	}, "SHOW SESSION VARIABLES WHERE Variable_name IN ("+strings.Join(names, ", ")+")")
	if err != nil {
		return err
	}
	s.variables = nil
	for i, v := range variables {
		if there[v.name] {
			s.variables = append(s.variables, i)
		}
	}
	if s.begun, _, err = s.look(ctx); err != nil || !s.mariadb() {
		return err
	}
	if err := s.prepareState(ctx); err != nil {
		return err
	}
	return s.query(ctx, func(scan func(...any) error) error { return scan(&s.begun.digest) }, s.stateQuery())
}

// currentRole is the active role. COALESCE with one argument stands for it
// where there is none.
const currentRole = "COALESCE(/*!80000 CURRENT_ROLE(), */ /*M! CURRENT_ROLE(), */ NULL)"

// stopped says that SET timestamp has stopped the session's clock.
const stopped = "ABS(@@timestamp - UNIX_TIMESTAMP(SYSDATE(6))) > 1"

// look reads the session's settings, and whether its clock was stopped by
// SET timestamp.
func (s *session) look(ctx context.Context) (*state, bool, error) {
	query := "SELECT DATABASE(), " + currentRole + ", " + stopped
	st := &state{values: make([]sql.NullString, len(s.variables))}
	var database, role sql.NullString
	var still sql.NullBool
	into := []any{&database, &role, &still}
	for i, v := range s.variables {
		query += ", @@session." + variables[v].name
		into = append(into, &st.values[i])
	}
	found := false
	err := s.query(ctx, func(scan func(...any) error) error {
		found = true
		return scan(into...)
	}, query)
	st.database, st.role = database.String, role.String
	if err == nil && !found {
		err = errors.New("the server returned nothing")
	}
	if err != nil {
		return nil, false, err
	}
	return st, still.Bool, nil
}

// Reset puts the session back to where it was before the first statement of
// a user's: open transaction, locked tables, database, role, variables and
// what else its litter is, and sets limits.
func (s *session) Reset(ctx context.Context, l engine.Limits) error {
	if s.lost != nil {
		return s.lost
	}
	l = l.WithDefaults()
	s.insertID = insertID{}
	s.used = s.used || !s.litter.none()
	if !s.used && l == s.limits {
		return nil
	}
	s.limits = l
	if err := s.reset(ctx); err != nil {
		return fmt.Errorf("put the session back: %w", err)
	}
	if s.strange {
		s.leaks.forget() // USE
	}
	s.used, s.strange, s.shield = false, false, shield{}
	return nil
}

// ResetWithin has nothing to do: a file that sets anything is not let into a
// transaction with others.
func (s *session) ResetWithin(context.Context) error { return nil }

func (s *session) reset(ctx context.Context) error {
	if !s.used {
		_, err := s.Exec(ctx, "SET "+s.settings())
		return err
	}
	// With autocommit off, a file may have left a transaction open.
	if _, err := s.Exec(ctx, "ROLLBACK"); err != nil {
		return err
	}
	if _, err := s.Exec(ctx, "UNLOCK TABLES"); err != nil {
		return err
	}
	// First of all the character set, in which names are written below, and
	// what would keep us from reading.
	if _, err := s.Exec(ctx, "SET "+s.settings()); err != nil {
		return err
	}
	now, still, err := s.look(ctx)
	if err != nil {
		return err
	}
	if now.role != s.begun.role {
		if err := s.setRole(ctx, s.begun.role); err != nil {
			return err
		}
	}
	if now.database != s.begun.database {
		if _, err := s.Exec(ctx, "USE "+quote(s.begun.database)); err != nil {
			return err
		}
	}
	// Only what differs: some variables ask for rights that the file's
	// author had to have, and others need not.
	var changes []string
	for i, v := range s.variables {
		if want := s.begun.values[i]; now.values[i] != want {
			changes = append(changes, variables[v].name+" = "+spell(want, variables[v].number))
		}
	}
	if still {
		changes = append(changes, "timestamp = DEFAULT")
	}
	if len(changes) > 0 {
		if _, err := s.Exec(ctx, "SET "+strings.Join(changes, ", ")); err != nil {
			return err
		}
	}
	return s.sweep(ctx)
}

// setRole activates a role as CURRENT_ROLE() spells it.
func (s *session) setRole(ctx context.Context, role string) error {
	if role == "" {
		role = "NONE"
	} else if s.mariadb() {
		role = quote(role)
	}
	_, err := s.Exec(ctx, "SET ROLE "+role)
	return err
}

func spell(v sql.NullString, number bool) string {
	switch {
	case !v.Valid:
		return "NULL"
	case number:
		return v.String
	default:
		return stringLiteral(v.String)
	}
}

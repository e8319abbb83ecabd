package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// What a URL's query may hold. A parameter that nobody knows is refused: pgx
// would send it to the server as a setting, and a mistyped sslmode would
// silently be no sslmode at all.

const (
	// connectionParams are read by pgx itself.
	connectionParams = `host port user password dbname database passfile service servicefile connect_timeout
		sslmode ssl sslkey sslcert sslcertmode sslrootcert sslpassword sslsni sslnegotiation
		krbspn krbsrvname target_session_attrs min_protocol_version max_protocol_version
		channel_binding require_auth`

	// ignoredParams mean something to a pool, to another client library or to
	// libpq alone, and nothing to a single session of ours.
	ignoredParams = `pool_max_conns pool_min_conns pool_min_idle_conns pool_max_conn_lifetime
		pool_max_conn_lifetime_jitter pool_max_conn_idle_time pool_health_check_period
		default_query_exec_mode statement_cache_capacity description_cache_capacity
		keepalives keepalives_idle keepalives_interval keepalives_count
		fallback_application_name sslcompression gssencmode gsslib load_balance_hosts`

	// serverParams become settings of the session, which RESET ALL returns to.
	serverParams = `application_name client_encoding client_min_messages options search_path timezone
		datestyle intervalstyle statement_timeout lock_timeout idle_in_transaction_session_timeout
		idle_session_timeout transaction_timeout deadlock_timeout client_connection_check_interval
		tcp_keepalives_idle tcp_keepalives_interval tcp_keepalives_count tcp_user_timeout
		default_transaction_read_only default_tablespace default_table_access_method
		default_toast_compression temp_tablespaces role session_replication_role row_security
		synchronous_commit check_function_bodies work_mem maintenance_work_mem temp_buffers
		max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather jit geqo
		random_page_cost effective_cache_size extra_float_digits bytea_output xmlbinary xmloption
		lc_messages lc_monetary lc_numeric lc_time log_statement log_min_messages
		log_min_duration_statement log_min_error_statement vacuum_cost_delay vacuum_cost_limit
		vacuum_buffer_usage_limit gin_pending_list_limit`
)

func listed(list, name string) bool { return slices.Contains(strings.Fields(list), name) }

// checkParam refuses what nobody knows. Settings of extensions, which bear a
// dot, may have any name.
func checkParam(key string) error {
	lower := strings.ToLower(key)
	if listed(connectionParams, key) || listed(ignoredParams, key) || listed(serverParams, lower) || isCustomSetting(lower) {
		return nil
	}
	if near := engine.Nearest(lower, strings.Fields(connectionParams+" "+serverParams)); near != "" {
		return fmt.Errorf("unknown parameter %q, did you mean %q?", key, near)
	}
	return fmt.Errorf("unknown parameter %q", key)
}

func isCustomSetting(name string) bool {
	class, rest, ok := strings.Cut(name, ".")
	return ok && isWord(class) && isWord(strings.ReplaceAll(rest, ".", "_"))
}

func isWord(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || r >= 'a' && r <= 'z':
		case i > 0 && r >= '0' && r <= '9':
		default:
			return false
		}
	}
	return s != ""
}

package postgres

import (
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// setting is one of the server's, as a session of ours has it.
type setting struct {
	name, value string

	// optional settings are done without where the platform of the server
	// has no such thing; where its version lacks one, it is left out anyway.
	optional bool
}

// sessionSettings are what the server is told to enforce and what the rest of
// the house relies on.
//
// A client that dies in mid-statement is noticed after checkInterval, one
// whose network dies after half a minute, one that is frozen after the idle
// limit: then the server rolls back and frees table locks and the advisory
// lock by itself.
//
// The name is not told at the handshake: a pooler would put it on a connection
// of the server's and leave it there for clients that have none.
func sessionSettings(app string, readOnly bool) []setting {
	list := []setting{
		{"client_connection_check_interval", "5s", true}, // 14
		{"tcp_keepalives_idle", "15", true},
		{"tcp_keepalives_interval", "5", true},
		{"tcp_keepalives_count", "3", true},
		{"tcp_user_timeout", "30s", true},

		// Statements of ours outside transactions compare and swap single
		// rows; under another default they would fail with 40001 where they
		// should lose.
		{"default_transaction_isolation", "read committed", false},

		// The splitter reads '...\' as the standard does.
		{"standard_conforming_strings", "on", false},
	}
	if app != "" {
		list = append(list, setting{"application_name", appName(app), false})
	}
	if readOnly {
		list = append(list, setting{"default_transaction_read_only", "on", false})
	}
	return list
}

// limitSettings are the limits of l. One that l leaves at its default is not
// set where the URL, the environment or the service file says something.
func limitSettings(l engine.Limits, given map[string]string) []setting {
	with := l.WithDefaults()
	var list []setting
	add := func(name string, asked, limit time.Duration) {
		_, direct := given[name]
		if asked == 0 && (direct || strings.Contains(given["options"], name)) {
			return
		}
		list = append(list, setting{name, milliseconds(limit), false})
	}
	add("lock_timeout", l.Lock, with.Lock)
	add("statement_timeout", l.Statement, with.ServerStatement())
	add("transaction_timeout", 0, 0)               // 17: a file may take as long as its statements do
	add("idle_session_timeout", l.Idle, with.Idle) // 14
	add("idle_in_transaction_session_timeout", l.Idle, with.Idle)
	return list
}

// milliseconds spells a limit; what is not positive is none, which the server
// calls 0.
func milliseconds(d time.Duration) string {
	if d <= 0 {
		return "0"
	}
	return strconv.FormatInt(max(1, d.Milliseconds()), 10) + "ms"
}

// setSQL sets what this version of the server knows. With local it holds to
// the end of the transaction.
func setSQL(list []setting, local bool, where string) string {
	rows := make([]string, len(list))
	for i, s := range list {
		rows[i] = "(" + quoteLiteral(s.name) + "," + quoteLiteral(s.value) + ")"
	}
	return "SELECT pg_catalog.set_config(v.name, v.value, " + strconv.FormatBool(local) +
		") FROM (VALUES " + strings.Join(rows, ",") + ") AS v(name, value)" +
		" WHERE pg_catalog.current_setting(v.name, true) IS NOT NULL" + where
}

// pathSQL puts schema in front of the path that the session has by itself. A
// schema that is not there is left out: it would be created in the wrong
// place later, or found in no place now, and connect.go says so.
func pathSQL(schema string, local bool, where string) string {
	return "SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', pg_catalog.quote_ident(nspname)," +
		" nullif(pg_catalog.current_setting('search_path'), '')), " + strconv.FormatBool(local) + ")" +
		" FROM pg_catalog.pg_namespace WHERE nspname = " + quoteLiteral(schema) + where
}

func required(list []setting) []setting {
	var out []setting
	for _, s := range list {
		if !s.optional {
			out = append(out, s)
		}
	}
	return out
}

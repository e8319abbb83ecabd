package sqlite

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// pragmaKind is how a pragma behaves when it is given a value.
type pragmaKind string

const (
	// pragmaSession changes this connection alone and works anywhere.
	pragmaSession pragmaKind = "session"
	// pragmaOutside does so too, but is an error, or silently nothing,
	// inside a transaction.
	pragmaOutside pragmaKind = "outside"
	// pragmaInside holds until the transaction ends, and means nothing outside.
	pragmaInside pragmaKind = "inside"
	// pragmaFile changes how the file is kept, outside transactions.
	pragmaFile pragmaKind = "file"
	// pragmaHeader writes a number into the file, within the transaction.
	pragmaHeader pragmaKind = "header"
	// pragmaAction does something once.
	pragmaAction pragmaKind = "action"
	// pragmaRead only tells.
	pragmaRead pragmaKind = "read"
)

// pragmas that SQLite knows. It takes any other for a comment.
var pragmas = map[string]pragmaKind{
	"foreign_keys": pragmaOutside,
	"synchronous":  pragmaOutside,
	"temp_store":   pragmaOutside, "temp_store_directory": pragmaOutside,
	"auto_vacuum": pragmaOutside, "page_size": pragmaOutside, "encoding": pragmaOutside,

	"analysis_limit": pragmaSession, "automatic_index": pragmaSession, "busy_timeout": pragmaSession,
	"cache_size": pragmaSession, "cache_spill": pragmaSession, "case_sensitive_like": pragmaSession,
	"cell_size_check": pragmaSession, "checkpoint_fullfsync": pragmaSession, "count_changes": pragmaSession,
	"empty_result_callbacks": pragmaSession, "full_column_names": pragmaSession,
	"fullfsync": pragmaSession, "hard_heap_limit": pragmaSession,
	"ignore_check_constraints": pragmaSession, "journal_size_limit": pragmaSession,
	"legacy_alter_table": pragmaSession, "locking_mode": pragmaSession, "max_page_count": pragmaSession,
	"mmap_size": pragmaSession, "query_only": pragmaSession, "read_uncommitted": pragmaSession,
	"recursive_triggers": pragmaSession, "reverse_unordered_selects": pragmaSession,
	"secure_delete": pragmaSession, "short_column_names": pragmaSession, "soft_heap_limit": pragmaSession,
	"threads": pragmaSession, "trusted_schema": pragmaSession, "wal_autocheckpoint": pragmaSession,
	"writable_schema": pragmaSession,

	"defer_foreign_keys": pragmaInside,

	"journal_mode": pragmaFile,

	"application_id": pragmaHeader, "user_version": pragmaHeader, "schema_version": pragmaHeader,
	"default_cache_size": pragmaHeader,

	"incremental_vacuum": pragmaAction, "optimize": pragmaAction, "shrink_memory": pragmaAction,
	"wal_checkpoint": pragmaAction,

	"collation_list": pragmaRead, "compile_options": pragmaRead, "data_version": pragmaRead,
	"database_list": pragmaRead, "foreign_key_check": pragmaRead, "foreign_key_list": pragmaRead,
	"freelist_count": pragmaRead, "function_list": pragmaRead, "index_info": pragmaRead,
	"index_list": pragmaRead, "index_xinfo": pragmaRead, "integrity_check": pragmaRead,
	"module_list": pragmaRead, "page_count": pragmaRead, "pragma_list": pragmaRead,
	"quick_check": pragmaRead, "table_info": pragmaRead, "table_list": pragmaRead, "table_xinfo": pragmaRead,
}

// classify counts on SQLite's undoing what a failed statement did, which it
// does for all but a few. What it cannot see from the words: a table or a
// trigger that says FAIL keeps what was done before the failing row.
func classify(words []string, _ engine.Server) engine.Traits {
	t := traits(words)
	t.Pace = pace(words, t)
	return t
}

func traits(words []string) engine.Traits {
	if len(words) == 0 {
		return engine.Traits{}
	}
	switch words[0] {
	case "INSERT", "UPDATE":
		// INSERT OR FAIL keeps the rows before the one that failed.
		return engine.Traits{Kind: engine.Data, Atomic: !starts(words[1:], "OR", "FAIL")}
	case "DELETE", "REPLACE":
		return engine.Traits{Kind: engine.Data, Atomic: true}
	case "SELECT", "VALUES", "EXPLAIN":
		return engine.Traits{Kind: engine.Read, Atomic: true}
	case "WITH":
		return engine.Traits{Kind: withKind(words), Atomic: !slices.Contains(words, "FAIL")}
	case "CREATE", "ALTER", "DROP":
		return engine.Traits{Kind: engine.Definition, Atomic: true, Fleeting: starts(words, "CREATE", "TEMP") || starts(words, "CREATE", "TEMPORARY")}
	case "BEGIN":
		return engine.Traits{Kind: engine.Begin}
	case "COMMIT", "END":
		return engine.Traits{Kind: engine.Commit}
	case "ROLLBACK":
		// ROLLBACK [TRANSACTION] TO [SAVEPOINT] name goes back within the
		// transaction.
		if starts(words[1:], "TO") || starts(words[1:], "TRANSACTION", "TO") {
			return engine.Traits{}
		}
		return engine.Traits{Kind: engine.Rollback}
	case "SAVEPOINT":
		// Outside a transaction it opens one, and nothing can be written ahead
		// of what stands in it.
		return engine.Traits{Inside: true}
	case "VACUUM":
		// VACUUM INTO may leave a part of the new file.
		return engine.Traits{Alone: true, Atomic: !slices.Contains(words, "INTO")}
	case "ATTACH":
		return engine.Traits{Kind: engine.Setting, Atomic: true}
	case "DETACH":
		// Refused while the transaction has touched the database.
		return engine.Traits{Kind: engine.Setting, Alone: true, Atomic: true}
	case "PRAGMA":
		return pragmaTraits(words[1:])
	case "ANALYZE", "REINDEX":
		return engine.Traits{Atomic: true}
	}
	return engine.Traits{} // RELEASE, and what SQLite will refuse
}

func starts(words []string, with ...string) bool {
	return len(words) >= len(with) && slices.Equal(words[:len(with)], with)
}

// withKind looks behind the common table expressions. A list of them longer
// than the words that are kept is taken for what needs more care.
func withKind(words []string) engine.Kind {
	depth := 0
	for _, w := range words {
		switch w {
		case "(":
			depth++
		case ")":
			depth--
		case "SELECT", "VALUES":
			if depth == 0 {
				return engine.Read
			}
		case "INSERT", "UPDATE", "DELETE", "REPLACE":
			if depth == 0 {
				return engine.Data
			}
		}
	}
	return engine.Data
}

func pragmaTraits(words []string) engine.Traits {
	if len(words) > 2 && words[1] == "." {
		words = words[2:]
	}
	if len(words) == 0 {
		return engine.Traits{}
	}
	name := strings.ToLower(strings.Trim(words[0], "\"`[]'"))
	given := len(words) > 1 && (words[1] == "=" || words[1] == "(")
	switch kind := pragmas[name]; {
	case kind == "":
		return engine.Traits{Atomic: true} // SQLite passes it over
	case kind == pragmaAction:
		// A checkpoint is refused inside a transaction; optimize is several
		// statements.
		return engine.Traits{Alone: name == "wal_checkpoint", Atomic: name != "optimize"}
	case kind == pragmaRead, !given:
		return engine.Traits{Kind: engine.Read, Atomic: true}
	case kind == pragmaInside:
		return engine.Traits{Atomic: true}
	case kind == pragmaHeader:
		return engine.Traits{Kind: engine.Data, Atomic: true}
	case kind == pragmaFile:
		return engine.Traits{Alone: true, Atomic: true}
	default:
		return engine.Traits{Kind: engine.Setting, Alone: kind == pragmaOutside, Atomic: true}
	}
}

package postgres

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
)

// classify tells how a statement behaves, from its leading words. What they
// do not tell stays unsaid: REINDEX and CLUSTER of a partitioned table and a
// CALL whose procedure commits look like any other, and the server refuses
// them in a transaction.
func classify(w []string, v engine.Server) engine.Traits {
	t := engine.Traits{Kind: kind(w), Alone: alone(w, v.Number)}
	t.Commits = starts(w, "PREPARE", "TRANSACTION")
	t.Refused = refused(w)
	t.Atomic = atomic(w, t.Alone)
	t.Fleeting = makesTemporary(w)
	t.Pace = pace(w, t)
	if v.Pooled {
		t.Residue = residue(w, t.Kind)
	}
	return t
}

// refused tells what would take the migration's transaction away from its
// history: a prepared one is committed later, or never, while the history row
// would be written outside of it; and what would end the run's own lock.
func refused(w []string) string {
	switch {
	case starts(w, "PREPARE", "TRANSACTION"):
		return "PREPARE TRANSACTION would part the migration from its history: leave the end of the transaction to the run, or write COMMIT"
	case (starts(w, "COMMIT") || starts(w, "END")) && has(w, "AND", "CHAIN"):
		return "COMMIT AND CHAIN begins a transaction that has no BEGIN of its own: write COMMIT, and BEGIN behind it"
	case starts(w, "DISCARD", "ALL"), kind(w) != engine.Definition && has(w, "PG_ADVISORY_UNLOCK_ALL", "("):
		return "it would give the migration lock back while the run goes on: unlock by name what the file has locked; the session is put back without it"
	}
	return ""
}

// residue tells what a statement leaves on its backend behind COMMIT. What a
// function does inside is not seen.
func residue(w []string, k engine.Kind) engine.Residue {
	for _, name := range []string{"PG_ADVISORY_LOCK", "PG_ADVISORY_LOCK_SHARED", "PG_TRY_ADVISORY_LOCK", "PG_TRY_ADVISORY_LOCK_SHARED"} {
		if has(w, name, "(") {
			return engine.Stuck
		}
	}
	switch {
	case k == engine.Setting:
		switch word(w, 0) {
		case "SET", "RESET", "SELECT":
			return engine.Swept
		}
		return engine.Stuck
	case starts(w, "DECLARE") && has(w, "WITH", "HOLD"):
		return engine.Stuck
	case makesTemporary(w):
		return engine.Swept
	}
	return engine.Clean
}

// makesTemporary recognises CREATE TEMPORARY and SELECT INTO TEMPORARY.
func makesTemporary(w []string) bool {
	temporary := func(rest []string) bool {
		if first := word(rest, 0); first == "LOCAL" || first == "GLOBAL" {
			rest = rest[1:]
		}
		first := word(rest, 0)
		return first == "TEMP" || first == "TEMPORARY" || first == "PG_TEMP" && word(rest, 1) == "."
	}
	switch word(w, 0) {
	case "CREATE":
		rest := w[1:]
		if starts(rest, "OR", "REPLACE") {
			rest = rest[2:]
		}
		return temporary(rest) || has(rest, "PG_TEMP", ".")
	case "SELECT", "WITH":
		i := slices.Index(w, "INTO")
		return i >= 0 && temporary(w[i+1:])
	}
	return false
}

func starts(w []string, words ...string) bool {
	return len(w) >= len(words) && slices.Equal(w[:len(words)], words)
}

func word(w []string, n int) string {
	if n < len(w) {
		return w[n]
	}
	return ""
}

func has(w []string, words ...string) bool {
	for i := range w {
		if starts(w[i:], words...) {
			return true
		}
	}
	return false
}

func kind(w []string) engine.Kind {
	switch word(w, 0) {
	case "BEGIN", "START":
		return engine.Begin
	case "COMMIT", "END":
		if starts(w, "COMMIT", "PREPARED") {
			return engine.Other
		}
		return engine.Commit
	case "ROLLBACK", "ABORT":
		if second := afterNoise(w[1:]); second == "TO" || second == "PREPARED" {
			return engine.Other
		}
		return engine.Rollback
	case "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE":
		return engine.Data
	case "COPY":
		if copiesIn(w) {
			return engine.Data
		}
	case "WITH":
		// A data-modifying part may stand behind the words that are kept.
		if len(w) > 20 || has(w, "INSERT") || has(w, "UPDATE") || has(w, "DELETE") || has(w, "MERGE") {
			return engine.Data
		}
		return engine.Read
	case "CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "SECURITY", "IMPORT", "REASSIGN", "REINDEX", "REFRESH":
		return engine.Definition
	case "SET", "RESET":
		switch word(w, 1) {
		case "CONSTRAINTS", "LOCAL", "TRANSACTION": // of this transaction alone
			return engine.Other
		}
		return engine.Setting
	case "DISCARD", "LISTEN", "UNLISTEN", "DEALLOCATE", "LOAD":
		return engine.Setting
	case "PREPARE":
		if word(w, 1) != "TRANSACTION" {
			return engine.Setting
		}
	case "SELECT":
		if setsConfig(w[1:]) {
			return engine.Setting
		}
		if outside(w, "INTO") {
			return engine.Definition
		}
		return engine.Read
	case "VALUES", "TABLE", "SHOW", "FETCH", "(":
		return engine.Read
	case "EXPLAIN":
		if has(w, "ANALYZE") || has(w, "ANALYSE") {
			return engine.Other // it runs what it explains
		}
		return engine.Read
	}
	return engine.Other
}

// afterNoise skips WORK and TRANSACTION.
func afterNoise(w []string) string {
	if first := word(w, 0); first != "WORK" && first != "TRANSACTION" {
		return first
	}
	return word(w, 1)
}

// copiesIn tells COPY ... FROM from COPY ... TO.
func copiesIn(w []string) bool {
	return !starts(w, "COPY", "(") && outside(w, "FROM")
}

// outside finds a word that stands in no brackets.
func outside(w []string, wanted string) bool {
	depth := 0
	for _, s := range w {
		switch s {
		case "(":
			depth++
		case ")":
			depth--
		case wanted:
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// setsConfig recognises set_config(name, value, false) by itself, as pg_dump
// writes it.
func setsConfig(w []string) bool {
	if starts(w, "PG_CATALOG", ".") {
		w = w[2:]
	}
	return starts(w, "SET_CONFIG", "(") && has(w, ",", "FALSE", ")")
}

// alone tells which statements a transaction block refuses.
func alone(w []string, version int) bool {
	switch word(w, 0) {
	case "VACUUM":
		return true
	case "COMMIT", "ROLLBACK":
		return word(w, 1) == "PREPARED"
	case "DISCARD":
		return word(w, 1) == "ALL"
	case "REINDEX":
		// The rest is a bracket of options, a kind and a name.
		what, rest := w[1:], w[1:]
		if word(what, 0) == "(" {
			if end := slices.Index(what, ")"); end >= 0 {
				if options := what[:end]; has(options, "CONCURRENTLY") && !off(options, "CONCURRENTLY") {
					return true
				}
				rest = what[end+1:]
			}
		}
		switch word(rest, 0) {
		case "SCHEMA", "DATABASE", "SYSTEM":
			return true
		}
		return word(rest, 1) == "CONCURRENTLY"
	case "CLUSTER":
		rest := w[1:]
		if word(rest, 0) == "(" {
			if end := slices.Index(rest, ")"); end >= 0 {
				rest = rest[end+1:]
			}
		}
		return len(rest) == 0 || len(rest) == 1 && rest[0] == "VERBOSE"
	case "CREATE":
		switch word(w, 1) {
		case "DATABASE", "TABLESPACE":
			return true
		case "SUBSCRIPTION":
			// With a connection made, a slot is created over there.
			return !off(w, "CONNECT") && !off(w, "CREATE_SLOT")
		}
		return starts(w, "CREATE", "INDEX", "CONCURRENTLY") || starts(w, "CREATE", "UNIQUE", "INDEX", "CONCURRENTLY")
	case "DROP":
		switch word(w, 1) {
		case "DATABASE", "TABLESPACE", "SUBSCRIPTION":
			return true
		}
		return starts(w, "DROP", "INDEX", "CONCURRENTLY")
	case "ALTER":
		switch word(w, 1) {
		case "SYSTEM":
			return true
		case "DATABASE":
			return has(w, "SET", "TABLESPACE")
		case "TABLE":
			i := slices.Index(w, "DETACH")
			return i >= 0 && slices.Contains(w[i:], "CONCURRENTLY")
		case "TYPE":
			return version > 0 && version < 120000 && has(w, "ADD", "VALUE")
		case "SUBSCRIPTION":
			changes := has(w, "REFRESH", "PUBLICATION") || has(w, "SET", "PUBLICATION") ||
				has(w, "ADD", "PUBLICATION") || has(w, "DROP", "PUBLICATION")
			return changes && !off(w, "REFRESH") && (version == 0 || version >= 140000)
		}
	}
	return false
}

// off finds an option that is switched off: name = false, name false.
func off(w []string, name string) bool {
	for _, no := range []string{"FALSE", "OFF", "0", "'false'", "'off'", "NONE"} {
		if has(w, name, "=", no) || has(w, name, no) {
			return true
		}
	}
	return false
}

// atomic tells which statements, run by themselves, are one transaction. Most
// that run alone do so because they are several.
func atomic(w []string, alone bool) bool {
	switch word(w, 0) {
	case "CALL", "DO", "ANALYZE", "ANALYSE":
		// A procedure may commit as it goes; ANALYZE of several tables does.
		return false
	case "COMMIT", "ROLLBACK", "DISCARD":
		return true
	case "ALTER":
		return !alone || word(w, 1) == "SYSTEM"
	}
	return !alone
}

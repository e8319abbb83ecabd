package mysql

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Traits that many statements share.
var (
	traitsRead       = engine.Traits{Kind: engine.Read, Atomic: true}
	traitsData       = engine.Traits{Kind: engine.Data, Atomic: true}
	traitsSetting    = engine.Traits{Kind: engine.Setting, Atomic: true}
	traitsOther      = engine.Traits{Kind: engine.Other, Atomic: true}
	traitsDefinition = engine.Traits{Kind: engine.Definition, Commits: true, Atomic: true}

	// What runs statements that are not seen here may commit between them.
	traitsUnseen = engine.Traits{Kind: engine.Other, Commits: true}
)

// classify tells how a statement behaves, from its leading words. What is
// not known is taken to commit: a transaction believed to be open when it is
// not would be the worse mistake.
//
// Atomic is said of tables in InnoDB. Words cannot tell that a table is of an
// engine without transactions, where a failing INSERT leaves its first rows.
func classify(words []string, v engine.Server) engine.Traits {
	t := traitsOf(words, v)
	if t.Kind == engine.Definition && t.Commits && t.Atomic {
		t.Atomic = leavesNothing(words, v)
	}
	if i := slices.Index(words, "RELEASE_ALL_LOCKS"); i >= 0 && word(words, i+1) == "(" && t.Kind != engine.Definition {
		t.Refused = "it would give the migration lock back while the run goes on: release by name what the file has locked, with RELEASE_LOCK"
	}
	return t
}

func traitsOf(words []string, v engine.Server) engine.Traits {
	for len(words) > 0 && words[0] == "(" {
		words = words[1:]
	}
	if len(words) == 0 {
		return traitsOther
	}
	second, third := word(words, 1), word(words, 2)
	switch words[0] {
	case "SELECT":
		t := traitsRead
		if intoVariables(words) {
			t = traitsSetting
		}
		for i := range words {
			t.Apart = t.Apart || words[i] == "@" && word(words, i+1) == "@"
		}
		return t
	case "SHOW", "VALUES", "TABLE", "DESCRIBE", "DESC", "EXPLAIN", "HELP", "CHECKSUM":
		return traitsRead
	case "WITH":
		return classifyWith(words)
	case "INSERT", "UPDATE", "DELETE", "REPLACE", "DO":
		return traitsData
	case "LOAD":
		if second == "INDEX" {
			return traitsDefinition
		}
		return traitsData
	case "PREPARE", "DEALLOCATE":
		return traitsSetting
	case "CREATE", "DROP":
		if second == "PREPARE" {
			return traitsSetting
		}
		t := traitsDefinition
		t.Commits = !temporary(words)
		t.Fleeting = words[0] == "CREATE" && !t.Commits
		return t
	case "ALTER", "RENAME", "TRUNCATE", "GRANT", "REVOKE", "OPTIMIZE", "REPAIR", "CHECK",
		"RESET", "CHANGE", "CACHE", "INSTALL", "UNINSTALL", "IMPORT":
		return traitsDefinition
	case "FLUSH":
		t := traitsDefinition
		t.Holds = flushLocks(words)
		return t
	case "ANALYZE":
		return classifyAnalyze(words, v)
	case "LOCK", "UNLOCK":
		if second == "INSTANCE" {
			return traitsOther
		}
		t := traitsDefinition
		t.Holds, t.Frees = words[0] == "LOCK", words[0] == "UNLOCK"
		return t
	case "BEGIN":
		if second == "" || second == "WORK" {
			return engine.Traits{Kind: engine.Begin, Atomic: true}
		}
		return traitsUnseen // BEGIN NOT ATOMIC ... END
	case "START":
		if second == "TRANSACTION" {
			return engine.Traits{Kind: engine.Begin, Atomic: true}
		}
		return traitsDefinition
	case "STOP":
		return traitsDefinition
	case "COMMIT":
		t := engine.Traits{Kind: engine.Commit, Atomic: true}
		if i := slices.Index(words, "CHAIN"); i > 0 && words[i-1] == "AND" {
			t.Refused = "COMMIT AND CHAIN begins a transaction that has no BEGIN of its own: write COMMIT, and BEGIN behind it"
		}
		return t
	case "ROLLBACK":
		if second == "TO" || second == "WORK" && third == "TO" {
			return traitsOther
		}
		return engine.Traits{Kind: engine.Rollback, Atomic: true}
	case "SET":
		return classifySet(words, v)
	case "USE":
		return traitsSetting
	case "XA":
		return classifyXA(second)
	case "BACKUP":
		t := traitsOther
		if second != "UNLOCK" {
			// Not even the journal could be written behind some of them.
			t.Commits, t.Refused = true, "BACKUP keeps everybody from the tables, the history of migrations as well: a backup is no migration"
		}
		return t
	case "SAVEPOINT", "RELEASE", "HANDLER", "KILL", "SIGNAL", "RESIGNAL", "GET", "PURGE", "CLONE":
		return traitsOther
	}
	return traitsUnseen
}

// intoVariables tells a SELECT that does nothing but fill variables of the
// session: one that calls functions which are not known may do more.
func intoVariables(words []string) bool {
	fills := false
	for i, w := range words {
		switch {
		case w == "(" && i > 0 && isName(words[i-1]) && !slices.Contains(telling, words[i-1]) && !slices.Contains(unchanging, words[i-1]):
			return false
		case w == "@" && word(words, i-1) == "INTO", w == "@" && word(words, i+2) == ":" && word(words, i+3) == "=":
			fills = true
		case w == "UPDATE", w == "SHARE", w == "SLEEP", w == "OUTFILE", w == "DUMPFILE":
			return false // FOR UPDATE
		}
	}
	return fills && len(words) < sqltext.MaxWords
}

// telling are functions that change nothing, besides those called unchanging.
var telling = []string{"COUNT", "MAX", "MIN", "SUM", "AVG", "GROUP_CONCAT", "NOW", "UUID", "LAST_INSERT_ID", "ROW_COUNT", "FOUND_ROWS", "EXISTS",
	"FROM", "JOIN", "VERSION", "USER", "CURDATE", "DATE", "YEAR", "LENGTH", "CHAR_LENGTH", "ABS", "FLOOR", "CEIL", "ROUND", "RAND"}

func isName(w string) bool { return w[0] == '_' || w[0] >= 'A' && w[0] <= 'Z' || w[0] == '`' }

// variablesAlone tells SET @a = 1, @b = 2, from what sets other things, reads
// them, or is too long to tell.
func variablesAlone(words []string) bool {
	depth := 0
	for i, w := range words {
		switch {
		case w == "(":
			depth++
		case w == ")":
			depth--
		case w == "@" && word(words, i+1) == "@":
			return false
		case (i == 0 || w == "," && depth == 0) && word(words, i+1) != "@":
			return false
		}
	}
	return len(words) < sqltext.MaxWords
}

// classifyXA tells of transactions that span servers. One that is open, ended
// or prepared in this session takes no statement of ours; one that was
// prepared elsewhere can be decided here.
func classifyXA(verb string) engine.Traits {
	t := engine.Traits{Kind: engine.Other, Alone: true, Commits: true}
	switch verb {
	case "RECOVER":
		return traitsRead
	case "START", "BEGIN", "END", "PREPARE":
		t.Refused = "an XA transaction cannot be in one with the history of migrations: write BEGIN and COMMIT, or neither"
	}
	return t
}

// flushLocks tells FLUSH TABLES ... WITH READ LOCK and FOR EXPORT, which hold
// tables until UNLOCK TABLES.
func flushLocks(words []string) bool {
	for i := range words {
		if words[i] == "READ" && word(words, i+1) == "LOCK" || words[i] == "FOR" && word(words, i+1) == "EXPORT" {
			return true
		}
	}
	return false
}

// leavesNothing tells of a definition whether its failure leaves nothing behind.
// Both products promise it for one object since they log their DDL (MySQL
// 8.0, MariaDB 10.6); of several objects, the first may be done.
func leavesNothing(words []string, v engine.Server) bool {
	maria := v.Product == "MariaDB"
	if v.Number < 80000 && !maria || v.Number < 100600 && maria {
		return false
	}
	second := word(words, 1)
	switch words[0] {
	case "DROP":
		if second == "DATABASE" || second == "SCHEMA" {
			return false
		}
		return !several(words) || !maria && len(words) < sqltext.MaxWords
	case "RENAME", "GRANT", "REVOKE":
		return !several(words)
	case "CREATE":
		// MariaDB drops the old table first.
		what := word(words, 3)
		if what == "TEMPORARY" {
			what = word(words, 4)
		}
		if second == "OR" && (what == "TABLE" || what == "SEQUENCE") {
			return false
		}
		return second != "USER" && second != "ROLE" || !several(words)
	case "ALTER":
		return second != "USER" || !several(words)
	case "IMPORT":
		return false
	}
	return true
}

// several tells a list of objects, or what is too long to tell.
func several(words []string) bool {
	return len(words) >= sqltext.MaxWords || slices.Contains(words, ",")
}

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

// temporary tells CREATE and DROP of temporary tables, which leave a
// transaction as it is. CREATE of a temporary sequence does not.
func temporary(words []string) bool {
	rest := words[1:]
	if word(rest, 0) == "OR" && word(rest, 1) == "REPLACE" {
		rest = rest[2:]
	}
	if word(rest, 0) != "TEMPORARY" {
		return false
	}
	what := word(rest, 1)
	return what == "TABLE" || what == "TABLES" || words[0] == "DROP" && what == "SEQUENCE"
}

// classifyWith looks behind common table expressions for the verb.
func classifyWith(words []string) engine.Traits {
	depth := 0
	for _, w := range words {
		switch {
		case w == "(":
			depth++
		case w == ")":
			depth--
		case depth > 0:
		case w == "SELECT", w == "VALUES", w == "TABLE":
			return traitsRead
		case w == "UPDATE", w == "DELETE":
			return traitsData
		}
	}
	return traitsOther // too long to tell; WITH never commits
}

// classifyAnalyze tells ANALYZE TABLE from MariaDB's ANALYZE statement,
// which runs the statement behind it.
func classifyAnalyze(words []string, v engine.Server) engine.Traits {
	rest := words[1:]
	switch word(rest, 0) {
	case "TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG":
		return traitsDefinition
	case "FORMAT":
		rest = rest[min(3, len(rest)):] // FORMAT = JSON
	}
	return traitsOf(rest, v)
}

// classifySet tells what belongs to the session from what belongs to the
// server or to an account.
func classifySet(words []string, v engine.Server) engine.Traits {
	switch word(words, 1) {
	case "PASSWORD":
		return traitsDefinition
	case "DEFAULT":
		if word(words, 2) == "ROLE" {
			return traitsDefinition
		}
	case "STATEMENT": // SET STATEMENT variable = value FOR statement
		if i := slices.Index(words, "FOR"); i > 0 {
			return traitsOf(words[i+1:], v)
		}
		return traitsUnseen
	case "TRANSACTION":
		// For the next transaction alone, so it cannot be inside of one.
		return engine.Traits{Kind: engine.Setting, Alone: true, Atomic: true, Once: true}
	}
	t := traitsSetting
	t.Apart = !variablesAlone(words)
	for i, w := range words {
		switch w {
		case "GLOBAL", "PERSIST", "PERSIST_ONLY":
			if previous := word(words, i-1); previous == "SET" || previous == "," || previous == "@" {
				t.Kind = engine.Other
			}
		case "INSERT_ID":
			t.Once = true // of the next row
		case "AUTOCOMMIT":
			t.Commits = true // switching it on ends a transaction
		case "SQL_LOG_BIN", "BINLOG_FORMAT":
			t.Alone = true // refused inside a transaction
		}
	}
	return t
}

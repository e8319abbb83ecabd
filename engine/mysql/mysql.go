// Package mysql is the engine for MySQL and MariaDB.
//
// It reads URLs, holds one pinned connection per session, interrupts a
// statement on the server without losing that connection, puts a session
// back to where a migration found it, and knows how both products lock,
// classify statements and name their errors. It decides nothing about
// migrations.
//
// Two facts of these products shape it. A lock taken by GET_LOCK lives and
// dies with the connection, so a connection is never replaced: what is lost
// stays lost. And most statements that define something commit by
// themselves, so only units of plain data changes can be rolled back.
package mysql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// begin is how our own transactions begin.
const begin = "START TRANSACTION"

// Engine returns the engine. It serves MySQL and MariaDB alike; what a
// session found is in its Server.
func Engine() *engine.Engine {
	return &engine.Engine{
		Name:    "mysql",
		Title:   "MySQL",
		Schemes: []string{"mysql", "mariadb"},
		Lexis:   sqltext.MySQL,
		Dialect: dialect(),
		Native: engine.NativeLock{
			Name:       "session",
			Leased:     "lease",
			Ordered:    ordered,
			Try:        tryLock,
			Free:       freeLock,
			Look:       lookLock,
			Waiters:    waiters,
			Evict:      evictLock,
			EvictRight: evictRight,
			EvictHint:  evictHint,
		},
		Open:     open,
		Columns:  columns,
		Activity: activity,
		Classify: classify,
		Grant:    grant,
		Fault:    fault,
		Witness:  witness(),
		Leak:     leak,
		Ties:     ties,
		Scratch:  scratch(),
		Fresh:    fresh(),
		Script:   script(),
		Backup:   backup(),
	}
}

func dialect() engine.Dialect {
	return engine.Dialect{
		Quote:   quote,
		Literal: literal,
		Bind:    func(int) string { return "?" },
		// UTC_TIMESTAMP does not depend on time_zone, which files change.
		Now: "UTC_TIMESTAMP(6)",
		UTC: func(expr string) string { return "DATE_FORMAT(" + expr + ",'%Y-%m-%dT%H:%i:%s.%fZ')" },
		At:  func(bind string) string { return bind },
		// Where the zone's name means nothing to the server it gives NULL.
		Stored: func(expr string) string {
			return "COALESCE(CONVERT_TZ(" + expr + ",@@session.time_zone,'+00:00')," + expr + ")"
		},
		// Columns of an older table may have collations that do not mix. There are
		// no Lines: GROUP_CONCAT and its kin cut at group_concat_max_len.
		Line: func(exprs ...string) string {
			return "CONCAT_WS(CHAR(31 USING utf8mb4),CONVERT(" + strings.Join(exprs, " USING utf8mb4),CONVERT(") + " USING utf8mb4))"
		},
		Begin:     begin,
		ForUpdate: " FOR UPDATE",
		Types: engine.Types{
			ID:        "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
			BigInt:    "BIGINT",
			Boolean:   "BOOLEAN",
			Timestamp: "DATETIME(6)",
			Text:      "LONGTEXT",
			Varchar:   func(n int) string { return "VARCHAR(" + strconv.Itoa(n) + ")" },
		},
		// A binary collation compares file names and checksums as they are,
		// and mixes with a column of any other collation.
		TableSuffix: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
	}
}

// quote spells an identifier. Backticks quote one in every sql_mode, while
// double quotes depend on ANSI_QUOTES.
func quote(ident string) string {
	return "`" + strings.ReplaceAll(ident, "`", "``") + "`"
}

// literal spells a text that is read alike in every sql_mode. With a backslash,
// which NO_BACKSLASH_ESCAPES makes another character of, that is its bytes.
func literal(text string) string {
	if strings.Contains(text, `\`) {
		return fmt.Sprintf("_utf8mb4 X'%X'", text)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// Package sqlite is the engine for SQLite databases: files, and memory.
//
// It says how SQLite is opened, spelled and locked, and what its errors mean;
// it never decides what runs. One session is one connection of
// modernc.org/sqlite, which is never replaced by another.
//
// SQLite has no server that could hold a lock for us, so the native lock is
// an operating system's lock on a small file beside the database, which the
// kernel takes back whatever way the holder ends.
//
// Journal mode and foreign keys stay as SQLite itself has them (foreign keys
// off) unless the URL says otherwise.
//
// On Unix, a program that embeds this package must not reach the same file
// through another SQLite library (a cgo one, say) while it migrates, nor open
// and close the file by itself: the system drops all of a process's locks on
// a file as soon as the process closes any descriptor of it.
package sqlite

import (
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Engine returns the SQLite engine.
func Engine() *engine.Engine {
	return &engine.Engine{
		Name:    "sqlite",
		Title:   "SQLite",
		Schemes: []string{"sqlite", "sqlite3"},
		Lexis:   sqltext.SQLite,
		Dialect: dialect(),
		Caps:    engine.Caps{TransactionalDDL: true, SingleWriter: true, File: true},
		Native:  native(),

		Open:     open,
		Columns:  columns,
		Classify: classify,
		Grant:    func(engine.Server, bool) string { return "" },
		Fault:    fault,
		Witness:  witness(),
		Leak:     leak,
		Ties:     ties,
		Hasten:   hasten,
		Scratch:  scratch(),
		Fresh:    fresh(),
		Script:   script(),
		Backup:   backup(),
	}
}

// begin takes the file's write lock at once. A transaction that began as a
// reader and finds another writer before it cannot go on, however long it
// waits.
const begin = "BEGIN IMMEDIATE"

func dialect() engine.Dialect {
	return engine.Dialect{
		Quote:   quote,
		Literal: literal,
		Bind:    func(int) string { return "?" },
		Now:     "strftime('%Y-%m-%d %H:%M:%f','now')",
		UTC:     func(expr string) string { return "strftime('%Y-%m-%dT%H:%M:%fZ', " + expr + ")" },
		At:      func(bind string) string { return bind },
		Stored:  func(expr string) string { return expr },
		Line:    func(exprs ...string) string { return "concat_ws(char(31), " + strings.Join(exprs, ", ") + ")" },
		Lines:   func(expr string) string { return "group_concat(" + expr + ", char(30))" },
		Begin:   begin,
		Types: engine.Types{
			ID:        "INTEGER PRIMARY KEY AUTOINCREMENT",
			BigInt:    "BIGINT",
			Boolean:   "BOOLEAN",
			Timestamp: "DATETIME",
			Text:      "TEXT",
			Varchar:   func(n int) string { return "VARCHAR(" + strconv.Itoa(n) + ")" },
		},
	}
}

// literal spells a text, whatever is in it but NUL.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func quote(ident string) string { return `"` + strings.ReplaceAll(ident, `"`, `""`) + `"` }

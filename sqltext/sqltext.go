// Package sqltext cuts SQL text into statements.
//
// It knows how each product's own client or server reads text: quotes,
// comments, dollar quotes, compound bodies, DELIMITER lines and rows of
// COPY ... FROM stdin. It decides where a statement begins and ends, and
// which leading words it has; it never decides whether a statement is valid,
// and it never changes a byte of one. It knows nothing of migrations, files
// or databases.
package sqltext

import (
	"fmt"
	"io"
)

// Pos is a place in the scanned text.
type Pos struct {
	Offset int64 // bytes from the start of the input
	Line   int   // from 1
	Column int   // from 1, in characters
}

func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// A Statement is one executable piece of the input.
type Statement struct {
	// Text is the statement exactly as written, from its first token to its
	// last: comments and blanks around it and its terminator are left out,
	// everything inside it is kept to the byte.
	Text string

	// Start is where Text begins in the input, End the place behind its last
	// byte (before the terminator).
	Start, End Pos

	// Words are the leading tokens, at most MaxWords of them: bare words in
	// upper case, quoted identifiers and strings with their quotes as written,
	// punctuation as single characters. Comments are skipped, but the words
	// inside a MySQL version comment (/*!40101 SET ... */) count.
	Words []string

	// Copy holds the rows behind COPY ... FROM stdin, without the closing \.
	// line; nil for every other statement. It must be read before the next
	// call of Scanner.Next, which discards what is left. When the rows have
	// no such line, Read and Next return an *Error.
	Copy io.Reader

	// Filled is set where values stand in Text in the place of variables: then
	// Start and End are those of the text as written.
	Filled *Filled

	// Gap is the input between the piece before and Start: blanks, comments,
	// DELIMITER lines, skipped client commands, the \. line of a COPY before.
	Gap string

	// Tail is what stands between Text and Terminator, mostly nothing: blanks
	// and comments.
	Tail string

	// Terminator is what ended the statement: ";", "//", or "" at the end of
	// a section. Behind COPY ... FROM stdin it holds the rest of the line
	// too, since the rows begin on the next one.
	//
	// Gap, Text, Tail and Terminator of all statements, with the rows between
	// them, joined with the scanner's last Gap, are the input.
	Terminator string
}

// MaxWords is the number of leading tokens kept in Statement.Words.
const MaxWords = 24

// Lexis says how one product's SQL is read. For MySQL, BackslashEscapes and
// DoubleQuoteString are what sql_mode says before a file sets it: they may be
// cleared for a server with NO_BACKSLASH_ESCAPES or ANSI_QUOTES.
type Lexis struct {
	Name string

	DollarQuotes      bool // $tag$ ... $tag$ (PostgreSQL)
	EscapeStrings     bool // E'...' reads backslashes (PostgreSQL)
	BackslashEscapes  bool // '...' and "..." read backslashes (MySQL)
	DoubleQuoteString bool // "..." is a string unless sql_mode says ANSI_QUOTES (MySQL)
	Backticks         bool // `name` (MySQL, SQLite)
	Brackets          bool // [name] (SQLite)
	NestedComments    bool // /* /* */ */ (PostgreSQL)
	OpenComments      bool // the end of the input ends a /* comment too (SQLite)
	HashComments      bool // # to the end of the line (MySQL)
	DashNeedsSpace    bool // -- is a comment only before white space (MySQL)
	VersionComments   bool // /*! ... */ and /*M! ... */ are code (MySQL)
	Delimiter         bool // DELIMITER lines change the terminator (MySQL)
	CopyRows          bool // COPY ... FROM stdin is followed by its rows (PostgreSQL)
	MetaCommands      bool // a backslash belongs to psql wherever it stands (PostgreSQL); elsewhere only where a statement would begin: MySQL has \N
	BareReturn        bool // a carriage return alone ends a line comment as well (PostgreSQL)

	AtomicBodies  bool // BEGIN ATOMIC ... END in routines (PostgreSQL)
	TriggerBodies bool // BEGIN ... END in CREATE TRIGGER (SQLite)
	RoutineBodies bool // BEGIN, IF, CASE, LOOP ... END in routines, triggers and events (MySQL)
	RuleActions   bool // CREATE RULE ... DO (a; b) (PostgreSQL)
}

// The lexes of the products that have an engine.
var (
	PostgreSQL = Lexis{
		Name: "PostgreSQL", DollarQuotes: true, EscapeStrings: true, NestedComments: true,
		CopyRows: true, MetaCommands: true, BareReturn: true, AtomicBodies: true, RuleActions: true,
	}
	MySQL = Lexis{
		Name: "MySQL", BackslashEscapes: true, DoubleQuoteString: true, Backticks: true, HashComments: true,
		DashNeedsSpace: true, VersionComments: true, Delimiter: true, RoutineBodies: true,
	}
	SQLite = Lexis{Name: "SQLite", Backticks: true, Brackets: true, OpenComments: true, TriggerBodies: true}
)

// An Error is a place where the text cannot be cut: an unfinished quote, a
// client command that no server knows, a NUL byte.
type Error struct {
	Pos Pos    // where the trouble begins
	Msg string // in lower case, without the place
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Pos, e.Msg) }

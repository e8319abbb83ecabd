package engine

// Fault is a driver's error, read.
type Fault struct {
	Kind FaultKind

	Code    string // the server's: SQLSTATE, MySQL's number, SQLite's name
	Message string // the server's words, without a secret
	Detail  string
	Hint    string
	Context string // PostgreSQL's CONTEXT

	// Position is the place in the statement, in characters from 1, 0 where
	// the server does not say. Near is the text it quotes instead.
	Position int
	Near     string

	// Names are names and values that the server names where it gives no
	// place, the most telling first: what stands in the statement once is the
	// place.
	Names [2]string

	// Inner is the statement inside a function or block that failed, and
	// InnerPosition the place in that.
	Inner         string
	InnerPosition int

	// Row is the row of COPY's data that the server refuses, from 1.
	Row int

	// Refused says that the server refused to read the statement: nothing of
	// it was begun.
	Refused bool

	// WaitedOut says of a Busy fault that a wait for a lock ran into its limit,
	// and that waiting again may help: not so a deadlock, whose victim was
	// chosen.
	WaitedOut bool

	Column string // of a NotNull fault
	Table  string // where the server says
}

// FaultKind is what an error means to us.
type FaultKind int

const (
	Unknown        FaultKind = iota
	Lost                     // the session is gone
	Busy                     // a lock wait ran into its limit; trying again may help
	Denied                   // a right is missing
	Missing                  // no such table, view or column
	NotNull                  // NULL into a NOT NULL column: how the fence raises
	Duplicate                // a unique key is taken, or an object exists
	Canceled                 // the statement was cancelled
	Unreachable              // no connection: host, port, or no TLS there
	Login                    // user or password refused
	NoSuchDatabase           // the server has no database of that name
	ReadOnly                 // server, transaction or file takes no writes
	Syntax                   // the server cannot read the statement
	Crowded                  // the server takes no more connections
	Full                     // the disk, a table or the memory is full
	Untrusted                // one side refuses the other's certificate, or to go on without one or without TLS
)

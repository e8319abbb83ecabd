package engine

// Dialect is how a product spells the few things that our own SQL needs.
type Dialect struct {
	Quote   func(ident string) string // an identifier
	Literal func(text string) string  // a text without NUL, read alike whatever the session has set
	Bind    func(n int) string        // the n-th value, from 1
	Now     string                    // the server's clock, in the timestamp type, UTC where that type has no zone

	// UTC turns a timestamp expression into text, 2026-11-23T14:02:11.123456Z.
	UTC func(expr string) string

	// At makes a value of the timestamp type of one that is bound as text,
	// "2026-11-23 14:02:11.123456" in UTC.
	At func(bind string) string

	// Stored makes, of a time that another program stored by the clock of its
	// session, an expression that UTC reads.
	Stored func(expr string) string

	// Line makes one text of several expressions, with U+001F between them; none
	// may be NULL. Many columns of many rows cost a driver more than one.
	Line func(exprs ...string) string

	// Lines is an aggregate: the texts of all rows with U+001E between them, in any
	// order, whatever their length; nil where the product has none.
	Lines func(expr string) string

	Begin     string // how our transactions begin
	ForUpdate string // " FOR UPDATE", or "" where a writer is alone anyway

	// Restore is run inside a transaction before our own statements, so that
	// what the file changed of the session (PostgreSQL: its role) does not
	// decide whether they may run. It holds to the end of the transaction:
	// the file goes on with what it had set. "" for nothing.
	Restore string

	// Elapsed spells a value in milliseconds that is NULL where the statements
	// before it had not run yet when it was sent: then it is the time since
	// the transaction began. nil where values are always sent behind them.
	Elapsed func(bind string) string

	Types       Types
	TableSuffix string // what follows the closing bracket of CREATE TABLE
}

// Types are the column types of our own tables.
type Types struct {
	ID        string // a rising number that the server gives, as primary key
	BigInt    string
	Boolean   string
	Timestamp string // with microseconds
	Text      string // of any length
	Varchar   func(n int) string
}

// Qualify spells a table with its schema.
func (d Dialect) Qualify(schema, table string) string {
	if schema == "" {
		return d.Quote(table)
	}
	return d.Quote(schema) + "." + d.Quote(table)
}

package engine

import (
	"database/sql/driver"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Call is a statement that a migration in Go runs, with its values.
type Call struct {
	Statement sqltext.Statement
	Values    []any // as driver.Value has them, in the place of the product's placeholders
	Rows      bool  // its rows are asked for; else they are dropped
}

// A Reply is what the server said to a Call.
type Reply struct {
	Columns []string
	Rows    [][]driver.Value // all of them

	Changed int64 // rows, where none were asked for
	LastID  int64 // the number that the last new row got
	HasID   bool  // the product has such numbers
}

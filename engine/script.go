package engine

import (
	"context"
	"io"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Script spells the parts of a script that a person runs with the product's
// own client, which does what a run of ours would do.
type Script struct {
	Client string // "psql"
	Usage  string // how it is called, without a secret

	Head []string // the lines that make the client stop at the first error

	// Settings are the lines that make the client's session what s is. s is nil
	// where there is no database yet.
	Settings func(ctx context.Context, s Session, l Limits) ([]string, error)

	// Undo are the lines that take back, before Settings, what a migration did
	// to the session; nil where a script cannot do that.
	Undo []string

	// Guard are the lines that end the script with message unless condition
	// holds.
	Guard func(v Server, condition, message string) []string

	// Columns is an expression for how many columns a table has, 0 where it is
	// not there.
	Columns func(schema, table string) string

	// Take is the condition that takes the native lock, "" where a client
	// cannot, and Free the statement that gives it back.
	Take func(k Key) string
	Free func(k Key) string

	// Session is an expression for the client's Session.ID; "" where it has
	// none that tells anything.
	Session string

	// Query spells one of our queries with its values. A Late value is NULL.
	Query func(q Query) (string, error)

	// Statement writes a statement of the user's so that the client reads it
	// as one, and sends it as it is.
	Statement func(w io.Writer, st sqltext.Statement) error
}

// Terminated is a statement's text with a semicolon that ends it, whatever
// comment its last line ends with.
func Terminated(text string) string {
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if strings.Contains(last, "--") || strings.Contains(last, "#") {
		return text + "\n;\n"
	}
	return text + ";\n"
}

// Timeless is a query's values, late ones without a value: where nobody is
// there to ask for them.
func (q Query) Timeless() []any {
	args := make([]any, len(q.Args))
	for i, a := range q.Args {
		if _, late := a.(Late); !late {
			args[i] = a
		}
	}
	return args
}

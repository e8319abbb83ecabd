// Package desired runs the definitions of a desired schema on an empty
// database.
//
// Definitions are written as one writes a schema by hand, in the engine's own
// SQL and in any order: a view before its table, a table before the one it
// refers to. The server decides what they mean; this package only decides what
// is a definition at all, and goes on until everything is made or nothing
// more can be. It reads no catalogue, and it never says how a schema is to be
// reached.
package desired

import (
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Model is a text of definitions.
type Model struct {
	Name string // the file, or what else made the text
	Text string

	// From tells what the text was made from, where it does not stand in a
	// file as it is: "type User". Name then is the place of that.
	From string
}

// Made is a definition that was run.
type Made struct {
	Model     *Model
	Statement sqltext.Statement
}

// An Error is a place in a model that is not a definition, or that the server
// does not take.
type Error struct {
	Model     *Model
	Pos       sqltext.Pos // of the trouble; zero where it is the whole model's
	Statement sqltext.Statement
	Msg       string // what is wrong, in our words or in the server's

	Hint    string       // what to do, where the message does not say it
	Fault   engine.Fault // what the server said; zero where it was not asked
	Err     error        // that, as it came
	Waiting int          // how many more statements could not be run: they may need this one
}

func (e *Error) Error() string {
	at := e.Model.Name
	switch {
	case e.Model.From != "":
		at += " (" + e.Model.From + ")"
	case e.Pos.Line > 0:
		at += ":" + e.Pos.String()
	}
	return fmt.Sprintf("%s: %s", at, e.Msg)
}

func (e *Error) Unwrap() error { return e.Err }

// Schemas are those that the models make besides the current one.
func Schemas(made []Made) []string {
	var names []string
	for _, m := range made {
		if w := m.Statement.Words; len(w) > 2 && w[0] == "CREATE" && w[1] == "SCHEMA" {
			if name := created(m.Statement); name != "AUTHORIZATION" {
				names = append(names, name)
			}
		}
	}
	return names
}

// Package check reads migrations before they run and names what is dangerous
// in them: long locks, lost data, what breaks the running application, and
// ways back that are none.
//
// It decides by what the statements say, as package ddl reads them, by what
// the folder's earlier migrations made, and by the size of the tables where a
// database told it. It runs nothing and changes nothing. What is true of one
// product alone stands in the folder of its engine, in a Product.
package check

import (
	"context"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
)

// Severity says how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // it hurts a database that is in use, or loses data
	Warning Severity = "warning" // it may
	Info    Severity = "info"    // it is worth knowing
	Off     Severity = "off"     // the rule does not look
)

// Severities are all of them, in that order.
func Severities() []string {
	return []string{string(Error), string(Warning), string(Info), string(Off)}
}

// Rank orders severities: a worse one has a higher rank.
func (s Severity) Rank() int {
	switch s {
	case Error:
		return 3
	case Warning:
		return 2
	case Info:
		return 1
	}
	return 0
}

// A Rule is one kind of danger.
type Rule struct {
	ID       string // stable
	Severity Severity
	Title    string // what it finds, in one line
	Why      string // why that is a danger
	Sized    bool   // how bad it is depends on the size of the table
}

// A Product is what a database product adds to the rules of all.
type Product struct {
	Dialect ddl.Dialect

	// Rules are those that the product has besides the common ones.
	Rules func() []Rule

	// Look judges one statement.
	Look func(c *Context)

	// Effect is what the statement does to the objects that it names, as far
	// as the common rules ask; nil: nothing is known.
	Effect func(c *Context) Effect

	// Reserved says that a bare name is a word which the product keeps for
	// itself; LongestName is how many bytes a name may have.
	Reserved    func(name string) bool
	LongestName int

	// IndexesForeignKeys: a foreign key gets an index by itself.
	IndexesForeignKeys bool

	// Oldest is the version that is taken where nobody tells which it is, and
	// Number reads one as a person writes it: "15", "10.11".
	Oldest func() engine.Server
	Number func(text string) (engine.Server, error)

	// Sizes asks a database for the size of tables; a table that is not there
	// is left out.
	Sizes func(ctx context.Context, s engine.Session, tables []ddl.Name) (map[string]Size, error)
}

// Size is how large a table is, about.
type Size struct {
	Rows  int64 // -1: unknown
	Bytes int64 // -1: unknown
}

// Effect is what a statement does to a table while it runs.
type Effect struct {
	Lock    string // the strongest lock, as the product names it; "" where nothing is claimed
	Rewrite bool   // the whole table is written anew
	Scan    bool   // the whole table is read under that lock
}

// A Finding is one danger at one place.
type Finding struct {
	Rule     *Rule
	Severity Severity
	File     string
	Line     int
	Column   int    // in characters
	Section  string // "upgrade" or "rollback"; "" for the file
	Number   int    // of the statement in its section, from 1; 0 for the file
	Message  string // what happens, with the statement's own names
	Safer    string // SQL, or "" where there is none
	Table    string // the table at stake
	Effect   Effect
	Size     *Size // nil where nobody was asked

	key string // of the table, for its size
}

// Report is what was found.
type Report struct {
	Findings []Finding // in the order of files and places
	Ignored  []Ignored
	Unjudged int      // statements, and expressions, that were not understood
	Checked  []string // the files that were looked at
}

// Ignored is a finding that the file says is known.
type Ignored struct {
	Finding
	Reason string
}

// Worst is the worst severity of the findings, Off for none.
func (r *Report) Worst() Severity {
	worst := Off
	for _, f := range r.Findings {
		if f.Severity.Rank() > worst.Rank() {
			worst = f.Severity
		}
	}
	return worst
}

// Counts are the findings of each severity.
func (r *Report) Counts() map[Severity]int {
	n := map[Severity]int{Error: 0, Warning: 0, Info: 0}
	for _, f := range r.Findings {
		n[f.Severity]++
	}
	return n
}

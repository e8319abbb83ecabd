package check

import (
	"cmp"
	"slices"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Context is one statement, and what stood before it.
type Context struct {
	Stmt      *ddl.Statement
	SQL       sqltext.Statement
	Number    int // of the statement, from 1
	Schema    *Schema
	Server    engine.Server
	Migration *migration.Migration
	Group     plan.Group // how the statement runs
	Held      *Held      // what its transaction holds already; nil outside of one

	run     *run
	ignores []*ignore
}

// Held is what the statements of a transaction have locked so far.
type Held struct {
	Tables []HeldTable
	Slow   int // the first statement, from 1, that takes its time; 0: none
}

// HeldTable is a table that stays locked to the end of the transaction.
type HeldTable struct {
	Table  ddl.Name
	Mode   string
	Number int // of the statement that locked it
}

// Version is the server's, as its product counts.
func (c *Context) Version() int { return c.Server.Number }

// Fresh says that a table was made in what is checked, so that nobody uses
// it and its size is nothing.
func (c *Context) Fresh(n ddl.Name) bool {
	t := c.Schema.Table(n)
	return t != nil && t.Fresh
}

// Rebuilt says that a table which goes here is there again behind this
// statement: one that has got its rows is renamed to it.
func (c *Context) Rebuilt(n ddl.Name) bool {
	filled := map[string]bool{}
	for i, s := range c.run.ahead {
		d := s.ddl
		if !d.Understood {
			continue
		}
		if d.Verb == ddl.Insert && d.Query {
			filled[d.Names[0].Name] = true
		}
		if i < c.Number {
			continue
		}
		for k := range d.Actions {
			a := &d.Actions[k]
			from := a.Name
			if d.Verb == ddl.Alter && d.Object == "TABLE" {
				from = d.Names[0]
			}
			if a.Kind == ddl.RenameTable && a.To.Name == n.Name && filled[from.Name] {
				return true
			}
		}
	}
	return false
}

// Behind calls each for the statements of the section behind this one.
func (c *Context) Behind(each func(number int, s *ddl.Statement, text string)) {
	for i, s := range c.run.ahead[c.Number:] {
		each(c.Number+i+1, s.ddl, s.sql.Text)
	}
}

// Before calls each for the statements of the section above this one.
func (c *Context) Before(each func(*ddl.Statement)) {
	for _, s := range c.run.ahead[:c.Number-1] {
		each(s.ddl)
	}
}

// Known is the table as far as it is known; never nil.
func (c *Context) Known(n ddl.Name) *Table {
	if t := c.Schema.Table(n); t != nil {
		return t
	}
	return &Table{Name: n}
}

// Report tells of a finding at a place of the statement's text, in bytes.
func (c *Context) Report(rule string, at int, f Finding) {
	pos := c.SQL.Start
	if at > 0 && at <= len(c.SQL.Text) {
		pos = c.SQL.Offset(at)
	}
	f.File, f.Line, f.Column = c.Migration.File, pos.Line, pos.Column
	f.Section, f.Number = string(migration.Up), c.Number
	c.run.report(rule, f, c.ignores)
}

// Unsure says that something could not be judged.
func (c *Context) Unsure(at int, what string) {
	c.Report(notUnderstood, at, Finding{Message: what})
}

// About names the table that the finding is about, so that its size counts.
func (f Finding) About(n ddl.Name) Finding {
	f.Table, f.key = n.Text, n.Key()
	return f
}

func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(b.Severity.Rank(), a.Severity.Rank()))
	})
}

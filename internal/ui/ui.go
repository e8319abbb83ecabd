// Package ui is a page to look at: it serves, on loopback, what others have
// read of databases. It decides how a reading becomes a page, how long a page
// waits for one, how many are under way at once, and who may ask.
//
// It changes nothing and knows no database: whoever starts it gives it
// functions that look, and words. Every page is whole without a script; a
// small one only keeps it fresh.
package ui

import (
	"context"
	"io"
	"time"
)

// Database is one database that is shown. Its functions only look, end with
// their context, and return errors that are fit to be shown; a *Trouble says
// what to do as well. All texts are without secrets.
type Database struct {
	Name   string // unique among those that are shown, and in its pages' address
	Label  string // where it is
	Server string // those with the same one share its few connections

	Lock     func(context.Context) (Lock, error)
	Status   func(context.Context) (Status, error)
	History  func(context.Context) ([]Revision, error)
	Attempts func(context.Context) ([]Attempt, error)
	Pending  func(context.Context) (Pending, error)
	Diagram  func(context.Context) (Diagram, error) // nil: its schema cannot be read

	// Text opens the text of a migration's file, by the name that Pending gave it.
	Text func(file string) (io.ReadCloser, error)
}

// Trouble is an error with what comes next.
type Trouble struct {
	Message string
	Next    []Phrase
}

func (t *Trouble) Error() string { return t.Message }

// Phrase is a sentence in which commands stand.
type Phrase []Part

// Part is a piece of one: words, or a command to type.
type Part struct {
	Text    string
	Command bool
}

// Tone is how grave something is. A page never says it by colour alone.
type Tone string

const (
	Plain Tone = ""
	Good  Tone = "good"
	Busy  Tone = "busy" // somebody is at it, or has to be
	Bad   Tone = "bad"  // somebody has to look
)

// Lock is the migration lock, in words.
type Lock struct {
	Active   bool
	Verdict  string // alive, gone and so on, of an active one
	Known    string // the verdict with how it is known
	Tone     Tone
	Holder   string
	Since    time.Time // zero: not known
	Facts    []Fact    // the rest
	Progress *Progress // nil: nothing is known of what it is at
	Notes    []string  // what else there is to know, also of a free one
	Next     []Phrase  // what to do
}

// Fact is one thing that is known.
type Fact struct{ Name, Text string }

// Progress is how far a run is in a migration.
type Progress struct {
	File       string
	Direction  string
	Statement  int // that runs now, or ran last, from 1
	Statements int
	Over       bool // its holder has not said so lately
}

// Status is where a database stands against its folder.
type Status struct {
	Applied, Pending int
	Counts           []Count // what else there is, in words
	Migrations       []Standing
	Lock             string // INACTIVE; ACTIVE with its verdict; UNKNOWN
	LockTone         Tone
	Held             bool
	Notes            []string
}

// Count is how many migrations are in one state.
type Count struct {
	What string
	N    int
}

// Standing is one migration's place.
type Standing struct {
	Version, Description, File, State string
	Tone                              Tone
	AppliedAt                         time.Time // zero: it is not
	Detail                            string
	Difference                        string // of a changed one, in lines
}

// Settled says that there is nothing to do about it.
func (s Standing) Settled() bool { return s.Tone == Good || s.Tone == Plain }

// Revision is one row of the history.
type Revision struct {
	Order                        int
	Version, File, Description   string
	AppliedAt                    time.Time
	Kind, Took, By, Run, Program string
}

// Attempt is one line of the journal.
type Attempt struct {
	At                                                 time.Time
	What, Migration, Statements, Took, By, Run, Detail string
	Tone                                               Tone
}

// Pending is what the next run would do, and what check says of it.
type Pending struct {
	Server     string // as which it was judged
	Note       string // why the findings are not all, or not of this server
	Migrations []Migration
	Unjudged   int // statements that were not understood
	Ignored    int // findings that a comment in the file ignores
}

// Migration is a pending one.
type Migration struct {
	Version, Description, File, State string
	Tone                              Tone
	Size                              int64 // of its file, in bytes
	Findings                          []Finding
}

// Finding is what check says of a statement.
type Finding struct {
	Rule, Severity, Message, Why, Lock, Size, Safer string
	Tone                                            Tone
	Line                                            int // in the file, 0 for the whole
}

// Diagram is the schema as a picture.
type Diagram struct {
	SVG    string // well-formed, with no script
	Page   string // the same as a page of its own
	Tables []Table
}

// Table is one table or view of it, for those who see no picture.
type Table struct {
	Name, Kind string
	Columns    []string // with their types
	Refers     []string // what its foreign keys name
}

// Package migration reads migration files: their versions, headers,
// sections and checksums.
//
// A file holds one intent in plain SQL, the way there and the way back:
//
//	-- depends_on: ["0003"]
//
//	-- upgrade
//	CREATE TABLE users (id INTEGER PRIMARY KEY);
//
//	-- rollback
//	DROP TABLE users;
//
// The package decides which files are migrations and in what order they
// stand; it knows nothing of databases, and it never keeps the text of a
// file: statements are read again when they run, and must then be the ones
// that were read before.
package migration

import (
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Kind says when a migration runs.
type Kind string

// The kinds, spelled as the history keeps them.
const (
	Versioned    Kind = "versioned"      // once, in the order of its version
	RunsAlways   Kind = "runs_always"    // RA__name.sql: on every migrate
	RunsOnChange Kind = "runs_on_change" // ROC__name.sql: when its checksum changed
	InGo         Kind = "go"             // as Versioned, and functions of the program: see Go
)

// Once says that a migration has a version and runs once, in its order.
func (k Kind) Once() bool { return k == Versioned || k == InGo }

// Migration is one file, or functions of the program in the place of one.
type Migration struct {
	Version     Version // zero for repeatables
	Kind        Kind
	Description string // from the file name, with blanks for underscores
	File        string // base name; of one in Go what it is called, "0005_split_names.go"
	Header      Header

	Upgrade  Section
	Rollback Section // not Present: the migration is irreversible

	in   *folder
	code *code // of one in Go; nil: it is a file
}

// Name is what the migration is called in a list: its version, or its file
// where it has none.
func (m *Migration) Name() string {
	if m.Version.IsZero() {
		return m.File
	}
	return m.Version.String()
}

// Header is what stands above the first section.
type Header struct {
	DependsOn []Version // run after these, within a run
	Seed      bool      // run after all versioned ones

	// Replaces are the migrations that this squashed one stands for: a database
	// that has them all has its work, and one that has none runs it alone.
	Replaces []Replaced

	// TransactionOff: every statement runs by itself, outside transactions.
	TransactionOff bool

	// LockTimeout and StatementTimeout override the run's limits for this
	// file; nil keeps them, zero means none.
	LockTimeout, StatementTimeout *time.Duration

	// Vars: ${name} in the statements stands for a value.
	Vars bool

	// Env are the environments that the file is for; none for all.
	Env []string

	// Conditions are asked around the upgrade, in this order.
	Conditions []Condition

	// Check holds what the lines "-- check: ..." say, which speak to the
	// command check and to nobody else.
	Check []Note
}

// Note is the text of one line of a header.
type Note struct {
	Line int
	Text string
}

// Direction is one of a migration's two sections.
type Direction string

const (
	Up   Direction = "upgrade"
	Down Direction = "rollback"
)

// Section returns the section that goes in direction d.
func (m *Migration) Section(d Direction) *Section {
	if d == Down {
		return &m.Rollback
	}
	return &m.Upgrade
}

// Set is all migrations of one folder, checked and in order: versioned ones
// by version, then seeds by version, then repeatables by name.
type Set struct {
	Migrations []*Migration
	versions   Index[Migration]
	twice      []*Migration          // whose version is another's, too
	replacer   map[string]*Migration // by the version that is replaced; nil: none is
	env        string
}

// Within says in which environment the set is used, "" for one without a name.
func (s *Set) Within(env string) { s.env = env }

// Elsewhere says that a migration is for other environments than this one. One
// that names none is for all; where this one has no name, one that names some is
// for none that could be meant.
func (s *Set) Elsewhere(m *Migration) bool {
	return len(m.Header.Env) > 0 && !slices.ContainsFunc(m.Header.Env, func(env string) bool { return strings.EqualFold(env, s.env) })
}

// Find returns the migration of a version, nil where there is none.
func (s *Set) Find(v Version) *Migration { return s.versions.Find(v) }

// FindFile returns the repeatable migration of that file name.
func (s *Set) FindFile(name string) *Migration {
	for _, m := range s.Migrations {
		if m.Version.IsZero() && m.File == name {
			return m
		}
	}
	return nil
}

// folder is where the text of migrations is read from, and how it is cut.
type folder struct {
	fsys   fs.FS
	lexis  sqltext.Lexis
	values *Values // of the variables, for files that have some
}

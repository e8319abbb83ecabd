// Package ddl reads the statements that define a schema into typed facts: what
// is created, altered or dropped, with which columns, types and constraints.
//
// It is a recursive-descent reader over sqltext's tokens. It never guesses:
// where a statement goes beyond what it knows, Understood is false and
// StoppedAt says where, and what was read before is all that may be used. It
// knows the grammar of PostgreSQL, MySQL, MariaDB and SQLite as far as
// definitions are concerned, does not say whether a statement is valid, and
// judges nothing.
package ddl

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Dialect is how one product's definitions are read.
type Dialect struct {
	Lexis sqltext.Lexis

	// FoldLower: a bare name is its lower-case form and a quoted one is as
	// written (PostgreSQL). Without it no name minds the case.
	FoldLower bool

	// TableIndexes: an index has its name within its table (MySQL).
	TableIndexes bool

	// LooseTypes: a column's type is any words, or none (SQLite).
	LooseTypes bool
}

// PostgreSQL is how its definitions are read. The dialects are functions, so
// that no program pays for them when it starts.
func PostgreSQL() Dialect { return Dialect{Lexis: sqltext.PostgreSQL, FoldLower: true} }

// MySQL is how those of MySQL and MariaDB are read.
func MySQL() Dialect { return Dialect{Lexis: sqltext.MySQL, TableIndexes: true} }

// SQLite is how its definitions are read.
func SQLite() Dialect { return Dialect{Lexis: sqltext.SQLite, LooseTypes: true} }

// Name is the name of an object, perhaps with its schema.
type Name struct {
	Schema, Name string // folded as the product does; Schema "" where there is none
	Text         string // as written
	At           int    // in the statement's text, in bytes
	Quoted       bool
}

// IsZero says that there is no name.
func (n Name) IsZero() bool { return n.Name == "" }

// Key is the same text for every spelling of a name.
func (n Name) Key() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Expr is an expression or any other stretch of tokens.
type Expr struct {
	Text   string
	At     int
	Tokens []sqltext.Token
}

// Null says that the expression is the word NULL.
func (e *Expr) Null() bool { return e != nil && len(e.Tokens) == 1 && e.Tokens[0].Is("NULL") }

// Words are the bare words of an expression in lower case; call says whether
// a bracket follows.
func (e *Expr) Words(each func(word string, call bool)) {
	for i, t := range e.Tokens {
		if t.Bare {
			each(strings.ToLower(t.Text), i+1 < len(e.Tokens) && e.Tokens[i+1].Text == "(")
		}
	}
}

// Type is a column's type.
type Type struct {
	Name     string   // one spelling for all of a type's names: integer, varchar, timestamptz
	Args     []string // of varchar(20), numeric(10, 2); the labels of an ENUM, in their quotes
	Array    bool
	Unsigned bool
	Charset  string
	Text     string // as written
	At       int
}

// Column is a column as CREATE TABLE or ADD COLUMN has it.
type Column struct {
	Name       Name
	Type       Type
	NotNull    bool
	Default    *Expr
	PrimaryKey bool
	Unique     bool
	Check      *Expr
	References *Reference
	Generated  *Expr // AS (...)
	Stored     bool  // of a generated one: it says STORED or PERSISTENT
	Virtual    bool  // it says VIRTUAL
	Identity   bool  // GENERATED ... AS IDENTITY, AUTO_INCREMENT, AUTOINCREMENT
	OnUpdate   *Expr
	Placed     bool // FIRST or AFTER
	Collate    string
}

// Reference is where a foreign key leads.
type Reference struct {
	Table   Name
	Columns []Name
}

// ConstraintKind is what a constraint demands.
type ConstraintKind int

const (
	PrimaryKey ConstraintKind = iota + 1
	Unique
	Check
	ForeignKey
	Exclude
	NotNull
)

// Constraint is a constraint of a table.
type Constraint struct {
	Kind       ConstraintKind
	Name       Name // zero where the server chooses
	At         int
	Columns    []Name
	Expr       *Expr
	References *Reference
	UsingIndex Name
	NotValid   bool
	Unenforced bool
}

// IndexColumn is one key of an index.
type IndexColumn struct {
	Name Name  // zero for an expression
	Expr *Expr // the whole of it
}

// Index is an index of CREATE INDEX, or of a table in MySQL.
type Index struct {
	Name    Name // zero where the server chooses
	At      int
	Kind    string // "", "FULLTEXT", "SPATIAL"
	Unique  bool
	Columns []IndexColumn
	Where   *Expr
}

// Verb is what a statement does.
type Verb int

const (
	Other Verb = iota // whatever is not read
	Create
	Alter
	Drop
	Truncate
	Rename
	Insert
	Update
	Delete
	Vacuum
	Reindex
	Cluster
	Refresh
	Lock
	Set
	Comment
	Transaction // BEGIN, COMMIT, ROLLBACK and the like
	Harmless    // read, and of no interest: SELECT, GRANT, ANALYZE
)

// Statement is what was read of one statement.
type Statement struct {
	Verb   Verb
	Object string // "TABLE", "INDEX", "MATERIALIZED VIEW", "TYPE"
	Names  []Name // of the objects
	On     Name   // the table of an index or a trigger
	At     int    // of what the statement is about, in its text

	Understood bool
	StoppedAt  int // in the text, where it was not understood

	IfExists, IfNotExists, OrReplace bool
	Concurrently                     bool
	Cascade                          bool
	Temporary, Unlogged              bool
	Only                             bool

	// CREATE TABLE
	Columns     []Column
	Constraints []Constraint
	Indexes     []Index // of MySQL's CREATE TABLE; the one of CREATE INDEX
	Query       bool    // AS SELECT, or INSERT ... SELECT
	Parent      Name    // PARTITION OF
	Partitioned bool
	Options     map[string]string // ENGINE, CHARSET, ALGORITHM, LOCK, in upper case
	Labels      []string          // of CREATE TYPE ... AS ENUM, in their quotes
	Strict      bool

	Actions []Action // ALTER, and MySQL's RENAME TABLE

	Where   bool   // UPDATE, DELETE
	Setting string // SET name, in lower case
	Value   string // SET ... = value, without its quotes
	Full    bool   // VACUUM FULL
	Mode    string // LOCK ... IN x MODE
	NoData  bool   // REFRESH ... WITH NO DATA
}

// ActionKind is one thing that ALTER does.
type ActionKind int

const (
	OtherAction ActionKind = iota // read, and of no interest
	AddColumn
	DropColumn
	AlterType
	SetNotNull
	DropNotNull
	SetDefault
	DropDefault
	SetExpression
	DropExpression
	AddIdentity
	AddConstraint
	DropConstraint
	ValidateConstraint
	RenameTable
	RenameColumn
	RenameOther // of a constraint or an index
	SetSchema
	SetTablespace
	SetLogged
	SetUnlogged
	SetAccessMethod
	AttachPartition
	DetachPartition
	DisableTrigger
	ModifyColumn // MySQL: MODIFY, and CHANGE with Name the old one
	AddIndex
	DropIndex
	DropPrimaryKey
	DropForeignKey
	ConvertCharset
	TableOption // MySQL: ENGINE, ROW_FORMAT and the like, in Option
	OrderBy
	Force
	PartitionChange
	AddValue    // ALTER TYPE
	RenameValue // ALTER TYPE
	AddAttribute
	SystemVersioning
)

// Action is one thing that ALTER does.
type Action struct {
	Kind         ActionKind
	At           int
	Text         string // as written
	Name         Name   // the column, constraint, index or partition
	To           Name   // of a rename
	Type         Type
	Using        *Expr
	Default      *Expr
	Column       *Column
	Constraint   *Constraint
	Index        *Index
	Option       string // TableOption's name; "how" of MySQL's ALGORITHM and LOCK, which change nothing
	Value        string
	Concurrently bool
	Cascade      bool
	IfExists     bool
	IfNotExists  bool
	Placed       bool // of a new value: BEFORE or AFTER another one
}

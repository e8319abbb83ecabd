// Package schema says what a database looks like, and how two of them differ.
//
// An engine's inspector fills a State from the server's catalogue. Spellings
// (types, defaults, expressions, bodies) are the server's own, never ours:
// when both sides of a comparison are read from a server of the same product,
// that is the canonical form, and Diff needs to know no SQL. The package reads
// nothing itself and knows no product.
//
// The fields of its types are at the same time the documented JSON, and what
// Diff compares. A tag says where the two part:
//
//	diff:"-"      not compared: told by other fields, or not a part of the schema
//	diff:"text"   compared but for the blanks between words
//	diff:"order"  things with names whose order means something too
package schema

// State is what an inspector found in one database. Lists are ordered by
// schema and name.
type State struct {
	Engine   string `json:"engine" diff:"-"`   // "sqlite", "postgres", "mysql", "mariadb"
	Version  string `json:"version" diff:"-"`  // the server's
	Database string `json:"database" diff:"-"` // name or file

	// Home is the schema whose names stand alone in the spellings: the
	// inspected one, "" where several were.
	Home string `json:"home,omitempty" diff:"-"`

	Schemas    []Namespace `json:"schemas,omitempty"`
	Extensions []Extension `json:"extensions,omitempty"`
	Types      []Type      `json:"types,omitempty"`
	Sequences  []Sequence  `json:"sequences,omitempty"`
	Routines   []Routine   `json:"routines,omitempty"`
	Tables     []Table     `json:"tables"`
	Views      []View      `json:"views,omitempty"`
	Events     []Event     `json:"events,omitempty"`

	// Depends is which object needs which other one, as far as the engine
	// knows and Statements cannot see otherwise.
	Depends []Dependency `json:"-" diff:"-"`
}

// Dependency says that one object cannot be made before another one.
type Dependency struct{ Object, Needs ID }

// Options narrow an inspection.
type Options struct {
	Schemas []string // default: the schema the connection works in
	Tables  []string // default: all; plain names of tables and views; nothing but these is read then
	Own     []string // names of dbwarden's own tables, marked in the result
}

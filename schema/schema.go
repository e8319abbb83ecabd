// Package schema says what a database looks like: the tables, columns,
// indexes and keys that an engine's inspector found in the catalogue.
//
// Spellings (types, defaults, expressions) are the server's own, never ours:
// they are the canonical form. The package reads nothing itself.
package schema

// State is what an inspector found in one database.
type State struct {
	Engine   string  `json:"engine"`   // "sqlite", "postgres", "mysql", "mariadb"
	Version  string  `json:"version"`  // the server's
	Database string  `json:"database"` // name or file
	Tables   []Table `json:"tables"`   // ordered by schema and name
}

// Options narrow an inspection.
type Options struct {
	Schemas []string // default: the schema the connection works in
	Tables  []string // default: all; plain names
	Own     []string // names of dbwarden's own tables, marked in the result
}

// Table is one ordinary or partitioned table.
type Table struct {
	Schema      string       `json:"schema,omitempty"` // "" on SQLite's main database
	Name        string       `json:"name"`
	Kind        string       `json:"kind,omitempty"` // "" for an ordinary one, "virtual" (SQLite)
	Comment     string       `json:"comment,omitempty"`
	Own         bool         `json:"own,omitempty"` // dbwarden's own bookkeeping
	Columns     []Column     `json:"columns"`       // in their order in the table
	PrimaryKey  *Key         `json:"primary_key,omitempty"`
	Indexes     []Index      `json:"indexes"` // without the primary key's; ordered by name
	ForeignKeys []ForeignKey `json:"foreign_keys"`
	Checks      []Check      `json:"checks"`
	Definition  string       `json:"definition,omitempty"` // the server's own statement, where it has one
}

// Column is one column as the catalogue spells it.
type Column struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	Nullable  bool    `json:"nullable"`
	Default   *string `json:"default,omitempty"`   // an expression in SQL
	Generated string  `json:"generated,omitempty"` // expression of a generated column
	Stored    bool    `json:"stored,omitempty"`    // a generated value is kept in the table, not worked out when read
	Identity  string  `json:"identity,omitempty"`  // "always", "by default", "auto_increment", "autoincrement"
	Collation string  `json:"collation,omitempty"` // where it differs from the type's or table's
	Comment   string  `json:"comment,omitempty"`
}

// Key is an ordered list of columns with the constraint's name.
type Key struct {
	Name    string   `json:"name,omitempty"`
	Columns []string `json:"columns"`
}

// Index is an index or a unique constraint.
type Index struct {
	Name       string   `json:"name"`
	Unique     bool     `json:"unique"`
	Method     string   `json:"method,omitempty"`     // btree, gin, fulltext; "" for the engine's usual one
	Parts      []string `json:"parts"`                // columns or expressions, with direction where not ascending
	Include    []string `json:"include,omitempty"`    // columns that are stored along (PostgreSQL)
	Where      string   `json:"where,omitempty"`      // of a partial index
	Definition string   `json:"definition,omitempty"` // the server's own statement, where it has one
}

// ForeignKey is a reference to another table.
type ForeignKey struct {
	Name       string   `json:"name,omitempty"`
	Columns    []string `json:"columns"`
	RefSchema  string   `json:"ref_schema,omitempty"` // where it is not the table's own
	RefTable   string   `json:"ref_table"`
	RefColumns []string `json:"ref_columns"`
	OnDelete   string   `json:"on_delete,omitempty"` // "" for NO ACTION
	OnUpdate   string   `json:"on_update,omitempty"`

	// Definition is the server's own clause, where it has one: it also tells
	// what is not named above (DEFERRABLE, MATCH FULL, NOT VALID).
	Definition string `json:"definition,omitempty"`
}

// Check is a check constraint.
type Check struct {
	Name       string `json:"name,omitempty"`
	Expression string `json:"expression"`
	Definition string `json:"definition,omitempty"` // the server's own clause, where it has one (NOT VALID, NO INHERIT)
}

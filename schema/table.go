package schema

// Table is one ordinary, partitioned, foreign or virtual table.
type Table struct {
	Schema  string   `json:"schema,omitempty" diff:"-"` // "" on SQLite's main database
	Name    string   `json:"name"`
	Kind    string   `json:"kind,omitempty"` // "" for an ordinary one, "virtual", "partitioned", "unlogged", "system versioned"
	Options []string `json:"options,omitempty"`
	Comment string   `json:"comment,omitempty"`
	Own     bool     `json:"own,omitempty" diff:"-"` // dbwarden's own bookkeeping

	Columns     []Column     `json:"columns" diff:"order"` // in their order in the table
	PrimaryKey  *Key         `json:"primary_key,omitempty"`
	Indexes     []Index      `json:"indexes"`      // without the primary key's; unique and exclusion constraints too
	ForeignKeys []ForeignKey `json:"foreign_keys"` //
	Checks      []Check      `json:"checks"`

	Inherits    []string    `json:"inherits,omitempty"` // tables whose columns it has (PostgreSQL)
	Partitions  *Partitions `json:"partitions,omitempty"`
	PartitionOf *Partition  `json:"partition_of,omitempty"`

	RowSecurity string    `json:"row_security,omitempty"` // "enabled", "forced"
	Policies    []Policy  `json:"policies,omitempty"`
	Triggers    []Trigger `json:"triggers,omitempty"`
	Rules       []Rule    `json:"rules,omitempty"`
	Grants      []Grant   `json:"grants,omitempty"`

	Definition string `json:"definition,omitempty" diff:"-"` // the server's own statement, where it has one
}

// Column is one column as the catalogue spells it.
type Column struct {
	Name            string   `json:"name"`
	Type            string   `json:"type"`
	Nullable        bool     `json:"nullable"`
	Default         *string  `json:"default,omitempty"`          // an expression in SQL
	OnUpdate        string   `json:"on_update,omitempty"`        // what an update of the row puts here (MySQL)
	Generated       string   `json:"generated,omitempty"`        // expression of a generated column
	Stored          bool     `json:"stored,omitempty"`           // a generated value is kept in the table, not worked out when read
	Identity        string   `json:"identity,omitempty"`         // "always", "by default", "auto_increment", "autoincrement"
	IdentityOptions string   `json:"identity_options,omitempty"` // of its sequence, where they are not the usual ones
	Collation       string   `json:"collation,omitempty"`        // where it differs from the type's or table's
	Options         []string `json:"options,omitempty"`          // invisible, storage, compression
	Inherited       bool     `json:"inherited,omitempty"`        // from a table that Inherits names
	Comment         string   `json:"comment,omitempty"`
	Grants          []Grant  `json:"grants,omitempty"`
}

// Key is a primary key: an ordered list of columns with the constraint's name.
type Key struct {
	Name       string   `json:"name,omitempty"`
	Columns    []string `json:"columns"`
	Include    []string `json:"include,omitempty"`
	Deferrable string   `json:"deferrable,omitempty"` // "deferrable", "initially deferred"
	Comment    string   `json:"comment,omitempty"`
	Definition string   `json:"definition,omitempty" diff:"-"`
}

// Index is an index, or a constraint that has one.
type Index struct {
	Name       string   `json:"name"` // "" for a constraint without one (SQLite)
	Unique     bool     `json:"unique"`
	Constraint string   `json:"constraint,omitempty"` // "unique", "exclusion"; "" for an index alone
	Method     string   `json:"method,omitempty"`     // gin, fulltext; "" for the engine's usual one
	Parts      []string `json:"parts"`                // columns or expressions, with direction where not ascending
	Include    []string `json:"include,omitempty"`    // columns that are stored along (PostgreSQL)
	Where      string   `json:"where,omitempty"`      // of a partial index
	Options    []string `json:"options,omitempty"`    // nulls not distinct, invisible, storage parameters
	Deferrable string   `json:"deferrable,omitempty"`
	Invalid    bool     `json:"invalid,omitempty"` // a concurrent build that failed left it
	Comment    string   `json:"comment,omitempty"`
	Definition string   `json:"definition,omitempty" diff:"-"` // the server's own statement or clause, where it has one
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
	Match      string   `json:"match,omitempty"`      // "full"
	Deferrable string   `json:"deferrable,omitempty"` // "deferrable", "initially deferred"
	NotValid   bool     `json:"not_valid,omitempty"`  // rows that were there before are not checked
	Inherited  bool     `json:"inherited,omitempty"`  // comes with the partitioned table's own
	Comment    string   `json:"comment,omitempty"`
	Definition string   `json:"definition,omitempty" diff:"-"` // the server's own clause, where it has one
}

// Check is a check constraint.
type Check struct {
	Name       string `json:"name,omitempty"`
	Column     string `json:"column,omitempty"` // where the server tells a column's check from a table's
	Expression string `json:"expression"`
	NoInherit  bool   `json:"no_inherit,omitempty"`
	NotValid   bool   `json:"not_valid,omitempty"`
	Inherited  bool   `json:"inherited,omitempty"` // from a table that Inherits names
	Comment    string `json:"comment,omitempty"`
	Definition string `json:"definition,omitempty" diff:"-"` // the server's own clause, where it has one
}

// Partitions say how a table is cut: "RANGE (at)", and where the partitions
// have no life of their own (MySQL), their clauses.
type Partitions struct {
	By   string   `json:"by"`
	List []string `json:"list,omitempty"`
}

// Partition says of which table this one is a part.
type Partition struct {
	Table string `json:"table"`
	Bound string `json:"bound"` // "FOR VALUES FROM (0) TO (10)", "DEFAULT"
}

// Policy is a row-level-security policy.
type Policy struct {
	Name       string   `json:"name"`
	Command    string   `json:"command"` // ALL, SELECT, INSERT, UPDATE, DELETE
	Permissive bool     `json:"permissive"`
	Roles      []string `json:"roles,omitempty"` // none: everybody
	Using      string   `json:"using,omitempty"`
	WithCheck  string   `json:"with_check,omitempty"`
	Comment    string   `json:"comment,omitempty"`
}

// Trigger fires on a table or view.
type Trigger struct {
	Name  string `json:"name"`
	State string `json:"state,omitempty"` // "disabled", "replica", "always"; "" fires as usual

	// AheadOf is the trigger of the same event that fires right behind this one,
	// where that depends on which was made last (SQLite).
	AheadOf string `json:"ahead_of,omitempty"`

	Comment    string `json:"comment,omitempty"`
	Definition string `json:"definition" diff:"text"` // the whole CREATE TRIGGER
}

// Rule rewrites statements on a table or view (PostgreSQL).
type Rule struct {
	Name       string `json:"name"`
	Definition string `json:"definition" diff:"text"`
}

// Grant is what somebody may do with an object besides its owner.
type Grant struct {
	To         string   `json:"to"` // a role, or PUBLIC
	Privileges []string `json:"privileges"`
	Grantable  bool     `json:"grantable,omitempty"`
	Revoked    bool     `json:"revoked,omitempty"` // everybody has it by default, and here not
}

package schema

// Namespace is a schema within a database.
type Namespace struct {
	Name    string  `json:"name" diff:"-"`
	Comment string  `json:"comment,omitempty"`
	Grants  []Grant `json:"grants,omitempty"`
}

// Extension is one that is installed.
type Extension struct {
	Name    string `json:"name"`
	Schema  string `json:"schema,omitempty"` // where its objects live
	Version string `json:"version,omitempty" diff:"-"`
}

// Type is a type that somebody made.
type Type struct {
	Schema  string `json:"schema,omitempty" diff:"-"`
	Name    string `json:"name"`
	Kind    string `json:"kind"` // "enum", "domain", "composite", "range"
	Comment string `json:"comment,omitempty"`

	Labels []string `json:"labels,omitempty"` // of an enum, in their order

	Base      string  `json:"base,omitempty"` // of a domain; the subtype of a range
	Collation string  `json:"collation,omitempty"`
	Default   *string `json:"default,omitempty"`
	NotNull   bool    `json:"not_null,omitempty"`
	Checks    []Check `json:"checks,omitempty"`

	Columns []Column `json:"columns,omitempty" diff:"order"` // of a composite type
	Options []string `json:"options,omitempty"`              // of a range

	Grants []Grant `json:"grants,omitempty"`
}

// Sequence hands out numbers. Where it stands at the moment is not told.
type Sequence struct {
	Schema    string  `json:"schema,omitempty" diff:"-"`
	Name      string  `json:"name"`
	Type      string  `json:"type,omitempty"`
	Start     int64   `json:"start"`
	Min       int64   `json:"min"`
	Max       int64   `json:"max"`
	Increment int64   `json:"increment"`
	Cache     int64   `json:"cache"`
	Cycle     bool    `json:"cycle,omitempty"`
	OwnedBy   string  `json:"owned_by,omitempty"` // table.column with which it is dropped
	Comment   string  `json:"comment,omitempty"`
	Own       bool    `json:"own,omitempty" diff:"-"`
	Grants    []Grant `json:"grants,omitempty"`
}

// Routine is a function, procedure or aggregate. Several may share a name.
type Routine struct {
	Schema     string  `json:"schema,omitempty" diff:"-"`
	Name       string  `json:"name"`
	Arguments  string  `json:"arguments,omitempty"` // that tell it from others of the name
	Kind       string  `json:"kind"`                // "function", "procedure", "aggregate", "window"
	Returns    string  `json:"returns,omitempty"`
	Language   string  `json:"language,omitempty"`
	Definer    string  `json:"definer,omitempty" diff:"-"` // whose rights it has (MySQL), where it is not the account that looks
	Comment    string  `json:"comment,omitempty"`
	Definition string  `json:"definition" diff:"text"` // the whole CREATE
	Grants     []Grant `json:"grants,omitempty"`
}

// View is a view or a materialised view.
type View struct {
	Schema       string    `json:"schema,omitempty" diff:"-"`
	Name         string    `json:"name"`
	Materialized bool      `json:"materialized,omitempty"`
	Options      []string  `json:"options,omitempty"`
	Definer      string    `json:"definer,omitempty" diff:"-"`
	Comment      string    `json:"comment,omitempty"`
	Columns      []Column  `json:"columns" diff:"order"`
	Definition   string    `json:"definition" diff:"text"` // the whole CREATE VIEW, or its query
	Indexes      []Index   `json:"indexes,omitempty"`
	Triggers     []Trigger `json:"triggers,omitempty"`
	Rules        []Rule    `json:"rules,omitempty"`
	Grants       []Grant   `json:"grants,omitempty"`

	// Broken is why it cannot be read, in the server's words, where the server
	// keeps a view that names what is gone (SQLite).
	Broken string `json:"broken,omitempty" diff:"-"`
}

// Event is a statement that the server runs by its clock (MySQL).
type Event struct {
	Schema     string `json:"schema,omitempty" diff:"-"`
	Name       string `json:"name"`
	Definer    string `json:"definer,omitempty" diff:"-"`
	Comment    string `json:"comment,omitempty"`
	Definition string `json:"definition" diff:"text"`
}

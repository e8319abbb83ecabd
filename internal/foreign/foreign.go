// Package foreign reads what other migration tools keep, and says it in this
// tool's words.
//
// A Tool knows how one of them lays out its folder: Read makes a Project of
// it, its changes in the order in which that tool runs them, and Files makes
// migrations of ours of these. Nothing that a person wrote is dropped in
// silence: what has no counterpart here is a problem with its file and line,
// and nothing is converted then; what was left out with a reason is a note.
// The package reads folders that it is given, and writes none.
package foreign

import (
	"io/fs"
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Tool is another migration tool.
type Tool struct {
	Name  string // as it is asked for: "golang-migrate"
	Title string // as its authors write it
	read  func(*reader)

	// history reads the table that goes by one of these names; nil: it has
	// none of its own.
	tables  []string
	history func(*historian) error
}

// HasHistory says whether it keeps a history of its own. The Python dbwarden
// does not: its history is ours.
func (t *Tool) HasHistory() bool { return t.history != nil }

// Tools are those that can be read.
var Tools = []*Tool{
	{Name: "goose", Title: "goose", read: readGoose, tables: []string{"goose_db_version"}, history: gooseHistory},
	{Name: "golang-migrate", Title: "golang-migrate", read: readGolangMigrate, tables: []string{"schema_migrations"}, history: golangHistory},
	{Name: "dbmate", Title: "dbmate", read: readDbmate, tables: []string{"schema_migrations"}, history: dbmateHistory},
	{Name: "flyway", Title: "Flyway", read: readFlyway, tables: []string{"flyway_schema_history", "schema_version"}, history: flywayHistory},
	{Name: "tern", Title: "tern", read: readTern, tables: []string{"schema_version", "public.schema_version"}, history: ternHistory},
	{Name: "sql-migrate", Title: "sql-migrate", read: readSQLMigrate, tables: []string{"gorp_migrations"}, history: sqlMigrateHistory},
	{Name: "atlas", Title: "Atlas", read: readAtlas, tables: []string{"atlas_schema_revisions", "atlas_schema_revisions.atlas_schema_revisions"}, history: atlasHistory},
	{Name: "alembic-sql", Title: "Alembic", read: readAlembic, tables: []string{"alembic_version"}, history: alembicHistory},
	{Name: "liquibase-sql", Title: "Liquibase", read: readLiquibase, tables: []string{"databasechangelog", "DATABASECHANGELOG"}, history: liquibaseHistory},
	{Name: "dbwarden-python", Title: "the Python dbwarden", read: readPython},
}

// Names are those of Tools.
func Names() []string {
	names := make([]string, len(Tools))
	for i, t := range Tools {
		names[i] = t.Name
	}
	return names
}

// Find returns the tool of a name, nil where there is none.
func Find(name string) *Tool {
	for _, t := range Tools {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Options say how a folder is to be read.
type Options struct {
	Lexis   sqltext.Lexis
	Product string // "sqlite", "postgres", "mysql"

	// Values are those of placeholders; Verbatim leaves all placeholders as
	// they are.
	Values   map[string]string
	Verbatim bool

	// Leave are files that are not wanted, by their path in the folder.
	Leave []string

	// Contexts and Labels are those that hold, of Liquibase; nil where nothing
	// was said of them.
	Contexts, Labels []string
}

// A Project is a folder of another tool, read.
type Project struct {
	Tool    *Tool
	Changes []*Change // in the order in which the tool runs them
	Notes   []Note

	skipped map[string]bool // changesets that were left out for a reason, by id and author
}

// Kept says that its files are ours already, and stay what they are to the byte.
func (p *Project) Kept() bool {
	return len(p.Changes) > 0 && p.Changes[0].whole != ""
}

// A Note is what a person should know of a conversion.
type Note struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// A Change is one migration of another tool.
type Change struct {
	Key     string // what the tool's history calls it
	Version string // as the tool spells it, "" where it has none
	Name    string // its description, in the spelling of the file
	Kind    migration.Kind
	Up      Part
	Down    *Part // nil: there is no way back
	Source  Place

	// File is its name in our folder, once it is numbered.
	File string

	// Sum is what the tool's history has of its text, where that can be told
	// from the file; "" where not.
	Sum string

	// filled is as Sum, of the text with its placeholders replaced: which of
	// the two is in a history depends on the tool's release.
	filled string

	// Parents are the keys of the changes that come right before, where the tool
	// says so.
	Parents []string

	whole string // the file as it is, for a tool whose format is ours
}

// A Place is a line of a file.
type Place struct {
	File string
	Line int
}

// A Part is one way of a change.
type Part struct {
	Pieces []Piece
	Bare   bool // its statements run outside of a transaction
}

// text is all of it.
func (p Part) text() string {
	var b strings.Builder
	for _, piece := range p.Pieces {
		b.WriteString(piece.Text)
	}
	return b.String()
}

// A Piece is a text as it stands in the file.
type Piece struct {
	Text string
	Line int // its first

	// Whole: the tool sends it to the server in one piece, though it may hold
	// semicolons.
	Whole bool
}

// Read reads a folder. What has no counterpart here comes back as
// migration.Problems; fs.ErrNotExist where there is no folder.
func Read(t *Tool, fsys fs.FS, o Options) (*Project, error) {
	if _, err := fs.ReadDir(fsys, "."); err != nil {
		return nil, err
	}
	r := &reader{tool: t, fsys: fsys, o: o}
	t.read(r)
	r.unknownLeft()
	p := &Project{Tool: t, Changes: r.changes, Notes: r.notes, skipped: r.skipped}
	if len(r.problems) == 0 {
		p.number(r)
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return p, nil
}

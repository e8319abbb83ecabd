// Package myschema reads the schema of a MySQL or MariaDB database from
// information_schema, as the server spells it, and writes it down as SQL.
//
// It asks a fixed handful of questions, however many tables there are. The
// answers are not one snapshot: a table that is created or dropped meanwhile
// may be missing parts.
//
// Where the server names the inspected database in a text of its own (views,
// defaults), the name is taken out: one structure has one spelling, whatever
// its database is called. Texts of users (bodies of routines and triggers)
// stay as they are.
package myschema

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Inspect reads the tables of the connection's database, or of those that o
// names. A table that the account has no right to is not there for it.
func Inspect(ctx context.Context, s engine.Session, o schema.Options) (*schema.State, error) {
	v := s.Server()
	if len(o.Schemas) == 0 {
		o.Schemas = []string{v.Schema}
	}
	i := &inspection{
		s: s, o: o, mariadb: v.Product == "MariaDB", number: v.Number, at: map[[2]string]int{},
		tables: []schema.Table{}, defaults: map[string]string{}, names: map[string]schema.ID{},
		state: &schema.State{Engine: "mysql", Version: v.Version, Database: v.Database},
	}
	if i.mariadb {
		i.state.Engine = "mariadb"
	}
	if len(o.Schemas) == 1 {
		i.state.Home = o.Schemas[0]
	}
	reads := []reader{
		{"schemas", i.readSchemas}, {"tables", i.readTables}, {"routines", i.readRoutines}, {"views", i.readViews},
		{"columns", i.readColumns}, {"indexes", i.readIndexes}, {"foreign keys", i.readForeignKeys}, {"checks", i.readChecks},
		{"partitions", i.readPartitions}, {"triggers", i.readTriggers}, {"grants", i.readGrants},
	}
	if len(o.Tables) == 0 {
		reads = append(reads, reader{"sequences", i.readSequences}, reader{"events", i.readEvents})
	}
	for _, part := range reads {
		if err := part.read(ctx); err != nil {
			return nil, fmt.Errorf("inspect %s: %w", part.what, err)
		}
	}
	i.state.Tables = i.tables
	if len(o.Tables) > 0 {
		i.state.Schemas, i.state.Routines = nil, nil
	}
	return i.state, nil
}

type reader struct {
	what string
	read func(context.Context) error
}

// inspection is one run of Inspect.
type inspection struct {
	s       engine.Session
	o       schema.Options
	mariadb bool
	number  int

	state    *schema.State
	defaults map[string]string    // the databases' collations
	names    map[string]schema.ID // what the server may name together with the inspected database

	folds     bool     // the server does not tell upper from lower case in names
	sequences []string // of the inspected database
	tables    []schema.Table
	collation []string          // of the tables
	at        map[[2]string]int // their index, by schema and name
}

// rows runs a query with the schemas' names as its values; %s in it stands
// for their list. scan fills into and each is called for every row.
func (i *inspection) rows(ctx context.Context, query string, into []any, each func()) error {
	args := make([]any, len(i.o.Schemas))
	for n, name := range i.o.Schemas {
		args[n] = name
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(args)), ", ")
	return i.s.Query(ctx, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		each()
		return nil
	}, strings.ReplaceAll(query, "%s", marks), args...)
}

// table finds one that readTables took, nil for others.
func (i *inspection) table(schema, name string) *schema.Table {
	if n, ok := i.at[[2]string{schema, name}]; ok {
		return &i.tables[n]
	}
	return nil
}

func (i *inspection) readTables(ctx context.Context) error {
	var space, name, comment string
	var kind, options string
	var engine, collation sql.NullString
	var lower int
	err := i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, COALESCE(TABLE_COMMENT, ''), ENGINE, TABLE_COLLATION, COALESCE(CREATE_OPTIONS, ''),
 @@lower_case_table_names
 FROM information_schema.TABLES
 WHERE TABLE_SCHEMA IN (%s) AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE', 'VIEW')`,
		[]any{&space, &name, &kind, &comment, &engine, &collation, &options, &lower}, func() {
			i.folds = lower != 0
			i.know(space, name, kind)
			if kind == "SEQUENCE" || kind == "VIEW" {
				return
			}
			if !i.wanted(space, i.o.Schemas) || len(i.o.Tables) > 0 && !i.wanted(name, i.o.Tables) {
				return
			}
			if kind == "BASE TABLE" {
				kind = ""
			}
			i.tables = append(i.tables, schema.Table{
				Schema: space, Name: name, Kind: strings.ToLower(kind), Options: tableOptions(engine.String, collation.String, options), Comment: comment, Own: i.wanted(name, i.o.Own),
				Columns: []schema.Column{}, Indexes: []schema.Index{}, ForeignKeys: []schema.ForeignKey{}, Checks: []schema.Check{},
			})
			i.at[[2]string{space, name}] = len(i.tables) - 1
			i.collation = append(i.collation, collation.String)
		})
	if err != nil {
		return err
	}
	i.sort()
	return nil
}

// know remembers that a name of the inspected database is that of a table,
// view or sequence.
func (i *inspection) know(space, name, kind string) {
	if space != i.state.Home {
		return
	}
	id := schema.ID{Kind: schema.KindTable, Schema: space, Name: name}
	switch kind {
	case "VIEW":
		id.Kind = schema.KindView
	case "SEQUENCE":
		id.Kind = schema.KindSequence
		i.sequences = append(i.sequences, name)
	}
	i.names[name] = id
}

// tableOptions are those that CREATE TABLE takes, as it takes them.
func tableOptions(engine, collation, more string) (out []string) {
	if engine != "" {
		out = append(out, "ENGINE="+engine)
	}
	if collation != "" {
		out = append(out, "COLLATE="+collation)
	}
	for word := range strings.FieldsSeq(more) {
		if strings.HasPrefix(word, "page_checksum=") && (engine != "Aria" || word == "page_checksum=1") {
			continue // Aria's own default, and what is left of it where the table was Aria's
		}
		if word != "partitioned" && word != "versioned" {
			out = append(out, word)
		}
	}
	return out
}

// wanted compares as the server does: its catalogue's own comparison is
// looser on MariaDB, where tables T and t are found by either name.
func (i *inspection) wanted(name string, list []string) bool {
	return slices.ContainsFunc(list, func(w string) bool {
		return w == name || i.folds && strings.EqualFold(w, name)
	})
}

// sort orders the tables, and what goes along with them.
func (i *inspection) sort() {
	order := make([]int, len(i.tables))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := i.tables[a], i.tables[b]
		if c := strings.Compare(x.Schema, y.Schema); c != 0 {
			return c
		}
		return strings.Compare(x.Name, y.Name)
	})
	tables, collation := make([]schema.Table, len(order)), make([]string, len(order))
	for n, from := range order {
		tables[n], collation[n] = i.tables[from], i.collation[from]
		i.at[[2]string{tables[n].Schema, tables[n].Name}] = n
	}
	i.tables, i.collation = tables, collation
}

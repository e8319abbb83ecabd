package check

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/ddl"
)

// Schema is what the migrations that were read so far have made. It knows
// nothing of what was made elsewhere.
type Schema struct {
	tables  map[string]*Table
	indexes map[string]*Table // the table of each index
	fresh   map[string]bool   // other objects that were made in what is checked
	Domains map[string]bool   // those with a constraint
}

// Table is what is known of a table.
type Table struct {
	Name    ddl.Name
	Fresh   bool // made in what is checked: nobody uses it yet
	Whole   bool // its CREATE TABLE was read, so that what is not here is not there
	Columns map[string]*Column
	Checks  map[string]*ddl.Constraint // by name
	Indexes map[string]*ddl.Index      // by name

	Partitioned  bool
	FullText     bool // it has, or had, a FULLTEXT index
	ReferencedBy map[string]bool
	Triggers     map[string]bool
}

// Column is what is known of a column.
type Column struct {
	ddl.Column
	Fresh bool
}

func newSchema() *Schema {
	return &Schema{tables: map[string]*Table{}, indexes: map[string]*Table{}, fresh: map[string]bool{}, Domains: map[string]bool{}}
}

// Table finds a table, nil where none is known. A name without its schema
// finds the one table of that name.
func (s *Schema) Table(n ddl.Name) *Table {
	if t := s.tables[n.Key()]; t != nil {
		return t
	}
	var found *Table
	for _, t := range s.tables {
		if t.Name.Name == n.Name && (t.Name.Schema == "" || n.Schema == "") {
			if found != nil {
				return nil
			}
			found = t
		}
	}
	return found
}

// IndexTable is the table of an index.
func (s *Schema) IndexTable(n ddl.Name) *Table { return s.indexes[n.Name] }

// Fresh says that an object other than a table was made in what is checked.
func (s *Schema) Fresh(object string, n ddl.Name) bool { return s.fresh[object+" "+n.Name] }

// Column finds a column, nil where it is not known.
func (t *Table) Column(name string) *Column {
	if t == nil {
		return nil
	}
	return t.Columns[name]
}

// Indexed says that an index, or a key, begins with the column.
func (t *Table) Indexed(name string) bool {
	for _, x := range t.Indexes {
		if len(x.Columns) > 0 && x.Columns[0].Name.Name == name && x.Where == nil {
			return true
		}
	}
	return false
}

// table finds a table, or begins to know it.
func (s *Schema) table(n ddl.Name) *Table {
	if t := s.Table(n); t != nil {
		return t
	}
	t := &Table{Name: n, Columns: map[string]*Column{}, Checks: map[string]*ddl.Constraint{}, Indexes: map[string]*ddl.Index{},
		ReferencedBy: map[string]bool{}, Triggers: map[string]bool{}}
	s.tables[n.Key()] = t
	return t
}

// apply takes a statement's effect into account. fresh says that it belongs
// to what is checked.
func (s *Schema) apply(st *ddl.Statement, fresh bool) {
	switch st.Verb {
	case ddl.Create:
		s.create(st, fresh)
	case ddl.Drop:
		for _, n := range st.Names {
			switch st.Object {
			case "TABLE":
				delete(s.tables, n.Key())
			case "INDEX":
				if t := s.indexes[n.Name]; t != nil {
					delete(t.Indexes, n.Name)
				}
			}
			delete(s.fresh, st.Object+" "+n.Name)
		}
	case ddl.Alter:
		switch st.Object {
		case "TABLE":
			t := s.table(st.Names[0])
			for i := range st.Actions {
				s.alter(t, &st.Actions[i], fresh)
			}
		case "DOMAIN":
			s.Domains[st.Names[0].Name] = true
		}
	case ddl.Rename:
		for _, a := range st.Actions {
			s.rename(s.table(a.Name), a.To)
		}
	}
}

func (s *Schema) rename(t *Table, to ddl.Name) {
	for k, have := range s.tables {
		if have == t {
			delete(s.tables, k)
		}
	}
	if to.Schema == "" {
		to.Schema = t.Name.Schema
	}
	t.Name = to
	s.tables[to.Key()] = t
}

func (s *Schema) create(st *ddl.Statement, fresh bool) {
	if st.Object == "DOMAIN" && len(st.Columns) > 0 && (st.Columns[0].Check != nil || st.Columns[0].NotNull) {
		s.Domains[st.Names[0].Name] = true
	}
	if st.Object == "TRIGGER" && !st.On.IsZero() {
		s.table(st.On).Triggers[st.Names[0].Name] = true
	}
	if st.Object == "INDEX" {
		t := s.table(st.On)
		s.index(t, st.Indexes[0])
		if st.Indexes[0].Kind == "FULLTEXT" {
			t.FullText = true
		}
		return
	}
	if fresh && len(st.Names) > 0 {
		s.fresh[st.Object+" "+st.Names[0].Name] = true
	}
	if st.Object != "TABLE" || len(st.Names) == 0 {
		return
	}
	if st.IfNotExists && s.Table(st.Names[0]) != nil {
		return
	}
	delete(s.tables, st.Names[0].Key())
	t := s.table(st.Names[0])
	t.Fresh, t.Whole = fresh || st.Temporary, !st.Query && st.Parent.IsZero() && len(st.Columns) > 0
	t.Partitioned = st.Partitioned
	for i := range st.Columns {
		s.column(t, &st.Columns[i], fresh)
	}
	for i := range st.Constraints {
		s.constraint(t, &st.Constraints[i])
	}
	for _, x := range st.Indexes {
		s.index(t, x)
		t.FullText = t.FullText || x.Kind == "FULLTEXT"
	}
}

func (s *Schema) index(t *Table, x ddl.Index) {
	name := x.Name.Name
	if name == "" {
		name = "?" + strings.Join(keys(x), ",")
	}
	t.Indexes[name] = &x
	s.indexes[name] = t
}

func keys(x ddl.Index) []string {
	var list []string
	for _, k := range x.Columns {
		list = append(list, strings.ToLower(k.Expr.Text))
	}
	return list
}

func (s *Schema) column(t *Table, c *ddl.Column, fresh bool) {
	t.Columns[c.Name.Name] = &Column{*c, fresh}
	if c.PrimaryKey || c.Unique {
		s.index(t, ddl.Index{Unique: true, Columns: []ddl.IndexColumn{{Name: c.Name, Expr: &ddl.Expr{Text: c.Name.Text}}}})
	}
	if c.References != nil {
		s.table(c.References.Table).ReferencedBy[t.Name.Key()] = true
	}
}

func (s *Schema) constraint(t *Table, k *ddl.Constraint) {
	switch k.Kind {
	case ddl.PrimaryKey, ddl.Unique:
		x := ddl.Index{Name: k.Name, Unique: true}
		for _, n := range k.Columns {
			x.Columns = append(x.Columns, ddl.IndexColumn{Name: n, Expr: &ddl.Expr{Text: n.Text}})
			if c := t.Columns[n.Name]; c != nil && k.Kind == ddl.PrimaryKey {
				c.NotNull, c.PrimaryKey = true, true
			}
		}
		if k.UsingIndex.IsZero() {
			s.index(t, x)
		}
	case ddl.Check, ddl.NotNull:
		copied := *k
		t.Checks[k.Name.Name] = &copied
	case ddl.ForeignKey:
		s.table(k.References.Table).ReferencedBy[t.Name.Key()] = true
		copied := *k
		t.Checks[k.Name.Name] = &copied
	}
}

func (s *Schema) alter(t *Table, a *ddl.Action, fresh bool) {
	switch a.Kind {
	case ddl.AddColumn:
		s.column(t, a.Column, fresh)
	case ddl.DropColumn:
		delete(t.Columns, a.Name.Name)
	case ddl.AlterType:
		if c := t.Columns[a.Name.Name]; c != nil {
			c.Type = a.Type
		} else {
			t.Columns[a.Name.Name] = &Column{Column: ddl.Column{Name: a.Name, Type: a.Type}}
		}
	case ddl.ModifyColumn:
		delete(t.Columns, a.Name.Name)
		s.column(t, a.Column, false)
	case ddl.SetNotNull:
		if c := t.Columns[a.Name.Name]; c != nil {
			c.NotNull = true
		}
	case ddl.DropNotNull:
		if c := t.Columns[a.Name.Name]; c != nil {
			c.NotNull = false
		}
	case ddl.AddConstraint:
		s.constraint(t, a.Constraint)
	case ddl.DropConstraint:
		delete(t.Checks, a.Name.Name)
		delete(t.Indexes, a.Name.Name)
	case ddl.ValidateConstraint:
		if k := t.Checks[a.Name.Name]; k != nil {
			k.NotValid = false
		}
	case ddl.RenameColumn:
		if c := t.Columns[a.Name.Name]; c != nil {
			delete(t.Columns, a.Name.Name)
			c.Name = a.To
			t.Columns[a.To.Name] = c
		}
	case ddl.RenameTable:
		s.rename(t, a.To)
	case ddl.SetSchema:
		to := t.Name
		to.Schema = a.To.Name
		s.rename(t, to)
	case ddl.AddIndex:
		s.index(t, *a.Index)
		t.FullText = t.FullText || a.Index.Kind == "FULLTEXT"
	case ddl.DropIndex:
		delete(t.Indexes, a.Name.Name)
	}
}

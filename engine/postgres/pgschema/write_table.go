package pgschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// table makes a table with its columns and constraints, but for foreign keys.
// A partition is made as a table of its own, which joins later: so it keeps
// the order of its columns and the names of its indexes.
func (w *writer) table(t schema.Table) {
	name := w.name(t.Schema, t.Name)
	parent := w.partitioned(t)
	var items, late []string
	for _, c := range t.Columns {
		if c.Inherited {
			late = append(late, w.inherited(t, c)...)
			continue
		}
		if parent != nil && identity(parent, c.Name) {
			c.Identity = "" // it comes with the table
		}
		items = append(items, column(c))
		for _, o := range c.Options {
			late = append(late, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET %s", name, ident(c.Name), strings.ToUpper(o)))
		}
	}
	constraint := func(name, definition string) string { return "CONSTRAINT " + ident(name) + " " + definition }
	if k := t.PrimaryKey; k != nil {
		items = append(items, constraint(k.Name, k.Definition))
	}
	for _, x := range t.Indexes {
		if x.Constraint != "" {
			items = append(items, constraint(x.Name, x.Definition))
		}
	}
	for _, c := range t.Checks {
		switch {
		case c.Inherited:
		case c.NotValid: // CREATE TABLE takes it for valid
			late = append(late, "ALTER TABLE "+name+" ADD "+constraint(c.Name, c.Definition))
		default:
			items = append(items, constraint(c.Name, c.Definition))
		}
	}
	text := "CREATE "
	if t.Kind == "unlogged" {
		text += "UNLOGGED "
	}
	text += "TABLE " + name + " ("
	if len(items) > 0 {
		text += "\n    " + strings.Join(items, ",\n    ") + "\n"
	}
	text += ")"
	if len(t.Inherits) > 0 {
		text += " INHERITS (" + strings.Join(t.Inherits, ", ") + ")"
	}
	if t.Partitions != nil {
		text += " PARTITION BY " + t.Partitions.By
	}
	if len(t.Options) > 0 {
		text += " WITH (" + strings.Join(t.Options, ", ") + ")"
	}
	w.out = append(append(w.out, text), late...)
}

func column(c schema.Column) string {
	text := ident(c.Name) + " " + c.Type + collate(c.Collation)
	switch {
	case c.Generated != "" && c.Stored:
		text += " GENERATED ALWAYS AS (" + c.Generated + ") STORED"
	case c.Generated != "":
		text += " GENERATED ALWAYS AS (" + c.Generated + ") VIRTUAL"
	case c.Identity != "":
		text += " GENERATED " + strings.ToUpper(c.Identity) + " AS IDENTITY"
		if c.IdentityOptions != "" {
			text += " (" + c.IdentityOptions + ")"
		}
	case c.Default != nil:
		text += " DEFAULT " + *c.Default
	}
	if !c.Nullable {
		text += " NOT NULL"
	}
	return text
}

// inherited are the statements for what a column has besides what it inherits.
func (w *writer) inherited(t schema.Table, c schema.Column) (out []string) {
	alter := "ALTER TABLE " + w.name(t.Schema, t.Name) + " ALTER COLUMN " + ident(c.Name) + " "
	parent := w.parentOf(t, c.Name)
	if parent == nil {
		return nil
	}
	switch {
	case c.Generated != "":
	case c.Default == nil && parent.Default != nil:
		out = append(out, alter+"DROP DEFAULT")
	case c.Default != nil && (parent.Default == nil || *parent.Default != *c.Default):
		out = append(out, alter+"SET DEFAULT "+*c.Default)
	}
	if parent.Nullable && !c.Nullable {
		out = append(out, alter+"SET NOT NULL")
	}
	return out
}

// parentOf finds the column that t inherits under this name.
func (w *writer) parentOf(t schema.Table, column string) *schema.Column {
	for _, up := range w.state.Tables {
		if !slices.Contains(t.Inherits, w.name(up.Schema, up.Name)) {
			continue
		}
		for i := range up.Columns {
			if up.Columns[i].Name == column {
				return &up.Columns[i]
			}
		}
	}
	return nil
}

// partitioned finds the table of which t is a part.
func (w *writer) partitioned(t schema.Table) *schema.Table {
	if t.PartitionOf == nil {
		return nil
	}
	for i := range w.state.Tables {
		if up := &w.state.Tables[i]; w.name(up.Schema, up.Name) == t.PartitionOf.Table {
			return up
		}
	}
	return nil
}

func identity(t *schema.Table, column string) bool {
	return slices.ContainsFunc(t.Columns, func(c schema.Column) bool { return c.Name == column && c.Identity != "" })
}

// indexes are made on tables of all kinds before partitions join: a
// partition's index that fits is taken for the table's.
func (w *writer) indexes() {
	make := func(all []schema.Index) {
		for _, x := range all {
			if x.Constraint == "" {
				w.out = append(w.out, strings.Replace(x.Definition, " ON ONLY ", " ON ", 1))
			}
		}
	}
	for _, t := range w.state.Tables {
		make(t.Indexes)
	}
	for _, v := range w.state.Views {
		make(v.Indexes)
	}
}

func (w *writer) attach() {
	for _, t := range w.sorted() {
		if p := t.PartitionOf; p != nil {
			w.add("ALTER TABLE %s ATTACH PARTITION %s %s", p.Table, w.name(t.Schema, t.Name), p.Bound)
		}
	}
}

func (w *writer) foreignKeys() {
	for _, t := range w.state.Tables {
		for _, f := range t.ForeignKeys {
			if !f.Inherited {
				w.add("ALTER TABLE %s ADD CONSTRAINT %s %s", w.name(t.Schema, t.Name), ident(f.Name), f.Definition)
			}
		}
	}
}

func (w *writer) rules() {
	for _, t := range w.state.Tables {
		for _, r := range t.Rules {
			w.out = append(w.out, r.Definition)
		}
	}
	for _, v := range w.state.Views {
		for _, r := range v.Rules {
			w.out = append(w.out, r.Definition)
		}
	}
}

// firing is the word of ALTER TABLE for when a trigger fires.
func firing(state string) string {
	switch state {
	case "disabled":
		return "DISABLE"
	case "replica":
		return "ENABLE REPLICA"
	case "always":
		return "ENABLE ALWAYS"
	}
	return "ENABLE"
}

func (w *writer) triggers() {
	for _, t := range w.state.Tables {
		for _, g := range t.Triggers {
			w.out = append(w.out, g.Definition)
			if g.State != "" {
				w.add("ALTER TABLE %s %s TRIGGER %s", w.name(t.Schema, t.Name), firing(g.State), ident(g.Name))
			}
		}
	}
	for _, v := range w.state.Views {
		for _, g := range v.Triggers {
			w.out = append(w.out, g.Definition)
		}
	}
}

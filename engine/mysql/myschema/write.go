package myschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Statements spell what makes everything in st, in an order in which each
// finds what it needs. On an empty database they make the same state again.
//
// A foreign key stands in its table where the other table is there before;
// what goes in circles is added behind all tables.
func Statements(st *schema.State) []string {
	w := newWriter(st)
	if st.Home == "" {
		for _, n := range st.Schemas {
			w.add("CREATE DATABASE IF NOT EXISTS %s", quote(n.Name))
		}
	}
	for _, s := range st.Sequences {
		w.sequence(s)
	}
	for _, t := range w.sorted() {
		w.table(t)
	}
	w.out = append(w.out, w.late...)
	for _, r := range st.Routines {
		w.out = append(w.out, r.Definition)
	}
	for _, v := range schema.Order(slices.Clone(st.Views), schema.View.ID, st.Depends) {
		w.view(v)
	}
	for _, t := range st.Tables {
		for _, g := range t.Triggers {
			w.out = append(w.out, g.Definition)
		}
	}
	for _, e := range st.Events {
		w.out = append(w.out, e.Definition)
	}
	w.grants()
	return w.out
}

type writer struct {
	state *schema.State
	out   []string
	late  []string           // foreign keys for the end
	made  map[[2]string]bool // tables, so far
}

func (w *writer) add(format string, args ...any) { w.out = append(w.out, fmt.Sprintf(format, args...)) }

// name is a name where it stands for an object: alone at home.
func (w *writer) name(space, name string) string {
	if space == w.state.Home {
		return quote(name)
	}
	return quote(space) + "." + quote(name)
}

// sorted are the tables, each behind those that it refers to.
func (w *writer) sorted() []schema.Table {
	var needs []schema.Dependency
	for _, t := range w.state.Tables {
		for _, f := range t.ForeignKeys {
			needs = append(needs, schema.Dependency{Object: t.ID(), Needs: schema.ID{Kind: schema.KindTable, Schema: refSchema(t, f), Name: f.RefTable}})
		}
	}
	return schema.Order(slices.Clone(w.state.Tables), schema.Table.ID, needs)
}

func refSchema(t schema.Table, f schema.ForeignKey) string {
	if f.RefSchema == "" {
		return t.Schema
	}
	return f.RefSchema
}

func (w *writer) sequence(s schema.Sequence) {
	text := "CREATE SEQUENCE " + w.name(s.Schema, s.Name)
	text += fmt.Sprintf(" START WITH %d MINVALUE %d MAXVALUE %d INCREMENT BY %d", s.Start, s.Min, s.Max, s.Increment)
	if s.Cache == 0 {
		text += " NOCACHE"
	} else {
		text += fmt.Sprintf(" CACHE %d", s.Cache)
	}
	if s.Cycle {
		text += " CYCLE"
	}
	w.out = append(w.out, text)
}

func (w *writer) table(t schema.Table) {
	name := w.name(t.Schema, t.Name)
	w.made[[2]string{t.Schema, t.Name}] = true
	var items []string
	period := map[string]string{}
	for _, c := range t.Columns {
		items = append(items, column(c, t.Checks))
		if c.Generated == "ROW START" || c.Generated == "ROW END" {
			period[c.Generated] = c.Name
		}
	}
	if len(period) == 2 {
		items = append(items, "PERIOD FOR SYSTEM_TIME ("+quote(period["ROW START"])+", "+quote(period["ROW END"])+")")
	}
	if k := t.PrimaryKey; k != nil {
		items = append(items, k.Definition+comment(k.Comment))
	}
	for _, x := range t.Indexes {
		text := x.Definition + comment(x.Comment)
		for _, o := range x.Options {
			text += " " + strings.ToUpper(o)
		}
		items = append(items, text)
	}
	for _, c := range t.Checks {
		if c.Column == "" {
			items = append(items, "CONSTRAINT "+quote(c.Name)+" "+c.Definition)
		}
	}
	for _, f := range t.ForeignKeys {
		text := "CONSTRAINT " + quote(f.Name) + " " + f.Definition
		if space := refSchema(t, f); w.made[[2]string{space, f.RefTable}] || !w.ours(space, f.RefTable) {
			items = append(items, text)
		} else {
			w.late = append(w.late, "ALTER TABLE "+name+" ADD "+text)
		}
	}
	text := "CREATE TABLE " + name + " (\n    " + strings.Join(items, ",\n    ") + "\n)"
	for _, o := range t.Options {
		text += " " + o
	}
	if t.Comment != "" {
		text += " COMMENT=" + literal(t.Comment)
	}
	if t.Kind == "system versioned" {
		text += " WITH SYSTEM VERSIONING"
	}
	if p := t.Partitions; p != nil {
		text += "\n    " + partitioned(p)
	}
	w.out = append(w.out, text)
}

// ours reports whether a table is one that is written here at all.
func (w *writer) ours(space, table string) bool {
	return slices.ContainsFunc(w.state.Tables, func(t schema.Table) bool { return t.Schema == space && t.Name == table })
}

func column(c schema.Column, checks []schema.Check) string {
	text := quote(c.Name) + " " + c.Type
	if c.Collation != "" {
		text += " COLLATE " + c.Collation
	}
	switch {
	case c.Generated == "ROW START" || c.Generated == "ROW END":
		text += " GENERATED ALWAYS AS " + c.Generated
	case c.Generated != "" && c.Stored:
		text += " GENERATED ALWAYS AS (" + c.Generated + ") STORED"
	case c.Generated != "":
		text += " GENERATED ALWAYS AS (" + c.Generated + ") VIRTUAL"
	case c.Nullable:
		text += " NULL" // a timestamp is not, where nobody says so
	}
	if !c.Nullable && !strings.HasPrefix(c.Generated, "ROW ") {
		text += " NOT NULL"
	}
	if c.Default != nil {
		text += " DEFAULT " + *c.Default
	}
	if c.OnUpdate != "" {
		text += " ON UPDATE " + c.OnUpdate
	}
	for _, o := range c.Options {
		text += " " + strings.ToUpper(o)
	}
	if c.Identity == "auto_increment" {
		text += " AUTO_INCREMENT"
	}
	text += comment(c.Comment)
	for _, k := range checks {
		if k.Column == c.Name {
			text += " " + k.Definition
		}
	}
	return text
}

func comment(text string) string {
	if text == "" {
		return ""
	}
	return " COMMENT " + literal(text)
}

func (w *writer) view(v schema.View) {
	text, check := "CREATE ", ""
	for _, o := range v.Options {
		if strings.HasPrefix(o, "ALGORITHM=") {
			text += o + " "
		}
	}
	text += definedBy(v.Definer)
	for _, o := range v.Options {
		switch {
		case strings.HasPrefix(o, "SQL "):
			text += o + " "
		case strings.HasPrefix(o, "WITH "):
			check = "\n" + o
		}
	}
	var columns []string
	for _, c := range v.Columns {
		columns = append(columns, c.Name)
	}
	w.add("%sVIEW %s (%s) AS\n%s%s", text, w.name(v.Schema, v.Name), quoted(columns), v.Definition, check)
}

func (w *writer) grants() {
	for _, r := range w.rights() {
		w.out = append(w.out, r.give)
	}
}

package pgschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Statements spell what makes everything in st, in an order in which each
// finds what it needs. On an empty database they make the same state again.
//
// Tables, types, routines and views come first, by what the catalogue says of
// their needs. What can be added later is: indexes, which let partitions join
// their tables without new ones, and foreign keys, which may go in circles.
func Statements(st *schema.State) []string {
	w := &writer{state: st}
	w.head()
	for _, o := range w.inOrder() {
		o.write()
	}
	for _, s := range st.Sequences {
		if s.OwnedBy != "" {
			w.add("ALTER SEQUENCE %s OWNED BY %s", w.name(s.Schema, s.Name), s.OwnedBy)
		}
	}
	w.indexes()
	w.attach()
	w.foreignKeys()
	w.rules()
	w.triggers()
	w.security()
	w.comments()
	w.grants()
	return w.out
}

type writer struct {
	state *schema.State
	out   []string
}

func (w *writer) add(format string, args ...any) { w.out = append(w.out, fmt.Sprintf(format, args...)) }

// name is a name where it stands for an object: alone at home.
func (w *writer) name(space, name string) string {
	if space == w.state.Home {
		return ident(name)
	}
	return ident(space) + "." + ident(name)
}

// head sets what the spellings below count on.
func (w *writer) head() {
	w.add("SET standard_conforming_strings = on")
	if len(w.state.Routines) > 0 {
		// A body may name what is made after it.
		w.add("SET check_function_bodies = off")
	}
	for _, n := range w.state.Schemas {
		if n.Name != "public" {
			w.add("CREATE SCHEMA IF NOT EXISTS %s", ident(n.Name))
		}
	}
	w.add("SELECT pg_catalog.set_config('search_path', %s, false)", literal(quotedOrNone(w.state.Home)))
	for _, x := range w.state.Extensions {
		if x.Schema != "public" && x.Schema != "pg_catalog" && x.Schema != w.state.Home {
			w.add("CREATE SCHEMA IF NOT EXISTS %s", ident(x.Schema))
		}
		w.add("CREATE EXTENSION IF NOT EXISTS %s SCHEMA %s", ident(x.Name), ident(x.Schema))
	}
}

func quotedOrNone(home string) string {
	if home == "" {
		return ""
	}
	return ident(home)
}

// piece is an object with what writes it.
type piece struct {
	id    schema.ID
	write func()
}

func (w *writer) inOrder() []piece {
	var all []piece
	for _, t := range w.state.Types {
		all = append(all, piece{t.ID(), func() { w.typ(t) }})
	}
	for _, s := range w.state.Sequences {
		all = append(all, piece{s.ID(), func() { w.sequence(s) }})
	}
	for _, r := range w.state.Routines {
		all = append(all, piece{r.ID(), func() { w.out = append(w.out, r.Definition) }})
	}
	for _, t := range w.state.Tables {
		all = append(all, piece{t.ID(), func() { w.table(t) }})
	}
	for _, v := range w.state.Views {
		all = append(all, piece{v.ID(), func() { w.view("CREATE", v) }})
	}
	return schema.Order(all, func(p piece) schema.ID { return p.id }, w.state.Depends)
}

func (w *writer) typ(t schema.Type) {
	name := w.name(t.Schema, t.Name)
	switch t.Kind {
	case "enum":
		var labels []string
		for _, l := range t.Labels {
			labels = append(labels, literal(l))
		}
		w.add("CREATE TYPE %s AS ENUM (%s)", name, strings.Join(labels, ", "))
	case "composite":
		var columns []string
		for _, c := range t.Columns {
			columns = append(columns, "    "+ident(c.Name)+" "+c.Type+collate(c.Collation))
		}
		w.add("CREATE TYPE %s AS (\n%s\n)", name, strings.Join(columns, ",\n"))
	case "range":
		parts := []string{"SUBTYPE = " + t.Base}
		if t.Collation != "" {
			parts = append(parts, "COLLATION = "+t.Collation)
		}
		w.add("CREATE TYPE %s AS RANGE (%s)", name, strings.Join(append(parts, t.Options...), ", "))
	case "domain":
		text := "CREATE DOMAIN " + name + " AS " + t.Base + collate(t.Collation)
		if t.Default != nil {
			text += " DEFAULT " + *t.Default
		}
		if t.NotNull {
			text += " NOT NULL"
		}
		var late []string
		for _, c := range t.Checks {
			if c.NotValid {
				late = append(late, fmt.Sprintf("ALTER DOMAIN %s ADD CONSTRAINT %s %s", name, ident(c.Name), c.Definition))
				continue
			}
			text += "\n    CONSTRAINT " + ident(c.Name) + " " + c.Definition
		}
		w.out = append(append(w.out, text), late...)
	}
}

func collate(name string) string {
	if name == "" {
		return ""
	}
	return " COLLATE " + name
}

func (w *writer) sequence(s schema.Sequence) {
	text := "CREATE SEQUENCE " + w.name(s.Schema, s.Name)
	if s.Type != "bigint" {
		text += " AS " + s.Type
	}
	low, high := int64(1), biggestOf(s.Type)
	if s.Increment < 0 {
		low, high = -high-1, -1
	}
	start := s.Min
	if s.Increment < 0 {
		start = s.Max
	}
	for _, o := range []struct {
		word         string
		value, usual int64
	}{
		{"INCREMENT BY", s.Increment, 1},
		{"MINVALUE", s.Min, low}, {"MAXVALUE", s.Max, high}, {"START WITH", s.Start, start}, {"CACHE", s.Cache, 1},
	} {
		if o.value != o.usual {
			text += fmt.Sprintf(" %s %d", o.word, o.value)
		}
	}
	if s.Cycle {
		text += " CYCLE"
	}
	w.out = append(w.out, text)
}

func biggestOf(integer string) int64 {
	switch integer {
	case "smallint":
		return 1<<15 - 1
	case "integer":
		return 1<<31 - 1
	}
	return 1<<63 - 1
}

func (w *writer) view(create string, v schema.View) {
	what := "VIEW"
	if v.Materialized {
		what = "MATERIALIZED VIEW"
	}
	text := create + " " + what + " " + w.name(v.Schema, v.Name)
	if len(v.Options) > 0 {
		text += " WITH (" + strings.Join(v.Options, ", ") + ")"
	}
	w.add("%s AS\n%s", text, v.Definition)
	for _, c := range v.Columns {
		if c.Default != nil {
			w.add("ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s", w.name(v.Schema, v.Name), ident(c.Name), *c.Default)
		}
	}
}

// sorted are tables in the order in which they were made.
func (w *writer) sorted() []schema.Table {
	return schema.Order(slices.Clone(w.state.Tables), schema.Table.ID, w.state.Depends)
}

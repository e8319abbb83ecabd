// Package diagram draws a schema: as text that Mermaid or Graphviz makes a
// picture of, and as a picture of its own, in SVG and as a page with search,
// pan and zoom.
//
// Everything in it is a pure function of a schema.State: the same state gives
// the same bytes, whatever the time, the place and the order of a map. It asks
// no database, and what it writes asks no network. Names come from a database
// and may hold anything; each format's writer spells them so that they stay
// names.
package diagram

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Maker stands near the beginning of all that is written here, so that a file
// can be told from one that somebody else wrote.
const Maker = "made by dbwarden diagram"

// Picture is what is drawn of a state, in an order that depends on names alone.
type Picture struct {
	Title   string
	Boxes   []Box
	Lines   []Line
	Changed bool // marks tell what changes; without it there are none
}

// Box is one table or view.
type Box struct {
	Schema  string
	Name    string
	Label   string // the name, with its schema where there are several
	Kind    string // "table", "view", "materialized view", or a table's own kind
	Comment string
	Rows    []Row
	Mark    schema.Op // "" for one that stays what it is
}

// View reports whether it is no table.
func (b *Box) View() bool { return b.Kind == "view" || b.Kind == "materialized view" }

// Row is one column.
type Row struct {
	Name     string
	Type     string
	Comment  string
	Primary  bool
	Foreign  bool
	Unique   bool // alone; one of several columns that are unique together is not
	Nullable bool
	Mark     schema.Op
}

// Line is a foreign key, from the table that has it to the one that it names.
type Line struct {
	Name           string
	From, To       int // boxes
	FromRow, ToRow int // the first columns of the key, -1 where there is none
	Columns        []string
	RefColumns     []string
	OnDelete       string
	One            bool // at most one row has it, by a unique key
	Optional       bool // a row need not have it
	Mark           schema.Op
}

// Options narrow what is drawn.
type Options struct {
	Tables []string // names of tables and views; nil: all

	// Changes are those that lead to the state, as schema.Diff finds them;
	// nil where that is not the question. What they remove is drawn too.
	Changes []schema.Change
}

// Of draws up the picture of a state. dbwarden's own tables are left out.
func Of(state *schema.State, o Options) *Picture {
	s := state.Theirs()
	p := &Picture{Title: s.Database, Changed: o.Changes != nil}
	marks := marksOf(o.Changes)
	tables, views := slices.Clone(s.Tables), slices.Clone(s.Views)
	for _, c := range o.Changes {
		if c.Op != schema.Removed {
			continue
		}
		switch x := c.From.(type) {
		case schema.Table:
			tables = append(tables, x)
		case schema.View:
			views = append(views, x)
		}
	}
	wanted := func(name string) bool { return o.Tables == nil || slices.Contains(o.Tables, name) }
	tables = slices.DeleteFunc(tables, func(t schema.Table) bool { return t.Own || !wanted(t.Name) })
	views = slices.DeleteFunc(views, func(v schema.View) bool { return !wanted(v.Name) })
	slices.SortStableFunc(tables, func(a, b schema.Table) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(views, func(a, b schema.View) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	several := false
	for _, t := range tables {
		several = several || t.Schema != tables[0].Schema
	}
	for _, v := range views {
		several = several || len(tables) > 0 && v.Schema != tables[0].Schema || v.Schema != views[0].Schema
	}
	label := func(space, name string) string {
		if several && space != "" {
			return space + "." + name
		}
		return name
	}
	for i := range tables {
		t := &tables[i]
		withRemoved(t, o.Changes, s)
		p.Boxes = append(p.Boxes, tableBox(t, label(t.Schema, t.Name), marks, s))
	}
	for _, v := range views {
		b := Box{Schema: v.Schema, Name: v.Name, Label: label(v.Schema, v.Name), Kind: "view", Comment: v.Comment, Mark: marks.of(s.Relative(v.ID()))}
		if v.Materialized {
			b.Kind = "materialized view"
		}
		for _, c := range v.Columns {
			b.Rows = append(b.Rows, Row{Name: c.Name, Type: c.Type, Comment: c.Comment, Nullable: true})
		}
		p.Boxes = append(p.Boxes, b)
	}
	for i := range tables {
		p.addLines(&tables[i], i, tables, marks, s)
	}
	return p
}

func tableBox(t *schema.Table, label string, marks marks, s *schema.State) Box {
	id := s.Relative(t.ID())
	b := Box{Schema: t.Schema, Name: t.Name, Label: label, Kind: "table", Comment: t.Comment, Mark: marks.of(id)}
	if t.Kind != "" {
		b.Kind = t.Kind + " table"
	}
	for _, c := range t.Columns {
		r := Row{Name: c.Name, Type: c.Type, Comment: c.Comment, Nullable: c.Nullable, Mark: marks.inside(id, schema.KindColumn, c.Name)}
		r.Primary = t.PrimaryKey != nil && slices.Contains(t.PrimaryKey.Columns, c.Name)
		r.Unique = distinct(t, []string{c.Name}) && !(r.Primary && len(t.PrimaryKey.Columns) == 1)
		for _, f := range t.ForeignKeys {
			r.Foreign = r.Foreign || slices.Contains(f.Columns, c.Name)
		}
		b.Rows = append(b.Rows, r)
	}
	return b
}

// distinct reports whether no two rows may have the same values in these
// columns.
func distinct(t *schema.Table, columns []string) bool {
	if t.PrimaryKey != nil && within(t.PrimaryKey.Columns, columns) {
		return true
	}
	return slices.ContainsFunc(t.Indexes, func(x schema.Index) bool {
		return x.Unique && x.Where == "" && len(x.Parts) > 0 && within(x.Parts, columns)
	})
}

// within reports whether each of some is among all.
func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

func (p *Picture) addLines(t *schema.Table, from int, tables []schema.Table, marks marks, s *schema.State) {
	id := s.Relative(t.ID())
	for _, f := range t.ForeignKeys {
		space := cmp.Or(f.RefSchema, t.Schema)
		to := slices.IndexFunc(tables, func(x schema.Table) bool { return x.Schema == space && x.Name == f.RefTable })
		if to < 0 {
			continue // it is not in the picture
		}
		l := Line{Name: f.Name, From: from, To: to, Columns: f.Columns, RefColumns: f.RefColumns, OnDelete: f.OnDelete, FromRow: -1, ToRow: -1,
			One: distinct(t, f.Columns), Mark: marks.inside(id, schema.KindForeignKey, f.Name)}
		if l.Mark == "" { // the table's own end: a line comes and goes with it
			if m := p.Boxes[from].Mark; m != schema.Changed {
				l.Mark = m
			}
		}
		if len(l.RefColumns) == 0 && tables[to].PrimaryKey != nil {
			l.RefColumns = tables[to].PrimaryKey.Columns
		}
		row := func(b Box, columns []string) int {
			if len(columns) == 0 {
				return -1
			}
			return slices.IndexFunc(b.Rows, func(r Row) bool { return r.Name == columns[0] })
		}
		l.FromRow, l.ToRow = row(p.Boxes[from], l.Columns), row(p.Boxes[to], l.RefColumns)
		for _, c := range t.Columns {
			l.Optional = l.Optional || c.Nullable && slices.Contains(f.Columns, c.Name)
		}
		p.Lines = append(p.Lines, l)
	}
}

// plain is a name on one line: what would break a line, or hide or reorder
// what stands beside it, is a sign of its own.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\v' || r == '\f':
			return ' '
		case r == 0x200C, r == 0x200D: // joiners, without which some scripts are misspelled
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), r == 0xFFFE, r == 0xFFFF:
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Package handbook writes a schema as a Markdown page, for people who read it
// and for git, which tells them what has changed.
//
// It is a pure function of a schema.State. What differs between two pages of
// the same database is what differs between its schemas: no time, no version
// and no name of a server is in it, everything is in the order of names, and
// each thing has a line or a block of its own. Whatever a name, a comment or
// an expression holds stays text, and every place that a link leads to has an
// anchor of its own, which depends on nothing but its name.
package handbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/diagram"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Maker stands on the first line, so that the page can be told from one that
// somebody else wrote.
const Maker = "made by dbwarden docs"

// Page writes the whole schema, or the named tables and views alone; nil is
// all. dbwarden's own tables are left out.
func Page(state *schema.State, tables []string) string {
	p := &page{State: state.Theirs(), picture: diagram.Of(state, diagram.Options{Tables: tables}), part: tables != nil}
	if p.part {
		p.Tables = slices.DeleteFunc(slices.Clone(p.Tables), func(t schema.Table) bool { return !slices.Contains(tables, t.Name) })
		p.Views = slices.DeleteFunc(slices.Clone(p.Views), func(v schema.View) bool { return !slices.Contains(tables, v.Name) })
	}
	p.sort()
	p.line("<!-- %s -->", Maker)
	p.line("# %s", text(strings.TrimSpace(p.Database+" schema")))
	p.contents()
	if len(p.picture.Boxes) > 0 {
		p.line("## Diagram")
		p.block("mermaid", p.picture.Mermaid())
	}
	p.tables()
	p.views()
	if !p.part {
		p.types()
		p.routines()
		p.rest()
	}
	return p.b.String()
}

type page struct {
	*schema.State
	picture *diagram.Picture
	part    bool // some tables alone
	b       strings.Builder
}

// line writes one paragraph.
func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n\n", args...) }

// list writes the items below a heading of their own, if there are any.
func (p *page) list(heading string, items []string) {
	if len(items) == 0 {
		return
	}
	p.line("**%s**", heading)
	for _, i := range items {
		p.b.WriteString("- " + i + "\n")
	}
	p.b.WriteString("\n")
}

// block writes a fenced text, behind a fence that nothing in it can close.
func (p *page) block(language, text string) {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	p.line("%s%s\n%s\n%s", fence, language, strings.Trim(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), fence)
}

// heading begins the part of one object, with its anchor.
func (p *page) heading(kind schema.Kind, space, name string) {
	p.line("<a id=\"%s\"></a>\n\n### %s", anchor(kind, space, name), text(p.label(space, name)))
}

// label is a name with its schema, where there are several.
func (p *page) label(space, name string) string {
	if space == "" || !p.several() {
		return name
	}
	return space + "." + name
}

func (p *page) several() bool {
	first := ""
	for i, t := range p.Tables {
		if i == 0 {
			first = t.Schema
		}
		if t.Schema != first {
			return true
		}
	}
	for i, v := range p.Views {
		if i == 0 && len(p.Tables) == 0 {
			first = v.Schema
		}
		if v.Schema != first {
			return true
		}
	}
	return false
}

// sort puts all in the order of names.
func (p *page) sort() {
	p.Tables, p.Views, p.Routines = slices.Clone(p.Tables), slices.Clone(p.Views), slices.Clone(p.Routines)
	slices.SortStableFunc(p.Tables, func(a, b schema.Table) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(p.Views, func(a, b schema.View) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(p.Routines, func(a, b schema.Routine) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arguments, b.Arguments))
	})
}

// contents lists tables and views, with what they are.
func (p *page) contents() {
	if len(p.Tables)+len(p.Views) == 0 {
		p.line("There are no tables and no views.")
		return
	}
	p.b.WriteString("| Name | Kind | Comment |\n| --- | --- | --- |\n")
	for _, t := range p.Tables {
		fmt.Fprintf(&p.b, "| %s | %s | %s |\n", p.link(schema.KindTable, t.Schema, t.Name), strings.TrimSpace(text(t.Kind)+" table"), text(t.Comment))
	}
	for _, v := range p.Views {
		fmt.Fprintf(&p.b, "| %s | %s | %s |\n", p.link(schema.KindView, v.Schema, v.Name), viewKind(v), text(v.Comment))
	}
	p.b.WriteString("\n")
}

func viewKind(v schema.View) string {
	if v.Materialized {
		return "materialized view"
	}
	return "view"
}

func (p *page) link(kind schema.Kind, space, name string) string {
	return fmt.Sprintf("[%s](#%s)", text(p.label(space, name)), anchor(kind, space, name))
}

package handbook

import (
	"fmt"

	"github.com/dbwarden-go/dbwarden/schema"
)

func (p *page) views() {
	if len(p.Views) == 0 {
		return
	}
	p.line("## Views")
	for _, v := range p.Views {
		p.heading(schema.KindView, v.Schema, v.Name)
		if v.Comment != "" {
			p.line("%s", text(v.Comment))
		}
		p.columns(v.Columns)
		p.list("Indexes", indexes(v.Indexes))
		p.block("sql", v.Definition)
		p.triggers(v.Triggers, v.Rules)
	}
}

func (p *page) types() {
	if len(p.Types) == 0 {
		return
	}
	p.line("## Types")
	for _, t := range p.Types {
		p.heading(schema.KindType, t.Schema, t.Name)
		if t.Comment != "" {
			p.line("%s", text(t.Comment))
		}
		about := text(t.Kind)
		if len(t.Labels) > 0 {
			about += ": " + codes(t.Labels)
		}
		if t.Base != "" {
			about += " of " + code(t.Base)
		}
		if t.NotNull {
			about += ", not null"
		}
		if t.Default != nil {
			about += ", default " + code(*t.Default)
		}
		p.line("%s", about)
		p.columns(t.Columns)
		p.list("Checks", checks(t.Checks))
	}
}

func (p *page) routines() {
	if len(p.Routines) == 0 {
		return
	}
	p.line("## Routines")
	for _, r := range p.Routines {
		p.heading(schema.KindRoutine, r.Schema, r.Name+"("+r.Arguments+")")
		if r.Comment != "" {
			p.line("%s", text(r.Comment))
		}
		about := text(r.Kind)
		if r.Returns != "" {
			about += " that returns " + code(r.Returns)
		}
		if r.Language != "" {
			about += ", in " + text(r.Language)
		}
		p.line("%s", about)
		p.block("sql", r.Definition)
	}
}

// rest are those things that a line each is enough for, and events.
func (p *page) rest() {
	if len(p.Sequences) > 0 {
		p.line("## Sequences")
		p.b.WriteString("| Name | Type | Start | Increment | Owned by | Comment |\n| --- | --- | --- | --- | --- | --- |\n")
		for _, s := range p.Sequences {
			fmt.Fprintf(&p.b, "| %s | %s | %d | %d | %s | %s |\n", code(p.label(s.Schema, s.Name)), code(s.Type), s.Start, s.Increment, code(s.OwnedBy), text(s.Comment))
		}
		p.b.WriteString("\n")
	}
	if len(p.Events) > 0 {
		p.line("## Events")
		for _, e := range p.Events {
			p.heading(schema.KindEvent, e.Schema, e.Name)
			if e.Comment != "" {
				p.line("%s", text(e.Comment))
			}
			p.block("sql", e.Definition)
		}
	}
	if len(p.Extensions) > 0 {
		p.line("## Extensions")
		for _, x := range p.Extensions {
			p.b.WriteString("- " + code(x.Name) + "\n")
		}
	}
}

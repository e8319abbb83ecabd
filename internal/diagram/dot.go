package diagram

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// DOT writes the picture for Graphviz: a table of columns for each box, lines
// from column to column, a cluster for each schema where there are several.
func (p *Picture) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "// %s\ndigraph %s {\n", Maker, dotText(p.Title))
	b.WriteString("  graph [rankdir=RL, ranksep=1, nodesep=0.4, fontname=\"Helvetica\"]\n  node [shape=plain, fontname=\"Helvetica\", fontsize=11]\n  edge [dir=both, color=\"#57606a\", fontname=\"Helvetica\", fontsize=9]\n")
	several := false
	for _, box := range p.Boxes {
		several = several || box.Schema != p.Boxes[0].Schema
	}
	indent, open := "  ", false
	for i := range p.Boxes {
		box := &p.Boxes[i]
		if several && (i == 0 || box.Schema != p.Boxes[i-1].Schema || box.View() != p.Boxes[i-1].View()) {
			if open {
				b.WriteString("  }\n")
			}
			label := box.Schema
			if box.View() {
				label += " (views)"
			}
			fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s; color=\"#afb8c1\"\n", i, dotText(label))
			indent, open = "    ", true
		}
		fmt.Fprintf(&b, "%sn%d [label=<%s>]\n", indent, i, dotBox(box))
	}
	if open {
		b.WriteString("  }\n")
	}
	for _, l := range p.Lines {
		head, tail := "teetee", "crowodot"
		if l.Optional {
			head = "teeodot"
		}
		if l.One {
			tail = "teeodot"
		}
		style := ""
		if l.Mark != "" {
			style = fmt.Sprintf(", label=%s, %s", dotText(sign(l.Mark)+" "+word(l.Mark)), dotStyle(l.Mark))
		}
		fmt.Fprintf(&b, "  n%d%s -> n%d%s [arrowhead=%s, arrowtail=%s, tooltip=%s%s]\n", l.From, dotPort(l.FromRow, "w"), l.To, dotPort(l.ToRow, "e"), head, tail, dotText(lineTitle(p, l)), style)
	}
	if p.Changed {
		b.WriteString("  legend [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"4\">")
		for _, op := range []schema.Op{schema.Added, schema.Changed, schema.Removed} {
			fmt.Fprintf(&b, "<TR><TD COLOR=\"%s\" ALIGN=\"LEFT\">%s %s</TD></TR>", dotColour(op), sign(op), word(op))
		}
		b.WriteString("</TABLE>>]\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func dotColour(op schema.Op) string {
	switch op {
	case schema.Added:
		return "#1a7f37"
	case schema.Changed:
		return "#9a6700"
	case schema.Removed:
		return "#cf222e"
	}
	return "#57606a"
}

func dotStyle(op schema.Op) string {
	style := fmt.Sprintf("color=%q, fontcolor=%q, penwidth=2", dotColour(op), dotColour(op))
	if op == schema.Removed {
		style += ", style=dashed"
	}
	return style
}

func dotPort(row int, side string) string {
	if row < 0 {
		return ""
	}
	return fmt.Sprintf(":c%d:%s", row, side)
}

// dotBox is the label of a box, which Graphviz reads as a kind of HTML.
func dotBox(box *Box) string {
	var b strings.Builder
	border, ground, style := 1, "#ddf4ff", ""
	if box.View() {
		ground, style = "#eaeef2", ` STYLE="DASHED"`
	}
	if box.Mark != "" {
		border = 3
	}
	fmt.Fprintf(&b, `<TABLE BORDER="%d" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4" COLOR="%s"%s><TR><TD COLSPAN="3" BGCOLOR="%s"><B>%s</B>`,
		border, dotColour(box.Mark), style, ground, dotHTML(strings.TrimSpace(sign(box.Mark)+" "+box.Label)))
	if box.Kind != "table" {
		fmt.Fprintf(&b, ` <I>%s</I>`, dotHTML(box.Kind))
	}
	b.WriteString("</TD></TR>")
	for i, r := range box.Rows {
		name := dotHTML(strings.TrimSpace(sign(r.Mark) + " " + r.Name))
		if r.Primary {
			name = "<U>" + name + "</U>"
		}
		kind := r.Type
		if r.Nullable && !box.View() {
			kind += " null"
		}
		fmt.Fprintf(&b, `<TR><TD ALIGN="LEFT">%s</TD><TD ALIGN="LEFT">%s</TD><TD ALIGN="LEFT" PORT="c%d">%s</TD></TR>`, r.keys(), name, i, dotHTML(kind))
	}
	b.WriteString("</TABLE>")
	return b.String()
}

// keys are the words for what a column is: "PK FK".
func (r Row) keys() string {
	var all []string
	if r.Primary {
		all = append(all, "PK")
	}
	if r.Foreign {
		all = append(all, "FK")
	}
	if r.Unique {
		all = append(all, "UQ")
	}
	if len(all) == 0 {
		return " "
	}
	return strings.Join(all, " ")
}

// dotHTML is a text in Graphviz's HTML; an empty one is an error there.
func dotHTML(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(plain(text))
	if text == "" {
		return " "
	}
	return text
}

// dotText is a text in quotes.
func dotText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain(text)) + `"`
}

// lineTitle says in words what a line is.
func lineTitle(p *Picture, l Line) string {
	text := fmt.Sprintf("%s (%s) → %s (%s)", p.Boxes[l.From].Label, strings.Join(l.Columns, ", "), p.Boxes[l.To].Label, strings.Join(l.RefColumns, ", "))
	if l.OnDelete != "" {
		text += ", on delete " + strings.ToLower(l.OnDelete)
	}
	if l.Mark != "" {
		text = sign(l.Mark) + " " + word(l.Mark) + ": " + text
	}
	return text
}

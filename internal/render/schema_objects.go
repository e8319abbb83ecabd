package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// objects draws what a database holds besides tables.
func objects(w io.Writer, s Style, st *schema.State) {
	line := func(kind, text string) { fmt.Fprintf(w, "  %s %s\n", s.Dim(kind+":"), Plain(OneLine(text))) }
	head := func(kind, name, rest, comment string, own bool) {
		text := s.Bold(kind+": "+Plain(name)) + space(Plain(OneLine(rest)))
		if own {
			text += s.Dim(" (dbwarden's own)")
		}
		fmt.Fprintln(w, "\n"+text)
		if comment != "" {
			fmt.Fprintln(w, s.Dim("  "+Plain(OneLine(comment))))
		}
	}
	for _, v := range st.Views {
		kind := "View"
		if v.Materialized {
			kind = "Materialized view"
		}
		head(kind, qualified(v.Schema, v.Name), strings.Join(v.Options, " "), v.Comment, false)
		if v.Broken != "" {
			line("cannot be read", v.Broken)
		}
		columns(w, s, v.Columns)
		for _, i := range v.Indexes {
			line(indexKind(i), indexText(i))
		}
		attached(line, v.Triggers, v.Rules, v.Grants)
	}
	for _, r := range st.Routines {
		rest := ""
		if r.Returns != "" {
			rest = "returns " + r.Returns
		}
		if r.Language != "" && r.Language != "sql" {
			rest += " in " + r.Language
		}
		head(titled(r.Kind), qualified(r.Schema, r.Name)+"("+r.Arguments+")", strings.TrimSpace(rest), r.Comment, false)
		attached(line, nil, nil, r.Grants)
	}
	for _, t := range st.Types {
		head(titled(t.Kind), qualified(t.Schema, t.Name), typeText(t), t.Comment, false)
		if len(t.Columns) > 0 {
			columns(w, s, t.Columns)
		}
		for _, c := range t.Checks {
			line("check", c.Name+" "+c.Expression)
		}
		attached(line, nil, nil, t.Grants)
	}
	for _, q := range st.Sequences {
		rest := fmt.Sprintf("from %d by %d, %d to %d", q.Start, q.Increment, q.Min, q.Max)
		if q.OwnedBy != "" {
			rest += ", of " + q.OwnedBy
		}
		head("Sequence", qualified(q.Schema, q.Name), rest+when(q.Cycle, ", in a circle"), q.Comment, q.Own)
		attached(line, nil, nil, q.Grants)
	}
	for _, e := range st.Events {
		head("Event", qualified(e.Schema, e.Name), "", e.Comment, false)
	}
	for _, x := range st.Extensions {
		head("Extension", x.Name, x.Version+" in "+x.Schema, "", false)
	}
	for _, n := range st.Schemas {
		if n.Comment != "" || len(n.Grants) > 0 {
			head("Schema", n.Name, "", n.Comment, false)
			attached(line, nil, nil, n.Grants)
		}
	}
}

// attached draws what tables, views and others have alike.
func attached(line func(kind, text string), triggers []schema.Trigger, rules []schema.Rule, grants []schema.Grant) {
	for _, g := range triggers {
		ahead := ""
		if g.AheadOf != "" {
			ahead = " ahead of " + g.AheadOf
		}
		line("trigger", g.Name+space(g.State)+ahead)
	}
	for _, r := range rules {
		line("rule", r.Name)
	}
	for _, g := range grants {
		kind, word := "grant", " to "
		if g.Revoked {
			kind, word = "revoked", " from "
		}
		line(kind, strings.ToLower(strings.Join(g.Privileges, ", "))+word+g.To+when(g.Grantable, " with grant option"))
	}
}

func typeText(t schema.Type) string {
	text := t.Base
	if len(t.Labels) > 0 {
		text = "'" + strings.Join(t.Labels, "', '") + "'"
	}
	if t.Default != nil {
		text += " default " + *t.Default
	}
	return text + when(t.NotNull, " not null")
}

func indexKind(i schema.Index) string {
	switch {
	case i.Constraint == "exclusion":
		return "exclusion"
	case i.Unique:
		return "unique index"
	}
	return "index"
}

func indexText(i schema.Index) string {
	text := strings.TrimSpace(i.Name + " (" + strings.Join(i.Parts, ", ") + ")")
	if i.Method != "" {
		text += " using " + i.Method
	}
	if len(i.Include) > 0 {
		text += " include (" + strings.Join(i.Include, ", ") + ")"
	}
	if i.Where != "" {
		text += " where " + i.Where
	}
	return text + space(strings.Join(i.Options, " ")) + space(i.Deferrable) + when(i.Invalid, " invalid")
}

func policy(p schema.Policy) string {
	text := p.Name + " for " + strings.ToLower(p.Command)
	if len(p.Roles) > 0 {
		text += " to " + strings.Join(p.Roles, ", ")
	}
	if p.Using != "" {
		text += " using " + p.Using
	}
	if p.WithCheck != "" {
		text += " with check " + p.WithCheck
	}
	return text + when(!p.Permissive, " restrictive")
}

func titled(kind string) string {
	if kind == "" {
		return kind
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}

func space(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}

func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

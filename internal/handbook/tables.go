package handbook

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

func (p *page) tables() {
	if len(p.Tables) == 0 {
		return
	}
	p.line("## Tables")
	for i := range p.Tables {
		p.table(&p.Tables[i])
	}
}

func (p *page) table(t *schema.Table) {
	p.heading(schema.KindTable, t.Schema, t.Name)
	if t.Comment != "" {
		p.line("%s", text(t.Comment))
	}
	var about []string
	if t.Kind != "" {
		about = append(about, text(t.Kind))
	}
	if t.Partitions != nil {
		about = append(about, "partitioned by "+code(t.Partitions.By))
	}
	if t.PartitionOf != nil {
		about = append(about, fmt.Sprintf("partition of %s: %s", p.link(schema.KindTable, t.Schema, t.PartitionOf.Table), code(t.PartitionOf.Bound)))
	}
	if len(t.Inherits) > 0 {
		about = append(about, "inherits "+codes(t.Inherits))
	}
	if len(t.Options) > 0 {
		about = append(about, "options "+codes(t.Options))
	}
	if t.RowSecurity != "" {
		about = append(about, "row security "+text(t.RowSecurity))
	}
	if len(about) > 0 {
		p.line("%s", strings.Join(about, "; "))
	}
	p.columns(t.Columns)
	if k := t.PrimaryKey; k != nil {
		p.list("Primary key", []string{codes(k.Columns) + also(k.Deferrable) + comment(k.Comment)})
	}
	p.list("Indexes", indexes(t.Indexes))
	p.list("Foreign keys", p.foreignKeys(t))
	p.list("Referenced by", p.referencedBy(t))
	p.list("Checks", checks(t.Checks))
	var policies []string
	for _, x := range t.Policies {
		text := fmt.Sprintf("%s: %s", code(x.Name), strings.ToLower(x.Command))
		if len(x.Roles) > 0 {
			text += " to " + codes(x.Roles)
		}
		if x.Using != "" {
			text += ", using " + code(x.Using)
		}
		if x.WithCheck != "" {
			text += ", with check " + code(x.WithCheck)
		}
		policies = append(policies, text+comment(x.Comment))
	}
	p.list("Policies", policies)
	p.triggers(t.Triggers, t.Rules)
}

// columns writes the table of columns.
func (p *page) columns(all []schema.Column) {
	if len(all) == 0 {
		return
	}
	p.b.WriteString("| Column | Type | Null | Default | Comment |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range all {
		null := "no"
		if c.Nullable {
			null = "yes"
		}
		var value []string
		switch {
		case c.Generated != "" && c.Stored:
			value = append(value, "stored "+code(c.Generated))
		case c.Generated != "":
			value = append(value, "generated "+code(c.Generated))
		case c.Identity != "":
			value = append(value, "identity "+text(c.Identity))
		case c.Default != nil:
			value = append(value, code(*c.Default))
		}
		if c.OnUpdate != "" {
			value = append(value, "on update "+code(c.OnUpdate))
		}
		kind := code(c.Type)
		if c.Collation != "" {
			kind += " collate " + code(c.Collation)
		}
		fmt.Fprintf(&p.b, "| %s | %s | %s | %s | %s |\n", code(c.Name), kind, null, strings.Join(value, ", "), text(c.Comment))
	}
	p.b.WriteString("\n")
}

func indexes(all []schema.Index) (out []string) {
	for _, x := range all {
		text := codes(x.Parts)
		if x.Name != "" {
			text = code(x.Name) + ": " + text
		}
		switch {
		case x.Constraint == "exclusion":
			text += ", exclusion"
		case x.Unique:
			text += ", unique"
		}
		if x.Method != "" {
			text += ", " + code(x.Method)
		}
		if len(x.Include) > 0 {
			text += ", with " + codes(x.Include)
		}
		if x.Where != "" {
			text += ", where " + code(x.Where)
		}
		if len(x.Options) > 0 {
			text += ", " + codes(x.Options)
		}
		if x.Invalid {
			text += ", invalid: its build failed"
		}
		out = append(out, text+also(x.Deferrable)+comment(x.Comment))
	}
	return out
}

func (p *page) foreignKeys(t *schema.Table) (out []string) {
	for _, f := range t.ForeignKeys {
		space := cmp.Or(f.RefSchema, t.Schema)
		to := code(f.RefTable)
		if p.has(space, f.RefTable) {
			to = p.link(schema.KindTable, space, f.RefTable)
		}
		text := fmt.Sprintf("%s → %s", codes(f.Columns), to)
		if len(f.RefColumns) > 0 {
			text += " " + codes(f.RefColumns)
		}
		if f.Name != "" {
			text = code(f.Name) + ": " + text
		}
		if f.OnDelete != "" {
			text += ", on delete " + strings.ToLower(f.OnDelete)
		}
		if f.OnUpdate != "" {
			text += ", on update " + strings.ToLower(f.OnUpdate)
		}
		if f.NotValid {
			text += ", not valid"
		}
		out = append(out, text+also(f.Deferrable)+comment(f.Comment))
	}
	return out
}

// referencedBy are the keys of all tables that name this one.
func (p *page) referencedBy(t *schema.Table) (out []string) {
	for i := range p.Tables {
		x := &p.Tables[i]
		for _, f := range x.ForeignKeys {
			if f.RefTable == t.Name && cmp.Or(f.RefSchema, x.Schema) == t.Schema {
				out = append(out, fmt.Sprintf("%s %s", p.link(schema.KindTable, x.Schema, x.Name), codes(f.Columns)))
			}
		}
	}
	return out
}

func (p *page) has(space, name string) bool {
	for _, t := range p.Tables {
		if t.Schema == space && t.Name == name {
			return true
		}
	}
	return false
}

func checks(all []schema.Check) (out []string) {
	for _, c := range all {
		text := code(c.Expression)
		if c.Name != "" {
			text = code(c.Name) + ": " + text
		}
		if c.NotValid {
			text += ", not valid"
		}
		out = append(out, text+comment(c.Comment))
	}
	return out
}

// triggers writes triggers and rules with their whole definitions.
func (p *page) triggers(all []schema.Trigger, rules []schema.Rule) {
	for _, t := range all {
		p.line("**Trigger** %s%s%s", code(t.Name), also(t.State), comment(t.Comment))
		p.block("sql", t.Definition)
	}
	for _, r := range rules {
		p.line("**Rule** %s", code(r.Name))
		p.block("sql", r.Definition)
	}
}

func also(s string) string {
	if s == "" {
		return ""
	}
	return ", " + text(s)
}

func comment(s string) string {
	if s == "" {
		return ""
	}
	return ": " + text(s)
}

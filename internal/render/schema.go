package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Schema draws what is in a database for people: tables first.
func Schema(w io.Writer, s Style, st *schema.State) {
	fmt.Fprintf(w, "%s %s %s, %s\n", s.Bold("Database:"), title(st.Engine), st.Version, Plain(st.Database))
	for _, t := range st.Tables {
		fmt.Fprintln(w)
		line := s.Bold("Table: " + Plain(qualified(t.Schema, t.Name)))
		if t.Own {
			line += s.Dim(" (dbwarden's own)")
		}
		fmt.Fprintln(w, line)
		if t.Comment != "" {
			fmt.Fprintln(w, s.Dim("  "+Plain(OneLine(t.Comment))))
		}
		columns(w, s, t.Columns)
		facts(w, s, t)
	}
	objects(w, s, st)
	fmt.Fprintf(w, "\nTables: %d\n", len(st.Tables))
	for _, c := range []struct {
		what string
		n    int
	}{
		{"Views", len(st.Views)}, {"Routines", len(st.Routines)}, {"Types", len(st.Types)},
		{"Sequences", len(st.Sequences)}, {"Events", len(st.Events)},
	} {
		if c.n > 0 {
			fmt.Fprintf(w, "%s: %d\n", c.what, c.n)
		}
	}
}

func qualified(space, name string) string {
	if space == "" {
		return name
	}
	return space + "." + name
}

func title(engine string) string {
	switch engine {
	case "sqlite":
		return "SQLite"
	case "postgres":
		return "PostgreSQL"
	case "mysql":
		return "MySQL"
	case "mariadb":
		return "MariaDB"
	}
	return engine
}

func columns(w io.Writer, s Style, all []schema.Column) {
	table := Table{Head: []string{"COLUMN", "TYPE", "NULL", "DEFAULT", "MORE"}}
	for _, c := range all {
		null, def := "no", ""
		if c.Nullable {
			null = "yes"
		}
		if c.Default != nil {
			def = *c.Default
		}
		var more []string
		if c.Identity != "" {
			more = append(more, strings.TrimSpace(c.Identity+" "+c.IdentityOptions))
		}
		if c.OnUpdate != "" {
			more = append(more, "on update "+c.OnUpdate)
		}
		if c.Generated != "" {
			more = append(more, "generated as "+c.Generated)
		}
		if c.Collation != "" {
			more = append(more, "collate "+c.Collation)
		}
		more = append(more, c.Options...)
		if c.Inherited {
			more = append(more, "inherited")
		}
		if c.Comment != "" {
			more = append(more, "'"+c.Comment+"'")
		}
		table.Rows = append(table.Rows, []Cell{Text(c.Name), {Text: c.Type, Draw: s.Accent}, Text(null), Text(OneLine(def)), Text(OneLine(strings.Join(more, ", ")))})
	}
	var b strings.Builder
	inner := s
	inner.Width = max(0, s.Width-2)
	table.Write(&b, inner)
	fmt.Fprint(w, "  "+strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\n", "\n  ")+"\n")
}

func facts(w io.Writer, s Style, t schema.Table) {
	line := func(kind, text string) { fmt.Fprintf(w, "  %s %s\n", s.Dim(kind+":"), Plain(OneLine(text))) }
	if t.PrimaryKey != nil {
		line("primary key", "("+strings.Join(t.PrimaryKey.Columns, ", ")+")")
	}
	for _, i := range t.Indexes {
		line(indexKind(i), indexText(i))
	}
	for _, f := range t.ForeignKeys {
		ref := f.RefTable
		if f.RefSchema != "" {
			ref = f.RefSchema + "." + ref
		}
		text := fmt.Sprintf("%s (%s) references %s (%s)", f.Name, strings.Join(f.Columns, ", "), ref, strings.Join(f.RefColumns, ", "))
		if f.OnDelete != "" {
			text += " on delete " + strings.ToLower(f.OnDelete)
		}
		if f.OnUpdate != "" {
			text += " on update " + strings.ToLower(f.OnUpdate)
		}
		if f.Match != "" {
			text += " match " + f.Match
		}
		line("foreign key", strings.TrimSpace(text+space(f.Deferrable)+when(f.NotValid, " not valid")))
	}
	for _, c := range t.Checks {
		line("check", strings.TrimSpace(c.Name+" "+c.Expression+when(c.NotValid, " not valid")))
	}
	if o := strings.TrimSpace(t.Kind + " " + strings.Join(t.Options, " ")); o != "" {
		line("options", o)
	}
	if len(t.Inherits) > 0 {
		line("inherits", strings.Join(t.Inherits, ", "))
	}
	if p := t.Partitions; p != nil {
		line("partitioned by", p.By)
		for _, one := range p.List {
			line("partition", strings.TrimPrefix(one, "PARTITION "))
		}
	}
	if p := t.PartitionOf; p != nil {
		line("partition of", p.Table+" "+p.Bound)
	}
	if t.RowSecurity != "" {
		line("row security", t.RowSecurity)
	}
	for _, p := range t.Policies {
		line("policy", policy(p))
	}
	attached(line, t.Triggers, t.Rules, t.Grants)
}

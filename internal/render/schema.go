package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Schema draws a database's tables for people.
func Schema(w io.Writer, s Style, st *schema.State) {
	fmt.Fprintf(w, "%s %s %s, %s\n", s.Bold("Database:"), title(st.Engine), st.Version, Plain(st.Database))
	for _, t := range st.Tables {
		fmt.Fprintln(w)
		name := t.Name
		if t.Schema != "" {
			name = t.Schema + "." + t.Name
		}
		line := s.Bold("Table: " + Plain(name))
		if t.Own {
			line += s.Dim(" (dbwarden's own)")
		}
		fmt.Fprintln(w, line)
		if t.Comment != "" {
			fmt.Fprintln(w, s.Dim("  "+Plain(OneLine(t.Comment))))
		}
		columns(w, s, t)
		facts(w, s, t)
	}
	fmt.Fprintf(w, "\nTables: %d\n", len(st.Tables))
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

func columns(w io.Writer, s Style, t schema.Table) {
	table := Table{Head: []string{"COLUMN", "TYPE", "NULL", "DEFAULT", "MORE"}}
	for _, c := range t.Columns {
		null, def := "no", ""
		if c.Nullable {
			null = "yes"
		}
		if c.Default != nil {
			def = *c.Default
		}
		var more []string
		if c.Identity != "" {
			more = append(more, c.Identity)
		}
		if c.Generated != "" {
			more = append(more, "generated as "+c.Generated)
		}
		if c.Collation != "" {
			more = append(more, "collate "+c.Collation)
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
		kind := "index"
		if i.Unique {
			kind = "unique index"
		}
		text := i.Name + " (" + strings.Join(i.Parts, ", ") + ")"
		if i.Method != "" {
			text += " using " + i.Method
		}
		if i.Where != "" {
			text += " where " + i.Where
		}
		line(kind, text)
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
		line("foreign key", strings.TrimSpace(text))
	}
	for _, c := range t.Checks {
		line("check", strings.TrimSpace(c.Name+" "+c.Expression))
	}
}

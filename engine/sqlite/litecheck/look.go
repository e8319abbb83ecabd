package litecheck

import (
	"fmt"
	"sort"
	"strings"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
)

func contains(words, word string) bool { return strings.Contains(words, " "+word+" ") }

// look judges one statement.
func look(c *check.Context) {
	s := c.Stmt
	switch s.Verb {
	case ddl.Create:
		switch s.Object {
		case "TABLE":
			create(c)
		case "INDEX":
			if !c.Fresh(s.On) {
				c.Report("index-build", s.At, check.Finding{Message: "nobody writes to the database while the index is built"}.About(s.On))
			}
		}
	case ddl.Drop:
		if s.Object == "TABLE" {
			for _, n := range s.Names {
				drop(c, n)
			}
		}
	case ddl.Vacuum:
		c.Report("vacuum", 0, check.Finding{Message: "the whole file is written anew"})
	case ddl.Set:
		if s.Setting == "pragma writable_schema" && s.Value != "0" && s.Value != "off" && s.Value != "" {
			c.Report("writable-schema", 0, check.Finding{Message: "from here on the schema can be broken by a plain UPDATE"})
		}
	case ddl.Alter:
		if s.Object == "TABLE" {
			for i := range s.Actions {
				action(c, s.Names[0], &s.Actions[i])
			}
		}
	}
}

func create(c *check.Context) {
	s := c.Stmt
	if s.Temporary {
		return
	}
	n := s.Names[0]
	if !s.Strict && len(s.Columns) > 0 {
		c.Report("not-strict", n.At, check.Finding{Message: n.Text + " is not STRICT"})
	}
	for i := range s.Columns {
		columnType(c, n, &s.Columns[i])
	}
	c.Before(func(b *ddl.Statement) {
		if b.Verb == ddl.Alter && b.Object == "TABLE" && len(b.Actions) == 1 && b.Actions[0].Kind == ddl.RenameTable && b.Names[0].Name == n.Name {
			c.Report("rename-away", n.At, check.Finding{Message: "what refers to " + n.Text + " follows " + b.Actions[0].To.Text + " now",
				Safer: fmt.Sprintf("CREATE TABLE %[1]s_new (...);\nINSERT INTO %[1]s_new SELECT ... FROM %[2]s;\nDROP TABLE %[2]s;\nALTER TABLE %[1]s_new RENAME TO %[2]s;", n.Name, n.Text)})
		}
	})
}

func columnType(c *check.Context, n ddl.Name, col *ddl.Column) {
	if col.Type.Name == "string" {
		c.Report("string-type", col.Type.At, check.Finding{Message: n.Text + "." + col.Name.Text + " is taken for a number", Safer: col.Name.Text + " TEXT"})
	}
}

// drop judges a DROP TABLE, which may be one of a rebuild.
func drop(c *check.Context, n ddl.Name) {
	t := c.Known(n)
	if t.Fresh || !c.Rebuilt(n) {
		return
	}
	off := false
	c.Before(func(b *ddl.Statement) {
		if b.Verb == ddl.Set && b.Setting == "pragma foreign_keys" {
			off = b.Value == "off" || b.Value == "0" || b.Value == "false" || b.Value == "no"
		}
	})
	if len(t.ReferencedBy) > 0 && !off {
		c.Report("rebuild-with-foreign-keys", n.At, check.Finding{Message: "with foreign keys on, the rows of " + names(t.ReferencedBy) + " that refer to " + n.Text + " are deleted, emptied or in the way",
			Safer: "PRAGMA foreign_keys = OFF;\n-- the rebuild, and behind it\nPRAGMA foreign_keys = ON;"}.About(n))
	}
	lost := map[string]bool{}
	for name := range t.Indexes {
		if !strings.HasPrefix(name, "?") && !strings.HasSuffix(name, " key") {
			lost[name] = true
		}
	}
	for name := range t.Triggers {
		lost[name] = true
	}
	c.Behind(func(_ int, b *ddl.Statement, _ string) {
		if b.Verb == ddl.Create && (b.Object == "INDEX" || b.Object == "TRIGGER") {
			for _, made := range b.Names {
				delete(lost, made.Name)
			}
		}
	})
	c.Before(func(b *ddl.Statement) { // dropped on purpose
		if b.Verb == ddl.Drop {
			for _, gone := range b.Names {
				delete(lost, gone.Name)
			}
		}
	})
	if len(lost) > 0 {
		c.Report("rebuild-loses", n.At, check.Finding{Message: names(lost) + " of " + n.Text + " is not made again"}.About(n))
	}
}

func names(set map[string]bool) string {
	var list []string
	for name := range set {
		list = append(list, name)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

func action(c *check.Context, n ddl.Name, a *ddl.Action) {
	tell := func(rule, message, safer string) {
		if !c.Fresh(n) {
			c.Report(rule, a.At, check.Finding{Message: message, Safer: safer}.About(n))
		}
	}
	switch a.Kind {
	case ddl.AddColumn:
		col := a.Column
		columnType(c, n, col)
		plain := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;", n.Text, col.Name.Text, col.Type.Text)
		switch {
		case col.PrimaryKey || col.Unique:
			tell("add-unique-column", "SQLite refuses this", plain+fmt.Sprintf("\nCREATE UNIQUE INDEX %s_%s ON %s (%s);", n.Name, col.Name.Name, n.Text, col.Name.Text))
		case col.Generated != nil && col.Stored:
			tell("add-stored-column", "SQLite refuses this", fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s AS (%s) VIRTUAL;", n.Text, col.Name.Text, col.Type.Text, col.Generated.Text))
		case col.Generated == nil && col.NotNull && (col.Default == nil || col.Default.Null()):
			tell("add-required-column", "this fails where "+n.Text+" has a row", check.RequiredColumn(n, col))
		case col.Default != nil && changes(col.Default):
			tell("changing-default", "this fails where "+n.Text+" has a row", plain+fmt.Sprintf("\nUPDATE %s SET %s = %s;", n.Text, col.Name.Text, col.Default.Text))
		}
	case ddl.DropColumn:
		t := c.Known(n)
		if col := t.Column(a.Name.Name); col != nil && (col.PrimaryKey || col.Unique) {
			tell("drop-column-in-use", "SQLite refuses this: "+a.Name.Text+" is a key", "-- rebuild the table without the column")
			return
		}
		for name, x := range t.Indexes {
			for _, k := range x.Columns {
				if k.Name.Name == a.Name.Name {
					tell("drop-column-in-use", "SQLite refuses this: the index "+strings.TrimPrefix(name, "?")+" has "+a.Name.Text, fmt.Sprintf("DROP INDEX %s;\nALTER TABLE %s DROP COLUMN %s;", name, n.Text, a.Name.Text))
					return
				}
			}
		}
	}
}

// changes says that a default is none that ADD COLUMN takes.
func changes(e *ddl.Expr) bool {
	if strings.HasPrefix(e.Text, "(") {
		return true
	}
	for _, t := range e.Tokens {
		if t.Is("CURRENT_TIMESTAMP") || t.Is("CURRENT_DATE") || t.Is("CURRENT_TIME") {
			return true
		}
	}
	return false
}

package check

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/migration"
)

// mig is short for what nearly every function here is about.
type mig = *migration.Migration

// wayBack judges the rollback section against the upgrade.
func (r *run) wayBack(m mig, up, down []read, whole []*ignore) {
	if m.Header.LockTimeout != nil && *m.Header.LockTimeout == 0 || m.Header.LockTimeout == nil && r.o.NoLockTimeout {
		if r.locksSomething(up) {
			r.report("no-lock-timeout", Finding{File: m.File, Line: 1, Column: 1, Message: "nothing limits the wait for a locked table",
				Safer: "-- lock_timeout: 5s"}, whole)
		}
	}
	if t := m.Header.StatementTimeout; (t != nil && *t == 0 || t == nil && r.o.NoStatementTimeout) && len(up) > 0 {
		r.report("no-statement-timeout", Finding{File: m.File, Line: 1, Column: 1, Message: "nothing limits how long a statement runs",
			Safer: "-- statement_timeout: 15m"}, whole)
	}
	if m.Kind != migration.Versioned || m.Header.Seed || len(up) == 0 {
		return
	}
	file := Finding{File: m.File, Line: m.Upgrade.Line, Column: 1, Section: string(migration.Up)}
	switch {
	case !m.Rollback.Present:
		file.Message, file.Safer = "there is no way back", "-- rollback\n"+inverse(up, r.o.Product.Dialect)
		r.report("no-rollback", file, whole)
		return
	case len(down) == 0:
		if changesSchema(up) {
			file.Line, file.Section = m.Rollback.Line, string(migration.Down)
			file.Message, file.Safer = "the way back does nothing", "-- rollback\n"+inverse(up, r.o.Product.Dialect)
			r.report("empty-rollback", file, whole)
		}
		return
	}
	for _, s := range append(append([]read{}, up...), down...) {
		if !s.ddl.Understood {
			return // it may do what seems to be missing
		}
	}
	r.leftBehind(m, up, down, whole)
	r.lost(m, up, down, whole)
}

func (r *run) locksSomething(up []read) bool {
	for _, s := range up {
		switch s.ddl.Verb {
		case ddl.Alter, ddl.Drop, ddl.Truncate, ddl.Rename, ddl.Lock, ddl.Update, ddl.Delete:
			return true
		case ddl.Create:
			if s.ddl.Object == "INDEX" || s.ddl.Object == "TRIGGER" {
				return true
			}
		}
	}
	return false
}

func changesSchema(up []read) bool {
	for _, s := range up {
		switch s.ddl.Verb {
		case ddl.Create, ddl.Alter, ddl.Drop, ddl.Rename:
			return true
		}
	}
	return false
}

// made is something that a section leaves in the database, or takes away.
type made struct {
	what string // "TABLE users", "COLUMN users.email"
	text string
	undo string
	from read
	at   int
}

// of is the table of a column or an index, "" for all else.
func (m made) of() string {
	switch kind, name, _ := strings.Cut(m.what, " "); {
	case kind == "COLUMN":
		table, _, _ := strings.Cut(name, ".")
		return table
	case kind == "INDEX" && m.from.ddl.Verb == ddl.Create:
		return m.from.ddl.On.Name
	case kind == "INDEX" && len(m.from.ddl.Names) > 0:
		return m.from.ddl.Names[0].Name
	}
	return ""
}

// makes lists what a section makes and what it takes away. What it makes and
// takes away itself is in neither.
func makes(list []read, l ddl.Dialect) (added, gone []made) {
	add := func(to *[]made, other *[]made, m made) {
		for i, o := range *other {
			if o.what == m.what {
				*other = append((*other)[:i:i], (*other)[i+1:]...)
				return
			}
		}
		*to = append(*to, m)
	}
	for _, s := range list {
		d := s.ddl
		switch d.Verb {
		case ddl.Create:
			if d.Temporary || len(d.Names) == 0 || d.OrReplace {
				continue
			}
			switch d.Object {
			case "TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW", "TYPE", "DOMAIN", "SCHEMA", "SEQUENCE", "EXTENSION":
				n := d.Names[0]
				undo := fmt.Sprintf("DROP %s %s;", d.Object, n.Text)
				if d.Object == "INDEX" && l.TableIndexes {
					undo = fmt.Sprintf("DROP INDEX %s ON %s;", n.Text, d.On.Text)
				}
				add(&added, &gone, made{d.Object + " " + n.Name, n.Text, undo, s, n.At})
			}
		case ddl.Drop:
			for _, n := range d.Names {
				add(&gone, &added, made{d.Object + " " + n.Name, n.Text, "", s, n.At})
			}
		case ddl.Alter:
			for i := range d.Actions {
				a := &d.Actions[i]
				if d.Object != "TABLE" {
					continue
				}
				t := d.Names[0]
				switch a.Kind {
				case ddl.AddColumn:
					add(&added, &gone, made{"COLUMN " + t.Name + "." + a.Name.Name, t.Text + "." + a.Name.Text,
						fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s;", t.Text, a.Name.Text), s, a.At})
				case ddl.DropColumn:
					add(&gone, &added, made{"COLUMN " + t.Name + "." + a.Name.Name, t.Text + "." + a.Name.Text, "", s, a.At})
				case ddl.RenameTable:
					add(&gone, &added, made{what: "TABLE " + t.Name, text: t.Text, from: s, at: a.At})
					add(&added, &gone, made{"TABLE " + a.To.Name, a.To.Text, fmt.Sprintf("ALTER TABLE %s RENAME TO %s;", a.To.Text, t.Text), s, a.At})
				case ddl.AddIndex:
					if !a.Name.IsZero() {
						add(&added, &gone, made{"INDEX " + a.Name.Name, a.Name.Text, fmt.Sprintf("ALTER TABLE %s DROP INDEX %s;", t.Text, a.Name.Text), s, a.At})
					}
				case ddl.DropIndex:
					add(&gone, &added, made{"INDEX " + a.Name.Name, a.Name.Text, "", s, a.At})
				}
			}
		}
	}
	return added, gone
}

// leftBehind finds what the upgrade makes and the rollback leaves.
func (r *run) leftBehind(m mig, up, down []read, whole []*ignore) {
	added, _ := makes(up, r.o.Product.Dialect)
	_, gone := makes(down, r.o.Product.Dialect)
	taken := map[string]bool{}
	for _, g := range gone {
		taken[g.what] = true
	}
	for _, s := range down {
		if s.ddl.Verb == ddl.Drop && (s.ddl.Object == "SCHEMA" || s.ddl.Object == "DATABASE" || s.ddl.Object == "OWNED") || s.ddl.Cascade {
			return // it may take the rest along
		}
	}
	for _, a := range added {
		kind, name, _ := strings.Cut(a.what, " ")
		table, _, column := strings.Cut(name, ".")
		if taken[a.what] || kind == "COLUMN" && column && taken["TABLE "+table] || kind == "INDEX" && (taken["TABLE "+a.from.ddl.On.Name] ||
			len(a.from.ddl.Names) > 0 && taken["TABLE "+a.from.ddl.Names[0].Name] || dropsAColumn(a.from.ddl, gone)) {
			continue
		}
		if kind == "TABLE" && a.from.ddl.IfNotExists {
			continue // it may have been there
		}
		pos := a.from.sql.Offset(a.at)
		r.report("rollback-incomplete", Finding{File: m.File, Line: pos.Line, Column: pos.Column, Section: string(migration.Up),
			Message: a.text + " stays when the migration is rolled back", Safer: "-- rollback\n" + a.undo}, append(a.from.own, whole...))
	}
}

// dropsAColumn says that a column of the index goes, and the index with it.
func dropsAColumn(index *ddl.Statement, gone []made) bool {
	if index.Object != "INDEX" || len(index.Indexes) == 0 {
		return false
	}
	for _, k := range index.Indexes[0].Columns {
		for _, g := range gone {
			if g.what == "COLUMN "+index.On.Name+"."+k.Name.Name {
				return true
			}
		}
	}
	return false
}

// lost finds what the upgrade drops and the rollback makes again, empty.
func (r *run) lost(m mig, up, down []read, whole []*ignore) {
	_, gone := makes(up, r.o.Product.Dialect)
	back, _ := makes(down, r.o.Product.Dialect)
	for _, g := range gone {
		if !strings.HasPrefix(g.what, "TABLE ") && !strings.HasPrefix(g.what, "COLUMN ") || g.from.ddl.Verb == ddl.Alter && !strings.HasPrefix(g.what, "COLUMN ") {
			continue
		}
		for _, b := range back {
			if b.what == g.what {
				pos := b.from.sql.Offset(b.at)
				r.report("rollback-loses-data", Finding{File: m.File, Line: pos.Line, Column: pos.Column, Section: string(migration.Down),
					Message: b.text + " comes back empty"}, append(b.from.own, whole...))
			}
		}
	}
}

// inverse is the way back as far as it can be told.
func inverse(up []read, l ddl.Dialect) string {
	added, _ := makes(up, l)
	tables := map[string]bool{}
	for _, a := range added {
		tables[a.what] = true
	}
	var lines []string
	for i := len(added) - 1; i >= 0; i-- {
		if t := added[i].of(); t == "" || !tables["TABLE "+t] { // it goes with its table
			lines = append(lines, added[i].undo)
		}
	}
	if len(lines) == 0 {
		return "..."
	}
	return strings.Join(lines, "\n")
}

package myschema

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// alter adds one ALTER TABLE with these clauses, nothing for none. MariaDB
// lets no versioned table be changed unless its history is changed along.
func (p *planner) alter(t schema.Table, name string, clauses []string, lost string) {
	if len(clauses) == 0 {
		return
	}
	text := "ALTER TABLE " + name + " " + clauses[0]
	if len(clauses) > 1 {
		text = "ALTER TABLE " + name + "\n    " + strings.Join(clauses, ",\n    ")
	}
	if t.Kind == "system versioned" {
		text = "SET STATEMENT system_versioning_alter_history = KEEP FOR " + text
	}
	if lost != "" {
		p.loses(lost, "%s", text)
		return
	}
	p.add("%s", text)
}

// alterTable changes a table but for its foreign keys.
func (p *planner) alterTable(id schema.ID, was, is schema.Table) {
	name := p.is.name(is.Schema, is.Name)
	a := &alteration{p: p, id: id, was: was, is: is}
	a.unversion()
	a.clear()
	a.columns()
	a.complete()
	a.options()
	cut, alone := p.partition(id, was, is)
	if cut != "" && !alone && len(a.clauses) > 0 {
		a.clauses[len(a.clauses)-1] += "\n    " + cut
		cut = ""
	}
	p.alter(was, name, a.clauses, strings.Join(a.lost, ", "))
	if cut != "" {
		p.alter(is, name, []string{cut}, "")
	}
	p.alter(is, name, a.unrecorded(), "")
}

// alteration is one ALTER TABLE in the making.
type alteration struct {
	p       *planner
	id      schema.ID
	was, is schema.Table
	clauses []string
	lost    []string
}

func (a *alteration) add(clause string) { a.clauses = append(a.clauses, clause) }

func (a *alteration) part(kind schema.Kind, name string) schema.ID { return part(a.id, kind, name) }

// period is the clause that names the columns of a table's own period, "" for
// a table that has none.
func period(t schema.Table) string {
	var start, end string
	for _, c := range t.Columns {
		switch c.Generated {
		case "ROW START":
			start = c.Name
		case "ROW END":
			end = c.Name
		}
	}
	if start == "" || end == "" {
		return ""
	}
	return "PERIOD FOR SYSTEM_TIME (" + quote(start) + ", " + quote(end) + ")"
}

func (a *alteration) unversion() {
	if a.was.Kind != "" && a.is.Kind == "" {
		a.lost = append(a.lost, "history of "+a.id.String())
		a.add("DROP SYSTEM VERSIONING")
	}
	if period(a.was) != "" && period(a.is) == "" {
		a.add("DROP PERIOD FOR SYSTEM_TIME")
	}
}

// clear takes away checks and indexes. A check of a column belongs to it.
func (a *alteration) clear() {
	for _, x := range a.was.Checks {
		if x.Column == "" && a.p.goes(a.part(schema.KindCheck, x.Name)) {
			a.add("DROP CONSTRAINT " + quote(x.Name))
		}
	}
	if a.was.PrimaryKey != nil && a.p.goes(a.part(schema.KindPrimaryKey, "")) {
		a.add("DROP PRIMARY KEY")
	}
	for _, x := range a.was.Indexes {
		if k := a.part(schema.KindIndex, x.Name); a.p.goes(k) && !a.switched(k) {
			a.add("DROP INDEX " + quote(x.Name))
		}
	}
}

// switched reports whether an index is only used from now on, or not used.
func (a *alteration) switched(k schema.ID) bool {
	c := a.p.changes[k]
	return c.Op == schema.Changed && len(c.Fields) == 1 && has(c, "options") && !a.p.again[k]
}

func (a *alteration) complete() {
	if k := a.is.PrimaryKey; k != nil && a.p.comes(a.part(schema.KindPrimaryKey, "")) {
		a.add("ADD " + k.Definition + comment(k.Comment))
	}
	for _, x := range a.is.Indexes {
		k := a.part(schema.KindIndex, x.Name)
		switch {
		case a.switched(k):
			a.add("ALTER INDEX " + quote(x.Name) + " " + a.use(x))
		case a.p.comes(k):
			text := "ADD " + x.Definition + comment(x.Comment)
			for _, o := range x.Options {
				text += " " + strings.ToUpper(o)
			}
			a.add(text)
		}
	}
	for _, x := range a.is.Checks {
		if x.Column == "" && a.p.comes(a.part(schema.KindCheck, x.Name)) {
			a.add("ADD CONSTRAINT " + quote(x.Name) + " " + x.Definition)
		}
	}
}

func (a *alteration) use(x schema.Index) string {
	if len(x.Options) > 0 {
		return strings.ToUpper(x.Options[0])
	}
	if a.p.to.Engine == "mariadb" {
		return "NOT IGNORED"
	}
	return "VISIBLE"
}

// options changes what the table is itself. One that is no longer named is
// what the server takes without it.
func (a *alteration) options() {
	c := a.p.changes[a.id]
	if has(c, "options") {
		for _, o := range a.is.Options {
			if !slices.Contains(a.was.Options, o) {
				a.add(o)
			}
		}
		for _, o := range a.was.Options {
			key, _, _ := strings.Cut(o, "=")
			if !slices.ContainsFunc(a.is.Options, func(s string) bool { return strings.HasPrefix(s, key+"=") }) {
				a.add(key + "=" + unset(key))
			}
		}
	}
	if has(c, "comment") {
		a.add("COMMENT=" + literal(a.is.Comment))
	}
	if text := period(a.is); text != "" && period(a.was) == "" {
		a.add("ADD " + text)
	}
	if a.was.Kind == "" && a.is.Kind != "" {
		a.add("ADD SYSTEM VERSIONING")
	}
}

func unset(option string) string {
	switch strings.ToLower(option) {
	case "page_checksum":
		return "1"
	case "max_rows", "min_rows", "avg_row_length", "checksum", "delay_key_write", "key_block_size":
		return "0"
	}
	return "DEFAULT"
}

// partition is the clause that cuts a table otherwise, "" for none, and
// whether it must stand alone. Where it need not it belongs into the ALTER TABLE
// with the rest: a column or key that goes may be what the table is cut by.
// Rows are moved, never dropped: a row for which no partition is left makes
// the statement fail.
func (p *planner) partition(id schema.ID, was, is schema.Table) (clause string, alone bool) {
	if !has(p.changes[id], "partitions") {
		return "", false
	}
	a, b := was.Partitions, is.Partitions
	if b == nil {
		return "REMOVE PARTITIONING", false
	}
	if a != nil && a.By == b.By && len(a.List) < len(b.List) && slices.Equal(a.List, b.List[:len(a.List)]) &&
		(strings.HasPrefix(b.By, "RANGE") || strings.HasPrefix(b.By, "LIST")) {
		return "ADD PARTITION (\n    " + strings.Join(b.List[len(a.List):], ",\n    ") + ")", true
	}
	return partitioned(b), false
}

const unrecorded = "without system versioning"

// unrecorded are the clauses that take columns out of a history that has just
// begun: the server knows no such columns in a table that has none yet.
func (a *alteration) unrecorded() (clauses []string) {
	if a.was.Kind != "" || a.is.Kind == "" {
		return nil
	}
	for _, c := range a.is.Columns {
		if slices.Contains(c.Options, unrecorded) {
			clauses = append(clauses, "MODIFY COLUMN "+column(c, a.is.Checks))
		}
	}
	return clauses
}

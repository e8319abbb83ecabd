package liteschema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// rebuild makes a table anew and carries its rows over: the new one is made
// under another name, filled, and takes the place of the old one. With
// legacy_alter_table a table is renamed and nothing else: views, triggers and
// keys that name the old one mean the new one.
//
// A table whose own text says its name before a column's cannot be made under
// another name. The rows are put aside instead, until it is there.
func (p *planner) rebuild(w *work) {
	name := plain(w.was.Name)
	into, of, lost := carried(w)
	if len(into) == 0 {
		lost = []string{"table " + name}
	}
	if qualified(w.is) {
		p.rebuildInPlace(w, into, of, lost)
		return
	}
	other := p.unused("new_" + w.was.Name)
	p.add("%s", under(w.is.Definition, other))
	if len(into) > 0 {
		p.add("%s INTO %s (%s)\nSELECT %s FROM %s", inserting(w.is), plain(other), strings.Join(into, ", "), strings.Join(of, ", "), name)
	}
	if numbered(w.was) && numbered(w.is) { // numbers that were given once are not given again
		p.add("DELETE FROM sqlite_sequence WHERE name = %s", literal(other))
		p.add("UPDATE sqlite_sequence SET name = %s WHERE name = %s", literal(other), literal(w.was.Name))
	}
	p.loses(strings.Join(lost, ", "), "DROP TABLE %s", name)
	p.add("PRAGMA legacy_alter_table = ON")
	p.add("ALTER TABLE %s RENAME TO %s", plain(other), name)
	p.add("PRAGMA legacy_alter_table = OFF")
}

func (p *planner) rebuildInPlace(w *work, into, of, lost []string) {
	name, aside := plain(w.was.Name), p.unused("old_"+w.was.Name)
	as, back := []string{"1"}, make([]string, len(of))
	for i := range of {
		back[i] = fmt.Sprintf("c%d", i+1)
		as = append(as, of[i]+" AS "+back[i])
	}
	p.add("CREATE TABLE %s AS\nSELECT %s FROM %s", plain(aside), strings.Join(as, ", "), name)
	if numbered(w.was) && numbered(w.is) {
		p.add("UPDATE sqlite_sequence SET name = %s WHERE name = %s", literal(aside), literal(w.was.Name))
	}
	p.loses(strings.Join(lost, ", "), "DROP TABLE %s", name)
	p.add("%s", w.is.Definition)
	if len(into) > 0 {
		p.add("%s INTO %s (%s)\nSELECT %s FROM %s", inserting(w.is), name, strings.Join(into, ", "), strings.Join(back, ", "), plain(aside))
	}
	if numbered(w.was) && numbered(w.is) {
		p.add("DELETE FROM sqlite_sequence WHERE name = %s", literal(w.was.Name))
		p.add("UPDATE sqlite_sequence SET name = %s WHERE name = %s", literal(w.was.Name), literal(aside))
	}
	p.add("DROP TABLE %s", plain(aside))
}

// inserting is the verb that carries rows over. A table whose text says ON
// CONFLICT would throw rows away as they come, or give them other values: what
// it does not take is to stop the migration.
func inserting(t schema.Table) string {
	for _, one := range tokens(t.Definition) {
		if one.is("CONFLICT") {
			return "INSERT OR ABORT"
		}
	}
	return "INSERT"
}

// under is a CREATE TABLE with another name.
func under(sql, name string) string {
	t := tokens(sql)[2] // behind CREATE TABLE, which SQLite spells itself
	return sql[:t.start] + plain(name) + sql[t.end:]
}

// qualified reports whether a table's own text says its name before a
// column's.
func qualified(t schema.Table) bool {
	all := tokens(t.Definition)
	for i := range all[:max(len(all)-1, 0)] {
		if strings.EqualFold(all[i].name(), t.Name) && all[i+1].is(".") {
			return true
		}
	}
	return false
}

// unused is a name for a table that nothing has.
func (p *planner) unused(name string) string {
	for p.taken(name) {
		name += "_"
	}
	return name
}

func (p *planner) taken(name string) bool {
	for _, st := range []*schema.State{p.from, p.to} {
		for _, t := range st.Tables {
			if strings.EqualFold(t.Name, name) || slices.ContainsFunc(t.Indexes, func(x schema.Index) bool { return strings.EqualFold(x.Name, name) }) {
				return true
			}
		}
		for _, v := range st.Views {
			if strings.EqualFold(v.Name, name) {
				return true
			}
		}
	}
	return false
}

// carried are the columns that the new table gets from the old one, and what
// does not come along.
func carried(w *work) (into, of, lost []string) {
	if r := rowID(w); r != "" {
		// What keeps row numbers, as a full-text index does, finds its rows.
		into, of = append(into, r), append(of, r)
	}
	for _, was := range w.was.Columns {
		path := w.was.Name + "." + was.Name
		i := slices.IndexFunc(w.is.Columns, func(c schema.Column) bool { return strings.EqualFold(c.Name, was.Name) })
		if i < 0 || w.is.Columns[i].Generated != "" {
			if was.Generated == "" {
				lost = append(lost, "column "+path)
			}
			continue
		}
		is := w.is.Columns[i]
		into, of = append(into, plain(is.Name)), append(of, plain(was.Name))
		if what := turns(affinity(was.Type), affinity(is.Type)); what != "" && was.Generated == "" {
			lost = append(lost, what+" in column "+path)
		}
	}
	return into, of, lost
}

// rowNumbers are the names of the number of a row, as far as no column has them.
var rowNumbers = []string{"rowid", "_rowid_", "oid"}

// rowID is the name of the rows' numbers, where both tables have them and the
// new one has no column for them.
func rowID(w *work) string {
	if slices.Contains(w.was.Options, "without rowid") || slices.Contains(w.is.Options, "without rowid") || alias(w.is) {
		return ""
	}
	for _, name := range rowNumbers {
		if !containsFold(columnNames(w.was), name) && !containsFold(columnNames(w.is), name) {
			return name
		}
	}
	return ""
}

// alias reports whether the primary key may be the row's number.
func alias(t schema.Table) bool {
	return t.PrimaryKey != nil && len(t.PrimaryKey.Columns) == 1 && slices.ContainsFunc(t.Columns, func(c schema.Column) bool {
		return strings.EqualFold(c.Name, t.PrimaryKey.Columns[0]) && strings.EqualFold(c.Type, "INTEGER")
	})
}

func numbered(t schema.Table) bool {
	return slices.ContainsFunc(t.Columns, func(c schema.Column) bool { return c.Identity != "" })
}

// affinity is what SQLite makes of a column's type.
func affinity(typ string) string {
	typ = strings.ToUpper(typ)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(typ, w) })
	}
	switch {
	case has("INT"):
		return "integer"
	case has("CHAR", "CLOB", "TEXT"):
		return "text"
	case typ == "", typ == "ANY", has("BLOB"):
		return "blob"
	case has("REAL", "FLOA", "DOUB"):
		return "real"
	}
	return "numeric"
}

// turns is what may be lost of values that go from a column of one affinity
// to one of another: 007 becomes 7 where numbers are wanted, and a text that
// was a number becomes one no more.
func turns(from, to string) string {
	switch {
	case from == to, to == "blob":
	case from == "blob":
		return "which values are texts and which numbers"
	case from == "text":
		return "the spelling of numbers"
	case to == "text" && from != "integer", to == "real":
		return "digits behind the fifteenth"
	}
	return ""
}

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// proveKeys has the transaction fail where rows refer to nothing by a foreign
// key that is new. SQLite itself does not look at rows that are there.
func (p *planner) proveKeys(t schema.Table) {
	var parents []string
	for _, c := range p.of[t.Name] {
		if f, ok := c.To.(schema.ForeignKey); ok && c.ID.Kind == schema.KindForeignKey && !slices.Contains(parents, literal(f.RefTable)) {
			parents = append(parents, literal(f.RefTable))
		}
	}
	if w := p.work[t.Name]; len(parents) == 0 || w == nil || !w.anew {
		return
	}
	for _, f := range t.ForeignKeys {
		if !p.keyed(f) {
			return // SQLite cannot look: there is nothing that the key could mean
		}
	}
	name := plain(p.unused("new_orphans"))
	p.add("CREATE TABLE %s (n INT, CONSTRAINT %s CHECK (n = 0))", name, plain("rows of "+t.Name+" refer to nothing"))
	p.add("INSERT INTO %s SELECT count(*) FROM pragma_foreign_key_check(%s) WHERE parent IN (%s)", name, literal(t.Name), strings.Join(parents, ", "))
	p.add("DROP TABLE %s", name)
}

// keyed reports whether what a foreign key refers to is there, and unique.
func (p *planner) keyed(f schema.ForeignKey) bool {
	for _, t := range p.to.Tables {
		if !strings.EqualFold(t.Name, f.RefTable) {
			continue
		}
		fits := func(columns []string) bool {
			return len(columns) == len(f.RefColumns) && !slices.ContainsFunc(f.RefColumns, func(c string) bool { return !containsFold(columns, c) })
		}
		if t.PrimaryKey != nil && fits(t.PrimaryKey.Columns) {
			return true
		}
		return slices.ContainsFunc(t.Indexes, func(x schema.Index) bool {
			var columns []string
			for _, part := range x.Parts {
				columns = append(columns, newCursor(part).next().name())
			}
			return x.Unique && x.Where == "" && fits(columns) && !slices.ContainsFunc(x.Parts, func(s string) bool { return mentions(s, "COLLATE") })
		})
	}
	return false
}

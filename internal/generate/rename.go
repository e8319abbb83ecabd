package generate

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// A Question is an object that is gone in the wanted state while others
// appear there that may be the same one under another name. Only a person
// knows: dropped and added, its data is lost.
type Question struct {
	Gone schema.ID
	May  []schema.ID // the likeliest first
}

// Questions are those that the way from one state to the other one raises.
// settled are objects about which it has been said that they go.
func Questions(from, to *schema.State, settled map[schema.ID]bool) (all []Question) {
	views := map[schema.ID]bool{}
	for _, v := range from.Views {
		views[from.Relative(v.ID())] = true
	}
	gone, fresh := apart(from, to)
	for _, g := range gone {
		if settled[g.id] || views[schema.ID{Kind: schema.KindView, Schema: g.id.Schema, Name: g.id.Of}] {
			continue // a view has no data of its own
		}
		q := Question{Gone: g.id}
		score := map[schema.ID]int{}
		for _, f := range fresh {
			if n := likeness(g, f); n > 0 {
				score[f.id] = n
				q.May = append(q.May, f.id)
			}
		}
		slices.SortStableFunc(q.May, func(a, b schema.ID) int { return cmp.Compare(score[b], score[a]) })
		if len(q.May) > 0 {
			all = append(all, q)
		}
	}
	return all
}

// Follow are renamings that need no person: what differs in nothing but its
// name, belongs to the same table, and holds no rows of its own. They keep an
// index from being built again, and a sequence at its number.
func Follow(from, to *schema.State) (all []schema.Renaming) {
	taken := map[schema.ID]bool{}
	gone, fresh := apart(from, to)
	for _, g := range gone {
		for _, f := range fresh {
			if !taken[f.id] && (sameSequence(g, f) || samePart(g, f)) {
				taken[f.id] = true
				all = append(all, schema.Renaming{ID: g.id, To: f.id.Name})
				break
			}
		}
	}
	for _, c := range schema.Diff(from, to) {
		if c.ID.Kind == schema.KindPrimaryKey && c.Op == schema.Changed && len(c.Fields) == 1 && c.Fields[0].Name == "name" {
			all = append(all, schema.Renaming{ID: c.ID, To: c.To.(schema.Key).Name})
		}
	}
	return all
}

// thing is an object that is on one side only.
type thing struct {
	id  schema.ID
	def any
}

// apart are the things that are gone, and those that are new.
func apart(from, to *schema.State) (gone, fresh []thing) {
	for _, c := range schema.Diff(from, to) {
		switch c.Op {
		case schema.Removed:
			gone = append(gone, thing{c.ID, c.From})
		case schema.Added:
			fresh = append(fresh, thing{c.ID, c.To})
		}
	}
	return gone, fresh
}

// siblings are of one kind and belong to the same.
func siblings(a, b thing) bool {
	return a.id.Kind == b.id.Kind && a.id.Schema == b.id.Schema && a.id.Of == b.id.Of
}

// likeness is 0 for what is taken for two things, and the larger the more
// speaks for one.
func likeness(a, b thing) int {
	if !siblings(a, b) {
		return 0
	}
	switch x := a.def.(type) {
	case schema.Column:
		return likeColumns(x, b.def.(schema.Column))
	case schema.Table:
		return likeTables(x, b.def.(schema.Table))
	case schema.Type:
		return likeTypes(x, b.def.(schema.Type))
	case schema.Sequence:
		if y := b.def.(schema.Sequence); x.OwnedBy == "" && y.OwnedBy == "" {
			return 1 + akin(x.Name, y.Name)
		}
	}
	return 0
}

// likeColumns wants the same kind of value, or a name that tells.
func likeColumns(a, b schema.Column) int {
	if a.Inherited || b.Inherited || (a.Generated == "") != (b.Generated == "") {
		return 0
	}
	score := akin(a.Name, b.Name)
	switch {
	case a.Type == b.Type:
		score += 3
	case family(a.Type) == family(b.Type):
		score += 2
	}
	return score
}

// likeTables has two points for a column that is in both, by its kind of value
// and by a name that is the same or tells, and one for a column of the same
// kind in the same place. It wants half of what the table with fewer columns
// could have.
func likeTables(a, b schema.Table) int {
	if a.PartitionOf != nil || b.PartitionOf != nil {
		return 0 // its rows are its table's
	}
	points := 0
	for i, c := range a.Columns {
		switch {
		case slices.ContainsFunc(b.Columns, func(d schema.Column) bool {
			return family(c.Type) == family(d.Type) && (c.Name == d.Name || akin(c.Name, d.Name) > 0)
		}):
			points += 2
		case i < len(b.Columns) && family(c.Type) == family(b.Columns[i].Type):
			points++
		}
	}
	if points < max(1, min(len(a.Columns), len(b.Columns))) {
		return 0
	}
	return points + akin(a.Name, b.Name)
}

func likeTypes(a, b schema.Type) int {
	if a.Kind != b.Kind {
		return 0
	}
	if a.Kind != "enum" {
		return 1 + akin(a.Name, b.Name)
	}
	both := 0
	for _, l := range a.Labels {
		if slices.Contains(b.Labels, l) {
			both++
		}
	}
	if both*2 < min(len(a.Labels), len(b.Labels)) {
		return 0
	}
	return both + akin(a.Name, b.Name)
}

// akin is positive where one name is in the other, or most of their letters
// are the same.
func akin(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) > 2 && len(b) > 2 && (strings.Contains(a, b) || strings.Contains(b, a)) {
		return 2
	}
	if n := distance(a, b); n*2 < min(len(a), len(b)) {
		return 1
	}
	return 0
}

// distance is how many letters must be changed, added or taken away.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			step := last
			if a[i] != b[j] {
				step = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], step
		}
	}
	return row[len(b)]
}

// family is a type without its size, and one word for those that hold the
// same kind of value.
func family(typ string) string {
	typ, _, _ = strings.Cut(strings.ToLower(typ), "(")
	word, _, _ := strings.Cut(strings.TrimSpace(typ), " ")
	for name, words := range families {
		if slices.Contains(words, word) {
			return name
		}
	}
	return strings.TrimSpace(typ)
}

// families are told by the first word of a type, as any product spells it.
var families = map[string][]string{
	"text":   {"char", "character", "varchar", "nchar", "nvarchar", "text", "tinytext", "mediumtext", "longtext", "citext", "clob", "name"},
	"number": {"int", "integer", "tinyint", "smallint", "mediumint", "bigint", "numeric", "decimal", "real", "double", "float", "money"},
	"time":   {"time", "timetz", "date", "datetime", "timestamp", "timestamptz"},
	"bytes":  {"blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary", "bytea"},
}

func sameSequence(a, b thing) bool {
	x, ok := a.def.(schema.Sequence)
	y, and := b.def.(schema.Sequence)
	if !ok || !and || a.id.Schema != b.id.Schema || x.OwnedBy == "" {
		return false
	}
	x.Name, x.Schema, x.Own, y.Schema, y.Own = y.Name, "", false, "", false
	return reflect.DeepEqual(x, y)
}

// samePart compares indexes and constraints of one table.
func samePart(a, b thing) bool {
	x, ok := nameless(a.def)
	y, and := nameless(b.def)
	return ok && and && siblings(a, b) && reflect.DeepEqual(x, y)
}

// nameless is an index or a constraint without its name, and without the
// definition that holds it; ok says that it has a name of its own to change.
func nameless(def any) (bare any, ok bool) {
	switch x := def.(type) {
	case schema.Index:
		ok = x.Name != ""
		x.Name, x.Definition = "", ""
		return x, ok
	case schema.ForeignKey:
		ok = x.Name != "" && !x.Inherited
		x.Name, x.Definition = "", ""
		return x, ok
	case schema.Check:
		ok = x.Name != "" && !x.Inherited
		x.Name, x.Definition = "", ""
		return x, ok
	}
	return nil, false
}

// Named finds the object of a state that a person calls path: a table, view,
// type or sequence by its name, what belongs to a table by table.name, either
// with its schema before it.
func Named(st *schema.State, path string) (schema.ID, error) {
	found := map[schema.ID]bool{}
	for _, id := range renamable(st) {
		if id.Path() == path {
			found[id] = true
		}
	}
	switch all := slices.Collect(maps.Keys(found)); len(all) {
	case 1:
		return all[0], nil
	case 0:
		return schema.ID{}, fmt.Errorf("there is no %s", path)
	default:
		// A table's sequence may be called like a column elsewhere; data
		// decides.
		for _, kind := range []schema.Kind{schema.KindTable, schema.KindColumn} {
			if i := slices.IndexFunc(all, func(id schema.ID) bool { return id.Kind == kind }); i >= 0 {
				return all[i], nil
			}
		}
		return schema.ID{}, fmt.Errorf("there are several objects of the name %s", path)
	}
}

// renamable are the IDs of all that can be renamed.
func renamable(st *schema.State) (ids []schema.ID) {
	empty := &schema.State{Home: st.Home}
	for _, c := range schema.Diff(empty, st) {
		ids = append(ids, c.ID)
	}
	for _, t := range st.Types {
		id := st.Relative(t.ID())
		for _, c := range t.Columns {
			ids = append(ids, schema.ID{Kind: schema.KindColumn, Schema: id.Schema, Of: id.Name, Name: c.Name})
		}
	}
	for _, t := range st.Tables {
		// Parts are compared where both sides have the table.
		id := st.Relative(t.ID())
		bare := &schema.State{Home: st.Home, Tables: []schema.Table{{Schema: t.Schema, Name: t.Name}}}
		full := &schema.State{Home: st.Home, Tables: []schema.Table{t}}
		for _, c := range schema.Diff(bare, full) {
			if c.ID.Of == id.Name && c.ID.Kind != schema.KindGrant {
				ids = append(ids, c.ID)
			}
		}
	}
	return ids
}

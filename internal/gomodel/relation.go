package gomodel

import (
	"reflect"
	"slices"
	"strings"
)

// gormRelation is a field that leads to another struct.
type gormRelation struct {
	field  *gormField
	schema *gormSchema // whose field it is
	other  *gormSchema
	kind   string // "belongs", "has", "many2many"
	refs   []gormRef

	polymorphic bool
	table       string // of a many2many
}

// gormRef is one column of a key.
type gormRef struct{ primary, foreign *gormField }

// relate reads a schema's relations, once.
func (r *reader) relate(s *gormSchema) {
	if s.related {
		return
	}
	s.related = true
	for _, f := range s.fields {
		if !f.relates || f.skipped {
			continue
		}
		t := f.typ.indirect()
		many := t.kind == reflect.Slice
		if many {
			t = t.elem.indirect()
		}
		if t.kind != reflect.Struct || t.decl == nil {
			r.fail(f.at, "gorm knows no column for the type of %s: say it with gorm:\"type:…\" or leave the field out with gorm:\"-\"", f.name)
			continue
		}
		rel := &gormRelation{field: f, schema: s, other: r.gormOf(t.decl)}
		_, byType := f.tags["POLYMORPHICTYPE"]
		switch {
		case parts(f.tag, "POLYMORPHIC") || byType:
			rel.kind, rel.polymorphic = "has", true
		case f.tags["MANY2MANY"] != "":
			rel.kind = "many2many"
			rel.table = f.tags["MANY2MANY"]
			if strings.ToLower(rel.table) != rel.table {
				rel.table = plural(gormName(rel.table))
			}
		case !r.guess(rel, many):
			r.fail(f.at, "the relation %s of %s has no foreign key: name one with gorm:\"foreignKey:…\"", f.name, s.name)
			continue
		}
		s.relations = append(s.relations, rel)
	}
}

func columns(tag string) []string {
	var out []string
	for c := range strings.SplitSeq(tag, ",") {
		if c = strings.TrimSpace(c); c != "" {
			out = append(out, c)
		}
	}
	return out
}

// guess finds the key of a relation as gorm does: the other struct has it, or
// this one, whichever has a field of the right name.
func (r *reader) guess(rel *gormRelation, many bool) bool {
	owner := rel.field.owner
	type try struct {
		kind             string
		primary, foreign *gormSchema
	}
	has := try{"has", rel.schema, rel.other}
	belongs := try{"belongs", rel.other, rel.schema}
	tries := []try{has, belongs}
	if rel.schema == rel.other || rel.field.tags["BELONGSTO"] != "" {
		tries = []try{belongs}
	}
	if many {
		tries = []try{has}
	}
	if owner != nil && !many {
		tries = append(tries, try{"belongs", rel.other, owner})
	}
	if !many && len(tries) > 0 && tries[0].kind == "belongs" {
		tries = append(tries, has)
	}
	if owner != nil {
		tries = append(tries, try{"has", owner, rel.other})
	}
	for _, t := range tries {
		if refs := rel.key(t.kind, t.primary, t.foreign, t.foreign == rel.schema || t.foreign == owner); len(refs) > 0 {
			rel.kind, rel.refs = t.kind, refs
			for _, ref := range refs {
				// A key has the type of what it refers to.
				if !strings.Contains(strings.ToLower(ref.primary.kind), "auto_random") {
					ref.foreign.kind = ref.primary.kind
				}
				ref.foreign.goKind = ref.primary.goKind
				if ref.foreign.size == 0 {
					ref.foreign.size = ref.primary.size
				}
			}
			return true
		}
	}
	return false
}

// key pairs the fields of a key, nil where they are not there.
func (rel *gormRelation) key(kind string, primary, foreign *gormSchema, own bool) []gormRef {
	named, to := columns(rel.field.tags["FOREIGNKEY"]), columns(rel.field.tags["REFERENCES"])
	var fks, pks []*gormField
	if len(named) > 0 {
		for _, name := range named {
			f := foreign.look(name)
			if f == nil || f.column == "" {
				return nil
			}
			fks = append(fks, f)
		}
	} else {
		candidates := primary.primary
		if len(to) > 0 {
			candidates = nil
			for _, name := range to {
				if f := primary.look(name); f != nil {
					candidates = append(candidates, f)
				}
			}
		}
		for _, pk := range candidates {
			base := primary.name
			if base == "" {
				base = rel.other.name
			}
			if kind == "belongs" {
				base = rel.field.name
			}
			names := []string{base + pk.name}
			if len(candidates) == 1 {
				names = append(names, base+"ID", base+"Id", gormName(base+"ID"))
			}
			if f := rel.find(foreign, names, own); f != nil {
				fks, pks = append(fks, f), append(pks, pk)
			}
		}
	}
	switch {
	case len(fks) == 0:
		return nil
	case len(to) > 0:
		pks = nil
		for _, name := range to {
			f := primary.look(name)
			if f == nil {
				return nil
			}
			pks = append(pks, f)
		}
	case len(pks) == 0 && len(fks) == 1 && primary.first != nil:
		pks = []*gormField{primary.first}
	case len(pks) == 0 && len(primary.primary) == len(fks):
		pks = primary.primary
	}
	if len(pks) != len(fks) {
		return nil
	}
	var refs []gormRef
	for i := range fks {
		refs = append(refs, gormRef{pks[i], fks[i]})
	}
	return refs
}

// find looks for a foreign key's field: beside the relation first, where that
// lies in an embedded struct.
func (rel *gormRelation) find(in *gormSchema, names []string, own bool) *gormField {
	if path := rel.field.path; own && len(path) > 1 {
		for i := len(path) - 1; i > 0; i-- {
			for _, name := range names {
				for _, f := range in.fields {
					if f.column != "" && f.name == name && slices.Equal(f.path[:len(f.path)-1], path[:i]) {
						return f
					}
				}
			}
		}
	}
	for _, name := range names {
		if f := in.look(name); f != nil && f.column != "" {
			return f
		}
	}
	return nil
}

// gormKey is a foreign key of a table.
type gormKey struct {
	name        string
	columns, to []string
	table       string
	actions     string
}

// foreignKeys are all of them, by table.
func (r *reader) foreignKeys() map[string][]gormKey {
	keys := map[string][]gormKey{}
	for _, s := range r.gormOrder {
		for _, rel := range s.relations {
			if rel.kind == "many2many" || rel.polymorphic || rel.field.tags["CONSTRAINT"] == "-" {
				continue
			}
			from, to := s, rel.other
			if rel.kind == "has" {
				if rel.field.owner != nil && s != rel.other {
					continue // gorm forgets those of embedded structs
				}
				from, to = rel.other, s
			} else if rel.toldByOther() {
				continue
			}
			k := gormKey{table: to.table}
			k.name, k.actions = constraint(rel.field.tags["CONSTRAINT"], limited("fk", s.table, gormName(rel.field.name)))
			for _, ref := range rel.refs {
				k.columns, k.to = append(k.columns, ref.foreign.column), append(k.to, ref.primary.column)
			}
			if !slices.ContainsFunc(keys[from.table], func(o gormKey) bool { return o.name == k.name }) {
				keys[from.table] = append(keys[from.table], k)
			}
		}
	}
	return keys
}

// toldByOther says that the other side of a relation has the same key, and
// names the constraint.
func (rel *gormRelation) toldByOther() bool {
	return slices.ContainsFunc(rel.other.relations, func(o *gormRelation) bool {
		return o != rel && o.other == rel.schema && o.kind != "many2many" && !o.polymorphic && slices.Equal(o.refs, rel.refs)
	})
}

// constraint reads the tag of that name: a name and actions.
func constraint(tag, usual string) (name, actions string) {
	name = usual
	if first, _, ok := strings.Cut(tag, ","); ok && plain(first) {
		name = first
	}
	set := tagSettings(tag, ",")
	if v := set["ONDELETE"]; v != "" {
		actions += " ON DELETE " + v
	}
	if v := set["ONUPDATE"]; v != "" {
		actions += " ON UPDATE " + v
	}
	return name, actions
}

// joinTables writes the tables of many2many relations that are no structs of
// their own.
func (r *reader) joinTables(keys map[string][]gormKey) {
	for _, s := range r.gormOrder {
		for _, rel := range s.relations {
			if rel.kind != "many2many" || r.made[rel.table] {
				continue
			}
			own, other := rel.joined("FOREIGNKEY", s), rel.joined("REFERENCES", rel.other)
			if len(own) == 0 || len(other) == 0 {
				r.fail(rel.field.at, "the relation %s of %s joins structs without a primary key, or fields that are not there", rel.field.name, s.name)
				continue
			}
			b := &builder{product: r.product, table: rel.table}
			var all []string
			add := func(goName string, of *gormField) string {
				f := *of
				f.column, f.primary, f.auto, f.unique = gormName(goName), true, false, false
				f.tags = map[string]string{}
				for k, v := range of.tags {
					f.tags[k] = v
				}
				delete(f.tags, "INDEX")
				delete(f.tags, "UNIQUE")
				if !slices.Contains(all, f.column) {
					all = append(all, f.column)
					b.line(b.gormColumn(&f))
				}
				return f.column
			}
			pick := func(tag string, i int, usual string) string {
				if names := columns(rel.field.tags[tag]); i < len(names) {
					return title(names[i])
				}
				return usual
			}
			var mine, theirs, mineTo, theirsTo []string
			taken := map[string]bool{}
			for i, f := range own {
				name := pick("JOINFOREIGNKEY", i, title(s.name)+f.name)
				taken[name] = true
				mine, mineTo = append(mine, add(name, f)), append(mineTo, f.column)
			}
			for i, f := range other {
				name := title(rel.other.name) + f.name
				if taken[name] {
					if rel.field.name != rel.other.name {
						name = singular(rel.field.name) + f.name
					} else {
						name += "Reference"
					}
				}
				theirs, theirsTo = append(theirs, add(pick("JOINREFERENCES", i, name), f)), append(theirsTo, f.column)
			}
			b.line("PRIMARY KEY (" + b.idents(all) + ")")
			if tag := rel.field.tags["CONSTRAINT"]; tag != "-" {
				second := rel.other.name
				if second == s.name {
					second = rel.field.name
				}
				name, actions := constraint(tag, limited("fk", rel.table, gormName(s.name)))
				b.foreign(name, mine, s.table, mineTo, actions)
				name, actions = constraint(tag, limited("fk", rel.table, gormName(second)))
				b.foreign(name, theirs, rel.other.table, theirsTo, actions)
			}
			r.add(r.table(rel.table, s.name+"."+rel.field.name, b.sql(), rel.field.at.Pos()))
		}
	}
}

// joined are the fields of one side that a join table refers to.
func (rel *gormRelation) joined(tag string, s *gormSchema) []*gormField {
	names := columns(rel.field.tags[tag])
	if len(names) == 0 {
		return s.primary
	}
	var out []*gormField
	for _, name := range names {
		f := s.look(name)
		if f == nil {
			return nil
		}
		out = append(out, f)
	}
	return out
}

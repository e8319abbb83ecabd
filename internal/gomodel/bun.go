package gomodel

import (
	"go/ast"
	"reflect"
	"slices"
	"strings"
)

// bunTable is a struct as bun reads it.
type bunTable struct {
	decl   *decl
	name   string
	fields []*bunField
	byName map[string]*bunField
	keys   []*bunField
	rels   []*bunField
	unique map[string][]string
}

// bunField is one field.
type bunField struct {
	goName, name string
	at           ast.Node
	typ          *typ
	tag          bunTag
	pk, auto     bool
	notNull      bool
}

// bunTag is a tag as bun takes it apart: a name, then options, parted by
// commas that stand in no brackets and no quotes.
type bunTag struct {
	name    string
	options map[string][]string
}

func (t bunTag) has(option string) bool { _, ok := t.options[option]; return ok }

func (t bunTag) get(option string) string {
	if v := t.options[option]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

func readBunTag(tag string) bunTag {
	t := bunTag{options: map[string][]string{}}
	for i, piece := range splitTag(tag) {
		key, value, has := strings.Cut(piece, ":")
		if i == 0 && !has {
			t.name = strings.Trim(key, `"`)
			continue
		}
		if key != "" {
			t.options[key] = append(t.options[key], strings.Trim(value, `"`))
		}
	}
	return t
}

// splitTag cuts at commas outside of brackets and quotes.
func splitTag(tag string) []string {
	var out []string
	depth, from := 0, 0
	quoted := false
	for i := range len(tag) {
		switch c := tag[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth <= 0:
			out, from = append(out, tag[from:i]), i+1
		}
	}
	return append(out, tag[from:])
}

func (r *reader) addBun(d *decl) { r.bunOrder = append(r.bunOrder, r.bunOf(d)) }

func (r *reader) bunOf(d *decl) *bunTable {
	if t := r.bun[d]; t != nil {
		return t
	}
	t := &bunTable{decl: d, byName: map[string]*bunField{}, unique: map[string][]string{}}
	r.bun[d] = t
	t.name = plural(bunName(d.spec.Name.Name))
	r.bunFields(t, d.typ(nil), "", true, 0)
	return t
}

func (r *reader) bunFields(t *bunTable, in *typ, prefix string, outer bool, depth int) {
	if depth > 10 {
		return
	}
	direct := map[string]bool{}
	for _, sf := range in.fields() {
		if !sf.anonymous && ast.IsExported(sf.name) {
			direct[sf.name] = true
		}
	}
	for _, sf := range in.fields() {
		tag := sf.tag.Get("bun")
		if tag == "-" || !ast.IsExported(sf.name) && !sf.anonymous {
			continue
		}
		read := readBunTag(tag)
		under := sf.typ.indirect()
		if sf.anonymous {
			switch {
			case strings.HasPrefix(under.ref, "github.com/uptrace/bun") && strings.HasSuffix(under.ref, ".BaseModel"):
				if outer {
					t.baseModel(read)
				}
			case under.body != nil:
				r.bunFields(t, under, prefix, read.has("extend") || read.has("inherit"), depth+1)
			case under.kind == reflect.Invalid:
				r.fail(sf.x, "the source of %s, which is embedded here, is not found", under.ref)
			}
			continue
		}
		if read.has("embed") {
			if under.body == nil {
				r.fail(sf.x, "the source of %s, which is embedded here, is not found", under.ref)
				continue
			}
			r.bunFields(t, under, prefix+read.get("embed"), false, depth+1)
			continue
		}
		f := &bunField{goName: sf.name, name: bunName(sf.name), at: sf.x, typ: sf.typ, tag: read}
		if read.name != "" {
			f.name = read.name
		}
		if c := read.get("column"); c != "" {
			f.name = c
		}
		f.name = prefix + f.name
		f.pk, f.auto = read.has("pk"), read.has("autoincrement")
		f.notNull = read.has("notnull") || f.pk || f.auto
		if read.has("rel") || read.has("m2m") {
			t.rels = append(t.rels, f)
			continue
		}
		if old := t.byName[f.name]; old != nil {
			if depth > 0 {
				continue // the outer one counts
			}
			t.fields = slices.DeleteFunc(t.fields, func(x *bunField) bool { return x == old })
			t.keys = slices.DeleteFunc(t.keys, func(x *bunField) bool { return x == old })
		}
		t.byName[f.name] = f
		if read.has("scanonly") {
			continue
		}
		for _, names := range read.options["unique"] {
			for name := range strings.SplitSeq(names, ",") {
				if name != "" {
					name = prefix + name
				}
				t.unique[name] = append(t.unique[name], f.name)
			}
		}
		t.fields = append(t.fields, f)
		if f.pk {
			t.keys = append(t.keys, f)
		}
	}
}

func (t *bunTable) baseModel(tag bunTag) {
	if tag.name != "" {
		t.name = tag.name
	}
	if n := tag.get("table"); n != "" {
		t.name = n
	}
}

// bunType is the column's type as bun's dialect for the product has it.
func (p product) bunType(f *bunField) string {
	if t := f.tag.get("type"); t != "" {
		if p.name == "postgres" && f.auto && !f.tag.has("identity") {
			return serialOf(strings.ToUpper(t), t)
		}
		return t
	}
	t := f.typ.indirect()
	switch p.name {
	case "postgres":
		return f.postgresOfBun(t)
	case "mysql":
		switch s := bunSQL(t); s {
		case "TIMESTAMP":
			return "DATETIME"
		case "VARCHAR":
			return "VARCHAR(255)"
		default:
			return s
		}
	}
	switch s := bunSQL(t); s {
	case "SMALLINT", "BIGINT":
		return "INTEGER"
	default:
		return s
	}
}

func (f *bunField) postgresOfBun(t *typ) string {
	if c := f.tag.get("composite"); c != "" {
		return c
	}
	if f.tag.has("hstore") {
		return "HSTORE"
	}
	if f.tag.has("array") && t.kind == reflect.Slice {
		return postgresOfBun(t.elem.indirect()) + "[]"
	}
	s := postgresOfBun(t)
	if bunSQL(t) == "BLOB" { // net.IP too, but in an array
		s = "BYTEA"
	}
	if f.auto && !f.tag.has("identity") {
		return serialOf(s, s)
	}
	return s
}

func serialOf(s, otherwise string) string {
	switch s {
	case "SMALLINT":
		return "SMALLSERIAL"
	case "INTEGER":
		return "SERIAL"
	case "BIGINT":
		return "BIGSERIAL"
	}
	return otherwise
}

func postgresOfBun(t *typ) string {
	switch t.ref {
	case "database/sql.NullString":
		return "VARCHAR"
	case "net.IP":
		return "INET"
	case "net.IPNet":
		return "CIDR"
	case "encoding/json.RawMessage":
		return "JSONB"
	}
	s := bunSQL(t)
	switch {
	case s == "TIMESTAMP":
		return "TIMESTAMPTZ"
	case (t.kind == reflect.Map || t.kind == reflect.Struct) && s == "VARCHAR":
		return "JSONB"
	case t.kind == reflect.Slice || t.kind == reflect.Array:
		if t.elem != nil && t.elem.kind == reflect.Uint8 {
			return "BYTEA"
		}
		return "JSONB"
	}
	return s
}

// bunSQL is the type that bun finds for a Go type before it asks a dialect.
func bunSQL(t *typ) string {
	switch t.ref {
	case "time.Time":
		if t.decl == nil {
			return "TIMESTAMP"
		}
	case "database/sql.NullTime", "github.com/uptrace/bun.NullTime", "github.com/uptrace/bun/schema.NullTime":
		return "TIMESTAMP"
	case "database/sql.NullBool":
		return "BOOLEAN"
	case "database/sql.NullFloat64":
		return "DOUBLE PRECISION"
	case "database/sql.NullInt64":
		return "BIGINT"
	case "database/sql.NullString":
		return "VARCHAR"
	case "encoding/json.RawMessage":
		return "JSON"
	}
	switch t.kind {
	case reflect.Bool:
		return "BOOLEAN"
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return "BIGINT"
	case reflect.Int8, reflect.Int16, reflect.Uint8, reflect.Uint16:
		return "SMALLINT"
	case reflect.Int32, reflect.Uint32:
		return "INTEGER"
	case reflect.Float32:
		return "REAL"
	case reflect.Float64:
		return "DOUBLE PRECISION"
	case reflect.Slice:
		if t.elem != nil && t.elem.kind == reflect.Uint8 {
			return "BLOB"
		}
		return "VARCHAR"
	case reflect.Map, reflect.String, reflect.Struct:
		return "VARCHAR"
	}
	return ""
}

// finishBun writes the tables, as bun's CreateTable with WithForeignKeys does.
func (r *reader) finishBun() {
	for _, t := range r.bunOrder {
		b := &builder{product: r.product, table: t.name}
		numbered := false
		for _, f := range t.fields {
			typ := r.product.bunType(f)
			if typ == "" {
				r.fail(f.at, "bun knows no column for the type of %s: say it with bun:\"type:…\" or leave the field out with bun:\"-\"", f.goName)
				continue
			}
			s := b.ident(f.name) + " " + typ
			if f.notNull {
				s += " NOT NULL"
			}
			switch {
			case f.tag.has("identity") && b.name == "postgres":
				s += " GENERATED BY DEFAULT AS IDENTITY"
			case f.auto && b.name == "mysql":
				s += " AUTO_INCREMENT"
			case f.auto && b.name == "sqlite" && f.pk && len(t.keys) == 1 && strings.EqualFold(typ, "INTEGER"):
				s += " PRIMARY KEY AUTOINCREMENT"
				numbered = true
			}
			if d := f.tag.get("default"); d != "" {
				s += " DEFAULT " + d
			}
			b.line(s)
		}
		if len(b.lines) == 0 {
			continue
		}
		if len(t.keys) > 0 && !numbered {
			var names []string
			for _, f := range t.keys {
				names = append(names, f.name)
			}
			b.line("PRIMARY KEY (" + b.idents(names) + ")")
		}
		for _, name := range sorted(t.unique) {
			if name == "" {
				for _, c := range t.unique[name] {
					b.line("UNIQUE (" + b.ident(c) + ")")
				}
				continue
			}
			b.line("CONSTRAINT " + b.ident(name) + " UNIQUE (" + b.idents(t.unique[name]) + ")")
		}
		slices.SortFunc(t.rels, func(x, y *bunField) int { return strings.Compare(x.goName, y.goName) })
		for _, f := range t.rels {
			r.bunKey(b, t, f)
		}
		r.add(r.table(t.name, t.decl.spec.Name.Name, b.sql(), t.decl.spec.Pos()))
	}
}

// bunKey writes the foreign key of a relation whose key this table has.
func (r *reader) bunKey(b *builder, t *bunTable, f *bunField) {
	rel := f.tag.get("rel")
	if rel != "belongs-to" && (rel != "has-one" || !f.tag.has("join")) {
		return // the other table has it
	}
	to := f.typ.indirect()
	if to.decl == nil || to.body == nil {
		r.fail(f.at, "the struct behind the relation %s is not found", f.goName)
		return
	}
	other := r.bunOf(to.decl)
	var mine, theirs []string
	if join := f.tag.options["join"]; len(join) > 0 {
		for pair := range strings.SplitSeq(strings.Join(join, ","), ",") {
			x, y, ok := strings.Cut(strings.TrimSpace(pair), "=")
			if !ok || t.byName[x] == nil || other.byName[y] == nil {
				r.fail(f.at, "the relation %s joins a column that is not there: %s", f.goName, pair)
				return
			}
			mine, theirs = append(mine, x), append(theirs, y)
		}
	} else {
		for _, pk := range other.keys {
			name := bunName(f.goName) + "_" + pk.name
			if t.byName[name] == nil {
				name = pk.name
			}
			if t.byName[name] == nil {
				r.fail(f.at, "the relation %s has no column %s_%s: name one with join:column=column", f.goName, bunName(f.goName), pk.name)
				return
			}
			mine, theirs = append(mine, name), append(theirs, pk.name)
		}
	}
	if len(mine) == 0 {
		return
	}
	// Columns of the primary key refer to another table only where this one
	// joins two.
	all, none := true, true
	for _, c := range mine {
		all, none = all && t.byName[c].pk, none && !t.byName[c].pk
	}
	if !none && (!all || !r.joins(t)) {
		return
	}
	if rel == "has-one" {
		b.foreign("", mine, other.name, theirs, "")
		return
	}
	actions := " ON UPDATE NO ACTION"
	if a := f.tag.get("on_update"); a != "" {
		actions = " ON UPDATE " + strings.ToUpper(a)
	}
	if a := f.tag.get("on_delete"); a != "" {
		actions += " ON DELETE " + strings.ToUpper(a)
	} else {
		actions += " ON DELETE NO ACTION"
	}
	b.foreign("", mine, other.name, theirs, actions)
}

// joins says whether a table is what some relation of many to many goes
// through.
func (r *reader) joins(t *bunTable) bool {
	for _, o := range r.bunOrder {
		for _, f := range o.rels {
			if f.tag.get("m2m") == t.name {
				return true
			}
		}
	}
	return false
}

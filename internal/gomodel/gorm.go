package gomodel

import (
	"fmt"
	"go/ast"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// gormSchema is a struct as gorm reads it.
type gormSchema struct {
	decl   *decl
	name   string // of the type
	table  string
	fields []*gormField

	byColumn map[string]*gormField
	columns  []string // in their order
	byName   map[string]*gormField
	primary  []*gormField
	first    *gormField // the primary key's field that the server may number

	relations []*gormRelation
	related   bool // its relations have been read
	asked     bool // it is a table, and not only a part of others
}

// gormField is one field, of the struct itself or of an embedded one.
type gormField struct {
	path   []string // Go names, from the table's struct on
	name   string
	column string // "" where it is none
	at     ast.Node
	typ    *typ
	owner  *gormSchema // the embedded struct that it comes from

	kind     string // "bool", "int", "uint", "float", "string", "time", "bytes", a type in SQL, or ""
	goKind   string // the same, before a type was named
	size     int
	scale    int
	digits   int // precision
	tags     map[string]string
	tag      string
	primary  bool
	auto     bool
	notNull  bool
	unique   bool
	def      string
	hasDef   bool
	text     bool // the default is a text and wants quotes
	skipped  bool // no column of the migration
	relates  bool // it may be a relation
	jsonType bool // of datatypes
}

// gormTags takes a tag apart as gorm does: NAME:value parted by semicolons.
func gormTags(tag string) map[string]string { return tagSettings(tag, ";") }

func tagSettings(tag, sep string) map[string]string {
	out := map[string]string{}
	pieces := strings.Split(tag, sep)
	for i := 0; i < len(pieces); i++ {
		s := pieces[i]
		for strings.HasSuffix(s, `\`) && i+1 < len(pieces) {
			i++
			s = s[:len(s)-1] + sep + pieces[i]
		}
		key, value, has := strings.Cut(s, ":")
		key = strings.TrimSpace(strings.ToUpper(key))
		switch {
		case has:
			out[key] = strings.ReplaceAll(value, `\"`, `"`)
		case key != "":
			out[key] = key
		}
	}
	return out
}

func truth(values ...string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return v != "" && !strings.EqualFold(v, "false") })
}

// addGorm takes a struct for a table of gorm's, with all that it is related to.
func (r *reader) addGorm(d *decl) {
	s := r.gormOf(d)
	if s.asked {
		return
	}
	s.asked = true
	r.gormOrder = append(r.gormOrder, s)
	r.relate(s)
	for _, rel := range s.relations {
		if rel.other.decl.library(false) != "bun" {
			r.addGorm(rel.other.decl)
		}
	}
}

// gormOf reads a struct, once.
func (r *reader) gormOf(d *decl) *gormSchema {
	if s := r.gorm[d]; s != nil {
		return s
	}
	s := &gormSchema{decl: d, name: d.spec.Name.Name, byColumn: map[string]*gormField{}, byName: map[string]*gormField{}}
	r.gorm[d] = s
	t := d.typ(nil)
	s.table = plural(gormName(s.name))
	if name, has, known := t.literal("TableName"); has && known {
		s.table = name
	} else if has {
		r.fail(d.spec, "the method TableName of %s does not return a constant text, and no code is run to ask it", s.name)
	}
	for _, f := range r.gormFields(t, 0) {
		s.take(f)
	}
	s.keys()
	return s
}

// take makes a field the schema's. Of two with one column, that which lies
// less deep counts.
func (s *gormSchema) take(f *gormField) {
	s.fields = append(s.fields, f)
	if f.column != "" {
		if old, ok := s.byColumn[f.column]; !ok || len(f.path) < len(old.path) {
			if !ok {
				s.columns = append(s.columns, f.column)
			}
			s.byColumn[f.column], s.byName[f.name] = f, f
			s.primary = slices.DeleteFunc(s.primary, func(p *gormField) bool { return p == old })
			if f.primary {
				s.primary = append(s.primary, f)
			}
		}
	}
	if _, ok := s.byName[f.name]; !ok {
		s.byName[f.name] = f
	}
}

// keys finds the primary key where no tag names one.
func (s *gormSchema) keys() {
	id := s.look("id")
	if id == nil {
		id = s.look("ID")
	}
	if id != nil && !id.primary && len(s.primary) == 0 && id.column != "" {
		id.primary = true
		s.primary = append(s.primary, id)
	}
	switch {
	case id != nil && id.primary:
		s.first = id
	case len(s.primary) == 1:
		s.first = s.primary[0]
	default:
		for _, f := range s.primary {
			if f.auto {
				s.first = f
				break
			}
		}
	}
	if f := s.first; f != nil && (f.goKind == "int" || f.goKind == "uint") {
		if _, said := f.tags["AUTOINCREMENT"]; !said {
			f.auto = true
		}
	}
}

// look finds a field by its column or its Go name.
func (s *gormSchema) look(name string) *gormField {
	if f := s.byColumn[name]; f != nil {
		return f
	}
	return s.byName[name]
}

// gormFields reads a struct's fields, with those of embedded ones.
func (r *reader) gormFields(t *typ, depth int) []*gormField {
	var out []*gormField
	if depth > 10 {
		return nil
	}
	if t.ref == "gorm.io/gorm.Model" && t.body == nil {
		return gormModel()
	}
	for _, sf := range t.fields() {
		if !ast.IsExported(sf.name) {
			continue
		}
		f := r.gormField(sf)
		under := sf.typ.indirect()
		_, asked := f.tags["EMBEDDED"]
		if asked || sf.anonymous && f.goKind != "time" && f.goKind != "bytes" && !isValuer(under) && f.tags["-"] != "-" && f.tags["-"] != "all" {
			if under.ref == "gorm.io/gorm.Model" || under.kind == reflect.Struct && under.body != nil {
				out = append(out, r.embed(f, under, depth)...)
				continue
			}
			if under.kind == reflect.Invalid {
				r.fail(sf.x, "the source of %s, which is embedded here, is not found: it may be read from the same module, vendor, or the folder of downloaded modules", under.ref)
				continue
			}
		}
		out = append(out, f)
	}
	return out
}

// embed takes the fields of an embedded struct.
func (r *reader) embed(outer *gormField, t *typ, depth int) []*gormField {
	// Its own primary key is the usual one until the outer struct has it.
	inner := &gormSchema{byColumn: map[string]*gormField{}, byName: map[string]*gormField{}, name: t.name()}
	for _, f := range r.gormFields(t, depth+1) {
		inner.take(f)
	}
	inner.keys()
	for _, f := range inner.fields {
		f.owner = inner
		f.path = append([]string{outer.name}, f.path...)
		if p := outer.tags["EMBEDDEDPREFIX"]; p != "" && f.column != "" {
			f.column = p + f.column
		}
		if f.primary && !truth(f.tags["PRIMARYKEY"], f.tags["PRIMARY_KEY"]) {
			f.primary = false
			if !truth(f.tags["AUTOINCREMENT"]) {
				f.auto = false
			}
		}
		for k, v := range outer.tags {
			f.tags[k] = v
		}
	}
	return inner.fields
}

// gormModel is gorm.Model, whose source may not be there.
func gormModel() []*gormField {
	field := func(name, column, kind, tag string) *gormField {
		f := &gormField{path: []string{name}, name: name, column: column, kind: kind, goKind: kind, tag: tag, tags: gormTags(tag)}
		f.primary = truth(f.tags["PRIMARYKEY"])
		if kind == "uint" {
			f.size = 64
		}
		return f
	}
	return []*gormField{
		field("ID", "id", "uint", "primarykey"), field("CreatedAt", "created_at", "time", ""),
		field("UpdatedAt", "updated_at", "time", ""), field("DeletedAt", "deleted_at", "time", "index"),
	}
}

// isValuer says whether a value is asked what it is in a database.
func isValuer(t *typ) bool {
	if t.decl != nil {
		m, _ := t.method("Value")
		return m != nil
	}
	switch t.ref {
	case "", "gorm.io/gorm.Model", "time.Time", "encoding/json.RawMessage", "net.IP", "net.IPNet", "net/netip.Addr", "net/netip.Prefix", "net/url.URL", "math/big.Int", "time.Duration", "database/sql.RawBytes":
		return false
	}
	_, known := well[t.ref]
	return known || t.ref == "database/sql.Null"
}

// gormField reads one field.
func (r *reader) gormField(sf structField) *gormField {
	tag := sf.tag.Get("gorm")
	f := &gormField{path: []string{sf.name}, name: sf.name, at: sf.x, typ: sf.typ, tag: tag, tags: gormTags(tag)}
	f.column = f.tags["COLUMN"]
	f.primary = truth(f.tags["PRIMARYKEY"], f.tags["PRIMARY_KEY"])
	f.auto = truth(f.tags["AUTOINCREMENT"])
	f.notNull = truth(f.tags["NOT NULL"], f.tags["NOTNULL"])
	f.unique = truth(f.tags["UNIQUE"])
	if n, ok := f.tags["SIZE"]; ok {
		var err error
		if f.size, err = strconv.Atoi(n); err != nil {
			f.size = -1
		}
	}
	f.digits, _ = strconv.Atoi(f.tags["PRECISION"])
	f.scale, _ = strconv.Atoi(f.tags["SCALE"])

	under := r.gormUnder(f, sf.typ.indirect())
	f.kind = kindName(under)
	if f.tags["SERIALIZER"] != "" || f.tags["JSON"] != "" {
		f.kind = serialized(f.kind)
	}
	if dt, has, known := sf.typ.indirect().literal("GormDataType"); has && known {
		f.kind = dt
	} else if d := dataTypes[sf.typ.indirect().ref]; d != "" {
		f.kind, f.jsonType = d, d == "json"
	}
	f.goKind = f.kind
	f.defaults()
	if named, ok := f.tags["TYPE"]; ok {
		if low := strings.ToLower(named); slices.Contains([]string{"bool", "int", "uint", "float", "string", "time", "bytes"}, low) {
			f.kind = low
		} else {
			f.kind = named
		}
		f.jsonType = false
	}
	if f.size == 0 {
		f.size = sizes[under.kind]
	}
	switch strings.ToLower(strings.TrimSpace(f.tags["-"])) {
	case "-":
		f.kind, f.goKind = "", "-"
	case "all":
		f.kind, f.goKind, f.skipped = "", "-", true
	case "migration":
		f.skipped = true
	}
	if f.kind == "" {
		f.relates = f.goKind == ""
	} else if f.column == "" {
		f.column = gormName(f.name)
	}
	return f
}

// serialized is the kind of what a serializer makes of a value: gorm takes
// the Go kind where it knows it, and a string else.
func serialized(kind string) string {
	switch kind {
	case "bool", "int", "uint", "float", "time":
		return kind
	}
	return "string"
}

var dataTypes = map[string]string{
	"gorm.io/datatypes.JSON": "json", "gorm.io/datatypes.JSONMap": "json", "gorm.io/datatypes.JSONType": "json", "gorm.io/datatypes.JSONSlice": "json",
	"gorm.io/datatypes.Date": "date", "gorm.io/datatypes.Time": "time",
}

// gormUnder is the type that a value turns out to be when it is asked for
// its value: gorm runs Value() of an empty one for that, and we cannot.
func (r *reader) gormUnder(f *gormField, t *typ) *typ {
	if t.kind == reflect.Invalid && t.ref != "" && f.tags["TYPE"] == "" && f.tags["-"] == "" && f.tags["SERIALIZER"] == "" {
		r.fail(f.at, "what %s is cannot be read, since its source is not found: say the column's type with gorm:\"type:…\"", t.ref)
		f.tags["-"] = "all"
		return t
	}
	if !isValuer(t) {
		return t
	}
	if k, ok := nulls[t.ref]; ok {
		return &typ{kind: k}
	}
	switch t.ref {
	case "database/sql.NullTime", "gorm.io/gorm.DeletedAt":
		return &typ{kind: reflect.Struct, ref: "time.Time"}
	case "database/sql.Null":
		return t.elem.indirect()
	case "github.com/google/uuid.UUID", "github.com/gofrs/uuid.UUID", "github.com/gofrs/uuid/v5.UUID", "github.com/satori/go.uuid.UUID",
		"github.com/shopspring/decimal.Decimal":
		return &typ{kind: reflect.String}
	}
	if _, known := dataTypes[t.ref]; known {
		return t
	}
	if has, _ := t.method("GormDataType"); has != nil {
		return t
	}
	if kindName(t) != "" && t.kind != reflect.Slice && t.kind != reflect.Struct {
		return t
	}
	if f.tags["TYPE"] == "" && f.tags["-"] == "" && f.tags["SERIALIZER"] == "" {
		r.fail(f.at, "what the method Value of %s returns is not known without running it: say the column's type with gorm:\"type:…\"", t.name())
		f.tags["-"] = "all"
	}
	return t
}

var sizes = map[reflect.Kind]int{
	reflect.Int: 64, reflect.Int64: 64, reflect.Uint: 64, reflect.Uint64: 64, reflect.Float64: 64, reflect.Int8: 8, reflect.Uint8: 8,
	reflect.Int16: 16, reflect.Uint16: 16, reflect.Int32: 32, reflect.Uint32: 32, reflect.Float32: 32,
}

func kindName(t *typ) string {
	switch t.kind {
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "int"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "uint"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String:
		return "string"
	case reflect.Struct:
		if t.ref == "time.Time" {
			return "time"
		}
	case reflect.Slice, reflect.Array:
		if t.elem != nil && t.elem.kind == reflect.Uint8 {
			return "bytes"
		}
	}
	return ""
}

// defaults reads the default value.
func (f *gormField) defaults() {
	v, ok := f.tags["DEFAULT"]
	if !ok {
		return
	}
	f.hasDef, f.def = true, strings.TrimSpace(v)
	if strings.Contains(f.def, "(") && strings.Contains(f.def, ")") || strings.EqualFold(f.def, "null") || f.def == "" {
		return
	}
	switch f.goKind {
	case "string":
		f.def, f.text = strings.Trim(strings.Trim(f.def, "'"), `"`), true
	case "int", "uint":
		if n, err := strconv.ParseInt(f.def, 0, 64); err == nil {
			f.def = strconv.FormatInt(n, 10)
		}
	case "bool":
		if b, err := strconv.ParseBool(f.def); err == nil {
			f.def = strconv.FormatBool(b)
		}
	case "time":
		if f.def != "" && f.def[0] >= '0' && f.def[0] <= '9' {
			f.text = true
		}
	}
}

// gormType is the column's type, as gorm's driver for the product has it.
func (p product) gormType(f *gormField) string {
	if f.jsonType {
		return map[string]string{"sqlite": "JSON", "mysql": "JSON", "postgres": "JSONB"}[p.name]
	}
	switch p.name {
	case "sqlite":
		return sqliteOfGorm(f)
	case "mysql":
		return mysqlOfGorm(f)
	}
	return postgresOfGorm(f)
}

func sqliteOfGorm(f *gormField) string {
	switch f.kind {
	case "bool":
		return "numeric"
	case "int", "uint":
		if f.auto {
			return "integer PRIMARY KEY AUTOINCREMENT"
		}
		return "integer"
	case "float":
		return "real"
	case "string":
		return "text"
	case "time":
		if t, ok := f.tags["TYPE"]; ok {
			return t
		}
		return "datetime"
	case "bytes":
		return "blob"
	}
	return f.kind
}

func postgresOfGorm(f *gormField) string {
	size := f.size
	if f.kind == "uint" || f.goKind == "uint" && f.kind != "int" {
		size++
	}
	pick := func(small, middle, big string) string {
		switch {
		case size <= 16:
			return small
		case size <= 32:
			return middle
		}
		return big
	}
	if g := f.tags["GENERATED"]; strings.HasPrefix(strings.ToLower(g), "identity") {
		mode := "BY DEFAULT"
		if strings.Contains(strings.ToLower(g), "always") {
			mode = "ALWAYS"
		}
		return pick("smallint", "integer", "bigint") + " GENERATED " + mode + " AS IDENTITY"
	} else if g != "" {
		return postgresBase(f, pick) + " GENERATED ALWAYS AS (" + g + ") STORED"
	}
	return postgresBase(f, pick)
}

func postgresBase(f *gormField, pick func(small, middle, big string) string) string {
	switch f.kind {
	case "bool":
		return "boolean"
	case "int", "uint":
		if f.auto {
			return pick("smallserial", "serial", "bigserial")
		}
		return pick("smallint", "integer", "bigint")
	case "float":
		switch {
		case f.digits > 0 && f.scale > 0:
			return fmt.Sprintf("numeric(%d, %d)", f.digits, f.scale)
		case f.digits > 0:
			return fmt.Sprintf("numeric(%d)", f.digits)
		}
		return "decimal"
	case "string":
		if f.size > 0 && f.size <= 10485760 {
			return fmt.Sprintf("varchar(%d)", f.size)
		}
		return "text"
	case "time":
		if f.digits > 0 {
			return fmt.Sprintf("timestamptz(%d)", f.digits)
		}
		return "timestamptz"
	case "bytes":
		return "bytea"
	}
	if f.auto && !strings.Contains(strings.ToLower(f.kind), "serial") {
		return pick("smallserial", "serial", "bigserial")
	}
	return f.kind
}

func mysqlOfGorm(f *gormField) string {
	const medium = 1 << 24
	switch f.kind {
	case "bool":
		return "boolean"
	case "int", "uint":
		t := "bigint"
		switch {
		case f.size <= 8:
			t = "tinyint"
		case f.size <= 16:
			t = "smallint"
		case f.size <= 24:
			t = "mediumint"
		case f.size <= 32:
			t = "int"
		}
		if f.kind == "uint" {
			t += " unsigned"
		}
		if f.auto {
			t += " AUTO_INCREMENT"
		}
		return t
	case "float":
		switch {
		case f.digits > 0:
			return fmt.Sprintf("decimal(%d, %d)", f.digits, f.scale)
		case f.size <= 32:
			return "float"
		}
		return "double"
	case "string":
		size := f.size
		if size == 0 && (f.primary || f.hasDef || f.tags["INDEX"] != "" || f.tags["UNIQUE"] != "") {
			size = 191 // fits into an index in utf8mb4
		}
		switch {
		case size >= 65536 && size <= medium:
			return "mediumtext"
		case size > medium || size <= 0:
			return "longtext"
		}
		return fmt.Sprintf("varchar(%d)", size)
	case "time":
		digits := f.digits
		if digits == 0 && f.tags["PRECISION"] == "" {
			digits = 3
		}
		t := "datetime"
		if digits > 0 {
			t += fmt.Sprintf("(%d)", digits)
		}
		if !f.notNull && !f.primary {
			t += " NULL"
		}
		return t
	case "bytes":
		switch {
		case f.size > 0 && f.size < 65536:
			return fmt.Sprintf("varbinary(%d)", f.size)
		case f.size >= 65536 && f.size <= medium:
			return "mediumblob"
		}
		return "longblob"
	}
	if f.auto && !strings.Contains(strings.ToLower(f.kind), " auto_increment") {
		return f.kind + " AUTO_INCREMENT"
	}
	return f.kind
}

// gormColumn is a column's definition.
func (p product) gormColumn(f *gormField) string {
	s := p.ident(f.column) + " " + p.gormType(f)
	if f.notNull {
		s += " NOT NULL"
	}
	if f.hasDef && f.def != "(-)" {
		switch {
		case f.text && p.name == "sqlite": // as gorm spells it there
			s += ` DEFAULT "` + strings.ReplaceAll(f.def, `"`, `""`) + `"`
		case f.text:
			s += " DEFAULT " + p.text(f.def)
		case f.def != "":
			s += " DEFAULT " + f.def
		}
	}
	if c, ok := f.tags["COMMENT"]; ok && p.name == "mysql" {
		s += " COMMENT " + p.text(c)
	}
	return s
}

// gormIndex is an index, of one or several fields.
type gormIndex struct {
	name, class, method, where, comment, option string
	parts                                       []gormPart
}

type gormPart struct {
	text     string
	priority int
}

// indexes are those that the fields' tags speak of, in the order of their
// first one.
func (p product) indexes(s *gormSchema) []*gormIndex {
	var list []*gormIndex
	byName := map[string]*gormIndex{}
	for _, f := range s.fields {
		if f.column == "" {
			continue
		}
		for _, piece := range strings.Split(f.tag, ";") {
			key, value, _ := strings.Cut(piece, ":")
			key = strings.TrimSpace(strings.ToUpper(key))
			if key != "INDEX" && key != "UNIQUEINDEX" {
				continue
			}
			name, rest, _ := strings.Cut(value, ",")
			set := tagSettings(rest, ",")
			if name == "" {
				of := f.name
				if c := set["COMPOSITE"]; c != "" {
					of = c
				}
				name = limited("idx", s.table, gormName(of))
			}
			class := set["CLASS"]
			if key == "UNIQUEINDEX" || set["UNIQUE"] != "" {
				class = "UNIQUE"
			}
			x := byName[name]
			if x == nil {
				x = &gormIndex{name: name}
				byName[name] = x
				list = append(list, x)
			}
			first := func(into *string, v string) {
				if *into == "" {
					*into = v
				}
			}
			first(&x.class, class)
			first(&x.method, set["TYPE"])
			first(&x.where, set["WHERE"])
			first(&x.comment, set["COMMENT"])
			first(&x.option, set["OPTION"])
			text := p.ident(f.column)
			if e := set["EXPRESSION"]; e != "" {
				text = e
			} else if n, _ := strconv.Atoi(set["LENGTH"]); n > 0 && p.name == "mysql" {
				text += fmt.Sprintf("(%d)", n)
			}
			if c := set["COLLATE"]; c != "" {
				text += " COLLATE " + c
			}
			if o := set["SORT"]; o != "" {
				text += " " + o
			}
			priority, err := strconv.Atoi(set["PRIORITY"])
			if err != nil {
				priority = 10
			}
			x.parts = append(x.parts, gormPart{text, priority})
		}
	}
	for _, x := range list {
		sort.SliceStable(x.parts, func(i, j int) bool { return x.parts[i].priority < x.parts[j].priority })
	}
	return list
}

func (b *builder) gormIndexes(s *gormSchema) {
	for _, x := range b.indexes(s) {
		var parts []string
		for _, part := range x.parts {
			parts = append(parts, part.text)
		}
		columns := " (" + strings.Join(parts, ",") + ")"
		create := "CREATE "
		if x.class != "" {
			create += x.class + " "
		}
		create += "INDEX " + b.ident(x.name) + " ON " + b.ident(b.table)
		switch b.name {
		case "mysql": // method and WHERE are passed over there
			create += columns
			if x.comment != "" {
				create += " COMMENT " + b.text(x.comment)
			}
			if x.option != "" {
				create += " " + x.option
			}
		case "postgres":
			if x.method != "" {
				create += " USING " + x.method
			}
			create += columns
			if x.option != "" && !strings.EqualFold(strings.TrimSpace(x.option), "CONCURRENTLY") {
				create += " " + x.option
			}
			fallthrough
		default:
			if b.name == "sqlite" {
				create += columns
			}
			if x.where != "" {
				create += " WHERE " + x.where
			}
		}
		b.later(create)
	}
}

// gormChecks are the checks in the fields' tags.
func (b *builder) gormChecks(s *gormSchema) {
	for _, c := range s.columns {
		chk := s.byColumn[c].tags["CHECK"]
		if chk == "" {
			continue
		}
		name := limited("chk", s.table, c)
		if first, rest, ok := strings.Cut(chk, ","); ok && plain(first) {
			name, chk = first, rest
		} else if ok && first == "" {
			chk = rest
		}
		b.line("CONSTRAINT " + b.ident(name) + " CHECK (" + chk + ")")
	}
}

// plain says of a text that it can be the name in front of a tag's value.
func plain(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// finishGorm writes the tables, now that all relations are known.
func (r *reader) finishGorm() {
	keys := r.foreignKeys()
	for _, s := range r.gormOrder {
		b := &builder{product: r.product, table: s.table}
		numbered := false
		for _, c := range s.columns {
			f := s.byColumn[c]
			if f.skipped {
				continue
			}
			numbered = numbered || strings.Contains(strings.ToUpper(r.product.gormType(f)), "PRIMARY KEY")
			b.line(b.gormColumn(f))
			if text, ok := f.tags["COMMENT"]; ok && b.name == "postgres" {
				b.later("COMMENT ON COLUMN " + b.ident(s.table) + "." + b.ident(c) + " IS " + b.text(text))
			}
		}
		if len(s.primary) > 0 && !numbered {
			var names []string
			for _, f := range s.primary {
				names = append(names, f.column)
			}
			b.line("PRIMARY KEY (" + b.idents(names) + ")")
		}
		if len(b.lines) == 0 {
			continue
		}
		for _, f := range s.fields {
			if f.unique && f.column != "" && !f.skipped {
				b.line("CONSTRAINT " + b.ident(limited("uni", s.table, gormName(f.column))) + " UNIQUE (" + b.ident(f.column) + ")")
			}
		}
		b.gormChecks(s)
		for _, k := range keys[s.table] {
			b.foreign(k.name, k.columns, k.table, k.to, k.actions)
		}
		b.gormIndexes(s)
		r.add(r.table(s.table, s.name, b.sql(), s.decl.spec.Pos()))
	}
	r.joinTables(keys)
}

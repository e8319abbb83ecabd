package gomodel

import (
	"go/ast"
	"go/token"
	"reflect"
	"strconv"
)

// typ is what is known of a Go type.
type typ struct {
	kind  reflect.Kind // of what is underneath all names; Invalid where the source is not there
	ref   string       // "import/path.Name" of a named type, without arguments
	elem  *typ         // of a pointer, slice, array
	decl  *decl        // of a named type whose source is there
	body  *ast.StructType
	args  map[string]*typ // what the parameters of a generic type stand for
	scope *decl           // whose names the body uses
}

// well are types of which everything is known without their source. The
// kind is what libraries that look for one find.
var well = map[string]reflect.Kind{
	"time.Time": reflect.Struct, "encoding/json.RawMessage": reflect.Slice,
	"database/sql.NullString": reflect.Struct, "database/sql.NullInt64": reflect.Struct, "database/sql.NullInt32": reflect.Struct,
	"database/sql.NullInt16": reflect.Struct, "database/sql.NullByte": reflect.Struct, "database/sql.NullFloat64": reflect.Struct,
	"database/sql.NullBool": reflect.Struct, "database/sql.NullTime": reflect.Struct, "database/sql.RawBytes": reflect.Slice,
	"gorm.io/gorm.DeletedAt": reflect.Struct, "gorm.io/gorm.Model": reflect.Struct,
	"net.IP": reflect.Slice, "net.IPNet": reflect.Struct, "net/netip.Addr": reflect.Struct, "net/netip.Prefix": reflect.Struct,
	"net/url.URL": reflect.Struct, "math/big.Int": reflect.Struct, "time.Duration": reflect.Int64,
	"github.com/google/uuid.UUID": reflect.Array, "github.com/gofrs/uuid.UUID": reflect.Array, "github.com/gofrs/uuid/v5.UUID": reflect.Array,
	"github.com/satori/go.uuid.UUID": reflect.Array, "github.com/google/uuid.NullUUID": reflect.Struct,
	"github.com/shopspring/decimal.Decimal": reflect.Struct, "github.com/shopspring/decimal.NullDecimal": reflect.Struct,
	"github.com/uptrace/bun.BaseModel": reflect.Struct, "github.com/uptrace/bun/schema.BaseModel": reflect.Struct,
	"github.com/uptrace/bun.NullTime": reflect.Struct, "github.com/uptrace/bun/schema.NullTime": reflect.Struct,
	"gorm.io/datatypes.JSON": reflect.Slice, "gorm.io/datatypes.JSONMap": reflect.Map, "gorm.io/datatypes.JSONType": reflect.Struct,
	"gorm.io/datatypes.JSONSlice": reflect.Slice, "gorm.io/datatypes.Date": reflect.Struct, "gorm.io/datatypes.Time": reflect.Int64,
	"github.com/lib/pq.StringArray": reflect.Slice, "github.com/lib/pq.Int64Array": reflect.Slice, "github.com/lib/pq.Int32Array": reflect.Slice,
	"github.com/lib/pq.BoolArray": reflect.Slice, "github.com/lib/pq.Float64Array": reflect.Slice,
}

// nulls are the types that stand for another one that may be NULL.
var nulls = map[string]reflect.Kind{
	"database/sql.NullString": reflect.String, "database/sql.NullInt64": reflect.Int64, "database/sql.NullInt32": reflect.Int32,
	"database/sql.NullInt16": reflect.Int16, "database/sql.NullByte": reflect.Uint8, "database/sql.NullFloat64": reflect.Float64,
	"database/sql.NullBool": reflect.Bool,
}

var basics = map[string]reflect.Kind{
	"bool": reflect.Bool, "string": reflect.String, "int": reflect.Int, "int8": reflect.Int8, "int16": reflect.Int16, "int32": reflect.Int32,
	"int64": reflect.Int64, "uint": reflect.Uint, "uint8": reflect.Uint8, "uint16": reflect.Uint16, "uint32": reflect.Uint32, "uint64": reflect.Uint64,
	"uintptr": reflect.Uintptr, "byte": reflect.Uint8, "rune": reflect.Int32, "float32": reflect.Float32, "float64": reflect.Float64,
	"complex64": reflect.Complex64, "complex128": reflect.Complex128, "any": reflect.Interface, "error": reflect.Interface,
}

// typeOf reads a type's expression as it stands in d's file.
func (d *decl) typeOf(x ast.Expr, args map[string]*typ) *typ {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return d.typeOf(x.X, args)
	case *ast.StarExpr:
		return &typ{kind: reflect.Pointer, elem: d.typeOf(x.X, args)}
	case *ast.ArrayType:
		kind := reflect.Slice
		if x.Len != nil {
			kind = reflect.Array
		}
		return &typ{kind: kind, elem: d.typeOf(x.Elt, args)}
	case *ast.MapType:
		return &typ{kind: reflect.Map}
	case *ast.StructType:
		return &typ{kind: reflect.Struct, body: x, scope: d, args: args}
	case *ast.InterfaceType:
		return &typ{kind: reflect.Interface}
	case *ast.FuncType:
		return &typ{kind: reflect.Func}
	case *ast.ChanType:
		return &typ{kind: reflect.Chan}
	case *ast.IndexExpr:
		return d.generic(x.X, []ast.Expr{x.Index}, args)
	case *ast.IndexListExpr:
		return d.generic(x.X, x.Indices, args)
	case *ast.Ident, *ast.SelectorExpr:
		return d.generic(x, nil, args)
	}
	return &typ{}
}

// generic reads a name, with its type arguments.
func (d *decl) generic(name ast.Expr, of []ast.Expr, args map[string]*typ) *typ {
	var given []*typ
	for _, x := range of {
		given = append(given, d.typeOf(x, args))
	}
	if id, ok := name.(*ast.Ident); ok {
		if t := args[id.Name]; t != nil {
			return t
		}
		if named := d.pkg.types[id.Name]; named != nil {
			return named.typ(given)
		}
		if k, ok := basics[id.Name]; ok {
			return &typ{kind: k}
		}
		// A dot import, or source that was left out.
		return &typ{ref: d.pkg.path + "." + id.Name}
	}
	sel, ok := name.(*ast.SelectorExpr)
	if !ok {
		return &typ{}
	}
	from, ok := sel.X.(*ast.Ident)
	if !ok {
		return &typ{}
	}
	path, ok := d.imported(from.Name)
	if !ok {
		return &typ{ref: from.Name + "." + sel.Sel.Name}
	}
	ref := path + "." + sel.Sel.Name
	if ref == "database/sql.Null" && len(given) == 1 {
		return &typ{kind: reflect.Struct, ref: ref, elem: given[0]}
	}
	if k, ok := well[ref]; ok {
		t := &typ{kind: k, ref: ref}
		if k == reflect.Slice || k == reflect.Array {
			t.elem = &typ{kind: reflect.Uint8}
		}
		return t
	}
	if p := d.pkg.find(path); p != nil {
		if named := p.types[sel.Sel.Name]; named != nil {
			return named.typ(given)
		}
	}
	return &typ{ref: ref}
}

// typ is the named type.
func (d *decl) typ(given []*typ) *typ {
	ref := d.pkg.path + "." + d.spec.Name.Name
	if k, ok := well[ref]; ok {
		return &typ{kind: k, ref: ref, elem: &typ{kind: reflect.Uint8}}
	}
	var args map[string]*typ
	if d.spec.TypeParams != nil {
		args = map[string]*typ{}
		i := 0
		for _, f := range d.spec.TypeParams.List {
			for _, name := range f.Names {
				if i < len(given) {
					args[name.Name] = given[i]
				}
				i++
			}
		}
	}
	under := *d.typeOf(d.spec.Type, args)
	if d.spec.Assign.IsValid() {
		return &under
	}
	if under.decl != nil { // type A B has none of B's methods
		under.decl = nil
	}
	if _, known := well[under.ref]; known && under.ref != "time.Time" {
		under.ref = ""
	}
	if under.ref == "time.Time" { // libraries convert it
		under.decl = d
		return &under
	}
	under.ref, under.decl = ref, d
	return &under
}

// indirect goes through pointers.
func (t *typ) indirect() *typ {
	for t.kind == reflect.Pointer {
		t = t.elem
	}
	return t
}

// name is the bare name of a named type.
func (t *typ) name() string {
	if t.decl != nil {
		return t.decl.spec.Name.Name
	}
	return ""
}

// method finds a method of a named type, also of what is embedded in it.
func (t *typ) method(name string) (*ast.FuncDecl, *decl) {
	if t.decl != nil {
		if m := t.decl.pkg.methods[t.decl.spec.Name.Name][name]; m != nil {
			return m, t.decl
		}
	}
	if t.body == nil {
		return nil, nil
	}
	for _, f := range t.body.Fields.List {
		if len(f.Names) == 0 {
			if m, d := t.scope.typeOf(f.Type, t.args).indirect().method(name); m != nil {
				return m, d
			}
		}
	}
	return nil, nil
}

// literal is what a method returns, if that is one constant text.
func (t *typ) literal(name string) (text string, has, known bool) {
	m, d := t.method(name)
	if m == nil {
		return "", false, true
	}
	if m.Body == nil || len(m.Body.List) != 1 {
		return "", true, false
	}
	ret, ok := m.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(ret.Results) != 1 {
		return "", true, false
	}
	text, known = d.constant(ret.Results[0], 0)
	return text, true, known
}

// constant reads a text that is known without running anything.
func (d *decl) constant(x ast.Expr, depth int) (string, bool) {
	if depth > 10 {
		return "", false
	}
	switch x := x.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			s, err := strconv.Unquote(x.Value)
			return s, err == nil
		}
	case *ast.ParenExpr:
		return d.constant(x.X, depth+1)
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			a, ok1 := d.constant(x.X, depth+1)
			b, ok2 := d.constant(x.Y, depth+1)
			return a + b, ok1 && ok2
		}
	case *ast.Ident:
		if v := d.pkg.values[x.Name]; v != nil {
			return d.constant(v, depth+1)
		}
	case *ast.SelectorExpr:
		if from, ok := x.X.(*ast.Ident); ok {
			if path, ok := d.imported(from.Name); ok {
				if p := d.pkg.find(path); p != nil && p.values[x.Sel.Name] != nil && len(p.order) > 0 {
					return p.order[0].constant(p.values[x.Sel.Name], depth+1)
				}
			}
		}
	case *ast.CallExpr: // a conversion, string("x")
		if fn, ok := x.Fun.(*ast.Ident); ok && fn.Name == "string" && len(x.Args) == 1 {
			return d.constant(x.Args[0], depth+1)
		}
	}
	return "", false
}

// field is one field of a struct, a name of its own each.
type structField struct {
	name      string
	tag       reflect.StructTag
	x         *ast.Field
	typ       *typ
	anonymous bool
}

func (t *typ) fields() []structField {
	if t.body == nil {
		return nil
	}
	var out []structField
	for _, f := range t.body.Fields.List {
		var tag reflect.StructTag
		if f.Tag != nil {
			s, _ := strconv.Unquote(f.Tag.Value) // as parsed
			tag = reflect.StructTag(s)
		}
		ft := t.scope.typeOf(f.Type, t.args)
		if len(f.Names) == 0 {
			out = append(out, structField{embeddedName(f.Type), tag, f, ft, true})
		}
		for _, n := range f.Names {
			out = append(out, structField{n.Name, tag, f, ft, false})
		}
	}
	return out
}

func embeddedName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return embeddedName(x.X)
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.IndexExpr:
		return embeddedName(x.X)
	case *ast.IndexListExpr:
		return embeddedName(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

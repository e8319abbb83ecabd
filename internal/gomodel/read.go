package gomodel

import (
	"errors"
	"fmt"
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
)

// Read reads the packages in folders and returns the tables that their structs
// describe, in the SQL of the engine of that name. Environment variables
// (GOMODCACHE, GOPATH, HOME) tell where the source of other modules is.
func Read(folders []string, engine string, getenv func(string) (string, bool)) ([]Table, error) {
	p, ok := products[engine]
	if !ok {
		//lint:ignore ST1005 Go is a name
		return nil, fmt.Errorf("Go models know no types of %s", engine)
	}
	w := newWorld(getenv)
	r := &reader{world: w, product: p, gorm: map[*decl]*gormSchema{}, bun: map[*decl]*bunTable{}, made: map[string]bool{}}
	var own []*decl
	for _, dir := range folders {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		q, err := w.load(dir, "")
		if err != nil {
			return nil, err
		}
		own = append(own, q.order...)
	}
	embedded := embeddedIn(own)
	for _, d := range own {
		switch d.library(embedded[d]) {
		case "gorm":
			r.addGorm(d)
		case "bun":
			r.addBun(d)
		case "db":
			r.addPlain(d)
		}
	}
	r.finishGorm()
	r.finishBun()
	return r.tables, errors.Join(r.problems...)
}

// reader collects tables.
type reader struct {
	*world
	product product

	gorm      map[*decl]*gormSchema
	gormOrder []*gormSchema
	bun       map[*decl]*bunTable
	bunOrder  []*bunTable

	tables   []Table
	made     map[string]bool // by name
	problems []error
}

func (r *reader) fail(at ast.Node, format string, args ...any) {
	r.problems = append(r.problems, r.errorAt(at.Pos(), format, args...))
}

// embeddedIn are the types that others have embedded: parts of tables and not
// tables.
func embeddedIn(decls []*decl) map[*decl]bool {
	out := map[*decl]bool{}
	for _, d := range decls {
		if _, ok := d.spec.Type.(*ast.StructType); !ok || d.spec.TypeParams != nil {
			continue
		}
		for _, f := range d.typ(nil).fields() {
			if t := f.typ.indirect(); t.decl != nil && (f.anonymous || parts(f.tag.Get("gorm"), "EMBEDDED") || strings.Contains(f.tag.Get("bun"), "embed:")) {
				out[t.decl] = true
			}
		}
	}
	return out
}

func parts(tag, key string) bool {
	_, ok := gormTags(tag)[key]
	return ok
}

// The words in the comment above a type that say what it is, where the tags
// do not.
const (
	sayTable  = "//dbwarden:table"
	sayIgnore = "//dbwarden:ignore"
)

// library is the one whose table a type is; "" where it is none.
func (d *decl) library(embedded bool) string {
	if _, ok := d.spec.Type.(*ast.StructType); !ok || d.spec.TypeParams != nil || d.spec.Assign.IsValid() || strings.Contains(d.doc, sayIgnore) {
		return ""
	}
	t := d.typ(nil)
	said := strings.Contains(d.doc, sayTable)
	_, named, _ := t.literal("TableName")
	found := ""
	for _, f := range t.fields() {
		switch {
		case f.anonymous && slices.Contains([]string{"github.com/uptrace/bun.BaseModel", "github.com/uptrace/bun/schema.BaseModel"}, f.typ.ref):
			return "bun"
		case f.anonymous && f.typ.ref == "gorm.io/gorm.Model", f.tag.Get("gorm") != "":
			found = "gorm"
		case found == "" && f.tag.Get("bun") != "":
			found = "bun"
		case found == "" && f.tag.Get("db") != "" && f.tag.Get("db") != "-":
			found = "db"
		}
	}
	switch {
	case embedded && !named && !said:
		return ""
	case found == "bun" && !said:
		// Without bun.BaseModel it may as well be what a query returns.
		return ""
	case found == "" && (said || named) && len(t.fields()) > 0:
		return "gorm"
	}
	return found
}

// add takes a table, once.
func (r *reader) add(t Table) {
	if r.made[t.Name] {
		return
	}
	r.made[t.Name] = true
	r.tables = append(r.tables, t)
}

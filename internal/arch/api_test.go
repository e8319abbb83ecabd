package arch

import (
	"bytes"
	"flag"
	"go/ast"
	"go/printer"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the public API into testdata/api.txt")

const apiFile = "testdata/api.txt"

// promised are the packages that docs/library.md promises to keep.
var promised = []string{
	"", "backup", "dbwardentest", "engine", "engine/mysql", "engine/postgres", "engine/postgres/pgpool", "engine/sqlite",
	"engine/mysql/myschema", "engine/postgres/pgschema", "engine/sqlite/liteschema", "event", "event/eventlog", "event/promtext",
	"journal", "lock", "migration", "plan", "schema", "sqltext", "verify",
}

// TestThePublicAPI: what programs can name is what testdata/api.txt has. A line
// that goes, or changes, breaks somebody's program: see docs/library.md, and say
// so in CHANGELOG.md. One that comes is a promise.
func TestThePublicAPI(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || !slices.Contains(promised, s.folder) {
			continue
		}
		a := api{source: s, name: s.folder, to: seen}
		if a.name == "" {
			a.name = "dbwarden"
		}
		a.read()
	}
	var now []string
	for line := range seen {
		now = append(now, line)
	}
	slices.Sort(now)
	if *update {
		if err := os.WriteFile(apiFile, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	was := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range was {
		if !seen[line] {
			t.Errorf("no longer in the API: %s", line)
		}
	}
	for _, line := range now {
		if !slices.Contains(was, line) {
			t.Errorf("new in the API: %s", line)
		}
	}
	if t.Failed() {
		t.Log("where that is meant: go test ./internal/arch -run TestThePublicAPI -update")
	}
	for _, folder := range promised {
		name := folder
		if name == "" {
			name = "dbwarden"
		}
		if !slices.ContainsFunc(now, func(line string) bool { return strings.HasPrefix(line, name+": ") }) {
			t.Errorf("package %s exports nothing", name)
		}
	}
}

// api writes down what a file exports, a line each, without the names of
// parameters, which nobody depends on.
type api struct {
	source
	name string
	to   map[string]bool
}

func (a api) add(parts ...string) { a.to[a.name+": "+strings.Join(parts, "")] = true }

func (a api) read() {
	for _, d := range a.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if !d.Name.IsExported() {
				continue
			}
			if d.Recv == nil {
				a.add("func ", d.Name.Name, a.signature(d.Type))
			} else if of := a.spell(d.Recv.List[0].Type); ast.IsExported(strings.TrimPrefix(of, "*")) {
				a.add("method (", of, ") ", d.Name.Name, a.signature(d.Type))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if n.IsExported() {
							a.add(d.Tok.String(), " ", n.Name)
						}
					}
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						a.typ(s)
					}
				}
			}
		}
	}
}

func (a api) typ(s *ast.TypeSpec) {
	what := "type " + s.Name.Name
	if s.TypeParams != nil {
		var all []string
		for _, f := range s.TypeParams.List {
			all = append(all, a.spell(f.Type))
		}
		what += "[" + strings.Join(all, ", ") + "]"
	}
	if s.Assign != token.NoPos {
		what += " ="
	}
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		what, fields = what+" struct", t.Fields
	case *ast.InterfaceType:
		what, fields = what+" interface", t.Methods
	default:
		a.add(what, " ", a.spell(s.Type))
		return
	}
	a.add(what)
	for _, f := range fields.List {
		if len(f.Names) == 0 {
			a.add(what, ", ", a.spell(f.Type))
		}
		for _, n := range f.Names {
			if fn, ok := f.Type.(*ast.FuncType); ok && n.IsExported() && strings.HasSuffix(what, "interface") {
				a.add(what, ", ", n.Name, a.signature(fn))
			} else if n.IsExported() {
				a.add(what, ", ", n.Name, " ", a.spell(f.Type))
			}
		}
	}
}

// signature is func's parameters and results, by their types.
func (a api) signature(f *ast.FuncType) string {
	list := func(l *ast.FieldList) (all []string) {
		if l == nil {
			return nil
		}
		for _, f := range l.List {
			for range max(1, len(f.Names)) {
				all = append(all, a.spell(f.Type))
			}
		}
		return all
	}
	out, results := "("+strings.Join(list(f.Params), ", ")+")", list(f.Results)
	switch len(results) {
	case 0:
		return out
	case 1:
		return out + " " + results[0]
	}
	return out + " (" + strings.Join(results, ", ") + ")"
}

// spell is an expression on one line.
func (a api) spell(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.FuncType:
		return "func" + a.signature(e)
	case *ast.Ellipsis:
		return "..." + a.spell(e.Elt)
	}
	var b bytes.Buffer
	if err := printer.Fprint(&b, a.fset, e); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A public package is one that programs may import.
type public struct {
	name, folder string // folder from the root, with slashes; "." is the root
	files        []*ast.File
	set          *token.FileSet
}

// publics reads the public packages of the module, without their tests.
func publics(t *testing.T) (all []public) {
	t.Helper()
	// Modules of their own, what is no library, and what nobody else may import.
	skip := []string{"bench", "cmd", "deploy", "docs", "examples", "internal", "otel", "packaging", "testdata", ".git"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		folder, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if slices.Contains(skip, d.Name()) {
			return fs.SkipDir
		}
		p := public{folder: filepath.ToSlash(folder), set: token.NewFileSet()}
		names, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(p.set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			p.name, p.files = f.Name.Name, append(p.files, f)
		}
		if p.files != nil {
			all = append(all, p)
		}
		return nil
	})
	if err != nil || len(all) < 10 {
		t.Fatalf("%d public packages: %v", len(all), err)
	}
	return all
}

// errorsOf are the errors that a package exports: types with a method Error, and
// variables called Err…
func (p public) errorsOf() (all []string) {
	for _, f := range p.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil || d.Name.Name != "Error" || len(d.Type.Params.List) > 0 {
					continue
				}
				star, of := "", d.Recv.List[0].Type
				if s, ok := of.(*ast.StarExpr); ok {
					star, of = "*", s.X
				}
				if name := of.(*ast.Ident).Name; ast.IsExported(name) {
					all = append(all, star+p.name+"."+name)
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
				for _, s := range d.Specs {
					for _, n := range s.(*ast.ValueSpec).Names {
						if strings.HasPrefix(n.Name, "Err") {
							all = append(all, p.name+"."+n.Name)
						}
					}
				}
			}
		}
	}
	return all
}

// TestEveryErrorIsInThePageOfTheLibrary: the page has each error that the public
// packages export, with when it comes and what to do, and no other.
func TestEveryErrorIsInThePageOfTheLibrary(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs/library.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n## Errors\n")
	if !ok {
		t.Fatal("docs/library.md has no section Errors")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\*?[a-z]+\\.[A-Za-z]+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(section, -1) {
		if slices.Contains(told, m[1]) {
			t.Errorf("docs/library.md tells of %s twice", m[1])
		}
		told = append(told, m[1])
	}
	var there []string
	for _, p := range publics(t) {
		there = append(there, p.errorsOf()...)
	}
	for _, name := range there {
		if !slices.Contains(told, name) {
			t.Errorf("docs/library.md does not tell of the error %s, in the form | `%s` | when | what to do |", name, name)
		}
	}
	for _, name := range told {
		if !slices.Contains(there, name) {
			t.Errorf("docs/library.md tells of %s, which no public package exports", name)
		}
	}
	if len(there) < 40 {
		t.Errorf("only %d errors were found", len(there))
	}
}

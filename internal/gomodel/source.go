// Package gomodel reads the tables that Go structs describe.
//
// It reads source text alone: no code of the user's runs, and no go command is
// needed. Structs are read as the library reads them whose tags they have:
// gorm, bun, or plain db tags; what the library would make of them on one
// product comes out as definitions in that product's SQL. The package opens no
// database and decides nothing about one.
package gomodel

import (
	"errors"
	"fmt"
	"go/ast"
	build "go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// An Error is a place in the source that cannot be read as a table.
type Error struct {
	File         string
	Line, Column int
	Msg          string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// world is all source that is looked at.
type world struct {
	fset     *token.FileSet
	packages map[string]*pkg // by folder
	modules  map[string]*module
	cache    string // the folder of downloaded modules
}

// pkg is the declarations of one package.
type pkg struct {
	w      *world
	dir    string
	path   string // import path; the folder's name where there is no module
	name   string
	module *module

	types   map[string]*decl
	methods map[string]map[string]*ast.FuncDecl
	values  map[string]ast.Expr // of constants and variables
	order   []*decl
}

// decl is one type's declaration.
type decl struct {
	pkg  *pkg
	file *ast.File
	spec *ast.TypeSpec
	doc  string
}

// module is a go.mod.
type module struct {
	dir, path string
	requires  map[string]string // path: version
	replaces  map[string]string // path: folder, or path@version
}

func newWorld(getenv func(string) (string, bool)) *world {
	w := &world{fset: token.NewFileSet(), packages: map[string]*pkg{}, modules: map[string]*module{}}
	env := func(name string) string {
		v, _ := getenv(name)
		return v
	}
	switch gopath := env("GOPATH"); {
	case env("GOMODCACHE") != "":
		w.cache = env("GOMODCACHE")
	case gopath != "":
		w.cache = filepath.Join(filepath.SplitList(gopath)[0], "pkg", "mod")
	case env("HOME") != "":
		w.cache = filepath.Join(env("HOME"), "go", "pkg", "mod")
	case env("USERPROFILE") != "":
		w.cache = filepath.Join(env("USERPROFILE"), "go", "pkg", "mod")
	}
	return w
}

// load reads the package in a folder, once.
func (w *world) load(dir, path string) (*pkg, error) {
	if p, ok := w.packages[dir]; ok {
		return p, nil
	}
	p := &pkg{w: w, dir: dir, path: path, types: map[string]*decl{}, methods: map[string]map[string]*ast.FuncDecl{}, values: map[string]ast.Expr{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	w.packages[dir] = p
	if p.module, err = w.moduleOf(dir); err != nil {
		return nil, err
	}
	if p.path == "" && p.module != nil {
		rel, _ := filepath.Rel(p.module.dir, dir)
		p.path = strings.TrimSuffix(p.module.path+"/"+filepath.ToSlash(rel), "/.")
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(w.fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("read the models: %w", err)
		}
		if !meant(name, f) {
			continue
		}
		if p.name == "" {
			p.name = f.Name.Name
		}
		p.declare(f)
	}
	return p, nil
}

// meant says whether a file is for this system, by its name and its
// constraint.
func meant(name string, f *ast.File) bool {
	parts := strings.Split(strings.TrimSuffix(name, ".go"), "_")
	for _, word := range parts[1:] {
		if slices.Contains(systems, word) && word != runtime.GOOS && word != runtime.GOARCH {
			return false
		}
	}
	for _, g := range f.Comments {
		for _, c := range g.List {
			if c.Pos() > f.Package || !build.IsGoBuild(c.Text) {
				continue
			}
			x, err := build.Parse(c.Text)
			return err == nil && x.Eval(func(tag string) bool {
				return tag == runtime.GOOS || tag == runtime.GOARCH || tag == "gc" || tag == "unix" && runtime.GOOS != "windows" || strings.HasPrefix(tag, "go1.")
			})
		}
	}
	return true
}

// systems are the words in a file's name that mean one.
var systems = []string{
	"linux", "darwin", "windows", "freebsd", "openbsd", "netbsd", "dragonfly", "solaris", "illumos", "aix", "android", "ios", "js", "plan9", "wasip1",
	"amd64", "arm64", "386", "arm", "riscv64", "ppc64", "ppc64le", "s390x", "loong64", "mips", "mips64", "wasm",
}

func (p *pkg) declare(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if name := receiver(d); name != "" {
				if p.methods[name] == nil {
					p.methods[name] = map[string]*ast.FuncDecl{}
				}
				p.methods[name][d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					doc := s.Doc.Text()
					if d.Doc != nil {
						doc += comments(d.Doc)
					}
					if s.Doc != nil {
						doc += comments(s.Doc)
					}
					t := &decl{pkg: p, file: f, spec: s, doc: doc}
					p.types[s.Name.Name] = t
					p.order = append(p.order, t)
				case *ast.ValueSpec:
					for i, name := range s.Names {
						if i < len(s.Values) {
							p.values[name.Name] = s.Values[i]
						}
					}
				}
			}
		}
	}
}

// comments are the lines with directives too, which Text leaves out.
func comments(g *ast.CommentGroup) string {
	var b strings.Builder
	for _, c := range g.List {
		b.WriteString(c.Text + "\n")
	}
	return b.String()
}

// receiver is the type that a method belongs to.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) != 1 {
		return ""
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// imported finds the package that a file knows by a name.
func (d *decl) imported(name string) (path string, ok bool) {
	var unnamed []string
	for _, spec := range d.file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		switch {
		case err != nil:
		case spec.Name != nil && spec.Name.Name == name, spec.Name == nil && usualName(path) == name:
			return path, true
		case spec.Name == nil:
			unnamed = append(unnamed, path)
		}
	}
	// A package may be called otherwise than its folder.
	for _, path := range unnamed {
		if p := d.pkg.find(path); p != nil && p.name == name {
			return path, true
		}
	}
	return "", false
}

// usualName is the package's name as its import path suggests it.
func usualName(path string) string {
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		last = parts[len(parts)-2]
	}
	last, _, _ = strings.Cut(last, ".v")
	return strings.TrimPrefix(strings.ReplaceAll(last, "-", "_"), "go_")
}

// find loads an imported package: of the same module, a replaced, vendored or
// downloaded one. nil where its source is not there.
func (p *pkg) find(path string) *pkg {
	m := p.module
	if m == nil {
		return nil
	}
	for _, dir := range m.folders(path, p.w.cache) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			if q, err := p.w.load(dir, path); err == nil && q.name != "" {
				return q
			}
		}
	}
	return nil
}

// folders are where a package may be.
func (m *module) folders(path, cache string) []string {
	within := func(module, dir string) (string, bool) {
		if path != module && !strings.HasPrefix(path, module+"/") {
			return "", false
		}
		return filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(path[len(module):], "/"))), true
	}
	if dir, ok := within(m.path, m.dir); ok {
		return []string{dir}
	}
	dirs := []string{filepath.Join(m.dir, "vendor", filepath.FromSlash(path))}
	for module, to := range m.replaces {
		if strings.HasPrefix(to, ".") || filepath.IsAbs(to) {
			if !filepath.IsAbs(to) {
				to = filepath.Join(m.dir, to)
			}
		} else if cache != "" {
			to = filepath.Join(cache, escaped(to))
		}
		if dir, ok := within(module, to); ok {
			dirs = append(dirs, dir)
		}
	}
	for module, version := range m.requires {
		if dir, ok := within(module, filepath.Join(cache, escaped(module)+"@"+version)); ok && cache != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// escaped spells a module's path as the cache's folders do.
func escaped(path string) string {
	var b strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return filepath.FromSlash(b.String())
}

// moduleOf finds the go.mod above a folder; nil where there is none.
func (w *world) moduleOf(dir string) (*module, error) {
	for d := dir; ; d = filepath.Dir(d) {
		if m, ok := w.modules[d]; ok {
			return m, nil
		}
		text, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil {
			m := parseModule(string(text))
			m.dir = d
			w.modules[d] = m
			return m, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if d == filepath.Dir(d) {
			return nil, nil
		}
	}
}

func parseModule(text string) *module {
	m := &module{requires: map[string]string{}, replaces: map[string]string{}}
	block := ""
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case words[0] == ")":
			block = ""
			continue
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		}
		verb := block
		if block == "" {
			verb, words = words[0], words[1:]
		}
		for i := range words {
			words[i] = strings.Trim(words[i], "\"`")
		}
		switch {
		case verb == "module" && len(words) == 1:
			m.path = words[0]
		case verb == "require" && len(words) >= 2:
			m.requires[words[0]] = words[1]
		case verb == "replace":
			i := slices.Index(words, "=>")
			if i < 1 || i+1 >= len(words) {
				continue
			}
			to := words[i+1]
			if i+2 < len(words) {
				to += "@" + words[i+2]
			}
			m.replaces[words[0]] = to
		}
	}
	return m
}

func (w *world) errorAt(at token.Pos, format string, args ...any) error {
	p := w.fset.Position(at)
	return &Error{File: p.Filename, Line: p.Line, Column: p.Column, Msg: fmt.Sprintf(format, args...)}
}

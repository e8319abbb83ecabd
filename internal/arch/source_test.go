package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// root is the module's folder, seen from here.
const root = "../.."

const module = "github.com/dbwarden-go/dbwarden"

// A source is one Go file.
type source struct {
	path    string // from the root, with slashes
	folder  string // "" for the root
	test    bool
	imports []string
	syntax  *ast.File
	fset    *token.FileSet
}

// sources reads every Go file of the module. It reads them itself instead of
// asking the go command: files read by a test are part of what its cached
// result depends on, what a program prints is not.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && (base == "testdata" || base == "vendor" || base == "dist" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != root {
				return filepath.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.ToSlash(rel), text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(rel), test: strings.HasSuffix(base, "_test.go"), syntax: file, fset: fset}
		if s.folder = path.Dir(s.path); s.folder == "." {
			s.folder = ""
		}
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, p)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found only %d Go files", len(out))
	}
	return out
}

// at is where a node stands.
func (s source) at(n ast.Node) string { return s.fset.Position(n.Pos()).String() }

// ours is the folder of one of the module's packages.
func ours(importPath string) (folder string, ok bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// below reports whether folder is dir or stands under it.
func below(folder, dir string) bool {
	return folder == dir || strings.HasPrefix(folder, dir+"/")
}

// trackedFiles lists what the repository holds, or will when everything new
// is committed.
func trackedFiles(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("not a checkout of the repository")
	}
	out, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Skipf("git cannot list the files: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

package arch

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// may is who may import whom of the module's packages. Of the engines' two
// layers, X stands for one product.
var may = map[string][]string{
	"":                 {"engine", "event", "journal", "lock", "migration", "plan", "sqltext"},
	"engine":           {"sqltext"},
	"engine/X":         {"ddl", "engine", "sqltext"},
	"engine/X/Xschema": {"engine", "schema", "sqltext"},
	"engine/enginetest": {
		"engine", "sqltext",
	},
	"engine/postgres/pgpool": {"engine", "engine/postgres"},
	"engine/X/Xcheck":        {"check", "ddl", "engine", "plan", "sqltext"},
	"backup":                 {"", "engine", "event"},
	"check":                  {"ddl", "engine", "migration", "plan", "sqltext"},
	"check/checktest":        {"check", "engine", "migration"},
	"dbwardentest":           {"", "engine", "migration", "plan"},
	"ddl":                    {"sqltext"},
	"event":                  {},
	"event/eventlog":         {"event"},
	"event/promtext":         {"event"},
	"journal":                {"engine", "lock", "migration", "sqltext"},
	"lock":                   {"engine", "event"},
	"migration":              {"sqltext"},
	"plan":                   {"engine", "journal", "migration", "sqltext"},
	"schema":                 {},
	"sqltext":                {},
	"verify":                 {"", "engine", "internal/proven", "internal/scratch", "migration", "schema"},
}

// layer is the row of the table that a folder belongs to, "" and false for
// folders that it does not rule: internal, cmd and examples.
func layer(folder string) (string, bool) {
	if _, ok := may[folder]; ok {
		return folder, true
	}
	parts := strings.Split(folder, "/")
	switch {
	case parts[0] == "internal" || parts[0] == "cmd" || parts[0] == "examples":
		return "", false
	case parts[0] == "engine" && len(parts) == 2:
		return "engine/X", true
	case parts[0] == "engine" && len(parts) == 3 && strings.HasSuffix(parts[2], "schema"):
		return "engine/X/Xschema", true
	case parts[0] == "engine" && len(parts) == 3 && strings.HasSuffix(parts[2], "check"):
		return "engine/X/Xcheck", true
	}
	return folder, true
}

// concrete reports whether a folder is a product's engine or a part of one.
func concrete(folder string) bool {
	l, ok := layer(folder)
	return ok && (l == "engine/X" || l == "engine/X/Xschema" || l == "engine/X/Xcheck" || l == "engine/postgres/pgpool")
}

func TestPackagesImportOnlyWhatStandsBelowThem(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		row, ruled := layer(s.folder)
		allowed, known := may[row]
		if ruled && !known {
			t.Errorf("%s: the folder %s is not in the table of layers", s.path, s.folder)
			continue
		}
		for _, p := range s.imports {
			target, ok := ours(p)
			if !ok {
				continue
			}
			if ruled && !slices.Contains(allowed, target) {
				t.Errorf("%s: package %q must not import %q", s.path, s.folder, target)
			}
			if below(target, "cmd") || below(target, "examples") {
				t.Errorf("%s imports a program, %s", s.path, target)
			}
			if below(target, "internal/cli") && !below(s.folder, "cmd") && !below(s.folder, "internal/cli") {
				t.Errorf("%s: only cmd imports internal/cli", s.path)
			}
		}
	}
}

// A program that embeds the library links the engine that it chose and no
// other.
func TestNobodyButTheCommandChoosesAnEngine(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || below(s.folder, "cmd") || below(s.folder, "examples") || below(s.folder, "internal/dbtest") || concrete(s.folder) {
			continue
		}
		for _, p := range s.imports {
			if target, ok := ours(p); ok && concrete(target) {
				t.Errorf("%s imports the engine %s", s.path, target)
			}
		}
	}
}

func TestTestHelpersStayInTests(t *testing.T) {
	t.Parallel()
	helpers := []string{"dbwardentest", "engine/enginetest", "check/checktest", "internal/dbtest", "internal/dbtest/trap", "internal/browsertest", "internal/faultsql", "internal/wirelab", "internal/arch"}
	for _, s := range sources(t) {
		if s.test || below(s.folder, "internal/dbtest") {
			continue
		}
		for _, p := range s.imports {
			if target, ok := ours(p); ok && slices.Contains(helpers, target) {
				t.Errorf("%s: only tests import %s", s.path, target)
			}
			if p == "testing" && !slices.Contains(helpers, s.folder) {
				t.Errorf("%s: only tests import testing", s.path)
			}
		}
	}
}

// Drivers stay in their engine's folder.
func TestDriversStayInTheirEngines(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || below(s.folder, "internal/dbtest") || below(s.folder, "examples") || concrete(s.folder) {
			continue
		}
		for _, p := range s.imports {
			for _, driver := range []string{"github.com/jackc/", "github.com/go-sql-driver/", "modernc.org/"} {
				if strings.HasPrefix(p, driver) {
					t.Errorf("%s imports the driver %s", s.path, p)
				}
			}
		}
	}
}

// mouths may print, exit and read the environment. Everything else is a
// library: it returns errors and emits events.
var mouths = []string{"dbwardentest", "internal/cli", "internal/render", "internal/config", "internal/dbtest", "internal/browsertest", "internal/sbom", "cmd", "examples"}

func TestOnlyTheCommandTalksToTheWorld(t *testing.T) {
	t.Parallel()
	banned := map[string][]string{
		"os":  {"Exit", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Stdin", "Stdout", "Stderr", "Args"},
		"fmt": {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	}
	for _, s := range sources(t) {
		if s.test || slices.ContainsFunc(mouths, func(dir string) bool { return below(s.folder, dir) }) {
			continue
		}
		for _, p := range s.imports {
			if p == "log/slog" && s.folder == "event/eventlog" {
				continue // it is handed the logger
			}
			if p == "log" || p == "flag" || p == "log/slog" || strings.HasPrefix(p, "github.com/spf13/") {
				t.Errorf("%s imports %s", s.path, p)
			}
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && slices.Contains(banned[pkg.Name], n.Sel.Name) && slices.Contains(s.imports, pkg.Name) {
					t.Errorf("%s: %s.%s", s.at(n), pkg.Name, n.Sel.Name)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "println" || f.Name == "print") {
					t.Errorf("%s: %s", s.at(n), f.Name)
				}
			}
			return true
		})
	}
}

// What runs before main, for every program that links us, is nobody's choice.
func TestNothingRunsOnImport(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: an init function", s.at(d))
			}
		}
		if s.test || below(s.folder, "internal/dbtest") {
			continue
		}
		for _, spec := range s.syntax.Imports {
			if spec.Name != nil && spec.Name.Name == "_" && spec.Path.Value != `"embed"` && !concrete(s.folder) && !below(s.folder, "examples") {
				t.Errorf("%s: imported for what it does on import: %s", s.at(spec), spec.Path.Value)
			}
		}
	}
}

// The packages above the seam ask an engine for facts and functions, never
// for its name: a new engine must not need a change there.
func TestNobodyAsksWhichProductItIs(t *testing.T) {
	t.Parallel()
	folders := []string{"", "lock", "journal", "plan", "migration", "event", "check", "ddl"}
	names := []string{"postgres", "postgresql", "mysql", "mariadb", "sqlite"}
	for _, s := range sources(t) {
		if s.test || !slices.Contains(folders, s.folder) {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err == nil && slices.Contains(names, strings.ToLower(text)) {
				t.Errorf("%s: asks for %s", s.at(n), lit.Value)
			}
			return true
		})
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		said[s.folder] = said[s.folder] || s.syntax.Doc.Text() != ""
	}
	for folder, ok := range said {
		if !ok {
			t.Errorf("the package in %q has no comment", folder)
		}
	}
}

// The repository is about the product: nothing in it needs, or names, the
// place where it was written.
func TestTheRepositorySpeaksOfTheProductAlone(t *testing.T) {
	t.Parallel()
	// Put together here, so that this file does not hold them itself.
	words := []string{
		"/wo" + "rk/", "locking" + ".md", "house" + ".md", "ecosystem" + ".md", "quirks" + ".md", "proxy.golang" + ".org",
	}
	for _, name := range trackedFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if slices.Contains(text[:min(len(text), 8000)], 0) {
			continue // not a text
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, w := range words {
				if strings.Contains(line, w) {
					t.Errorf("%s:%d: %q: %s", name, i+1, w, strings.TrimSpace(line))
				}
			}
		}
	}
}

package oracle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"
)

// pair is a schema before and after a change.
type pair struct{ name, before, after, rows string }

// corpus are the pairs on which a product's planner is tested, read from those
// tests' source: they are in another module, and tests.
func corpus(t *testing.T, folder string) []pair {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "pairs*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []pair
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if x, ok := n.(*ast.CompositeLit); ok && len(x.Elts) == 4 {
				var texts []string
				for _, e := range x.Elts {
					if s, ok := text(e); ok {
						texts = append(texts, s)
					}
				}
				if len(texts) == 4 {
					all = append(all, pair{texts[0], texts[1], texts[2], texts[3]})
				}
			}
			return true
		})
	}
	if len(all) < 60 {
		t.Fatalf("%s has %d pairs", folder, len(all))
	}
	return all
}

// text is a string that is written down, in one piece or in several.
func text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		x, ok := text(e.X)
		y, more := text(e.Y)
		return x + y, ok && more
	}
	return "", false
}

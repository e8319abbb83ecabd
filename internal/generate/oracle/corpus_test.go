package oracle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// pair is a schema before and after a change.
type pair struct{ name, before, after, rows string }

// corpus are the pairs on which a product's planner is tested, read from that
// test's source: it is in another module, and a test.
func corpus(t *testing.T, file string) []pair {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []pair
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "pairs" {
			return true
		}
		for _, x := range spec.Values[0].(*ast.CompositeLit).Elts {
			var texts []string
			for _, e := range x.(*ast.CompositeLit).Elts {
				if s, ok := text(e); ok {
					texts = append(texts, s)
				}
			}
			if len(texts) == 4 {
				all = append(all, pair{texts[0], texts[1], texts[2], texts[3]})
			}
		}
		return false
	})
	if len(all) < 60 {
		t.Fatalf("%s has %d pairs", file, len(all))
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

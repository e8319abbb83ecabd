package model

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// whole are the settings under which the whole model is searched to the end.
var whole = []string{
	"-DFAULTS=1 -DHAND=1",
	"-DFAULTS=1 -DHAND=1 -DSTMT",
	"-DFAULTS=2 -DHAND=0",
	"-DFAULTS=2 -DHAND=0 -DSTMT",
	"-DFAULTS=0 -DHAND=2",
	"-DFAULTS=0 -DHAND=2 -DSTMT",
	"-DFAULTS=1 -DHAND=1 -DDENIED",
	"-DFAULTS=1 -DHAND=1 -DDENIED -DSTMT",
	"-DFAULTS=1 -DHAND=0 -DUNLOCK",
	"-DFAULTS=1 -DHAND=0 -DUNLOCK -DSTMT",
}

// without are the rules, each left out where it is needed, and what then goes
// wrong: a piece of the assertion that fails.
var without = []struct{ flags, violated string }{
	{"-DNO_FENCE -DFAULTS=0 -DHAND=1", "!(taken[me])"},
	{"-DNO_FENCE -DFAULTS=0 -DHAND=1 -DSTMT", "!(taken[me])"},
	{"-DNO_NATIVE -DFAULTS=0 -DHAND=1", "busy[s]"},
	{"-DNO_END_RELEASED -DFAULTS=2 -DHAND=1", "over[5]"},
	{"-DNO_COMPARE -DFAULTS=0 -DHAND=1 -DUNLOCK", "(runId==seenRun)"},
	{"-DNO_COMPARE_OWN -DFAULTS=0 -DHAND=2", "!(frozen)"},
	{"-DNO_SAME_HOLD -DFAULTS=1 -DHAND=2", "!(frozen)"},
	{"-DNATIVE_FIRST -DFAULTS=0 -DHAND=0", "dead[runId]"},
	{"-DNO_REPLAN -DFAULTS=0 -DHAND=0", "effects[at[me]]<=1"},
	{"-DNO_UNLOCK_NATIVE -DFAULTS=1 -DHAND=0 -DUNLOCK", "ensuring==0"},
	{"-DNO_RISE -DFAULTS=0 -DHAND=0", "token>highest"},
	{"-DNO_START -DFAULTS=1 -DHAND=0 -DSTMT", "effects[at["},
	{"-DNO_KEEP -DFAULTS=0 -DHAND=0 -DSTMT", "effects[0]"},
	{"-DNO_WATCHER -DFAULTS=1 -DHAND=1 -DDENIED", "over[5]"},
	{"-DNO_LIMITS -DFAULTS=1 -DHAND=1 -DDENIED", "over[5]"},
	{"-DNO_RELEASED_AT -DFAULTS=0 -DHAND=2", "!(taken[me])"},
	{"-DNO_SAME_SESSION -DFAULTS=1 -DHAND=0 -DUNLOCK", "owner==seenSession"},
	{"-DNO_UNCLAIM -DFAULTS=1 -DHAND=0", "dead[me]||"},
	{"-DNO_RAN -DFAULTS=2 -DHAND=1", "from&& !(ran)"},
}

func need(t *testing.T) {
	t.Helper()
	for _, program := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not on PATH (apt-get install spin gcc libc6-dev)", program)
		}
	}
}

// check searches the model with flags and returns what the search says.
func check(t *testing.T, flags, optimize string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	text, err := os.ReadFile("lock.pml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lock.pml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		c := exec.CommandContext(ctx, name, args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("spin", append(append([]string{"-a"}, strings.Fields(flags)...), "lock.pml")...)
	run("gcc", optimize, "-w", "-DSAFETY", "-DVECTORSZ=512", "-DMEMLIM=1500", "-o", "pan", "pan.c")
	// The model says itself what must not be the end: see its init.
	return run(filepath.Join(dir, "pan"), "-E", "-m100000")
}

// TestTheProtocolHolds searches every order of steps and faults.
func TestTheProtocolHolds(t *testing.T) {
	need(t)
	if testing.Short() {
		t.Skip("takes a minute: left out with -short")
	}
	for _, flags := range whole {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			out := check(t, flags, "-O1")
			if !strings.Contains(out, "errors: 0") || strings.Contains(out, "Search not completed") || strings.Contains(out, "max search depth too small") {
				t.Errorf("not proven:\n%s", out)
			}
		})
	}
}

// TestEveryRuleIsNeeded leaves out one rule after another.
func TestEveryRuleIsNeeded(t *testing.T) {
	need(t)
	if testing.Short() {
		t.Skip("takes half a minute: left out with -short")
	}
	for _, w := range without {
		t.Run(w.flags, func(t *testing.T) {
			t.Parallel()
			out := check(t, w.flags, "-O0")
			violation := ""
			for line := range strings.Lines(out) {
				if strings.Contains(line, "assertion violated") {
					violation = line
				}
			}
			if !strings.Contains(violation, w.violated) {
				t.Errorf("without this rule %q should be violated:\n%s", w.violated, out)
			}
		})
	}
}

// TestEveryRuleOfTheModelIsLeftOutOnce: no switch of the model is forgotten,
// here or in the docs.
func TestEveryRuleOfTheModelIsLeftOutOnce(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("lock.pml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/lock-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^#ifn?def (NO_\w+|NATIVE_FIRST)`).FindAllStringSubmatch(string(text), -1) {
		tried := false
		for _, w := range without {
			tried = tried || slices.Contains(strings.Fields(w.flags), "-D"+m[1])
		}
		if !tried {
			t.Errorf("no test leaves out %s", m[1])
		}
		if !bytes.Contains(page, []byte("`"+m[1]+"`")) {
			t.Errorf("docs/lock-protocol.md does not tell about %s", m[1])
		}
	}
}

// TestTheModelNamesTheCode: the functions that the model's steps are taken
// from are there. "lock.Hold.Fence" is a method, "lock.NewRun" a function and
// "engine.NativeLock.Try" a field.
func TestTheModelNamesTheCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("lock.pml")
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"lock": "lock", "journal": "journal", "engine": "engine", "plan": "plan", "warden": "."}
	known := map[string]bool{}
	for name, folder := range folders {
		paths, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatal(folder, err)
		}
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.go") {
				names(t, name, path, known)
			}
		}
	}
	code := regexp.MustCompile(`/\* code: ([\w., ]+)`).FindAllStringSubmatch(string(text), -1)
	if len(code) < 20 {
		t.Fatalf("only %d steps name their code", len(code))
	}
	for _, m := range code {
		for name := range strings.SplitSeq(m[1], ",") {
			if name = strings.TrimSpace(name); !known[name] {
				t.Errorf("the model names %s, which is not in the code", name)
			}
		}
	}
}

// names notes the functions, methods and fields of one file.
func names(t *testing.T, pkg, path string, known map[string]bool) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				typ := d.Recv.List[0].Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				if id, ok := typ.(*ast.Ident); ok {
					name = id.Name + "." + name
				}
			}
			known[pkg+"."+name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				var fields *ast.FieldList
				switch typ := ts.Type.(type) {
				case *ast.StructType:
					fields = typ.Fields
				case *ast.InterfaceType:
					fields = typ.Methods
				default:
					continue
				}
				for _, field := range fields.List {
					for _, id := range field.Names {
						known[pkg+"."+ts.Name.Name+"."+id.Name] = true
					}
				}
			}
		}
	}
}

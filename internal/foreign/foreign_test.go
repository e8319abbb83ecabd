package foreign_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

var update = flag.Bool("update", false, "write what comes out into testdata")

// settings are the first lines of a project in testdata.
func settings(t *testing.T, comment string) (tool *foreign.Tool, o foreign.Options) {
	t.Helper()
	o.Lexis, o.Product, o.Values = sqltext.PostgreSQL, "postgres", map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(comment), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "from":
			tool = foreign.Find(value)
		case "product":
			o.Product = value
			o.Lexis = map[string]sqltext.Lexis{"sqlite": sqltext.SQLite, "mysql": sqltext.MySQL}[value]
		case "leave":
			o.Leave = append(o.Leave, value)
		case "context":
			o.Contexts = append(o.Contexts, value)
		case "label":
			o.Labels = append(o.Labels, value)
		case "placeholder":
			name, v, _ := strings.Cut(value, "=")
			o.Values[name] = v
		case "verbatim":
			o.Verbatim = true
		case "#":
		default:
			if !strings.HasPrefix(line, "#") {
				t.Fatalf("what is %q?", line)
			}
		}
	}
	if tool == nil {
		t.Fatal("no tool")
	}
	return tool, o
}

// TestProjects converts each project in testdata: what stands below in/ must
// become what stands below out/, with the notes, or be refused with the
// problems.
func TestProjects(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no projects: %v", err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tool, o := settings(t, string(ar.Comment))
		seen[tool.Name] = true
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			in := fstest.MapFS{}
			var rest []txtar.File
			wanted := map[string]string{}
			for _, f := range ar.Files {
				if file, ok := strings.CutPrefix(f.Name, "in/"); ok {
					in[file] = &fstest.MapFile{Data: f.Data}
					rest = append(rest, f)
					continue
				}
				wanted[f.Name] = string(f.Data)
			}
			got := convert(t, tool, in, o)
			if *update {
				out := txtar.Archive{Comment: ar.Comment, Files: append(rest, got...)}
				if err := os.WriteFile(name, txtar.Format(&out), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			came := map[string]string{}
			for _, f := range got {
				came[f.Name] = string(f.Data)
			}
			if diff := cmp.Diff(wanted, came); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, tool := range foreign.Tools {
		if !seen[tool.Name] {
			t.Errorf("there is no project of %s", tool.Title)
		}
	}
}

func convert(t *testing.T, tool *foreign.Tool, in fs.FS, o foreign.Options) []txtar.File {
	t.Helper()
	var files []foreign.File
	p, err := foreign.Read(tool, in, o)
	if err == nil {
		files, err = p.Files(o)
	}
	var bad migration.Problems
	if errors.As(err, &bad) {
		return []txtar.File{{Name: "problems", Data: []byte(bad.Error() + "\n")}}
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []txtar.File
	for _, f := range files {
		out = append(out, txtar.File{Name: "out/" + f.Name, Data: []byte(f.Text)})
	}
	var notes strings.Builder
	for _, n := range p.Notes {
		fmt.Fprintf(&notes, "%s:%d: %s\n", n.File, n.Line, n.Text)
	}
	if notes.Len() > 0 {
		out = append(out, txtar.File{Name: "notes", Data: []byte(notes.String())})
	}
	return out
}

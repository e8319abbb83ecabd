package foreign_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/migration"
)

// TestExports writes each folder of testdata/export for each tool that it has
// results of.
func TestExports(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/export/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no folders: %v", err)
	}
	engines := map[string]*engine.Engine{"postgres": postgres.Engine(), "mysql": mysql.Engine(), "sqlite": sqlite.Engine()}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		product, tools, _ := strings.Cut(strings.TrimSpace(string(ar.Comment)), ": ")
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			in := fstest.MapFS{}
			var rest, got []txtar.File
			wanted := map[string]string{}
			for _, f := range ar.Files {
				if file, ok := strings.CutPrefix(f.Name, "in/"); ok {
					in[file] = &fstest.MapFile{Data: f.Data}
					rest = append(rest, f)
					continue
				}
				wanted[f.Name] = string(f.Data)
			}
			for tool := range strings.FieldsSeq(tools) {
				files, notes, err := foreign.Export(foreign.FindOutlet(tool), in, foreign.ExportOptions{Engine: engines[product]})
				var bad migration.Problems
				switch {
				case errors.As(err, &bad):
					got = append(got, txtar.File{Name: tool + ": problems", Data: []byte(bad.Error() + "\n")})
				case err != nil:
					t.Fatal(err)
				}
				for _, f := range files {
					got = append(got, txtar.File{Name: tool + "/" + f.Name, Data: []byte(f.Text)})
				}
				var text strings.Builder
				for _, n := range notes {
					fmt.Fprintf(&text, "%s: %s\n", n.File, n.Text)
				}
				if text.Len() > 0 {
					got = append(got, txtar.File{Name: tool + ": notes", Data: []byte(text.String())})
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(&txtar.Archive{Comment: ar.Comment, Files: append(rest, got...)}), 0o666); err != nil {
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
}

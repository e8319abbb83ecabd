package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// The systems that a release is made for (see .goreleaser.yaml), but for
// linux/amd64, which is built for the other tests anyway.
var systems = []string{"windows/amd64", "windows/arm64", "darwin/amd64", "darwin/arm64", "linux/arm64"}

// Our packages, and the outsides of all that they import, are sound Go on
// these systems. A build would tell more, and takes
// a minute of CPU time for each; this takes a second or two, since the bodies
// of other modules' functions are left out. A release builds them.
func TestEverySystemHasAllThatItsCodeNames(t *testing.T) {
	t.Parallel()
	for _, system := range systems {
		t.Run(system, func(t *testing.T) {
			if testing.Short() && system != "windows/amd64" {
				t.Skip("another system: not asked for under -short")
			}
			for _, err := range sound(t, system) {
				t.Error(err)
			}
		})
	}
}

// listed is what go list says of a package.
type listed struct {
	Dir, ImportPath string
	GoFiles         []string
	ImportMap       map[string]string
	Standard        bool
	Module          *struct{ Main bool }
	DepsErrors      []*struct{ Err string }
	Error           *struct{ Err string }
}

// sound checks the types of all packages, each behind what it imports, which
// is the order of go list -deps.
func sound(t *testing.T, system string) (wrong []error) {
	goos, goarch := filepath.Split(system)
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=Dir,ImportPath,GoFiles,ImportMap,Standard,Module,Error,DepsErrors", "./...")
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS="+filepath.Clean(goos), "GOARCH="+goarch, "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		return []error{fmt.Errorf("go list: %w", err)}
	}
	var packages []*listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &listed{}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return []error{err}
		}
		if p.Error != nil {
			wrong = append(wrong, errors.New(p.Error.Err))
		}
		packages = append(packages, p)
	}
	if len(packages) < 100 {
		return []error{fmt.Errorf("go list names only %d packages", len(packages))}
	}
	files := token.NewFileSet()
	parsed := parse(files, packages)
	done := map[string]*types.Package{"unsafe": types.Unsafe}
	for _, p := range packages {
		if p.ImportPath == "unsafe" {
			continue
		}
		ours := p.Module != nil && p.Module.Main
		conf := types.Config{
			Importer:         importer{done, p.ImportMap},
			IgnoreFuncBodies: !ours,
			FakeImportC:      true,
			Sizes:            types.SizesFor("gc", goarch),
			Error: func(err error) {
				if !p.Standard {
					wrong = append(wrong, err)
				}
			},
		}
		done[p.ImportPath], _ = conf.Check(p.ImportPath, files, parsed[p], nil) // errors came by Error
	}
	return wrong
}

// parse reads all files, as many at once as there are processors.
func parse(files *token.FileSet, packages []*listed) map[*listed][]*ast.File {
	parsed := make(map[*listed][]*ast.File, len(packages))
	var mu sync.Mutex
	var all sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, p := range packages {
		all.Add(1)
		go func() {
			defer all.Done()
			free <- struct{}{}
			defer func() { <-free }()
			var list []*ast.File
			for _, name := range p.GoFiles {
				// A file that is wrong makes its package wrong.
				f, _ := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
				if f != nil {
					list = append(list, f)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			parsed[p] = list
		}()
	}
	all.Wait()
	return parsed
}

// importer finds what was checked before.
type importer struct {
	done    map[string]*types.Package
	renamed map[string]string // the standard library's own copies of others
}

func (i importer) Import(path string) (*types.Package, error) {
	if to, ok := i.renamed[path]; ok {
		path = to
	}
	if p := i.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s was not listed", path)
}

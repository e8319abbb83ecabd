package desired

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files are what model paths lead to.
type Files struct {
	SQL []string // files
	Go  []string // folders with a package
}

// DefaultFolders are looked for, in this order, where no path is given.
var DefaultFolders = []string{"models", "model", "schema"}

// A PathError says that a model path leads to no models. "." is where
// everybody is anyway, and is not named.
type PathError struct{ Path, Why string }

func (e *PathError) Error() string {
	if e.Path == "." {
		return e.Why
	}
	return e.Path + ": " + e.Why
}

// Find looks through files, and through folders with all that is below
// them, in the order of names.
func Find(paths []string) (Files, error) {
	var f Files
	for _, path := range paths {
		before := len(f.SQL) + len(f.Go)
		info, err := os.Stat(path)
		switch {
		case os.IsNotExist(err):
			return f, &PathError{path, "there is no such file or folder"}
		case err != nil:
			return f, err
		case !info.IsDir():
			if !f.add(path) {
				return f, &PathError{path, "a model is a .sql file or a Go package"}
			}
			continue
		}
		if err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && name != path && skipped(d.Name()) {
				return fs.SkipDir
			}
			if !d.IsDir() {
				f.add(name)
			}
			return nil
		}); err != nil {
			return f, err
		}
		if len(f.SQL)+len(f.Go) == before {
			return f, &PathError{path, "there is no .sql file and no Go package below it"}
		}
	}
	return f, nil
}

// skipped are folders that hold no models of their own.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || slices.Contains([]string{"testdata", "vendor", "node_modules"}, name)
}

// add takes a file, if it is a model, once.
func (f *Files) add(name string) bool {
	list := &f.SQL
	switch {
	case strings.EqualFold(filepath.Ext(name), ".sql"):
	case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
		list, name = &f.Go, filepath.Dir(name)
	default:
		return false
	}
	if !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
	return true
}

// Read reads .sql files; rel names them for people.
func Read(files []string, rel func(string) string) ([]Model, error) {
	var models []Model
	for _, name := range files {
		// A pipe would be waited for, for ever.
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
			return nil, &PathError{rel(name), "it is no regular file"}
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the model: %w", err)
		}
		models = append(models, Model{Name: rel(name), Text: string(text)})
	}
	return models, nil
}

package proven

import (
	"io/fs"
	"slices"
)

// Without is a folder in which some files are not seen.
func Without(folder fs.FS, names []string) fs.FS { return without{folder, names} }

type without struct {
	fs.FS
	hidden []string
}

func (w without) Open(name string) (fs.File, error) {
	if slices.Contains(w.hidden, name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return w.FS.Open(name)
}

// ReadDir is that of the folder; the files stand in its top.
func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	if name == "." {
		all = slices.DeleteFunc(all, func(e fs.DirEntry) bool { return slices.Contains(w.hidden, e.Name()) })
	}
	return all, err
}

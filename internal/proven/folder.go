package proven

import (
	"bytes"
	"cmp"
	"io/fs"
	"slices"
	"time"
)

// With is a folder with one file more, which is not written yet.
func With(folder fs.FS, name string, text []byte) fs.FS { return with{folder, file{name, text}} }

type with struct {
	fs.FS
	more file
}

func (w with) Open(name string) (fs.File, error) {
	if name == w.more.name {
		return opened{bytes.NewReader(w.more.text), w.more}, nil
	}
	return w.FS.Open(name)
}

// ReadDir is that of the folder; the file stands in its top.
func (w with) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	if err == nil && name == "." {
		all = append(all, fs.FileInfoToDirEntry(w.more))
		slices.SortFunc(all, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	}
	return all, err
}

// file is a file and what is to be known of it.
type file struct {
	name string
	text []byte
}

func (f file) Name() string       { return f.name }
func (f file) Size() int64        { return int64(len(f.text)) }
func (f file) Mode() fs.FileMode  { return 0o444 }
func (f file) ModTime() time.Time { return time.Time{} }
func (f file) IsDir() bool        { return false }
func (f file) Sys() any           { return nil }

type opened struct {
	*bytes.Reader
	file file
}

func (o opened) Stat() (fs.FileInfo, error) { return o.file, nil }
func (o opened) Close() error               { return nil }

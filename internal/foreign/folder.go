package foreign

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Folder is a folder with these files, which are not written yet.
func Folder(files []File) fs.FS {
	f := folder{}
	for _, one := range files {
		f = append(f, entry{one.Name, []byte(one.Text)})
	}
	slices.SortFunc(f, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return f
}

type folder []entry

func (f folder) Open(name string) (fs.File, error) {
	if name == "." {
		return opened{bytes.NewReader(nil), entry{name: name}}, nil
	}
	i, ok := slices.BinarySearchFunc(f, name, func(e entry, name string) int { return cmp.Compare(e.name, name) })
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return opened{bytes.NewReader(f[i].text), f[i]}, nil
}

// ReadDir lists the files; there are no folders in it.
func (f folder) ReadDir(string) ([]fs.DirEntry, error) {
	out := make([]fs.DirEntry, len(f))
	for i, e := range f {
		out[i] = fs.FileInfoToDirEntry(e)
	}
	return out, nil
}

// entry is a file and what is to be known of it.
type entry struct {
	name string
	text []byte
}

func (e entry) Name() string { return e.name }
func (e entry) Size() int64  { return int64(len(e.text)) }
func (e entry) Mode() fs.FileMode {
	return map[bool]fs.FileMode{true: fs.ModeDir | 0o555, false: 0o444}[e.IsDir()]
}
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.name == "." }
func (e entry) Sys() any           { return nil }

type opened struct {
	*bytes.Reader
	entry entry
}

func (o opened) Stat() (fs.FileInfo, error) { return o.entry, nil }
func (o opened) Close() error               { return nil }

// textOf is a statement with its rows.
func textOf(st sqltext.Statement) (string, error) {
	if st.Copy == nil {
		return st.Text, nil
	}
	rows, err := io.ReadAll(st.Copy)
	return st.Text + "\n" + string(rows), err
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

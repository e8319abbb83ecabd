package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// warnings are what people should know of the place of a database file.
func warnings(path string) []string {
	var all []string
	if fs := networkFileSystem(filepath.Dir(path)); fs != "" {
		all = append(all, fmt.Sprintf("%s is on a %s file system, where locks may not reach other machines: "+
			"run migrations from one machine only, and use no WAL", path, fs))
	}
	if n := hardLinks(path); n > 1 {
		all = append(all, fmt.Sprintf("%s has %d names (hard links): neither SQLite's locks nor ours see that they are one file", path, n))
	}
	return all
}

// watch guards a file that is read without locks: a WAL database in a folder
// that cannot be written. Nobody writes it as long as it has no -wal file
// and does not change.
type watch struct {
	path string
	size int64
	time time.Time
}

func newWatch(path string) *watch {
	w := &watch{path: path}
	if info, err := os.Stat(path); err == nil {
		w.size, w.time = info.Size(), info.ModTime()
	}
	return w
}

func (w *watch) unchanged() error {
	if w == nil {
		return nil
	}
	info, err := os.Stat(w.path)
	if err != nil {
		return fmt.Errorf("look at the database file: %w", err)
	}
	if info.Size() != w.size || !info.ModTime().Equal(w.time) || exists(w.path+"-wal") || exists(w.path+"-journal") {
		return errors.New(w.path + " was changed while it was read without locks: try again")
	}
	return nil
}

// mayBeImmutable reports whether the failed opening can be tried again
// without locks: a session that only looks, in a folder where SQLite cannot
// place the files that reading a WAL database needs, and no writer there.
func (s *session) mayBeImmutable(err error) bool {
	code, ok := resultCode(err)
	return ok && (code&0xff == codeCantOpen || code&0xff == codeReadOnly) && s.opened.ReadOnly && !s.db.target.memory &&
		exists(s.path) && readable(s.path) && !writable(filepath.Dir(s.path)) &&
		!exists(s.path+"-wal") && !exists(s.path+"-journal")
}

// exists takes what cannot be seen for present.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

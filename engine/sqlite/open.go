package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	driversqlite "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
)

// database is an opened URL. All sessions of a database in memory reach the
// same memory, which lives as long as this value or one of its sessions;
// another database value is another memory.
type database struct {
	target target
	path   string // absolute, neither cleaned nor links followed; "" in memory

	memory *memory // nil for a file
	warned atomic.Bool
}

// memory is a database in memory with its lock.
type memory struct {
	sync.Mutex
	dsn    string
	keeper driver.Conn // keeps the content while no session is open

	owner *session // of the lock
	facts holder   // about the owner
}

func open(raw string, o engine.OpenOptions) (engine.Database, error) {
	t, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if o.Schema != "" && o.Schema != "main" {
		return nil, fmt.Errorf("schema %q: a SQLite database has one schema only", o.Schema)
	}
	if o.Password != nil {
		return nil, errors.New("a SQLite database has no password")
	}
	if o.Database != "" {
		t.memory, t.path = false, o.Database
	}
	d := &database{target: t}
	if t.memory {
		d.memory = &memory{}
	} else {
		d.path = filepath.FromSlash(t.path)
		if !filepath.IsAbs(d.path) {
			// Now, so that a later change of the working directory opens
			// nothing else.
			dir, err := filepath.Abs(o.Dir)
			if err != nil {
				return nil, fmt.Errorf("find the working directory: %w", err)
			}
			d.path = dir + string(filepath.Separator) + d.path
		}
	}
	return d, nil
}

func (d *database) Label() string {
	if d.target.memory {
		return "sqlite:///:memory:"
	}
	return "sqlite:///" + filepath.ToSlash(d.target.path)
}

// source makes the driver's data source name and the path that all names of
// the file lead to.
func (d *database) source(readOnly bool) (dsn, path string, err error) {
	if d.target.memory {
		dsn, err = d.memory.open()
		return dsn, ":memory:", err
	}
	path, err = resolve(d.path)
	if err != nil {
		return "", "", err
	}
	mode := d.target.mode
	if mode == "" {
		mode = "rwc"
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist) && (readOnly || mode != "rwc"):
		return "", "", fmt.Errorf("%w: %s", engine.ErrNoDatabase, path)
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", "", &openError{kind: engine.Unreachable, text: "look at the database file", err: err}
	case info.IsDir():
		return "", "", &openError{kind: engine.Unreachable, text: path + " is a folder, not a database file"}
	case !info.Mode().IsRegular():
		return "", "", &openError{kind: engine.Unreachable, text: path + " is not a regular file"}
	}
	if readOnly && mode == "rwc" {
		// Opened for writing where that is possible, and then forbidden to:
		// only such a connection can roll back what a crashed writer left,
		// and it leaves no -wal and -shm files behind. It does not create
		// the database, and falls back to reading by itself.
		mode = "rw"
	}
	return dataSource(path, mode, d.target.immutable), path, nil
}

// dataSource spells SQLite's own file URI, in which no character of a path
// has a meaning. With _error_rc the driver leaves an old error's words out
// of a new one.
func dataSource(path, mode string, immutable bool) string {
	var b strings.Builder
	b.WriteString("file://")
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		b.WriteByte('/') // C:/shop.db
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("/-_.~:", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	b.WriteString("?_error_rc=1&mode=" + mode)
	if immutable {
		b.WriteString("&immutable=1")
	}
	return b.String()
}

// open makes the memory at the first call.
func (m *memory) open() (string, error) {
	m.Lock()
	defer m.Unlock()
	if m.keeper != nil {
		return m.dsn, nil
	}
	// SQLite's memdb keeps one memory for all connections of a process that
	// give one name, with the locks that a file has.
	dsn := "file:/dbwarden-" + rand.Text() + "?vfs=memdb&_error_rc=1"
	c, err := driversqlite.NewConnector(dsn)
	if err != nil {
		return "", err
	}
	if m.keeper, err = c.Connect(context.Background()); err != nil {
		return "", err
	}
	m.dsn = dsn
	runtime.AddCleanup(m, func(keeper driver.Conn) { keeper.Close() }, m.keeper)
	return dsn, nil
}

// resolve follows links, also one that leads to a file that is not there
// yet, so that two names of a file are one path, and with it one lock. The
// path is not cleaned before: x/link/.. is not x.
func resolve(path string) (string, error) {
	for range 40 {
		dir, base := filepath.Split(path)
		if base == "" || base == "." || base == ".." {
			return "", &openError{kind: engine.Unreachable, text: path + " is a folder, not a database file"}
		}
		real, err := filepath.EvalSymlinks(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return "", &openError{kind: engine.Unreachable, text: "the folder " + filepath.Clean(dir) + " does not exist"}
		}
		if err != nil {
			return "", &openError{kind: engine.Unreachable, text: "find " + path, err: err}
		}
		path = filepath.Join(real, base)
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link
		}
		if path = link; !filepath.IsAbs(link) {
			path = real + string(filepath.Separator) + link
		}
	}
	return "", &openError{kind: engine.Unreachable, text: "too many links at " + path}
}

// openError says why a database file cannot be opened.
type openError struct {
	kind engine.FaultKind
	text string
	err  error
}

func (e *openError) Error() string {
	if e.err == nil {
		return e.text
	}
	return e.text + ": " + e.err.Error()
}

func (e *openError) Unwrap() error { return e.err }

// explain turns an error of the first access to a file into one that says
// what to look at.
func explain(path string, err error) error {
	code, ok := resultCode(err)
	if !ok {
		return err
	}
	wrap := func(kind engine.FaultKind, text string) error { return &openError{kind: kind, text: text, err: err} }
	dir := filepath.Dir(path)
	_, missing := os.Stat(path)
	switch code & 0xff {
	case codeNotADB:
		return wrap(engine.Unreachable, path+" is not a SQLite database")
	case codeCantOpen, codeReadOnly:
		switch {
		case missing != nil && !writable(dir):
			return wrap(engine.Denied, "cannot create "+path+": the folder cannot be written")
		case missing == nil && !readable(path):
			return wrap(engine.Denied, "no right to read "+path)
		case missing == nil && !writable(dir):
			return wrap(engine.Denied, path+" has a journal (-wal, -shm or -journal) that needs the right to write in its folder")
		}
		return wrap(engine.Unreachable, "open "+path)
	case codeBusy:
		return fmt.Errorf("%s is locked by another program: %w", path, err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}

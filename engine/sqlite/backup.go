package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	driversqlite "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
)

// A backup is made, and put back, page by page by SQLite's own online backup.
// VACUUM INTO would be shorter: but it writes another database of the same
// rows, in which rows without a key of their own may have other numbers, and it
// tells nothing on its way.

func backup() engine.Backup {
	return engine.Backup{
		Suffix:  ".db",
		Scope:   func(d engine.Database, v engine.Server) string { return baseName(v.Database) },
		Size:    sizeOf,
		Ready:   func(context.Context, engine.Database, engine.Server, engine.RunProgram) error { return nil },
		Save:    save,
		Holds:   holds,
		Refuses: refuses,
		Load:    load,
	}
}

func baseName(path string) string {
	path = path[strings.LastIndexAny(path, `/\`)+1:]
	if i := strings.LastIndexByte(path, '.'); i > 0 {
		path = path[:i]
	}
	return path
}

func sizeOf(ctx context.Context, d engine.Database) (size, least int64, err error) {
	es, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden backup", ReadOnly: true})
	if err != nil {
		return 0, 0, err
	}
	defer es.Close()
	err = es.Query(ctx, func(scan func(...any) error) error { return scan(&size) },
		"SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
	return size, size, err
}

// pagesAtOnce are copied between two looks at the context.
const pagesAtOnce = 1024

// save copies within one transaction that reads: the copy is of one moment, and
// a program that writes meanwhile does not have it begin anew again and again.
func save(ctx context.Context, d engine.Database, _ engine.Server, o engine.Saving) error {
	es, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden backup", ReadOnly: true})
	if err != nil {
		return err
	}
	defer es.Close()
	s, err := own(es)
	if err != nil {
		return err
	}
	if _, err := s.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	defer s.exec(context.WithoutCancel(ctx), "ROLLBACK") // Close would do the same
	if _, err := s.text(ctx, "SELECT COUNT(*) FROM sqlite_schema"); err != nil {
		return err // a transaction begins with its first read
	}
	err = s.copyPages(ctx, o.Progress, func(c copier) (*driversqlite.Backup, error) {
		return c.NewBackup(dataSource(o.To.Name(), "rwc", false))
	})
	if err != nil {
		return err
	}
	return within(ctx, o.To.Name(), o.Ours.Free)
}

// copier is what the driver's connections can do.
type copier interface {
	NewBackup(to string) (*driversqlite.Backup, error)
	NewRestore(from string) (*driversqlite.Backup, error)
}

func (s *session) copyPages(ctx context.Context, progress func(done, of int64), begin func(copier) (*driversqlite.Backup, error)) error {
	size, err := s.text(ctx, "PRAGMA page_size")
	if err != nil {
		return err
	}
	var page int64
	if _, err := fmt.Sscan(size, &page); err != nil {
		return err
	}
	return s.conn.Raw(func(c any) error {
		able, ok := c.(copier)
		if !ok {
			return fmt.Errorf("the driver's %T makes no backup", c)
		}
		b, err := begin(able)
		if err != nil {
			return err
		}
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return errors.Join(context.Cause(ctx), b.Finish())
			}
			err := steady(func() (err error) {
				more, err = b.Step(pagesAtOnce)
				return err
			})
			if err != nil {
				_ = b.Finish() // which tells the same error again
				return err
			}
			all, left := int64(b.PageCount()), int64(b.Remaining())
			progress((all-left)*page, all*page)
		}
		return b.Finish()
	})
}

// within runs queries of ours in the database of a file of ours, in one
// transaction, and leaves one file.
func within(ctx context.Context, path string, queries ...engine.Query) error {
	d := &database{path: path, target: target{path: path}}
	es, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden backup"})
	if err != nil {
		return err
	}
	defer es.Close()
	if err := es.Run(ctx, engine.Unit{Begin: begin, Statements: engine.NoStatements, Closing: queries}); err != nil {
		return err
	}
	return es.Close()
}

func holds(ctx context.Context, s engine.Session, o engine.Ours) (names []string, err error) {
	ours := o.All()
	err = s.Query(ctx, func(scan func(...any) error) error {
		var kind, name string
		if err := scan(&kind, &name); err != nil {
			return err
		}
		if !slices.Contains(ours, name) {
			names = append(names, kind+" "+name)
		}
		return nil
	}, "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name LIMIT 20")
	return names, err
}

func refuses(_ context.Context, _ engine.Database, es engine.Session, _ engine.Ours) (string, error) {
	s, err := own(es)
	if err == nil && s.opened.ReadOnly {
		return "the database can only be read", nil
	}
	return "", err
}

// besideSuffix ends the name of the copy that load makes, beside the database.
const besideSuffix = ".dbwarden-restore"

// load copies the file beside the database, writes the hold and the closing
// entries into the copy, and then has SQLite copy its pages over those of the
// database, in one transaction: who opens the database sees the old one or the
// new one, whatever dies, and the lock's row in either is the hold's.
func load(ctx context.Context, _ engine.Database, es engine.Session, o engine.Loading) (touched bool, err error) {
	s, err := own(es)
	if err != nil {
		return false, err
	}
	beside := s.path + besideSuffix
	if s.db.memory != nil {
		beside = o.From.Name() + besideSuffix
	}
	// Another one's that died: the lock is ours.
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		defer os.Remove(beside + suffix)
		if err := os.Remove(beside + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, err
		}
	}
	if err := copyFile(ctx, beside, o.From, o.Progress); err != nil {
		return false, err
	}
	if err := within(ctx, beside, append([]engine.Query{o.Carry}, o.Closing...)...); err != nil {
		return false, err
	}
	s.forgetPrepared()
	err = s.copyPages(ctx, func(int64, int64) {}, func(c copier) (*driversqlite.Backup, error) {
		return c.NewRestore(dataSource(beside, "rw", false))
	})
	return false, clean(ctx, err)
}

func copyFile(ctx context.Context, to string, from *os.File, progress func(done, of int64)) (err error) {
	info, err := from.Stat()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for done := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := io.CopyN(f, from, 1<<20)
		done += n
		progress(done, info.Size())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// forgetPrepared closes what would be in the way of a new content.
func (s *session) forgetPrepared() {
	for _, stmt := range s.prepared {
		_ = stmt.Close() // it is prepared anew
	}
	s.prepared = nil
}

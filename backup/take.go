// Package backup copies a database into a file before a run, and says of a file
// what it is a copy of.
//
// What a product needs for that is its engine's business; this package runs the
// product's own programs, names files, looks for room on the disk, makes
// checksums, and sees to it that a file under its final name is whole. It is
// hung into a Warden where it is wanted:
//
//	Config{BeforeRun: func(ctx context.Context, b dbwarden.Before) error {
//		_, err := backup.Take(ctx, backup.Options{Engine: e, Database: db, Dir: "backups"}, b)
//		return err
//	}}
package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
)

// Options say where a backup goes. All but Name and Now are required.
type Options struct {
	Engine   *engine.Engine
	Database engine.Database
	Dir      string // made, for this user alone, where it is not there
	Name     string // for the file's name, instead of the database's; ""

	Now func() time.Time // nil: time.Now
}

// An Error says that no backup was made. Nothing of it is left.
type Error struct{ Err error }

func (e *Error) Error() string { return "no backup could be made: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// A RoomError says that a disk has not the room that a backup takes.
type RoomError struct {
	Dir         string
	Least, Free int64 // bytes
}

func (e *RoomError) Error() string {
	return fmt.Sprintf("%s has room for %s, and a backup takes %s at least", e.Dir, size(e.Free), size(e.Least))
}

// sayEvery is the time between two events of a long backup.
const sayEvery = time.Second

// Take makes a backup of what a run is about to change. A file under the name
// that it returns is whole; after an error there is none. The file can be read
// by this user alone. Errors: *Error.
func Take(ctx context.Context, o Options, b dbwarden.Before) (*File, error) {
	f, err := take(ctx, o, b)
	if err != nil {
		return nil, &Error{err}
	}
	return f, nil
}

func take(ctx context.Context, o Options, b dbwarden.Before) (_ *File, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	parts := o.Engine.Backup
	if err := parts.Ready(ctx, o.Database, b.Server, Run); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	bytes, least, err := parts.Size(ctx, o.Database)
	if err != nil {
		return nil, fmt.Errorf("ask for the size of the database: %w", err)
	}
	if free, known := room(dir); known && free < least {
		return nil, &RoomError{dir, least, free}
	}
	began := o.Now()
	f := &File{Engine: o.Engine.Name, Product: b.Server.Product + " " + b.Server.Version, Scope: parts.Scope(o.Database, b.Server), Version: b.Newest.String(), Run: b.Run, Made: began}
	if parts.Schema != nil {
		f.Schema = parts.Schema(o.Database, b.Server)
	}
	to, part, err := create(f, dir, cmp.Or(o.Name, f.Scope), parts.Suffix)
	if err != nil {
		return nil, err
	}
	defer func() {
		to.Close() // what was written has been synced by then, or is not wanted
		if err != nil {
			for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
				os.Remove(part + suffix) // there may be none
			}
		}
	}()
	b.Observe.Emit(event.Event{Kind: event.BackupStarted, Run: b.Run, File: f.Path})
	say := pace(func(done, of int64) {
		if of == 0 {
			of = bytes
		}
		b.Observe.Emit(event.Event{Kind: event.BackupRunning, Run: b.Run, File: f.Path, Bytes: done, OfBytes: of, Elapsed: o.Now().Sub(began)})
	})
	saving := engine.Saving{Ours: b.Ours, To: to, Run: Run, Progress: say}
	saving.Run = func(ctx context.Context, p engine.Program) error {
		if p.Stdout == io.Writer(to) {
			p.Stdout = writeFunc(func(c []byte) (int, error) {
				n, err := to.Write(c)
				if at, e := to.Seek(0, io.SeekCurrent); e == nil {
					say(at, bytes)
				}
				return n, err
			})
		}
		return Run(ctx, p)
	}
	if err := parts.Save(ctx, o.Database, b.Server, saving); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := f.finish(to, part); err != nil {
		return nil, err
	}
	b.Observe.Emit(event.Event{Kind: event.BackupDone, Run: b.Run, File: f.Path, Bytes: f.Bytes, Elapsed: o.Now().Sub(began)})
	return f, nil
}

// create makes the part of a file that has no other one's name: of two that would
// have the same, as of targets at once, one is a millisecond later.
func create(f *File, dir, of, suffix string) (to *os.File, part string, err error) {
	for range 1000 {
		f.Path = filepath.Join(dir, name(f, of)+suffix)
		part = filepath.Join(dir, "."+filepath.Base(f.Path)+".part")
		to, err = os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, "", err
		}
		if err == nil {
			// Now nobody else gives a file that name.
			if _, err = os.Lstat(f.Path); errors.Is(err, fs.ErrNotExist) {
				return to, part, nil
			}
			to.Close()
			os.Remove(part)
		}
		f.Made = f.Made.Add(time.Millisecond)
	}
	return nil, "", fmt.Errorf("%s is there already, and so are a thousand behind it", f.Path)
}

// finish gives a part its name, once it and its checksum are on the disk.
func (f *File) finish(to *os.File, part string) error {
	if err := to.Sync(); err != nil {
		return err
	}
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, to)
	if err != nil {
		return err
	}
	f.Bytes, f.Sum = n, hex.EncodeToString(sum.Sum(nil))
	sumFile := f.Path + SumSuffix
	if err := writeSynced(sumFile, f.sumFile()); err != nil {
		os.Remove(sumFile)
		return err
	}
	if err := os.Rename(part, f.Path); err != nil {
		os.Remove(sumFile)
		return err
	}
	dir, err := os.Open(filepath.Dir(f.Path))
	if err != nil {
		return nil // a folder that may be written and not read: it is there all the same
	}
	defer dir.Close()
	_ = dir.Sync() // some file systems know no such thing
	return nil
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// name sorts by time, and carries the database and the newest version.
func name(f *File, of string) string {
	version := f.Version
	if version == "" {
		version = "none"
	}
	return f.Made.UTC().Format("20060102T150405.000Z") + "_" + plain(of) + "_" + version
}

// plain makes a part of a file's name that every system and shell takes.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, s)
	return s[:min(len(s), 100)]
}

// pace calls say at most once in sayEvery, and not in the first of them.
func pace(say func(done, of int64)) func(done, of int64) {
	last := time.Now()
	return func(done, of int64) {
		if now := time.Now(); now.Sub(last) >= sayEvery {
			last = now
			say(done, of)
		}
	}
}

// size spells a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

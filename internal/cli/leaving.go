package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/lock"
)

// Files leave a folder in two steps. First they get a name under which no run
// finds them, so that a run begun from now on goes without them; then every
// database that was named is looked at again, when nobody runs anything on it
// any more; and only where all of them go by what stays are the files deleted.
// Else they get their name back, as they do in the next call after a kill.

// leavingName is what a file is called meanwhile. A name that begins with a dot
// is no migration's (see migration.Load).
func leavingName(file string) string { return "." + file + leavingSuffix }

const leavingSuffix = ".leaving"

// hide gives files the other name, all or none.
func hide(dir string, files []string) error {
	for i, name := range files {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, leavingName(name))); err != nil {
			return errors.Join(err, unhide(dir, files[:i]))
		}
	}
	return nil
}

// unhide takes that back, from the end: what is left of it when it is killed is
// what is left of hide. Nothing that took the place of a file is overwritten.
func unhide(dir string, files []string) (err error) {
	for i := len(files) - 1; i >= 0; i-- {
		at, from := filepath.Join(dir, files[i]), filepath.Join(dir, leavingName(files[i]))
		if e := os.Link(from, at); e == nil {
			e = os.Remove(from)
			err = errors.Join(err, e)
		} else if errors.Is(e, fs.ErrExist) {
			err = errors.Join(err, fmt.Errorf("%s came meanwhile; what it was is %s", at, from))
		} else if e := moveBack(from, at); e != nil { // a file system without links
			err = errors.Join(err, e)
		}
	}
	return err
}

func moveBack(from, at string) error {
	if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s came meanwhile; what it was is %s", at, from)
	}
	return os.Rename(from, at)
}

// hidden are the files of a folder that have the other name: a call that was
// killed left them so.
func hidden(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if file := shown(e.Name()); file != "" {
			files = append(files, file)
		}
	}
	return files, nil
}

// whole is a folder with what was hidden in it under its own name.
type whole struct{ fs.FS }

// Open opens a file wherever it is now.
func (w whole) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if f, e := w.FS.Open(leavingName(name)); e == nil {
			return f, nil
		}
	}
	return f, err
}

// ReadDir lists it so.
func (w whole) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	for i, e := range entries {
		if file := shown(e.Name()); file != "" {
			entries[i] = ownName{e, file}
		}
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(entries, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() }), err
}

type ownName struct {
	fs.DirEntry
	name string
}

func (e ownName) Name() string { return e.name }

// shown is the file whose other name this is; "" for any other name.
func shown(name string) string {
	if file, ok := strings.CutSuffix(name, leavingSuffix); ok && strings.HasPrefix(file, ".") {
		return file[1:]
	}
	return ""
}

// free waits until nobody holds a target's lock. Nothing is taken or made, so
// that a database which is not there stays so; whoever comes next begins with
// the folder as it is now.
func (a *app) free(ctx context.Context, t *target) error {
	since := time.Now()
	for {
		l, err := t.warden.Lock(ctx)
		if err != nil || !l.Active {
			return err
		}
		if l.Verdict != lock.Alive && l.Verdict != lock.Silent || time.Since(since) > t.wants.Wait {
			return &lock.HeldError{Status: l.Status, Waited: time.Since(since)}
		}
		if err := waitFor(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// locker is how an operating system locks a file. Both functions answer at
// once. The lock belongs to the open file and not to the process, so that two
// sessions of one process exclude each other.
type locker struct {
	try func(f *os.File) (bool, error)
	// held asks without a trace, or, where patience is set, by taking a
	// shared lock for a moment, in which an acquirer would be refused.
	held     func(f *os.File) (bool, error)
	free     func(f *os.File) error
	patience time.Duration // that an acquirer has with such lookers
}

// heldFile is the lock file while we hold its lock.
type heldFile struct {
	file *os.File
	path string
	with locker
}

// takeFile takes the lock of the database at path, or returns nil where
// somebody else holds it.
func takeFile(ctx context.Context, path string, h holder) (*heldFile, error) {
	return takeFileWith(ctx, system, path, h)
}

func takeFileWith(ctx context.Context, with locker, path string, h holder) (*heldFile, error) {
	name := path + lockSuffix
	for {
		f, err := createLockFile(name, path)
		if err != nil {
			return nil, err
		}
		ok, err := with.tryPatiently(ctx, f)
		if err != nil || !ok {
			f.Close()
			if err != nil {
				err = lockFileError("lock", name, err)
			}
			return nil, err
		}
		l := &heldFile{file: f, path: name, with: with}
		if l.current() {
			l.write(h)
			return l, nil
		}
		// Deleted between opening and locking: this one excludes nobody.
		l.release()
		if err := ctx.Err(); err != nil {
			return nil, clean(ctx, err)
		}
	}
}

// createLockFile opens the lock's file for writing, and makes it with the
// database's own rights, so that whoever may write the one may lock it.
func createLockFile(name, database string) (*os.File, error) {
	const flags = os.O_RDWR | noFollow
	f, err := os.OpenFile(name, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		mode := fs.FileMode(0o644)
		info, statErr := os.Stat(database)
		if statErr == nil {
			mode = info.Mode().Perm()&0o666 | 0o600
		}
		f, err = os.OpenFile(name, flags|os.O_CREATE|os.O_EXCL, mode)
		switch {
		case errors.Is(err, fs.ErrExist): // another acquirer was faster
			f, err = os.OpenFile(name, flags, 0)
		case err == nil && statErr == nil:
			alike(f, info, mode)
		}
	}
	if err != nil {
		return nil, lockFileError("open", name, err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		if err == nil {
			err = errors.New("not a regular file")
		}
		return nil, lockFileError("open", name, err)
	}
	return f, nil
}

func (l locker) tryPatiently(ctx context.Context, f *os.File) (bool, error) {
	until := time.Now().Add(l.patience)
	for {
		ok, err := l.try(f)
		if ok || err != nil || l.patience == 0 || !time.Now().Before(until) {
			return ok, err
		}
		// Perhaps only somebody who looks, and is gone in a moment.
		select {
		case <-ctx.Done():
			return false, clean(ctx, ctx.Err())
		case <-time.After(time.Millisecond + rand.N(4*time.Millisecond)):
		}
	}
}

// current reports whether the locked file is still the one at its path.
func (l *heldFile) current() bool {
	mine, err := l.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(l.path)
	return err == nil && os.SameFile(mine, there)
}

// write tells people who holds the lock. On a full disk it cannot, and the
// lock holds all the same.
func (l *heldFile) write(h holder) {
	content, err := json.Marshal(h)
	if err != nil || l.file.Truncate(0) != nil {
		return
	}
	_, _ = l.file.WriteAt(append(content, '\n'), 0)
}

func (l *heldFile) release() {
	// First the words, then the lock: the next holder's must not be lost.
	_ = l.file.Truncate(0)
	// Closing frees it too, unless a child process that is being started
	// has the descriptor for a moment longer.
	_ = l.with.free(l.file)
	_ = l.file.Close()
}

// lookFile says who holds the lock of the database at path. It creates
// nothing and needs no right to write.
func lookFile(path string) (engine.Owner, error) { return lookFileWith(system, path) }

func lookFileWith(with locker, path string) (engine.Owner, error) {
	name := path + lockSuffix
	f, err := os.OpenFile(name, os.O_RDONLY|noFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return engine.Owner{}, nil // nobody ever locked
	}
	if err != nil {
		return engine.Owner{}, lockFileError("open", name, err)
	}
	defer f.Close()
	held, err := with.held(f)
	if err != nil {
		return engine.Owner{}, lockFileError("look at", name, err)
	}
	if !held {
		return engine.Owner{}, nil
	}
	var h holder
	// Far more than a holder writes; what cannot be read is not known.
	if content, err := io.ReadAll(io.LimitReader(f, 1<<16)); err == nil {
		h.read(content)
	}
	o := h.owner(true)
	if info, err := f.Stat(); err == nil {
		o.Beat = max(1, time.Since(info.ModTime()))
	}
	return o, nil
}

package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Calls of squash that write into a folder, or take files out of it, are one at a
// time there: what one has hidden, another would put back. The operating system
// keeps the lock, so that it ends with a process that is killed.

// folderLock is the lock file while its lock is held.
type folderLock struct {
	file *os.File
	dir  string
}

// A name that begins with a dot is no migration's. What a killed call has left of it is
// taken by the next one.
const folderLockName = ".dbwarden-squash.lock"

// folderBusyError says that another call of squash works on a folder. Nothing was
// done.
type folderBusyError struct {
	dir    string
	pid    int // 0 where it is not known
	waited time.Duration
}

func (e *folderBusyError) Error() string {
	who := "another squash"
	if e.pid > 0 {
		who += fmt.Sprintf(" (process %d)", e.pid)
	}
	text := who + " works on " + e.dir
	if e.waited >= time.Second {
		text += fmt.Sprintf(", waited %s", e.waited.Round(time.Second))
	}
	return text
}

// lockFolder takes the lock of a folder. It waits as long as for the lock of
// a database, and says so once; then it is a *folderBusyError.
func (a *app) lockFolder(ctx context.Context, dir string, wait time.Duration) (*folderLock, error) {
	since, told := time.Now(), false
	for {
		l, pid, err := tryFolder(dir)
		if l != nil || err != nil {
			return l, err
		}
		busy := &folderBusyError{dir: a.relative(dir), pid: pid, waited: time.Since(since)}
		if busy.waited >= wait {
			return nil, busy
		}
		if !told && !a.quiet && !a.json() {
			told = true
			fmt.Fprintf(a.Stderr, "Waiting, since %s.\n", busy)
		}
		if err := waitFor(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// tryFolder takes it, or says who has it: 0 where that is not known.
func tryFolder(dir string) (l *folderLock, pid int, err error) {
	path := filepath.Join(dir, folderLockName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, 0, err
		}
		got, err := lockWhole(f)
		if err != nil {
			f.Close()
			return nil, 0, &fs.PathError{Op: "lock", Path: path, Err: err}
		}
		if !got {
			text, _ := io.ReadAll(io.LimitReader(f, 32)) // for people: what cannot be read is not known
			f.Close()
			pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
			return nil, pid, nil
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		if there, err := os.Lstat(path); err != nil || !os.SameFile(mine, there) {
			f.Close() // deleted between opening and locking: this one keeps nobody out
			continue
		}
		if f.Truncate(0) == nil {
			_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
		return &folderLock{f, dir}, 0, nil
	}
}

// folderLocks are those of one call.
type folderLocks []*folderLock

// take locks a folder, where it is not locked yet.
func (all *folderLocks) take(ctx context.Context, t *target) error {
	for _, l := range *all {
		if l.dir == t.MigrationsDir || sameFolder(l.dir, t.MigrationsDir) {
			return nil
		}
	}
	l, err := t.app.lockFolder(ctx, t.MigrationsDir, t.wants.Wait)
	if err == nil {
		*all = append(*all, l)
	}
	return err
}

// release lets go of all.
func (all *folderLocks) release() {
	for _, l := range *all {
		l.release()
	}
	*all = nil
}

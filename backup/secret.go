package backup

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
)

// nowhere is a path at which there is nothing.
const nowhere = "/nonexistent/dbwarden"

// hand gives a program files that hold secrets, and says by which path it finds
// each. done takes them away; it may be called more than once.
//
// On Linux they have no name when the program starts: it inherits them open,
// and opens them again by /dev/fd. So nothing is left of them, whichever way
// either process ends. Elsewhere they stand in a folder that this user alone
// may enter, until the program begins to write: then it is connected.
func hand(c *exec.Cmd, files map[string]string) (paths map[string]string, done func() error, err error) {
	paths = map[string]string{}
	if len(files) == 0 {
		return paths, func() error { return nil }, nil
	}
	_, err = os.Stat("/dev/fd/0")
	if runtime.GOOS != "linux" || err != nil {
		return inFolder(files)
	}
	var open []*os.File
	done = sync.OnceValue(func() (err error) {
		for _, f := range open {
			err = errors.Join(err, f.Close())
		}
		return err
	})
	for name, text := range files {
		f, err := os.CreateTemp("", "dbwarden-")
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
		open = append(open, f)
		if err := os.Remove(f.Name()); err != nil {
			return nil, nil, errors.Join(err, done())
		}
		if _, err := f.WriteString(text); err != nil {
			return nil, nil, errors.Join(err, done())
		}
		c.ExtraFiles = append(c.ExtraFiles, f)
		paths[name] = "/dev/fd/" + strconv.Itoa(2+len(c.ExtraFiles))
	}
	return paths, done, nil
}

func inFolder(files map[string]string) (paths map[string]string, done func() error, err error) {
	dir, err := os.MkdirTemp("", "dbwarden-")
	if err != nil {
		return nil, nil, err
	}
	paths, done = map[string]string{}, sync.OnceValue(func() error { return os.RemoveAll(dir) })
	for name, text := range files {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], []byte(text), 0o600); err != nil {
			return nil, nil, errors.Join(err, done())
		}
	}
	return paths, done, nil
}

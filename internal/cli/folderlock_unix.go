//go:build unix

package cli

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockWhole locks an open file for this opening of it alone, or says at once
// that another one has it.
func lockWhole(f *os.File) (bool, error) {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		default:
			return false, err
		}
	}
}

// release deletes the file first: whoever has opened it sees that it is another one
// than the next one's.
func (l *folderLock) release() {
	_ = os.Remove(l.file.Name()) // what stays is taken by the next call
	_ = l.file.Close()
}

package cli

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockWhole locks an open file for this opening of it alone, or says at once
// that another one has it. It is a byte far behind the content, which others read.
func lockWhole(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	}
	return false, err
}

// release closes the file first: Windows deletes none that is open, and so none that
// the next one has.
func (l *folderLock) release() {
	_ = l.file.Close()
	_ = os.Remove(l.file.Name()) // what stays is taken by the next call
}

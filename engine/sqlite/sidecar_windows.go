package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

const noFollow = 0

// system locks one byte far behind the content: Windows keeps others from
// reading what is locked.
var system = locker{
	try: func(f *os.File) (bool, error) { return lockByte(f, windows.LOCKFILE_EXCLUSIVE_LOCK) },
	held: func(f *os.File) (bool, error) {
		got, err := lockByte(f, 0)
		if got {
			err = unlockByte(f)
		}
		return !got && err == nil, err
	},
	free:     unlockByte,
	patience: 250 * time.Millisecond,
}

func farByte() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: 1 << 30} }

func lockByte(f *os.File, flags uint32) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, farByte())
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	}
	return false, err
}

func unlockByte(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, farByte())
}

// alike has nothing to do: a file has its folder's rights.
func alike(*os.File, fs.FileInfo, fs.FileMode) {}

func isReadOnlySystem(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

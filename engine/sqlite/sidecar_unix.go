//go:build unix

package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// noFollow refuses a link in place of the lock file: it would be created
// somewhere else.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

// flocker uses flock(2). Looking takes a shared lock for some microseconds.
var flocker = locker{
	try: func(f *os.File) (bool, error) { return flock(f, unix.LOCK_EX) },
	held: func(f *os.File) (bool, error) {
		got, err := flock(f, unix.LOCK_SH)
		if got {
			err = unix.Flock(int(f.Fd()), unix.LOCK_UN)
		}
		return !got && err == nil, err
	},
	free:     func(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) },
	patience: 250 * time.Millisecond,
}

func flock(f *os.File, how int) (bool, error) {
	for {
		switch err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); {
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

// alike gives the lock file the rights of the database, which the umask may
// have narrowed, and its owner, where root creates it for somebody else.
// Where it may not, the next one's open says so.
func alike(f *os.File, database fs.FileInfo, mode fs.FileMode) {
	_ = f.Chmod(mode)
	if st, ok := database.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}

func isReadOnlySystem(err error) bool { return errors.Is(err, unix.EROFS) }

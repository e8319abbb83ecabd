package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// system uses Linux's locks of an open file description, which can be looked
// at without taking them. A kernel or file system that has none (they came
// with Linux 3.15) answers EINVAL to every process alike, and flock is used.
var system = locker{
	try: func(f *os.File) (bool, error) {
		err := description(f, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return false, nil
		case errors.Is(err, unix.EINVAL):
			return flocker.try(f)
		}
		return false, err
	},
	held: func(f *os.File) (bool, error) {
		l := unix.Flock_t{Type: unix.F_WRLCK}
		err := description(f, unix.F_OFD_GETLK, &l)
		if errors.Is(err, unix.EINVAL) {
			return flocker.held(f)
		}
		return err == nil && l.Type != unix.F_UNLCK, err
	},
	free: func(f *os.File) error {
		err := description(f, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
		if errors.Is(err, unix.EINVAL) {
			return flocker.free(f)
		}
		return err
	},
}

func description(f *os.File, cmd int, l *unix.Flock_t) error {
	for {
		if err := unix.FcntlFlock(f.Fd(), cmd, l); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

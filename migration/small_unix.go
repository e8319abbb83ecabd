//go:build unix

package migration

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// A place is an open folder, whose files are opened by their names alone: the
// system need not walk the folder's own path for each of thousands.
type place int

func openPlace(dir string) (place, error) {
	fd, err := again(func() (int, error) {
		return unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	return place(fd), err
}

func (p place) close() { _ = unix.Close(int(p)) }

// readSmall reads as much of a file as there is room for, with the system's
// own calls: an os.File would be made ready to wait for, which no file of a
// folder ever does, and be watched by the collector.
func (p place) readSmall(name string, room []byte) (int, error) {
	fd, err := again(func() (int, error) { return unix.Openat(int(p), name, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	n := 0
	for n < len(room) {
		var m int
		if m, err = again(func() (int, error) { return unix.Read(fd, room[n:]) }); err != nil || m <= 0 {
			break
		}
		n += m
	}
	_ = unix.Close(fd) // it was only read
	if err != nil {
		return 0, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return n, nil
}

// again repeats a call that a signal broke off.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

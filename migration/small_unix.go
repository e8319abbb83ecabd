//go:build unix

package migration

import (
	"io/fs"
	"syscall"
)

// readSmall reads as much of a file as there is room for, with the system's
// own calls: an os.File would be made ready to wait for, which no file of a
// folder ever does, and be watched by the collector.
func readSmall(name string, room []byte) (int, error) {
	fd, err := again(func() (int, error) { return syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	n := 0
	for n < len(room) {
		var m int
		if m, err = again(func() (int, error) { return syscall.Read(fd, room[n:]) }); err != nil || m <= 0 {
			break
		}
		n += m
	}
	_ = syscall.Close(fd) // it was only read
	if err != nil {
		return 0, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return n, nil
}

// again repeats a call that a signal broke off.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}

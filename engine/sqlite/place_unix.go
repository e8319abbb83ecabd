//go:build unix

package sqlite

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func readable(path string) bool { return may(path, unix.R_OK) }
func writable(path string) bool { return may(path, unix.W_OK) }

func may(path string, how uint32) bool {
	return unix.Faccessat(unix.AT_FDCWD, path, how, unix.AT_EACCESS) == nil
}

func hardLinks(path string) uint64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return uint64(st.Nlink)
}

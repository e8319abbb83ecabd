//go:build linux || darwin

package backup

import "syscall"

// room is how many bytes this user may still write below dir; false where
// nobody tells.
func room(dir string) (int64, bool) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true
}

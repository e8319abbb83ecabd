package trap

import "golang.org/x/sys/unix"

// older names the requests that younger machines do not have.
func older(number uint64, args [6]uint64) string {
	switch number {
	case unix.SYS_UNLINK:
		return "remove"
	case unix.SYS_LINK:
		return "link"
	case unix.SYS_RENAME:
		return "rename"
	case unix.SYS_OPEN:
		if args[1]&unix.O_CREAT != 0 {
			return "create"
		}
	}
	return ""
}

package trap

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// trace runs a command and kills it before its at-th change of a file. It
// waits for any child, so that the process must have no other.
func trace(c *exec.Cmd, at int) (Report, error) {
	// The kernel takes orders from the thread that began it alone.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var r Report
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &unix.SysProcAttr{Ptrace: true}
	if err := c.Start(); err != nil {
		return r, err
	}
	main := c.Process.Pid
	var state unix.WaitStatus
	if _, err := unix.Wait4(main, &state, unix.WALL, nil); err != nil {
		return r, err
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(main, options); err != nil {
		return r, err
	}
	known := map[int]bool{main: true}
	thread, signal := main, 0
	for {
		// A thread that was killed meanwhile is not there: its end comes.
		if err := unix.PtraceSyscall(thread, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return r, err
		}
		for {
			var err error
			if thread, err = unix.Wait4(-1, &state, unix.WALL, nil); err != nil {
				return r, err
			}
			if state.Stopped() {
				break
			}
			if thread == main {
				r.Code = state.ExitStatus()
				return r, nil
			}
		}
		signal = 0
		switch s := state.StopSignal(); {
		case s == unix.SIGTRAP|0x80:
			name, err := entered(thread)
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return r, err
			}
			if name == "" || r.Killed {
				continue
			}
			if name == waits {
				r.Syncs++
				continue
			}
			r.Requests++
			if r.Requests == at {
				r.Killed, r.Request = true, name
				// The request is not done: its thread dies where it stands.
				if err := unix.Kill(main, unix.SIGKILL); err != nil {
					return r, err
				}
			}
		case s == unix.SIGTRAP: // a thread was made, or the program begins
		case s == unix.SIGSTOP && !known[thread]: // this is the new one
		default:
			signal = int(s)
		}
		known[thread] = true
	}
}

// info is the kernel's struct ptrace_syscall_info, of an entry.
type info struct {
	op     uint8
	_      [3]uint8
	_      uint32
	_, _   uint64
	number uint64
	args   [6]uint64
	_      uint64
}

// waits changes nothing: it is a wait for the disk.
const waits = "sync"

// entered names the change of a file that a stopped thread is about to ask
// for, or the wait, or nothing: "".
func entered(thread int) (string, error) {
	const getSyscallInfo, entry = 0x420e, 1
	var i info
	_, _, no := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(thread), unsafe.Sizeof(i), uintptr(unsafe.Pointer(&i)), 0, 0)
	if no != 0 {
		return "", no
	}
	if i.op != entry {
		return "", nil
	}
	switch i.number {
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		return waits, nil
	case unix.SYS_PWRITE64:
		return "write", nil
	case unix.SYS_FTRUNCATE:
		return "truncate", nil
	case unix.SYS_UNLINKAT:
		return "remove", nil
	case unix.SYS_LINKAT:
		return "link", nil
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return "rename", nil
	case unix.SYS_OPENAT:
		if i.args[2]&unix.O_CREAT != 0 {
			return "create", nil
		}
	}
	return older(i.number, i.args), nil
}

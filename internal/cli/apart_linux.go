package cli

import (
	"os/exec"
	"runtime"
	"syscall"
)

// apart gives a hook a process group of its own, so that it ends whole, and so
// that it cannot ask on our terminal. It is killed with us.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
}

// runLocked runs it. The kernel means the thread that started it when it speaks
// of our death.
func runLocked(c *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return c.Run()
}

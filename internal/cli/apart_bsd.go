//go:build unix && !linux

package cli

import (
	"os/exec"
	"syscall"
)

// apart gives a hook a process group of its own, so that it ends whole, and so
// that it cannot ask on our terminal.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
}

func runLocked(c *exec.Cmd) error { return c.Run() }

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

// runApart runs it, and ends what is left of it when it was told to end.
func runApart(c *exec.Cmd) error { return endGroup(c, c.Run()) }

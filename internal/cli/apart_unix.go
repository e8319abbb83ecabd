//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// endGroup kills what is left of a program's group, where it has one of its own.
// It may be gone, all of it.
func endGroup(c *exec.Cmd) {
	if c.Process != nil && c.SysProcAttr != nil {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	}
}

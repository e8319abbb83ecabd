//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// endGroup kills what is left of a hook that failed or was told to end.
func endGroup(c *exec.Cmd, err error) error {
	if err != nil && c.Process != nil {
		// It may be gone, all of it.
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	}
	return err
}

//go:build unix

package backup

import (
	"os/exec"
	"syscall"
)

// alone keeps the terminal's Ctrl-C from a program: it is ours to end it, and
// to say why.
func alone(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

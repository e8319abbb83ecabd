//go:build !unix

package backup

import "os/exec"

func alone(*exec.Cmd) {}

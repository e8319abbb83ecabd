//go:build !unix

package cli

import "os/exec"

func apart(*exec.Cmd) {}

func runApart(c *exec.Cmd) error { return c.Run() }

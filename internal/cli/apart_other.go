//go:build !unix

package cli

import "os/exec"

func apart(*exec.Cmd) {}

func runLocked(c *exec.Cmd) error { return c.Run() }

func endGroup(*exec.Cmd) {}

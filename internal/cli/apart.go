package cli

import (
	"errors"
	"os/exec"
)

// runApart runs a program that has a group of its own, and ends what is left of
// it when it failed or was told to end.
func runApart(c *exec.Cmd) error {
	err := runLocked(c)
	if err != nil {
		endGroup(c)
	}
	return err
}

// runLeaving is runApart for a program that may leave an agent behind, which
// holds its output open: that is no failure, and the agent goes on.
func runLeaving(c *exec.Cmd) error {
	err := runLocked(c)
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	if err != nil {
		endGroup(c)
	}
	return err
}

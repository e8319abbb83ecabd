package desired

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/bounded"
)

// commandTime is how long a program may take to print its definitions.
// Frameworks load whole applications for that.
const commandTime = 5 * time.Minute

// commandMost is how much it may print: a hundred times what a large schema is,
// and soon read.
const commandMost = 64 << 20

// A CommandError says that a program printed no model.
type CommandError struct {
	Command []string
	Stderr  string // its last lines
	Err     error
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("model_command, %s: %v", e.Command[0], e.Err)
}
func (e *CommandError) Unwrap() error { return e.Err }

// Command runs a program in dir, without a shell, and takes what it prints as
// a model.
func Command(ctx context.Context, command []string, dir string) (Model, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandTime, fmt.Errorf("no end within %s", commandTime))
	defer cancel()
	out := bounded.Output{Most: commandMost}
	var said bytes.Buffer
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir, c.Stdout, c.Stderr = dir, &out, &said
	// What the program has started may keep the pipes open.
	c.WaitDelay = 2 * time.Second
	err := c.Run()
	switch {
	case err != nil && ctx.Err() != nil:
		err = context.Cause(ctx)
	case out.Err() != nil:
		err = out.Err()
	case err == nil && strings.TrimSpace(out.String()) == "":
		err = errors.New("it printed nothing")
	}
	if err != nil {
		return Model{}, &CommandError{Command: command, Stderr: last(said.String(), 20), Err: err}
	}
	return Model{Name: "model_command", Text: out.String()}, nil
}

// last are the last lines of a text.
func last(text string, most int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return strings.Join(lines, "\n")
}

// Package trap kills a program with -9 right before its n-th request to the
// kernel that changes a file: a write, a truncation, a file made or removed.
// Between two of them nothing on the disk differs, so that to try them all is
// to try every moment. The program is any one, as it is: nothing is built
// into it.
//
// It is traced by a process of its own, which is the test's own program
// again: a test that uses this package calls Main first of all. Linux alone
// can do it here; Available says why not, elsewhere.
//
// Only tests import this package.
package trap

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// variable makes a test's program the tracer: the request to kill before, 0
// for none.
const variable = "DBWARDEN_TEST_TRAP"

// Report is what the tracer has seen.
type Report struct {
	Requests int    // how many changes of a file the program asked for
	Syncs    int    // how often it waited for the disk
	Killed   bool   // it was killed before the last of them
	Request  string // which that was
	Code     int    // the program's exit code, where it was not killed
	Err      string // why nothing was traced
}

// Main traces, in the process that is the tracer, and does not return there.
// TestMain calls it.
func Main() {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	at, err := strconv.Atoi(text)
	var r Report
	if err == nil {
		os.Unsetenv(variable)
		r, err = trace(exec.Command(os.Args[1], os.Args[2:]...), at)
	}
	if err != nil {
		r.Err = err.Error()
	}
	if json.NewEncoder(os.NewFile(3, "report")).Encode(r) != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// Available says why programs cannot be traced here, where they cannot.
func Available() error {
	r, err := Run(exec.Command("/bin/true"), 0)
	if err == nil && r.Code != 0 {
		err = errors.New("a program that does nothing did not end well")
	}
	if err != nil {
		return fmt.Errorf("ptrace: %w", err)
	}
	return nil
}

// Run runs the command to its end, or until its at-th request.
func Run(c *exec.Cmd, at int) (Report, error) {
	self, err := os.Executable()
	if err != nil {
		return Report{}, err
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	c.Args = append([]string{self, c.Path}, c.Args[1:]...)
	c.Path, c.Env = self, append(c.Env, fmt.Sprintf("%s=%d", variable, at))
	from, to, err := os.Pipe()
	if err != nil {
		return Report{}, err
	}
	defer from.Close()
	c.ExtraFiles = []*os.File{to}
	err = c.Start()
	to.Close()
	if err != nil {
		return Report{}, err
	}
	var r Report
	err = json.NewDecoder(from).Decode(&r)
	if err := c.Wait(); err != nil {
		return r, fmt.Errorf("the tracer: %w", err)
	}
	if r.Err != "" {
		err = errors.New(r.Err)
	}
	return r, err
}

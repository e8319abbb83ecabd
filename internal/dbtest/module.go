package dbtest

import (
	"os"
	"os/exec"
	"testing"
)

// Module runs the tests of a module of its own below the working directory, in
// which other tools are asked that the product must not depend on. Where its
// modules cannot be had, the test is skipped; without servers it goes as far as
// it can.
//
// It is built as the program is (without cgo, with -trimpath): so it shares
// what was compiled for that, the drivers above all.
func Module(t *testing.T, dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds other tools")
	}
	run := func(args ...string) ([]byte, error) {
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -trimpath", "GOWORK=off")
		return c.CombinedOutput()
	}
	if out, err := run("mod", "download"); err != nil {
		t.Skipf("the modules cannot be had: %v\n%s", err, out)
	}
	if out, err := run("test", "-count=1", "."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

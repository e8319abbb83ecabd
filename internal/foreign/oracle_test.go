package foreign_test

import (
	"os"
	"os/exec"
	"testing"
)

// The other tools themselves make databases, which are taken over. They are no
// part of this module.
func TestTheOtherToolsAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("builds goose, golang-migrate, sql-migrate and tern")
	}
	t.Parallel()
	run := func(args ...string) ([]byte, error) {
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Dir = "oracle"
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
		return c.CombinedOutput()
	}
	if out, err := run("mod", "download"); err != nil {
		t.Skipf("the modules cannot be had: %v\n%s", err, out)
	}
	if out, err := run("test", "-count=1", "."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

package generate_test

import (
	"os"
	"os/exec"
	"testing"
)

// TestAtlasAgrees runs the module in which atlas is asked what it sees behind a
// plan, where its modules can be had. Without servers it is asked about SQLite
// alone.
func TestAtlasAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds atlas")
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
	if out, err := run("test", "-count=1", "-vet=off", "."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

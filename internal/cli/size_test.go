package cli_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

// A template calls methods by name. Where one is linked in, the linker keeps
// every method of every type, which is two megabytes of the program; cobra
// brings templates in as soon as one of its own is set.
func TestProgramRunsNoTemplates(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "tool", "nm", filepath.Join(program, "dbwarden")).Output()
	if err != nil {
		t.Skip("go tool nm:", err)
	}
	if bytes.Contains(out, []byte("text/template.(*state).evalCall")) {
		t.Error("text/template is linked into the program")
	}
}

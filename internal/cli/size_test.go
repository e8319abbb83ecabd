package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// The rules of check, and what draws a schema, cost no other command anything:
// nothing of them runs when the program starts.
func TestRulesAndPicturesCostTheStartNothing(t *testing.T) {
	t.Parallel()
	c := exec.CommandContext(t.Context(), filepath.Join(program, "dbwarden"), "version")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "init ") {
		t.Fatalf("nothing was traced:\n%s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "init ") && (strings.Contains(line, "dbwarden/check @") || strings.Contains(line, "dbwarden/ddl @") || strings.Contains(line, "internal/diagram @") || strings.Contains(line, "internal/handbook @") || strings.Contains(line, "dbwarden/engine/") && strings.Contains(line, "check @")) {
			t.Errorf("this runs at every start: %s", line)
		}
	}
}

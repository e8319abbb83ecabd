package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
)

// TestAHookThatPrintsWithoutEndIsCutShort: its lines would fill the log and the
// stream of events. It is not ended for that.
func TestAHookThatPrintsWithoutEndIsCutShort(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	size := 0
	err = callProgram(t.Context(), t.TempDir(), []string{sh, "-c", "yes " + strings.Repeat("y", 99) + " | head -c 1000000; exit 7"}, nil, dbwarden.Facts{}, func(line string) {
		lines = append(lines, line)
		size += len(line) + 1
	})
	if err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("got %v", err)
	}
	if size > hookMost+200 || size < hookMost-200 {
		t.Errorf("%d bytes are told", size)
	}
	if last := lines[len(lines)-1]; last != "… it printed more than 256 KiB: the rest is left out" {
		t.Errorf("the last line is %q", last)
	}
}

package cli

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

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
	if strings.Contains(strings.Join(lines[:len(lines)-1], ""), "…") {
		t.Error("more than one line says that the rest is left out")
	}
	if last := lines[len(lines)-1]; last != "… it printed more than 256 KiB: the rest is left out" {
		t.Errorf("the last line is %q", last)
	}
}

// TestAHookThatPrintsWithoutEndIsNotKeptWaiting: what is left out costs no look at
// each of its lines. With one, these take minutes, under the lock.
func TestAHookThatPrintsWithoutEndIsNotKeptWaiting(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lines := 0
	err = callProgram(ctx, t.TempDir(), []string{sh, "-c", "yes | head -c 600000000"}, nil, dbwarden.Facts{}, func(string) { lines++ })
	if err != nil || lines != hookMost/2+1 {
		t.Errorf("%d lines, %v", lines, err)
	}
}

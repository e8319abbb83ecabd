package cli

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNeverBothOfTwoGo: squash --undo and squash --prune at once have each read
// the folder before the other one hid its files. One of them finds that what
// is to stay has gone, and gives back its own files alone.
func TestNeverBothOfTwoGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"1_a.sql", "2_b.sql", leavingName("3_s.sql")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	there := func(want ...string) {
		t.Helper()
		entries, err := os.ReadDir(dir)
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("the folder has %q, want %q, %v", got, want, err)
		}
	}
	k := &keeping{app: &app{Env: Env{Stderr: io.Discard}}, doomed: []doomed{{dir, []string{"2_b.sql", "1_a.sql"}, []string{"3_s.sql"}}}}
	if err := k.leave(t.Context()); err == nil || !strings.Contains(err.Error(), "no file was deleted") {
		t.Errorf("without the file that stands for them: %v", err)
	}
	there(leavingName("3_s.sql"), "1_a.sql", "2_b.sql")
	if err := unhide(dir, []string{"3_s.sql"}); err != nil {
		t.Fatal(err)
	}
	if err := k.leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	there("3_s.sql")
}

package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFilesAreWrittenAllOrNone: somebody else writes one of them meanwhile.
func TestFilesAreWrittenAllOrNone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	a := &app{}
	second := filepath.Join(dir, "2.sql")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(second, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.writeAll(t.Context(), dir, []written{{filepath.Join(dir, "1.sql"), "1"}, {second, "ours"}}); err == nil {
		t.Fatal("a file of somebody else's was written over")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := a.writeAll(t.Context(), dir, []written{{filepath.Join(dir, "1.sql"), "1"}, {second, "theirs"}}); err != nil {
		t.Errorf("the same file of somebody else's is in the way: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if text, err := os.ReadFile(second); err != nil || string(text) != "theirs" {
		t.Errorf("it holds %q, %v", text, err)
	}
}

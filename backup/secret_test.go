package backup

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSecretsInAFolder: what is done where no program can inherit files without
// a name.
func TestSecretsInAFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	paths, done, err := inFolder(map[string]string{"one": "first", "two": "second"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"one": "first", "two": "second"} {
		text, err := os.ReadFile(paths[name])
		info, err2 := os.Stat(paths[name])
		if err != nil || err2 != nil || string(text) != want || info.Mode() != 0o600 {
			t.Errorf("%s: %q, %v, %v %v", name, text, info.Mode(), err, err2)
		}
	}
	dir := filepath.Dir(paths["one"])
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
	if err := done(); err != nil {
		t.Errorf("twice: %v", err)
	}
}

package trap_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest/trap"
)

func TestMain(m *testing.M) {
	trap.Main()
	os.Exit(m.Run())
}

// TestNothingHappensFromTheTrapOn in a shell that makes two files.
func TestNothingHappensFromTheTrapOn(t *testing.T) {
	t.Parallel()
	if err := trap.Available(); err != nil {
		t.Skip(err)
	}
	for at, want := range [][]string{0: {"one", "two"}, 1: {}, 2: {"one"}, 3: {"one", "two"}} {
		dir := t.TempDir()
		c := exec.Command("/bin/sh", "-c", "echo 1 > one; echo 2 > two; exit 7")
		c.Dir = dir
		r, err := trap.Run(c, at)
		if err != nil {
			t.Fatal(err)
		}
		if killed := at == 1 || at == 2; r.Killed != killed || killed != (r.Request == "create") || killed != (r.Code == -1) || !killed && (r.Code != 7 || r.Requests != 2) {
			t.Errorf("trap %d: %+v", at, r)
		}
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(names) != len(want) {
			t.Errorf("trap %d: %v, %v; want %v", at, names, err, want)
		}
	}
}

package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The module oracle has Helm fill the chart in, and looks at what comes of it;
// this sees that it was asked about the chart that is there.
func TestTheChartIsTheOneThatHelmWasAskedAbout(t *testing.T) {
	t.Parallel()
	h := sha256.New()
	dir := filepath.Join(root, "deploy/helm/dbwarden")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path) // both come of one walk
		fmt.Fprintf(h, "%s %d\n%s", filepath.ToSlash(rel), len(text), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("testdata/chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(kept), "# "+hex.EncodeToString(h.Sum(nil))+"\n") {
		t.Error("the chart has changed: cd internal/deploy/oracle && go test -rewrite .")
	}
}

func TestTheUnitIsWhatSystemdKnows(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze not found")
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/systemd/dbwarden-migrate.service"))
	if err != nil {
		t.Fatal(err)
	}
	// It looks whether the program is there.
	unit := filepath.Join(t.TempDir(), "dbwarden-migrate.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/dbwarden", program)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", unit).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

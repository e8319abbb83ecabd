package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

// mount lays files out as a cluster mounts a ConfigMap or a Secret: each is a
// link into the folder ..data, which is a link to a folder of that moment. A
// change makes another folder, and moves the link.
func mount(t *testing.T, dir, moment string, files map[string]string) {
	t.Helper()
	now := "..2026_11_27_" + moment
	if err := os.MkdirAll(filepath.Join(dir, now), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, now, name), []byte(text), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(now, filepath.Join(dir, "..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
}

// Migrations of a ConfigMap and the URL of a Secret are read as a cluster
// mounts them, also where both have changed since.
func TestFilesAreReadAsAClusterMountsThem(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no cluster mounts files so on Windows")
	}
	dir := t.TempDir()
	files := map[string]string{"0001_users.sql": "-- upgrade\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n"}
	for i, want := range []string{"1 migrations applied.", "1 migrations applied.", "Migrations are up to date."} {
		mount(t, filepath.Join(dir, "secret"), fmt.Sprintf("10_00_0%d.4711", i), map[string]string{"url": "sqlite:///" + filepath.Join(dir, "shop.db") + "\n"})
		mount(t, filepath.Join(dir, "db/migrations"), fmt.Sprintf("10_00_0%d.4712", i), files)
		c := exec.CommandContext(t.Context(), program, "migrate")
		c.Dir, c.Env = filepath.Join(dir, "db"), []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "DBWARDEN_DATABASE_URL_FILE=" + filepath.Join(dir, "secret/url")}
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, without %q\n%s", err, want, out)
		}
		files["0002_orders.sql"] = "-- upgrade\nCREATE TABLE orders (id INTEGER PRIMARY KEY);\n"
	}
}

// The step ahead of a roll-out ends as the Job does: what stands behind it
// runs where the migrations ran, and only there.
func TestTheStepOfTheQuickStartEndsAsTheJobDoes(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs/quickstart-kubernetes.md")
	_, step, _ := strings.Cut(page, "make this the step ahead of the roll-out:\n\n```text\n")
	step, _, ok := strings.Cut(step, "```\n")
	if !ok {
		t.Fatal("the page has no such step")
	}
	if !strings.Contains(readFile(t, "deploy/kubernetes/job.yaml"), "\n  name: migrate-v1\n") {
		t.Error("the step waits for another Job than job.yaml makes")
	}
	// It answers with a line of the file for each time that it is asked, and
	// fails where that says so.
	const kubectl = `#!/bin/sh
case $* in
"apply -f job.yaml") ;;
"get job/migrate-v1 -o jsonpath={.status.conditions[?(@.status==\"True\")].type}")
	read -r line <states
	sed 1d states >rest && mv rest states
	[ "$line" != unreachable ] || { echo no route to host >&2; exit 1; }
	printf %s "$line" ;;
"logs -l job-name=migrate-v1 --prefix --tail=-1" | "logs job/migrate-v1") [ ! -e gone ] || exit 1; echo THE LOG ;;
*) echo "unknown: $*" >&2; exit 64 ;;
esac
`
	for _, shell := range []string{"sh", "bash"} {
		for _, c := range []struct {
			states string
			gone   bool // the pods, and their logs
			code   int
		}{
			{states: "\n\nSuccessCriteriaMet\nSuccessCriteriaMet Complete\n"},
			{states: "Complete\n", gone: true},
			{states: "\nFailureTarget\nFailureTarget Failed\n", code: 1},
			{states: "Failed\n", gone: true, code: 1},
			{states: "\nunreachable\nComplete\n", code: 1},
		} {
			dir := t.TempDir()
			files := map[string]string{"bin/kubectl": kubectl, "bin/sleep": "#!/bin/sh\n", "states": c.states}
			if c.gone {
				files["gone"] = ""
			}
			if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			s := exec.CommandContext(t.Context(), shell, "-c", step+"echo ROLLING OUT\n")
			s.Dir, s.Env = dir, []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH")}
			out, err := s.CombinedOutput()
			if s.ProcessState.ExitCode() != c.code || strings.Contains(string(out), "ROLLING OUT") != (c.code == 0) {
				t.Errorf("%s, %q: %v, want exit code %d\n%s", shell, c.states, err, c.code, out)
			}
			if want := !c.gone && !strings.Contains(c.states, "unreachable"); strings.Contains(string(out), "THE LOG") != want {
				t.Errorf("%s, %q: the log is shown: %t\n%s", shell, c.states, !want, out)
			}
		}
	}
}

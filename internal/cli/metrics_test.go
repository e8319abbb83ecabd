package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// While a Pushgateway takes its time the lock is free, and what it answers
// changes nothing.
func TestAPushKeepsNeitherLockNorExitCode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "migrations"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "migrations", "0001_a.sql"), []byte("-- upgrade\nCREATE TABLE a (id INTEGER);\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	config := "default = true\ndatabase_url = \"sqlite:///app.db\"\nmigrations_dir = \"migrations\"\n"
	if err := os.WriteFile(filepath.Join(dir, "warden.toml"), []byte("[databases.\"shop\"]\n"+config), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), filepath.Join(program, "dbwarden"), args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		return string(out), err
	}
	var asked, lock, user, password string
	var body []byte
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.EscapedPath()
		user, password, _ = r.BasicAuth()
		body, _ = io.ReadAll(r.Body)
		lock, _ = run("lock-status")
		http.Error(w, "out of room", http.StatusInsufficientStorage)
	}))
	defer gateway.Close()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	out, err := run("migrate", "--metrics-push", strings.Replace(gateway.URL, "http://", "http://ada:hush-hush@", 1)+"/behind/")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "Warning: the metrics were not pushed: ") || !strings.Contains(out, "answered 507 Insufficient Storage: out of room") || strings.Contains(out, "hush") {
		t.Errorf("said:\n%s", out)
	}
	if want := "PUT /behind/metrics/job/dbwarden/instance/" + host + "/database/shop"; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	if user != "ada" || password != "hush-hush" {
		t.Errorf("as %q with %q", user, password)
	}
	if lock != "Migration lock: INACTIVE\n" {
		t.Errorf("meanwhile: %s", lock)
	}
	samples, err := readMetrics(string(body))
	if err != nil {
		t.Fatal(err)
	}
	if got := samples[`dbwarden_run_success{database="shop",command="migrate"}`]; got != "1" {
		t.Errorf("success is %q in\n%s", got, body)
	}
}

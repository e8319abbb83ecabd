package cli_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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
	out, err := run("migrate", "--metrics-push", strings.Replace(gateway.URL, "http://", "http://ada:hush-hush@", 1)+"/behind/")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "Warning: the metrics were not pushed: ") || !strings.Contains(out, "answered 507 Insufficient Storage: out of room") || strings.Contains(out, "hush") {
		t.Errorf("said:\n%s", out)
	}
	if want := "PUT /behind/metrics/job/dbwarden/database/shop"; asked != want {
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

// A pod and a runner have a new name each time: what one of them left has to
// be replaced by the next, or a failure stays for good.
func TestAPushTakesThePlaceOfTheLastOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	groups := map[string]string{} // what a Pushgateway keeps
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		switch r.Method {
		case http.MethodPut:
			groups[r.URL.EscapedPath()] = string(body)
		case http.MethodDelete:
			delete(groups, r.URL.EscapedPath())
			w.WriteHeader(http.StatusAccepted)
		default:
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}))
	defer gateway.Close()
	run := func(code int, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), filepath.Join(program, "dbwarden"), args...)
		c.Dir = dir
		if out, _ := c.CombinedOutput(); c.ProcessState.ExitCode() != code || strings.Contains(string(out), "not pushed") {
			t.Fatalf("%q: exit code %d instead of %d\n%s", args, c.ProcessState.ExitCode(), code, out)
		}
	}
	// have are the groups, with what each has of success.
	have := func(want map[string]string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		got := map[string]string{}
		for path, body := range groups {
			samples, err := readMetrics(body)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range samples {
				if strings.HasPrefix(name, "dbwarden_run_success{") {
					got[path] += value
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("the groups are\n%v instead of\n%v", got, want)
		}
	}
	push := "[metrics]\npush = \"" + gateway.URL + "\"\n"
	write("warden.toml", "database_url = \"sqlite:///app.db\"\n"+push)
	write("migrations/0001_a.sql", "-- upgrade\nCREATE TABEL a (id INTEGER);\n")
	run(3, "migrate")
	have(map[string]string{"/metrics/job/dbwarden/database/default": "0"})
	write("migrations/0001_a.sql", "-- upgrade\nCREATE TABLE a (id INTEGER);\n")
	run(0, "migrate")
	have(map[string]string{"/metrics/job/dbwarden/database/default": "1"})

	// Two databases that have no name are told apart where that is asked for.
	write("blog.toml", "database_url = \"sqlite:///blog.db\"\nmigrations_dir = \"migrations\"\n"+push+"instance = \"blog\"\n")
	run(0, "migrate", "--config", "blog.toml")
	run(0, "migrate", "--metrics-instance", "eu/1", "--config", "blog.toml")
	have(map[string]string{
		"/metrics/job/dbwarden/database/default":                        "1",
		"/metrics/job/dbwarden/instance/blog/database/default":          "1",
		"/metrics/job/dbwarden/instance@base64/ZXUvMQ/database/default": "1",
	})
	run(2, "migrate", "--metrics-instance", " ")
	clear(groups)

	// Of targets each has its own: a run in one leaves the others, and one that
	// came to know none is forgotten when they are known.
	write("warden.toml", "database_url = \"sqlite:///app.db\"\n"+push+"[targets]\nfile = \"list.txt\"\n")
	run(1, "--all", "migrate", "--metrics-push", gateway.URL)
	have(map[string]string{"/metrics/job/dbwarden/database/default": "0"})
	write("list.txt", "t1.db\nt2.db\n")
	run(0, "--all", "migrate")
	want := map[string]string{"/metrics/job/dbwarden/database/default/target/t1.db": "1", "/metrics/job/dbwarden/database/default/target/t2.db": "1"}
	have(want)
	write("migrations/0002_b.sql", "-- upgrade\nCREATE TABEL b (id INTEGER);\n")
	run(3, "--target", "t2.db", "migrate")
	want["/metrics/job/dbwarden/database/default/target/t2.db"] = "0"
	have(want)
}

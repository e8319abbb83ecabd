package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// desk is a folder with a project, in which the program is run with some
// variables.
type desk struct {
	t   *testing.T
	dir string
	env []string
}

func newDesk(t *testing.T, files map[string]string, env ...string) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), env: env}
	for name, text := range files {
		path := filepath.Join(d.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *desk) command(env []string, args ...string) *exec.Cmd {
	c := exec.CommandContext(d.t.Context(), filepath.Join(program, "dbwarden"), args...)
	c.Dir, c.Env = d.dir, slices.Concat(os.Environ(), d.env, env)
	return c
}

// run runs a command to its end, which comes with that exit code.
func (d *desk) run(env []string, code int, args ...string) (stdout, stderr string) {
	d.t.Helper()
	c := d.command(env, args...)
	var out, err bytes.Buffer
	c.Stdout, c.Stderr = &out, &err
	_ = c.Run() // the code tells
	if got := c.ProcessState.ExitCode(); got != code {
		d.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, out.String(), err.String())
	}
	return out.String(), err.String()
}

// spanLine is a span that came in JSON.
type spanLine struct {
	Trace      string `json:"traceId"`
	ID         string `json:"spanId"`
	Parent     string `json:"parentSpanId"`
	Name       string
	Status     struct{ Code int }
	Attributes []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
	Events []struct{ Name string }
}

func (s spanLine) is(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.StringValue + a.Value.IntValue
		}
	}
	return ""
}

// collects is a collector: what it is sent, and what it does meanwhile.
type collects struct {
	*httptest.Server
	meanwhile func() // while somebody waits for the answer

	mu      sync.Mutex
	bodies  []string
	headers []http.Header
	spans   []spanLine
}

func newCollects(t *testing.T) *collects {
	c := &collects{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		meanwhile := c.meanwhile
		c.mu.Unlock()
		if meanwhile != nil {
			meanwhile()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies, c.headers = append(c.bodies, string(body)), append(c.headers, q.Header)
		var all struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []spanLine }
			}
		}
		if err := json.Unmarshal(body, &all); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		for _, r := range all.ResourceSpans {
			for _, s := range r.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// sent is a copy of what came so far: all of a program that has ended.
func (c *collects) sent() (copied struct {
	bodies  []string
	headers []http.Header
}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	copied.bodies, copied.headers = slices.Clone(c.bodies), slices.Clone(c.headers)
	return copied
}

// during says what is done while somebody waits for an answer.
func (c *collects) during(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.meanwhile = do
}

func (c *collects) env() []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_TIMEOUT=60000"}
}

// tree is the spans that came since the last time, as lines.
func (c *collects) tree() (string, []spanLine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.spans
	c.spans = nil
	var out strings.Builder
	known := map[string]bool{}
	for _, s := range all {
		known[s.ID] = true
	}
	var walk func(parent, indent string)
	walk = func(parent, indent string) {
		for _, s := range all {
			if s.Parent == parent && parent != "" || parent == "" && !known[s.Parent] {
				fmt.Fprintf(&out, "%s%s%s\n", indent, s.Name, map[bool]string{true: " FAILED " + s.is("error.type")}[s.Status.Code == 2])
				walk(s.ID, indent+"  ")
			}
		}
	}
	walk("", "")
	return out.String(), all
}

var twoFiles = map[string]string{
	"migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n\n-- rollback\nDROP TABLE a;\n",
	"migrations/0002_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);\n\n-- rollback\nDROP TABLE b;\n",
	"warden.toml":           "database_url = \"sqlite:///app.db\"\n",
}

// A command that changes something sends one trace and its metrics when the
// lock is free again; one that only looks sends nothing.
func TestTelemetryIsSentBehindTheLock(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t, twoFiles), newCollects(t)
	locks := make(chan string, 9)
	c.during(func() {
		out, _ := d.run(nil, 0, "lock-status")
		locks <- out
	})
	env := append(c.env(), "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "OTEL_EXPORTER_OTLP_HEADERS=x-key=hush%2Chush", "OTEL_SERVICE_NAME=shop")
	out, said := d.run(env, 0, "migrate", "-o", "json")
	if strings.Contains(said, "warning") {
		t.Error(said)
	}
	var doc struct{ Run string }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	tree, all := c.tree()
	if want := "dbwarden migrate\n  dbwarden upgrade\n    upgrade 0001_a.sql\n    upgrade 0002_b.sql\n"; tree != want {
		t.Errorf("spans are\n%swant\n%s", tree, want)
	}
	for _, s := range all {
		if s.Trace != "4bf92f3577b34da6a3ce929d0e0e4736" || s.Name != "dbwarden migrate" && (s.is("dbwarden.run.id") != doc.Run || s.is("db.system.name") != "sqlite" && s.Name != "dbwarden upgrade") {
			t.Errorf("%+v", s)
		}
		if s.Name == "dbwarden migrate" && (s.Parent != "00f067aa0ba902b7" || s.is("dbwarden.exit_code") != "0" || s.is("db.system.name") != "sqlite") {
			t.Errorf("%+v", s)
		}
	}
	if len(c.sent().bodies) != 2 || c.sent().headers[0].Get("X-Key") != "hush,hush" || c.sent().headers[1].Get("X-Key") != "hush,hush" {
		t.Errorf("%d requests, %v", len(c.sent().bodies), c.sent().headers)
	}
	for range c.sent().bodies {
		if lock := <-locks; lock != "Migration lock: INACTIVE\n" {
			t.Errorf("meanwhile %s", lock)
		}
	}
	metrics := strings.Join(c.sent().bodies, "")
	for _, name := range []string{"dbwarden.run.duration", "dbwarden.migration.duration", "db.client.operation.duration", "dbwarden.lock.wait", "dbwarden.migrations.pending"} {
		if !strings.Contains(metrics, `"name":"`+name+`"`) {
			t.Errorf("no %s in %s", name, metrics)
		}
	}
	c.during(nil)
	sent := len(c.sent().bodies)
	d.run(c.env(), 0, "status")
	d.run(c.env(), 0, "migrate", "--dry-run")
	d.run(append(c.env(), "OTEL_SDK_DISABLED=true"), 0, "migrate")
	d.run(append(c.env(), "OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none"), 0, "migrate")
	if len(c.sent().bodies) != sent {
		t.Errorf("sent: %s", c.sent().bodies[sent:])
	}
	d.run(append(c.env(), "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), 0, "rollback")
	if tree, _ := c.tree(); tree != "" || len(c.sent().bodies) != sent+1 {
		t.Errorf("not sampled, and sent:\n%s%s", tree, c.sent().bodies[sent:])
	}
}

// Whatever becomes of what is sent, the command prints and returns what it
// does without, save for one line.
func TestACollectorIsNoTrouble(t *testing.T) {
	t.Parallel()
	answers := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	gone := make(chan struct{})
	silent := answers(func(_ http.ResponseWriter, q *http.Request) { <-gone })
	t.Cleanup(func() { close(gone) })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + closed.Addr().String()
	closed.Close()
	elsewhere := answers(func(_ http.ResponseWriter, q *http.Request) { t.Errorf("asked elsewhere, with %v", q.Header) })
	broken := map[string]string{"migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\nSELECT no;\n", "warden.toml": twoFiles["warden.toml"]}
	const briefly = "OTEL_EXPORTER_OTLP_TIMEOUT=400"
	var busy atomic.Int32
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"refused":     {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + refused}, `the traces and metrics were not sent: 127\.0\.0\.1:\d+: .*refused`},
		"silent":      {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + silent, briefly}, `the traces and metrics were not sent: 127\.0\.0\.1:\d+: no answer in time`},
		"unavailable": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), briefly}, `the traces were not sent: 127\.0\.0\.1:\d+ answered 503 Service Unavailable`},
		"once busy": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + answers(func(w http.ResponseWriter, _ *http.Request) {
			if busy.Add(1)%2 == 1 { // the first time of each command
				w.WriteHeader(503)
			}
		})}, ""},
		"forbidden": {[]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=" + answers(func(w http.ResponseWriter, q *http.Request) {
			http.Error(w, "no such key: "+q.Header.Get("X-Key"), http.StatusForbidden)
		}), "OTEL_EXPORTER_OTLP_HEADERS=x-key=hush-hush"}, `the metrics were not sent: 127\.0\.0\.1:\d+ answered 403 Forbidden: no such key: \*\*\*`},
		"leads away": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + answers(func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, elsewhere+"/leak", http.StatusTemporaryRedirect)
		}), "OTEL_EXPORTER_OTLP_HEADERS=x-key=hush-hush"}, `the traces were not sent: 127\.0\.0\.1:\d+ answered 307 Temporary Redirect`},
		"by gRPC":        {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + silent, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, `OTEL_EXPORTER_OTLP_PROTOCOL: want http/protobuf or http/json, .* "grpc" is not spoken here`},
		"no URL":         {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:hush-hush@4318"}, `OTEL_EXPORTER_OTLP_ENDPOINT: want http://HOST:PORT or https://HOST:PORT`},
		"no header":      {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + silent, "OTEL_EXPORTER_OTLP_HEADERS=hush-hush"}, `OTEL_EXPORTER_OTLP_HEADERS: want key=value,.*; number 1 is not`},
		"no certificate": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:1", "OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere.pem"}, `the traces were not sent: OTEL_EXPORTER_OTLP_CERTIFICATE: open /nowhere.pem: .*`},
		"no text": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + answers(func(w http.ResponseWriter, q *http.Request) {
			w.WriteHeader(400)
			w.Write([]byte("\x08\x03\x1b[31mred"))
		})}, `the traces were not sent: 127\.0\.0\.1:\d+ answered 400 Bad Request.*`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := regexp.MustCompile(`^Warning: OpenTelemetry: ` + c.want + `$`)
			for code, files := range map[int]map[string]string{0: twoFiles, 3: broken} {
				plain, plainSaid := newDesk(t, files).run(nil, code, "migrate")
				begun := time.Now()
				d := newDesk(t, files)
				out, said := d.run(append([]string{"OTEL_EXPORTER_OTLP_TIMEOUT=60000"}, c.env...), code, "migrate")
				if took := time.Since(begun); took > patience {
					t.Errorf("it took %s", took)
				}
				if out != plain {
					t.Errorf("printed\n%swithout\n%s", out, plain)
				}
				lines, n := strings.Split(said, "\n"), 0
				for _, line := range lines {
					if strings.Contains(line, "OpenTelemetry") {
						if n++; !want.MatchString(line) {
							t.Errorf("said %q, want %s", line, want)
						}
					}
				}
				if (n == 1) != (c.want != "") || n > 1 || strings.Contains(said, "hush") || strings.Contains(said, "\x1b") {
					t.Errorf("%d lines in\n%s", n, said)
				}
				if a, b := len(lines), len(strings.Split(plainSaid, "\n")); a != b+n {
					t.Errorf("%d lines, %d without:\n%s", a, b, said)
				}
			}
		})
	}
}

// A process that is killed while it sends has done its work, and freed the
// lock; the lock of one that is killed before is told by whoever releases it.
func TestTelemetryOfTheKilled(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t, twoFiles), newCollects(t)
	asked, gone := make(chan struct{}, 9), make(chan struct{})
	c.during(func() {
		asked <- struct{}{}
		<-gone
	})
	victim := d.command(c.env(), "migrate")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	close(gone)
	if out, _ := d.run(nil, 0, "lock-status"); out != "Migration lock: INACTIVE\n" {
		t.Error(out)
	}
	if out, _ := d.run(nil, 0, "migrate"); !strings.Contains(out, "up to date") {
		t.Error(out)
	}

	c = newCollects(t)
	d = newDesk(t, map[string]string{
		"migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;\n",
		"warden.toml":           twoFiles["warden.toml"],
	})
	victim = d.command(c.env(), "migrate", "-o", "json", "-v")
	said, err := victim.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	run := ""
	for lines := json.NewDecoder(said); ; {
		var line struct{ Event, Run string }
		if err := lines.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line.Event == "statement_started" {
			run = line.Run
			break
		}
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	if tree, _ := c.tree(); tree != "" {
		t.Errorf("the killed one sent\n%s", tree)
	}
	d.run(c.env(), 4, "migrate", "--no-wait")
	if tree, _ := c.tree(); tree != "dbwarden migrate FAILED lock_held\n  dbwarden upgrade FAILED lock_held\n" {
		t.Error(tree)
	}
	d.run(c.env(), 0, "unlock")
	tree, all := c.tree()
	if tree != "dbwarden unlock\n" || len(all[0].Events) != 1 || all[0].Events[0].Name != "lock released" || run == "" || !strings.Contains(c.sent().bodies[len(c.sent().bodies)-1], `"dbwarden.lock.run","value":{"stringValue":"`+run+`"`) {
		t.Errorf("%s%+v of run %s in %s", tree, all, run, c.sent().bodies[len(c.sent().bodies)-1])
	}
	d.run(c.env(), 1, "unlock")
	if tree, _ := c.tree(); tree != "dbwarden unlock FAILED _OTHER\n" {
		t.Error(tree)
	}
}

// Hooks go on with the trace, and several databases are told apart.
func TestTelemetryOfManyAndOfHooks(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"seen.sh": "#!/bin/sh\necho \"$TRACEPARENT\" >>seen\n", "warden.toml": `[databases.shop]
default = true
database_url = "sqlite:///shop.db"
migrations_dir = "migrations"
[databases.shop.hooks]
before_run = ["./seen.sh"]
[databases.till]
database_url = "sqlite:///till.db"
migrations_dir = "migrations"
`,
	}
	for _, name := range []string{"migrations/0001_a.sql", "migrations/0002_b.sql"} {
		files[name] = twoFiles[name]
	}
	d, c := newDesk(t, files), newCollects(t)
	d.run(c.env(), 0, "migrate", "--all", "-c", "1")
	tree, all := c.tree()
	if want := "dbwarden migrate\n  dbwarden upgrade\n    hook before_run\n    upgrade 0001_a.sql\n  dbwarden upgrade\n    upgrade 0001_a.sql\n"; tree != want {
		t.Errorf("%swant\n%s", tree, want)
	}
	var of []string
	for _, s := range all {
		if s.Name == "dbwarden upgrade" {
			of = append(of, s.is("dbwarden.database"))
		}
		if s.Name == "hook before_run" {
			seen, err := os.ReadFile(filepath.Join(d.dir, "seen"))
			if want := "00-" + s.Trace + "-" + s.ID + "-01\n"; err != nil || string(seen) != want {
				t.Errorf("the hook saw %s, want %s %v", seen, want, err)
			}
		}
	}
	slices.Sort(of)
	if !slices.Equal(of, []string{"shop", "till"}) {
		t.Errorf("%v", of)
	}
	for _, name := range []string{"shop", "till"} {
		if !strings.Contains(strings.Join(c.sent().bodies, ""), `"dbwarden.database","value":{"stringValue":"`+name+`"`) {
			t.Errorf("no %s", name)
		}
	}
}

// No secret gets into what is sent: not by the server's words, and not by the
// text of statements, which is sent only where that is asked for.
func TestTelemetryTellsNoSecret(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"migrations/0001_a.sql": "-- vars: on\n\n-- upgrade\nCREATE TABLE a (t varchar(99));\nINSERT INTO a VALUES ('${api_token}'), ('visible');\nINSERT INTO a VALUES ('x') '${api_token} hush-hush-3';\n",
		"warden.toml":           "",
	}
	for name, server := range map[string]func(testing.TB) *dbtest.Server{"PostgreSQL": dbtest.Postgres, "MariaDB": dbtest.MariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, texts := range []string{"", "true"} {
				url, c := server(t).NewDatabase(t), newCollects(t)
				d := newDesk(t, files, "DBWARDEN_DATABASE_URL="+url, "DBWARDEN_OTEL_TEXTS="+texts)
				d.run(append(c.env(), "OTEL_EXPORTER_OTLP_HEADERS=x-key=hush-hush-3"), 3, "migrate", "--var", "api_token=hush-hush-1")
				if sent := strings.Join(c.sent().bodies, ""); !strings.Contains(sent, "INSERT") || strings.Contains(sent, "db.query.text") != (texts == "true") {
					t.Errorf("texts %q: sent %s", texts, sent)
				}
				wrong := regexp.MustCompile(`://([^/@]*@)?`).ReplaceAllString(url, "://nobody:hush-hush-2@")
				d.run(append(c.env(), "DBWARDEN_DATABASE_URL="+wrong), 1, "migrate")
				if sent := strings.Join(c.sent().bodies, ""); strings.Contains(sent, "hush") || !strings.Contains(sent, `"connect"`) {
					t.Errorf("sent %s", sent)
				}
			}
		})
	}
}

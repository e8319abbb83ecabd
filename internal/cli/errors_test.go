package cli_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

var rewrite = flag.Bool("rewrite", false, "write what the program says into testdata/errors")

// The files in testdata/errors/ENGINE are mistakes as people make them, and
// what people are told. Each is run by a real program on a real server: once
// for a person, once for a program.
//
//	migrations/..  the mistake
//	setup.sql      what is in the database before, statements parted by blank lines
//	blocker.sql    run in a session of another program, which stays as it is
//	meanwhile.sql  run in that session at the same time as the migration
//	role.sql       makes $ROLE, who has no rights; the migration runs as $ROLE
//	args           what stands behind "migrate" on the command line
//	text           standard error, and in the first line what the process returned
//	json           the document's error
//	lock           what lock-status says afterwards
//	status         what status says afterwards, where the file asks for it
//
// go test -rewrite writes the last four: read them as the engineer on call.
func TestErrorsOnSQLite(t *testing.T) {
	t.Parallel()
	mistakes(t, sqlite.Engine(), nil)
}

func TestErrorsOnPostgres(t *testing.T) {
	t.Parallel()
	mistakes(t, postgres.Engine(), dbtest.Postgres(t))
}

func TestErrorsOnMariaDB(t *testing.T) {
	t.Parallel()
	mistakes(t, mysql.Engine(), dbtest.MariaDB(t))
}

func mistakes(t *testing.T, e *engine.Engine, server *dbtest.Server) {
	files, err := filepath.Glob("testdata/errors/" + e.Name + "/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, want at least twenty (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := newMistake(t, e, server, ar)
			code, _, stderr := text.run(t, "migrate", strings.Fields(text.files["args"])...)
			got := map[string]string{"text": text.plain(fmt.Sprintf("exit %d\n%s", code, stderr))}
			_, out, _ := text.run(t, "lock-status")
			got["lock"], _, _ = strings.Cut(out, "\n")
			if _, wanted := text.files["status"]; wanted {
				_, out, _ := text.run(t, "status")
				got["status"] = text.plain(out)
			}
			machine := newMistake(t, e, server, ar)
			_, out, _ = machine.run(t, "migrate", append(strings.Fields(text.files["args"]), "-o", "json")...)
			got["json"] = machine.plain(errorOf(t, out))

			for i, f := range ar.Files {
				now, ok := got[f.Name]
				if !ok {
					continue
				}
				delete(got, f.Name)
				if now = strings.TrimSpace(now) + "\n"; now == string(f.Data) {
					continue
				}
				ar.Files[i].Data = []byte(now)
				if !*rewrite {
					t.Errorf("%s: got\n%s\nwant\n%s", f.Name, now, f.Data)
				}
			}
			for _, name := range []string{"text", "json", "lock"} {
				if now, missing := got[name]; missing {
					ar.Files = append(ar.Files, txtar.File{Name: name, Data: []byte(strings.TrimSpace(now) + "\n")})
					if !*rewrite {
						t.Errorf("no section %s", name)
					}
				}
			}
			if *rewrite {
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A mistake is a file's case, made ready in a folder and a database of its
// own.
type mistake struct {
	dir, url string
	files    map[string]string
	masks    *strings.Replacer
}

func newMistake(t *testing.T, e *engine.Engine, server *dbtest.Server, ar *txtar.Archive) *mistake {
	t.Helper()
	m := &mistake{dir: t.TempDir(), url: "sqlite:///test.db", files: map[string]string{}}
	var role, password string
	masks := []string{m.dir, "DIR"}
	if server != nil {
		m.url = server.NewDatabase(t)
		masks = append(masks, dbtest.DatabaseName(m.url), "shop")
	}
	for _, f := range ar.Files {
		m.files[f.Name] = string(f.Data)
		if strings.HasPrefix(f.Name, "migrations/") {
			path := filepath.Join(m.dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if setup := m.files["setup.sql"]; setup != "" {
		runParagraphs(t, m.session(t, e), setup)
	}
	if rights := m.files["role.sql"]; rights != "" {
		role, password = server.NewRole(t)
		names := strings.NewReplacer("$ROLE", role, "$DATABASE", dbtest.DatabaseName(m.url))
		runParagraphs(t, m.session(t, e), names.Replace(rights))
		m.url = server.WithUser(m.url, role, password)
		masks = append(masks, role, "app")
	}
	m.masks = strings.NewReplacer(masks...)
	if m.files["blocker.sql"] == "" {
		return m
	}
	blocker := m.session(t, e)
	runParagraphs(t, blocker, m.files["blocker.sql"])
	if more := m.files["meanwhile.sql"]; more != "" {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runParagraphs(t, blocker, more)
		}()
		t.Cleanup(func() { <-ended })
	}
	return m
}

// session is another program's, with the database's own defaults.
func (m *mistake) session(t *testing.T, e *engine.Engine) engine.Session {
	t.Helper()
	db, err := e.Open(m.url, engine.OpenOptions{Dir: m.dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Connect(t.Context(), engine.ConnectOptions{App: "web", Limits: engine.Limits{Lock: -1, Idle: -1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func runParagraphs(t *testing.T, s engine.Session, text string) {
	for _, q := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if _, err := s.Exec(context.WithoutCancel(t.Context()), q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func (m *mistake) run(t *testing.T, command string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	c := exec.Command(filepath.Join(program, "dbwarden"), append([]string{command}, args...)...)
	c.Dir, c.Stdout, c.Stderr = m.dir, &out, &complaints
	c.Env = []string{"DBWARDEN_DATABASE_URL=" + m.url, "HOME=" + m.dir, "USER=alice", "GOCOVERDIR=" + cmp.Or(os.Getenv("GOCOVERDIR"), m.dir)}
	err := c.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), complaints.String()
}

// vary are words that are different each time.
var vary = []struct {
	at   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\b(\d+m)?\d+(\.\d+)?(ms|s)\b`), "0.05s"},
	{regexp.MustCompile(`(?i)((?:pid|process|session|transaction|connection|tuple|relation|database) )\(?\d+(,\d+)?\)?`), "${1}4711"},
	{regexp.MustCompile(`(tcp |@)?(127\.0\.0\.1|localhost|\[::1\])(:\d+)?`), "${1}db:1234"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?`), "2026-01-02 03:04:05 UTC"},
	{regexp.MustCompile(`\balice@\S+`), "alice@web-1"},
}

// plain takes out what differs from run to run.
func (m *mistake) plain(s string) string {
	s = m.masks.Replace(s)
	for _, v := range vary {
		s = v.at.ReplaceAllString(s, v.with)
	}
	return s
}

// errorOf is the error of a document, indented.
func errorOf(t *testing.T, document string) string {
	t.Helper()
	var doc struct{ Error json.RawMessage }
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, doc.Error, "", "  "); err != nil {
		t.Fatalf("no error in %s", document)
	}
	return b.String()
}

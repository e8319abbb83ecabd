package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// An image is what the last stage of a recipe makes.
type image struct {
	root       string // the folder
	uid, gid   uint32
	env        []string
	dir        string
	entrypoint []string
	cmd        []string
}

// makeImage carries the last stage of deploy/container/Containerfile out, as
// far as that has no need of an image builder: what its first stage makes is
// the binary of these tests, and the rest is of this machine.
func makeImage(t *testing.T) image {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy", "container", "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, last, ok := strings.Cut(string(text), "\nFROM scratch\n")
	if !ok {
		t.Fatal("the last stage is not FROM scratch")
	}
	// A folder of another user than that of the image, whom it must let in.
	m := image{root: t.TempDir()}
	for dir := m.root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	made := map[string]string{"/out/dbwarden": program, "/etc/ssl/certs/ca-certificates.crt": "/etc/ssl/certs/ca-certificates.crt"}
	for line := range strings.Lines(last) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "", "#":
		case "COPY":
			f := strings.Fields(rest)
			if len(f) != 3 || f[0] != "--from=build" {
				t.Fatalf("this is not understood: %s", line)
			}
			to := filepath.Join(m.root, f[2])
			if f[1] == "/out/tmp" {
				m.mkdir(t, f[2])
				if err := os.Chmod(to, 0o777|os.ModeSticky); err != nil {
					t.Fatal(err)
				}
				continue
			}
			from, ok := made[f[1]]
			if !ok {
				t.Fatalf("nothing makes %s", f[1])
			}
			content, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			m.mkdir(t, filepath.Dir(f[2]))
			if err := os.WriteFile(to, content, 0o755); err != nil {
				t.Fatal(err)
			}
		case "ENV":
			m.env = append(m.env, strings.Fields(rest)...)
		case "WORKDIR":
			m.dir = rest
			m.mkdir(t, rest)
		case "USER":
			n := regexp.MustCompile(`^([1-9][0-9]*):([1-9][0-9]*)$`).FindStringSubmatch(rest)
			if n == nil {
				t.Fatalf("%q is not a user and a group by number, and not root", rest)
			}
			m.uid, m.gid = number(t, n[1]), number(t, n[2])
		case "ENTRYPOINT", "CMD":
			list := map[string]*[]string{"ENTRYPOINT": &m.entrypoint, "CMD": &m.cmd}[word]
			if err := json.Unmarshal([]byte(rest), list); err != nil {
				t.Fatalf("%s: %v: without a list a shell would run it, which is not there", line, err)
			}
		default:
			t.Fatalf("this is not understood: %s", line)
		}
	}
	if m.uid == 0 {
		t.Fatal("the recipe names no user")
	}
	return m
}

func (m image) mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(m.root, dir), 0o755); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, text string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// run is a container of the image, as far as a changed root makes one:
// process 1 of its own namespace, as the image's user, with nothing to see but
// the image. args stand for CMD.
func (m image) run(t *testing.T, env []string, args ...string) (out string, code int) {
	t.Helper()
	if args == nil {
		args = m.cmd
	}
	c := exec.CommandContext(t.Context(), m.entrypoint[0], append(m.entrypoint[1:], args...)...)
	c.Dir, c.Env = m.dir, append(append([]string{}, m.env...), env...)
	c.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     m.root,
		Credential: &syscall.Credential{Uid: m.uid, Gid: m.gid},
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, said.String())
	}
	return said.String(), c.ProcessState.ExitCode()
}

// The image holds what dbwarden needs and nothing besides: it migrates there
// as the user that the recipe names, without a shell, /proc, /etc/passwd, or a
// file that it may write.
func TestTheImageMigrates(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("an image: changing the root needs root")
	}
	m := makeImage(t)
	if err := os.CopyFS(filepath.Join(m.root, m.dir, "migrations"), os.DirFS(filepath.Join(root, "examples", "shop", "migrations"))); err != nil {
		t.Fatal(err)
	}
	m.mkdir(t, "/data")
	if err := os.Chown(filepath.Join(m.root, "data"), int(m.uid), int(m.gid)); err != nil {
		t.Fatal(err)
	}
	url := []string{"DBWARDEN_DATABASE_URL=sqlite:////data/shop.db"}
	if out, code := m.run(t, url); code != 0 || !strings.Contains(out, "Migrations completed successfully: 12 migrations applied.") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if out, code := m.run(t, url, "history", "--attempts"); code != 0 || !strings.Contains(out, "dbwarden@") {
		t.Errorf("exit code %d, and the image's user is not named\n%s", code, out)
	}
	// What is read-only stays so, and it says what is in its way.
	if out, code := m.run(t, []string{"DBWARDEN_DATABASE_URL=sqlite:///shop.db"}); code != 1 || !strings.Contains(out, "/db/shop.db") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, code := m.run(t, nil, "version"); code != 0 || !strings.HasPrefix(out, "dbwarden 1.2.3") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	// verify works in scratch databases, which are files in /tmp.
	if out, code := m.run(t, url, "verify"); code != 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// The password of a secret that is mounted, against a real server.
func TestTheImageReadsMountedSecrets(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("an image: changing the root needs root")
	}
	url := dbtest.Postgres(t).NewDatabase(t)
	m := makeImage(t)
	m.mkdir(t, "/db/migrations")
	if err := os.WriteFile(filepath.Join(m.root, "db/migrations/0001_create_users.sql"), []byte("-- upgrade\nCREATE TABLE users (id integer PRIMARY KEY);\n"), 0o444); err != nil {
		t.Fatal(err)
	}
	m.mkdir(t, "/run/secrets")
	if err := os.WriteFile(filepath.Join(m.root, "run/secrets/database_url"), []byte(url+"\n"), 0o444); err != nil {
		t.Fatal(err)
	}
	env := []string{"DBWARDEN_DATABASE_URL_FILE=/run/secrets/database_url"}
	for _, want := range []string{"1 migrations applied.", "Migrations are up to date."} {
		if out, code := m.run(t, env, "migrate", "--wait", "1m"); code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, without %q\n%s", code, want, out)
		}
	}
}

//go:build unix

package sqlite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func lockers() map[string]locker { return map[string]locker{"system": system, "flock": flocker} }

// nobody runs a process without root's rights, which would pass every check.
func nobody(t *testing.T) func(*exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return func(*exec.Cmd) {}
	}
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}}
	}
}

// public is a folder that others may enter, with the test binary reachable
// for them.
func public(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dbwarden-sqlite-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.Chmod(dir, 0o755)
		os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// asNobody runs a part as another user, in a folder with the given rights.
func asNobody(t *testing.T, what, path string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		// The test binary stands in a folder of root's own. Another process
		// copies it: a file that this one wrote may still be open for writing
		// in a child that another test is just starting, and such a file
		// cannot be run.
		copied := filepath.Join(public(t), "test")
		if out, err := exec.Command("cp", exe, copied).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := os.Chmod(copied, 0o755); err != nil {
			t.Fatal(err)
		}
		exe = copied
	}
	p := other(t, what, path, nobody(t), func(cmd *exec.Cmd) { cmd.Path, cmd.Dir = exe, "/" })
	p.kill()
	return p.reply
}

// prepared is a database in a folder of its own, closed again.
func prepared(t *testing.T, dir, query string) string {
	t.Helper()
	path := filepath.Join(dir, "shop.db")
	s := connect(t, openAt(t, "sqlite:///"+path+query), engine.ConnectOptions{})
	do(t, s, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLockFileHasTheRightsOfTheDatabase(t *testing.T) {
	t.Parallel()
	path := prepared(t, public(t), "")
	if err := os.Chmod(path, 0o664); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	s := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{})
	try(t, s)
	db, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	side, err := os.Stat(path + lockSuffix)
	if err != nil {
		t.Fatal(err)
	}
	a, b := db.Sys().(*syscall.Stat_t), side.Sys().(*syscall.Stat_t)
	if side.Mode() != 0o664 || a.Uid != b.Uid || a.Gid != b.Gid {
		t.Errorf("mode %v, owner %d:%d, want %d:%d", side.Mode(), b.Uid, b.Gid, a.Uid, a.Gid)
	}
}

func TestLookingNeedsOnlyTheRightToRead(t *testing.T) {
	t.Parallel()
	path := prepared(t, public(t), "")
	s := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{})
	try(t, s)
	if got, want := asNobody(t, "look", path), fmt.Sprintf("held true pid %d ok\n", os.Getpid()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	free(t, s)
	if got := asNobody(t, "look", path); got != "held false pid 0 ok\n" {
		t.Errorf("got %q", got)
	}
}

func TestLockInAReadOnlyFolderNamesItsFile(t *testing.T) {
	t.Parallel()
	path := prepared(t, public(t), "")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(filepath.Dir(path), 0o555); err != nil {
			t.Fatal(err)
		}
	}
	if got := asNobody(t, "lock", path); !strings.HasPrefix(got, fmt.Sprintf("error %d: ", engine.Denied)) || !strings.Contains(got, path+lockSuffix) {
		t.Errorf("got %q", got)
	}
}

func TestLockFileIsNoLinkAndNoPipe(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.Symlink(victim, path+lockSuffix); err != nil {
		t.Fatal(err)
	}
	if _, err := native().Try(t.Context(), s, engine.Key{}); err == nil {
		t.Error("a link was followed")
	}
	if _, err := native().Look(t.Context(), s, engine.Key{}); err == nil {
		t.Error("a link was looked through")
	}
	if _, err := os.Stat(victim); err == nil {
		t.Error("the link's target was created")
	}
	if err := os.Remove(path + lockSuffix); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path+lockSuffix, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := native().Try(t.Context(), s, engine.Key{}); err == nil {
		t.Error("a pipe was locked")
	}
}

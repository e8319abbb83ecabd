//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// shut makes the files of a folder, and the folder, readable only.
func shut(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		chmod(t, filepath.Join(dir, f.Name()), 0o444)
	}
	chmod(t, dir, 0o555)
}

func TestWhatCannotBeWrittenSaysWhy(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		path := prepared(t, public(t), "")
		chmod(t, filepath.Dir(path), 0o777)
		chmod(t, path, 0o444)
		if got := asNobody(t, "read", path); got != "read-only \"the file is read-only\" rows 2 ok\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		path := prepared(t, public(t), "")
		chmod(t, filepath.Dir(path), 0o555)
		chmod(t, path, 0o666)
		if got, want := asNobody(t, "read", path), fmt.Sprintf("read-only %q rows 2 ok\n", "the folder "+filepath.Dir(path)+" cannot be written"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		t.Parallel()
		path := prepared(t, public(t), "")
		chmod(t, path, 0)
		if got, want := asNobody(t, "read", path), fmt.Sprintf("error %d: no right to read %s", engine.Denied, path); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("create", func(t *testing.T) {
		t.Parallel()
		dir := public(t)
		chmod(t, dir, 0o555)
		path := filepath.Join(dir, "shop.db")
		if got, want := asNobody(t, "connect", path), fmt.Sprintf("error %d: cannot create %s", engine.Denied, path); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("closed folder", func(t *testing.T) {
		t.Parallel()
		path := prepared(t, public(t), "")
		chmod(t, filepath.Dir(path), 0)
		for _, what := range []string{"read", "connect"} {
			if got := asNobody(t, what, path); !strings.HasPrefix(got, "error ") || !strings.Contains(got, filepath.Dir(path)) || !strings.Contains(got, "permission denied") {
				t.Errorf("%s: got %q", what, got)
			}
		}
	})
}

func TestAWALDatabaseInAReadOnlyFolderIsRead(t *testing.T) {
	t.Parallel()
	path := prepared(t, public(t), "?journal_mode=wal")
	shut(t, filepath.Dir(path))
	if got := asNobody(t, "read", path); !strings.HasSuffix(got, "rows 2 ok\n") {
		t.Errorf("got %q", got)
	}
}

// A WAL that only its writer may read on, because its index is gone, is not
// read past.
func TestAWALThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	path := prepared(t, public(t), "?journal_mode=wal")
	w := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{})
	do(t, w, "INSERT INTO t VALUES (3)")
	shut(t, filepath.Dir(path))
	if got := asNobody(t, "read", path); !strings.HasSuffix(got, "rows 3 ok\n") {
		t.Errorf("with its index: got %q", got)
	}
	copied := filepath.Join(public(t), "shop.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, content, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, filepath.Dir(copied))
	if got := asNobody(t, "read", copied); !strings.HasPrefix(got, "error ") || !strings.Contains(got, "journal") || !strings.Contains(got, copied) {
		t.Errorf("without its index: got %q", got)
	}
}

func TestAJournalThatCannotBeRolledBackIsAnError(t *testing.T) {
	t.Parallel()
	path := prepared(t, public(t), "")
	p := other(t, "write", path)
	p.kill()
	if _, err := os.Stat(path + "-journal"); err != nil {
		t.Fatal(err)
	}
	shut(t, filepath.Dir(path))
	if got := asNobody(t, "read", path); !strings.HasPrefix(got, "error ") || !strings.Contains(got, "journal") || !strings.Contains(got, path) {
		t.Errorf("got %q", got)
	}
}

func TestAWatchedFileThatChangesIsNotTrusted(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	do(t, s, "CREATE TABLE t (a)")
	s.Close()
	w := newWatch(path)
	if err := w.unchanged(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if w.unchanged() == nil {
		t.Error("a writer's -wal file was not seen")
	}
}

func TestAPipeIsNotOpened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Skip(err)
	}
	_, err := openAt(t, "sqlite:///"+path).Connect(t.Context(), engine.ConnectOptions{})
	if err == nil || errors.Is(err, engine.ErrNoDatabase) || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v", err)
	}
}

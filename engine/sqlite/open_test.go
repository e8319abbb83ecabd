package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestReadOnlyConnectCreatesNothing(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?mode=rw", "?mode=ro", "?journal_mode=wal"} {
		dir := t.TempDir()
		d := openAt(t, "sqlite:///"+filepath.Join(dir, "shop.db")+query)
		_, err := d.Connect(t.Context(), engine.ConnectOptions{ReadOnly: true})
		if !errors.Is(err, engine.ErrNoDatabase) || fault(err).Kind != engine.NoSuchDatabase {
			t.Errorf("%s: got %v", query, err)
		}
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("%s: created %v", query, files)
		}
	}
}

func TestReadOnlySessionsLeaveTheFolderAsItWas(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?journal_mode=wal"} {
		s, path := file(t)
		do(t, s, "CREATE TABLE t (a)")
		if query != "" {
			do(t, s, "PRAGMA journal_mode = wal")
		}
		s.Close()
		r := connect(t, openAt(t, "sqlite:///"+path+query), engine.ConnectOptions{ReadOnly: true})
		if got := value(t, r, "SELECT count(*) FROM t"); got != "0" {
			t.Errorf("got %s rows", got)
		}
		if _, err := r.Exec(t.Context(), "INSERT INTO t VALUES (1)"); fault(err).Kind != engine.ReadOnly {
			t.Errorf("wrote in a session that only looks: %v", err)
		}
		if err := r.Run(t.Context(), engine.Unit{Begin: begin}); fault(err).Kind != engine.ReadOnly {
			t.Errorf("ran a unit in a session that only looks: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 {
			t.Errorf("%s: %v, %v", query, files, err)
		}
	}
}

func TestReadWriteConnectCreatesTheFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"shop.db", "a b%41?#&.db", "日本.db", "file:x.db", "'\"[`"} {
		dir := t.TempDir()
		url := "sqlite:///" + filepath.Join(dir, strings.NewReplacer("%", "%25", "?", "%3F").Replace(name))
		s := connect(t, openAt(t, url), engine.ConnectOptions{})
		do(t, s, "CREATE TABLE t (a)")
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !try(t, s) {
			t.Errorf("%s: no lock", name)
		}
		s.Close()
	}
}

func TestAFileThatMustExistIsNotCreated(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"ro", "rw"} {
		path := filepath.Join(t.TempDir(), "shop.db")
		if _, err := openAt(t, "sqlite:///"+path+"?mode="+mode).Connect(t.Context(), engine.ConnectOptions{}); !errors.Is(err, engine.ErrNoDatabase) {
			t.Errorf("mode=%s: got %v", mode, err)
		}
	}
}

func TestWhatIsNoDatabaseIsSaidWithItsPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database at all\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		text:                             text + " is not a SQLite database",
		folder:                           folder + " is a folder",
		folder + "/":                     "is a folder",
		filepath.Join(dir, "no", "x.db"): "the folder " + filepath.Join(dir, "no") + " does not exist",
		filepath.Join(text, "x.db"):      text,
	} {
		for _, readOnly := range []bool{false, true} {
			_, err := openAt(t, "sqlite:///"+path).Connect(t.Context(), engine.ConnectOptions{ReadOnly: readOnly})
			if err == nil || !strings.Contains(err.Error(), want) || fault(err).Kind != engine.Unreachable {
				t.Errorf("%s: got %v (%v), want %q", path, err, fault(err).Kind, want)
			}
			if errors.Is(err, engine.ErrNoDatabase) {
				t.Errorf("%s: taken for a database that is not there yet", path)
			}
		}
	}
}

func TestAnEmptyFileIsAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{ReadOnly: true})
	if cols, err := columns(t.Context(), s, "", "dbwarden_lock"); cols != nil || err != nil {
		t.Errorf("got %v, %v", cols, err)
	}
}

func TestALinkToAFileThatIsNotThereYetIsFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link, target := filepath.Join(dir, "link.db"), filepath.Join(t.TempDir(), "real.db")
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	s := connect(t, openAt(t, "sqlite:///"+link), engine.ConnectOptions{})
	try(t, s)
	if _, err := os.Stat(target + lockSuffix); err != nil {
		t.Errorf("the lock is not beside the real file: %v", err)
	}
	loop := filepath.Join(dir, "loop.db")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(t, "sqlite:///"+loop).Connect(t.Context(), engine.ConnectOptions{}); err == nil {
		t.Error("a loop was opened")
	}
}

func TestServerTellsWhatWasOpened(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	v := s.Server()
	real, _ := filepath.EvalSymlinks(path)
	if v.Product != "SQLite" || v.Version != "3.54.1" || v.Number != 3054001 || v.Database != real || v.Schema != "" || v.ReadOnly != "" || v.Pooled {
		t.Errorf("got %+v", v)
	}
	m := connect(t, openAt(t, "sqlite://"), engine.ConnectOptions{})
	if got := m.Server().Database; got != ":memory:" {
		t.Errorf("got %s", got)
	}
	ro := connect(t, openAt(t, "sqlite:///"+path+"?mode=ro"), engine.ConnectOptions{})
	if got := ro.Server().ReadOnly; got != "the URL says mode=ro" {
		t.Errorf("got %q", got)
	}
}

func TestHardLinksAreWarnedOf(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	s.Close()
	if err := os.Link(path, path+"2"); err != nil {
		t.Skip(err)
	}
	var heard []string
	connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{Notice: func(severity, text string) {
		heard = append(heard, severity+": "+text)
	}})
	if runtime.GOOS != "windows" && (len(heard) != 1 || !strings.HasPrefix(heard[0], "warning: ") || !strings.Contains(heard[0], "2 names")) {
		t.Errorf("got %q", heard)
	}
}

func TestAllSessionsOfAMemoryReachTheSame(t *testing.T) {
	t.Parallel()
	d := openAt(t, "sqlite:///:memory:")
	a := connect(t, d, engine.ConnectOptions{})
	do(t, a, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
	b := connect(t, d, engine.ConnectOptions{ReadOnly: true})
	if got := value(t, b, "SELECT count(*) FROM t"); got != "1" {
		t.Errorf("got %s rows", got)
	}
	if _, err := b.Exec(t.Context(), "DELETE FROM t"); fault(err).Kind != engine.ReadOnly {
		t.Errorf("got %v", err)
	}
	a.Close()
	b.Close()
	runtime.GC()
	if got := value(t, connect(t, d, engine.ConnectOptions{}), "SELECT count(*) FROM t"); got != "1" {
		t.Errorf("after all sessions ended: got %s rows", got)
	}
	stranger := connect(t, openAt(t, "sqlite:///:memory:"), engine.ConnectOptions{})
	if cols, err := columns(t.Context(), stranger, "", "t"); cols != nil || err != nil {
		t.Errorf("two databases share a memory: %v, %v", cols, err)
	}
	if !try(t, stranger) {
		t.Error("two memories share a lock")
	}
}

func TestMemoryHasOneWriter(t *testing.T) {
	t.Parallel()
	d := openAt(t, "sqlite://?busy_timeout=20")
	a, b := connect(t, d, engine.ConnectOptions{}), connect(t, d, engine.ConnectOptions{})
	do(t, a, "CREATE TABLE t (a)", begin)
	if _, err := b.Exec(t.Context(), begin); fault(err).Kind != engine.Busy {
		t.Errorf("got %v", err)
	}
	do(t, a, "INSERT INTO t VALUES (1)", "COMMIT")
	do(t, b, begin, "INSERT INTO t VALUES (2)", "ROLLBACK")
	if got := value(t, a, "SELECT count(*) FROM t"); got != "1" {
		t.Errorf("got %s rows", got)
	}
}

func TestParametersOfTheURLAreApplied(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	s := connect(t, openAt(t, "sqlite:///"+path+"?foreign_keys=1&journal_mode=wal&_pragma=cache_size(-4000)&timeout=1.5"), engine.ConnectOptions{})
	for pragma, want := range map[string]string{"foreign_keys": "1", "journal_mode": "wal", "cache_size": "-4000", "busy_timeout": "1500"} {
		if got := value(t, s, "PRAGMA "+pragma); got != want {
			t.Errorf("%s: got %s, want %s", pragma, got, want)
		}
	}
	plain := connect(t, openAt(t, "sqlite:///"+filepath.Join(t.TempDir(), "x.db")), engine.ConnectOptions{})
	for pragma, want := range map[string]string{"foreign_keys": "0", "journal_mode": "delete", "busy_timeout": "5000", "query_only": "0"} {
		if got := value(t, plain, "PRAGMA "+pragma); got != want {
			t.Errorf("by default, %s: got %s, want %s", pragma, got, want)
		}
	}
}

func TestLimitsSetTheWaitForLocks(t *testing.T) {
	t.Parallel()
	_, path := file(t)
	for limit, want := range map[engine.Limits]string{
		{}:                 "5000",
		{Lock: 70_000_000}: "70",
		{Lock: 1}:          "1",
		{Lock: -1}:         "2147483647",
	} {
		s := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{Limits: limit})
		if got := value(t, s, "PRAGMA busy_timeout"); got != want {
			t.Errorf("%+v: got %s, want %s", limit, got, want)
		}
	}
}

package sqlite

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

func try(t *testing.T, s engine.Session) bool {
	t.Helper()
	ok, err := native().Try(t.Context(), s, engine.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func look(t *testing.T, s engine.Session) engine.Owner {
	t.Helper()
	o, err := native().Look(t.Context(), s, engine.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func free(t *testing.T, s engine.Session) bool {
	t.Helper()
	ok, err := native().Free(t.Context(), s, engine.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// places are the two kinds of database, with a maker of sessions each.
func places(t *testing.T, test func(t *testing.T, session func(app string) *session)) {
	for name, url := range map[string]string{"file": "sqlite:///" + filepath.Join(t.TempDir(), "shop.db"), "memory": "sqlite://"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openAt(t, url)
			test(t, func(app string) *session { return connect(t, d, engine.ConnectOptions{App: app}) })
		})
	}
}

func TestLockExcludesTwoSessionsOfOneProcess(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, session func(string) *session) {
		a, b := session("first"), session("second")
		if look(t, b).Held {
			t.Error("held before anybody took it")
		}
		if !try(t, a) || try(t, b) {
			t.Fatal("the second session got the lock too")
		}
		if !try(t, a) {
			t.Error("the holder is refused its own lock")
		}
		o := look(t, b)
		host, _ := os.Hostname()
		if !o.Held || o.App != "first" || o.Pid != os.Getpid() || o.From != host || o.Session != "" {
			t.Errorf("owner: %+v", o)
		}
		if !look(t, a).Held {
			t.Error("the holder does not see its own lock")
		}
		if free(t, b) {
			t.Error("freed by a session that did not hold it")
		}
		if !free(t, a) || free(t, a) {
			t.Error("free does not say who held the lock")
		}
		if look(t, a).Held || !try(t, b) {
			t.Error("not free after Free")
		}
	})
}

func TestClosingASessionFreesItsLock(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, session func(string) *session) {
		a, b := session(""), session("")
		if !try(t, a) {
			t.Fatal("refused")
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if !try(t, b) {
			t.Error("held by a closed session")
		}
	})
}

func TestLockExcludesTwoProcessesAndKillingOneFreesIt(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	p := other(t, "lock", path)
	if p.reply != "ok\n" {
		t.Fatal(p.reply)
	}
	if try(t, s) {
		t.Fatal("two processes hold the lock")
	}
	if o := look(t, s); !o.Held || o.Pid != p.cmd.Process.Pid || o.App != "dbwarden migrate" {
		t.Errorf("owner: %+v", o)
	}
	p.kill()
	if look(t, s).Held {
		t.Error("a dead process holds the lock")
	}
	if !try(t, s) {
		t.Error("the lock of a dead process is not to be had")
	}
	if q := other(t, "lock", path); q.reply != "error 0: held\n" {
		t.Error(q.reply)
	}
}

func TestLockFileStaysAndTellsPeopleWhoHoldsTheLock(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	if _, err := os.Stat(path + lockSuffix); err == nil {
		t.Error("the lock file is there before the lock")
	}
	look(t, s)
	if _, err := os.Stat(path + lockSuffix); err == nil {
		t.Error("looking made the lock file")
	}
	try(t, s)
	before, err := os.Stat(path + lockSuffix)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path + lockSuffix)
	if err != nil {
		t.Fatal(err)
	}
	var h map[string]any
	if err := json.Unmarshal(content, &h); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"pid", "host", "user", "app", "since"} {
		if _, ok := h[key]; !ok {
			t.Errorf("the lock file does not tell %s: %s", key, content)
		}
	}
	free(t, s)
	for range 3 {
		try(t, s)
		free(t, s)
	}
	s.Close()
	after, err := os.Stat(path + lockSuffix)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the lock file was deleted or replaced: %v", err)
	}
}

func TestLockFileOfAnyContentIsLookedAt(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	other := connect(t, s.db, engine.ConnectOptions{})
	try(t, s)
	for _, content := range []string{"", "{", `{"pid": 12`, "null", `{"pid":"x"}`, "\x00\x00", strings.Repeat("x", 1<<18)} {
		if err := os.WriteFile(path+lockSuffix, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if o := look(t, other); !o.Held || o.Pid != 0 {
			t.Errorf("%.20q: %+v", content, o)
		}
	}
}

// TestAFileThatWasReplacedIsNotLocked: what is written to one that is not at its
// path any more, nobody finds again.
func TestAFileThatWasReplacedIsNotLocked(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open is not replaced there")
	}
	waits, path := file(t)
	do(t, waits, "PRAGMA journal_mode = wal", "CREATE TABLE t (n INTEGER)")
	holds := connect(t, waits.db, engine.ConnectOptions{})
	try(t, holds)
	for name, replace := range map[string]func() error{
		"moved over": func() error {
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path+".copy", content, 0o600)
			}
			return errors.Join(err, os.Rename(path+".copy", path))
		},
		"deleted": func() error { return os.Remove(path) },
	} {
		if err := replace(); err != nil {
			t.Fatal(err)
		}
		if free(t, holds) {
			t.Errorf("%s: who held the lock had it to the end", name)
		}
		if got, err := native().Try(t.Context(), waits, engine.Key{}); got || fault(err).Kind != engine.Lost {
			t.Errorf("%s: who waited for the lock got %v, %v", name, got, err)
		}
		waits, holds = connect(t, waits.db, engine.ConnectOptions{}), connect(t, waits.db, engine.ConnectOptions{})
		if !try(t, holds) {
			t.Errorf("%s: who opened it then did not get the lock", name)
		}
	}
}

func TestDeletedLockFileIsALostLock(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	other := connect(t, s.db, engine.ConnectOptions{})
	try(t, s)
	if err := os.Remove(path + lockSuffix); err != nil {
		t.Fatal(err)
	}
	if look(t, s).Held {
		t.Error("the holder is not told")
	}
	if !try(t, other) || try(t, s) {
		t.Error("the new lock file is not the lock")
	}
	if free(t, s) {
		t.Error("freed what was lost")
	}
	if !look(t, s).Held {
		t.Error("losing the old lock freed the new one")
	}
}

func TestTwoNamesOfAFileAreOneLock(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	links := t.TempDir()
	if err := os.Symlink(path, filepath.Join(links, "a.db")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(filepath.Dir(path), filepath.Join(links, "dir")); err != nil {
		t.Fatal(err)
	}
	try(t, s)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(here, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{relative, "file:" + path + "?uri=true", filepath.Join(links, "a.db"), filepath.Join(links, "dir", "shop.db"), links + "/dir/../" + filepath.Base(filepath.Dir(path)) + "/shop.db"} {
		o := connect(t, openAt(t, "sqlite:///"+name), engine.ConnectOptions{})
		if o.Server().Database != s.Server().Database {
			t.Errorf("%s is %s, not %s", name, o.Server().Database, s.Server().Database)
		}
		if try(t, o) {
			t.Errorf("%s has a lock of its own", name)
		}
	}
}

// Hundreds that look all the time must not keep anybody from the lock, nor
// see it held while it is free.
func TestLookingNeverKeepsAnybodyFromTheLock(t *testing.T) {
	t.Parallel()
	for name, with := range lockers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "shop.db")
			var lookers sync.WaitGroup
			stop := make(chan struct{})
			for range 200 {
				lookers.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond):
						}
						if _, err := lookFileWith(with, path); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for i := range 100 {
				l, err := takeFileWith(t.Context(), with, path, holder{Pid: i})
				if err != nil || l == nil {
					t.Fatalf("attempt %d: %v, %v", i, l, err)
				}
				l.release()
			}
			close(stop)
			lookers.Wait()
		})
	}
}

// Of many that try at once one gets it, whichever way the system locks.
func TestOneOfManyGetsTheLock(t *testing.T) {
	t.Parallel()
	for name, with := range lockers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "shop.db")
			for range 20 {
				var all sync.WaitGroup
				var mu sync.Mutex
				var got []*heldFile
				for i := range 16 {
					all.Go(func() {
						l, err := takeFileWith(t.Context(), with, path, holder{Pid: i + 1})
						if err != nil {
							t.Error(err)
						}
						if l != nil {
							mu.Lock()
							got = append(got, l)
							mu.Unlock()
						}
					})
				}
				all.Wait()
				if len(got) != 1 {
					t.Fatalf("%d got the lock", len(got))
				}
				if o, err := lookFileWith(with, path); err != nil || !o.Held || o.Pid == 0 {
					t.Errorf("%+v, %v", o, err)
				}
				got[0].release()
			}
		})
	}
}

func TestReadOnlySessionsLookButDoNotLock(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	reader := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{ReadOnly: true})
	if _, err := native().Try(t.Context(), reader, engine.Key{}); fault(err).Kind != engine.ReadOnly {
		t.Errorf("got %v", err)
	}
	try(t, s)
	if !look(t, reader).Held {
		t.Error("not seen")
	}
}

func TestEvictNamesTheProcessToEnd(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	if err := native().Evict(t.Context(), s, engine.Key{}, engine.Owner{Held: true, Pid: 4}); err != nil {
		t.Errorf("a free lock: %v", err)
	}
	p := other(t, "lock", path)
	o := look(t, s)
	err := native().Evict(t.Context(), s, engine.Key{}, o)
	if !errors.Is(err, engine.ErrCannotEvict) {
		t.Errorf("got %v", err)
	}
	if hint := native().EvictHint(o); !strings.Contains(hint, "kill "+strconv.Itoa(p.cmd.Process.Pid)) {
		t.Errorf("got %q", hint)
	}
	if hint := native().EvictHint(o); !strings.Contains(hint, o.From) || !strings.Contains(hint, strconv.Itoa(o.Pid)) {
		t.Errorf("got %q", hint)
	}
	o.Silent = true // stopped, it takes no SIGTERM
	pid := strconv.Itoa(o.Pid)
	if hint := native().EvictHint(o); runtime.GOOS != "windows" && (!strings.Contains(hint, "kill -9 "+pid) || !strings.Contains(hint, "kill -CONT "+pid)) {
		t.Errorf("got %q", hint)
	}
	if hint := native().EvictHint(engine.Owner{Held: true}); hint == "" {
		t.Error("no hint for an unknown holder")
	}
}

type wrapped struct{ engine.Session }

func (w wrapped) Unwrap() engine.Session { return w.Session }

func TestLockIsTakenThroughAWrappedSession(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	if !try(t, wrapped{s}) || !look(t, s).Held {
		t.Error("not held")
	}
	if _, err := native().Try(t.Context(), struct{ engine.Session }{s}, engine.Key{}); err == nil {
		t.Error("a foreign session was accepted")
	}
}

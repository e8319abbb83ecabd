package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// The native lock is a lock of the operating system's on a file beside the
// database, <its real path>.dbwarden-lock. The kernel frees it when the
// holder ends, however it ends, and tells everybody who asks whether it is
// held. The file is never deleted: a lock on a deleted file excludes nobody.
// What stands in it is for people; whether the lock is held is never read
// from it.
//
// The database file itself is not touched: closing any descriptor of it
// would drop the locks that SQLite holds on it in this process.
//
// One file has one lock, whatever the key says: SQLite has one writer.
const lockSuffix = ".dbwarden-lock"

// holder is what a lock's file tells about who holds it.
type holder struct {
	Pid   int       `json:"pid"`
	Host  string    `json:"host"`
	User  string    `json:"user"`
	App   string    `json:"app"`
	Since time.Time `json:"since"`
}

func native() engine.NativeLock {
	return engine.NativeLock{
		Name:      "file",
		Try:       tryLock,
		Free:      freeLock,
		Look:      lookLock,
		Beat:      beat,
		Evict:     evict,
		EvictHint: evictHint,
	}
}

// own finds our session below whatever was put around it.
func own(s engine.Session) (*session, error) {
	for {
		switch v := s.(type) {
		case *session:
			return v, nil
		case interface{ Unwrap() engine.Session }:
			s = v.Unwrap()
		default:
			return nil, fmt.Errorf("a session of type %T is not SQLite's", s)
		}
	}
}

// tryLock answers true also where the session holds the lock already.
func tryLock(ctx context.Context, es engine.Session, _ engine.Key) (bool, error) {
	s, err := own(es)
	if err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, clean(ctx, err)
	}
	if s.opened.ReadOnly {
		return false, errReadOnly
	}
	if m := s.db.memory; m != nil {
		m.Lock()
		defer m.Unlock()
		if m.owner == nil {
			m.owner, m.facts = s, s.describe()
		}
		return m.owner == s, nil
	}
	if s.lock != nil {
		if s.lock.current() {
			return true, nil
		}
		// Somebody deleted the file under us, and with it the lock.
		s.dropLock()
	}
	if s.lock, err = takeFile(ctx, s.path, s.describe()); s.lock != nil && s.moved() {
		s.dropLock()
		return false, &openError{kind: engine.Lost, text: "the database file " + s.path + " was replaced, or deleted, after it was opened: run it again"}
	}
	return s.lock != nil, err
}

// moved says that the file which is open is not the one at its path any more, as
// where a backup was moved there. With a journal SQLite refuses to write to such
// a file. With a write-ahead log it does not, and nobody finds again what is
// written.
func (s *session) moved() bool {
	there, err := os.Stat(s.path)
	return s.file != nil && (err != nil || !os.SameFile(s.file, there))
}

func (s *session) describe() holder {
	host, _ := os.Hostname() // for people: nothing depends on it
	return holder{Pid: os.Getpid(), Host: host, User: s.server.User, App: s.app, Since: time.Now().UTC().Truncate(time.Millisecond)}
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return "" // for people: a container may not name its user
	}
	return u.Username
}

func freeLock(_ context.Context, es engine.Session, _ engine.Key) (bool, error) {
	s, err := own(es)
	if err != nil {
		return false, err
	}
	return s.dropLock(), nil
}

// beat sets the lock file's time: a process that is stopped does not.
func beat(_ context.Context, es engine.Session, _ engine.Key) error {
	s, err := own(es)
	if err != nil || s.db.memory != nil || s.lock == nil || !s.lock.current() {
		return err
	}
	now := time.Now()
	return os.Chtimes(s.lock.path, now, now)
}

// dropLock reports whether this session held the lock.
func (s *session) dropLock() bool {
	if m := s.db.memory; m != nil {
		m.Lock()
		defer m.Unlock()
		held := m.owner == s
		if held {
			m.owner, m.facts = nil, holder{}
		}
		return held
	}
	if s.lock == nil {
		return false
	}
	held := s.lock.current() && !s.moved()
	s.lock.release()
	s.lock = nil
	return held
}

func lookLock(ctx context.Context, es engine.Session, _ engine.Key) (engine.Owner, error) {
	s, err := own(es)
	if err != nil {
		return engine.Owner{}, err
	}
	if err := ctx.Err(); err != nil {
		return engine.Owner{}, clean(ctx, err)
	}
	if m := s.db.memory; m != nil {
		m.Lock()
		defer m.Unlock()
		return m.facts.owner(m.owner != nil), nil
	}
	return lookFile(s.path)
}

func (h holder) owner(held bool) engine.Owner {
	if !held {
		return engine.Owner{}
	}
	o := engine.Owner{Held: true, User: h.User, From: h.Host, App: h.App, Pid: h.Pid}
	if since := time.Since(h.Since); !h.Since.IsZero() && since > 0 {
		o.For = since
	}
	return o
}

// read takes what it can from a lock file, which may be empty or half
// written.
func (h *holder) read(content []byte) {
	if json.Unmarshal(content, h) != nil {
		*h = holder{}
	}
}

// evict cannot end anybody: a process belongs to its own machine, and one
// inside a write transaction keeps the file even when it is stopped.
func evict(ctx context.Context, es engine.Session, k engine.Key, o engine.Owner) error {
	now, err := lookLock(ctx, es, k)
	if err != nil || !now.Held {
		return err
	}
	if o.Pid != 0 && now.Pid != o.Pid {
		o = now // a newer one, of which nothing is known
	}
	return engine.ErrCannotEvict // evictHint says how
}

// evictHint names the process to end. One that is stopped takes no signal
// but KILL before it goes on: SIGTERM would wait.
func evictHint(o engine.Owner) string {
	if o.Pid == 0 {
		return "end the process that holds the lock file"
	}
	command := fmt.Sprintf("kill %d", o.Pid)
	switch {
	case runtime.GOOS == "windows":
		command = fmt.Sprintf("taskkill /F /PID %d", o.Pid)
	case o.Silent:
		command = fmt.Sprintf("kill -9 %d (kill -CONT %d lets it go on, if it was stopped)", o.Pid, o.Pid)
	}
	if o.From == "" {
		return fmt.Sprintf("end process %d: %s", o.Pid, command)
	}
	return fmt.Sprintf("end process %d on %s: %s", o.Pid, o.From, command)
}

// lockFileError names the lock's file in an error.
func lockFileError(doing, path string, err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	kind := engine.Unknown
	switch {
	case errors.Is(err, os.ErrPermission):
		kind = engine.Denied
	case isReadOnlySystem(err):
		kind = engine.ReadOnly
	}
	return &openError{kind: kind, text: doing + " the lock file " + path, err: err}
}

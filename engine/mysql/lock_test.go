package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestOneSessionHasTheLock(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	a, b, k := connect(t, url), connect(t, url), key(url)
	try := func(s *session, want bool) {
		t.Helper()
		if got, err := tryLock(t.Context(), s, k); err != nil || got != want {
			t.Fatalf("Try: %v, %v; want %v", got, err, want)
		}
	}
	free := func(s *session, want bool) {
		t.Helper()
		if got, err := freeLock(t.Context(), s, k); err != nil || got != want {
			t.Fatalf("Free: %v, %v; want %v", got, err, want)
		}
	}
	if o, err := lookLock(t.Context(), b, k); err != nil || o.Held {
		t.Fatalf("a free lock is seen as %+v, %v", o, err)
	}
	free(a, false)
	try(a, true)
	try(b, false)
	free(b, false)
	// Taken again, it is not held twice.
	try(a, true)
	try(a, true)
	free(a, true)
	free(a, false)
	try(b, true)
	try(a, false)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a closed session's lock is free", func() bool {
		got, err := tryLock(t.Context(), a, k)
		return err == nil && got
	})
}

// MySQL takes 64 characters and does not tell cases apart; MariaDB does.
func TestTheLocksNameIsShortAndLowerCase(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{"", "Shop", strings.Repeat("ß", 64)} {
		name := lockName(key(schema))
		if len(name) > 64 || name != strings.ToLower(name) || name == lockName(key(schema+"2")) {
			t.Errorf("the lock of %q is called %q", schema, name)
		}
	}
}

func TestLocksOfOtherDatabasesDoNotInterfere(t *testing.T) {
	t.Parallel()
	first, second := newDatabase(t), newDatabase(t)
	a, b := connect(t, first), connect(t, second)
	for _, s := range []*session{a, b} {
		if got, err := tryLock(t.Context(), s, key(s.Server().Database)); err != nil || !got {
			t.Fatal(got, err)
		}
	}
	if o, _ := lookLock(t.Context(), a, key(b.Server().Database)); o.Session != b.ID() {
		t.Errorf("%+v", o)
	}
}

func TestLookNamesTheHolder(t *testing.T) {
	t.Parallel()
	s, watcher, k := holding(t)
	var o engine.Owner
	var err error
	// The process list shows a statement for a moment longer than it runs.
	eventually(t, "the holder is idle", func() bool {
		o, err = lookLock(t.Context(), watcher, k)
		return err != nil || o.Doing == ""
	})
	if err != nil || o.Session != s.ID() || !strings.HasPrefix(s.Server().User, "'"+o.User+"'@") || o.From == "" {
		t.Errorf("idle: %+v, %v", o, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := s.Exec(ctx, "DO SLEEP(30)")
		done <- err
	}()
	running(t, watcher, s, "DO SLEEP")
	if o, err = lookLock(t.Context(), watcher, k); err != nil || o.Doing != "DO SLEEP(30)" || o.For > 20*time.Second {
		t.Errorf("busy: %+v, %v", o, err)
	}
	cancel()
	<-done

	// Who may not see the holder still sees that it is held, and by whom.
	server := dbtest.MariaDB(t)
	user, password := server.NewRole(t)
	exec(t, s, fmt.Sprintf("GRANT SELECT ON `%s`.* TO '%s'@'%%'", s.Server().Database, user))
	low := connect(t, server.WithUser(dbtest.WithDatabase(server.URL(), s.Server().Database), user, password))
	if o, err := lookLock(t.Context(), low, k); err != nil || !o.Held || o.Session != s.ID() || o.User != "" {
		t.Errorf("without rights: %+v, %v", o, err)
	}
}

func TestEvictEndsTheHolderAlone(t *testing.T) {
	t.Parallel()
	s, other, k := holding(t)
	o, err := lookLock(t.Context(), other, k)
	if err != nil {
		t.Fatal(err)
	}
	if err := evictLock(t.Context(), other, key("another"), o); err != nil {
		t.Errorf("a lock that is free: %v", err)
	}
	if got := value(t, s, "SELECT 1"); got != "1" {
		t.Error("the holder of another lock was ended")
	}
	if err := evictLock(t.Context(), s, k, o); err == nil {
		t.Error("a session ended itself")
	}
	if err := evictLock(t.Context(), other, k, engine.Owner{Session: "1; DROP DATABASE x"}); err == nil {
		t.Error("not a number: no error")
	}
	if err := evictLock(t.Context(), other, k, o); err != nil {
		t.Fatal(err)
	}
	if got, err := tryLock(t.Context(), other, k); err != nil || !got {
		t.Errorf("after eviction: %v, %v", got, err)
	}
	_, err = s.Exec(t.Context(), "DO 1")
	wantKind(t, err, engine.Lost)
}

func TestEvictSparesANewerHolder(t *testing.T) {
	t.Parallel()
	s, other, k := holding(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := evictLock(ctx, other, k, engine.Owner{Session: "999999999"})
	if err == nil || !strings.Contains(err.Error(), "connection "+s.ID()+" has the lock now") {
		t.Errorf("%v", err)
	}
	if got := value(t, s, "SELECT 1"); got != "1" {
		t.Error("the newer holder was ended")
	}
}

func TestEvictNeedsTheRight(t *testing.T) {
	t.Parallel()
	s, _, k := holding(t)
	server := dbtest.MariaDB(t)
	user, password := server.NewRole(t)
	exec(t, s, fmt.Sprintf("GRANT ALL ON `%s`.* TO '%s'@'%%'", s.Server().Database, user))
	low := connect(t, server.WithUser(dbtest.WithDatabase(server.URL(), s.Server().Database), user, password))
	o, err := lookLock(t.Context(), low, k)
	if err != nil {
		t.Fatal(err)
	}
	err = evictLock(t.Context(), low, k, o)
	wantKind(t, err, engine.Denied)
	if hint := evictHint(o); hint != "KILL "+s.ID()+";" {
		t.Errorf("hint %q", hint)
	}
	if evictHint(engine.Owner{}) != "" {
		t.Error("a hint for nobody")
	}
	if got := value(t, s, "SELECT 1"); got != "1" {
		t.Error("the holder is gone")
	}

	// One's own sessions need none.
	mine := connect(t, server.WithUser(dbtest.WithDatabase(server.URL(), s.Server().Database), user, password))
	k2 := key("mine " + user)
	if got, err := tryLock(t.Context(), mine, k2); err != nil || !got {
		t.Fatal(got, err)
	}
	if err := evictLock(t.Context(), low, k2, engine.Owner{Session: mine.ID()}); err != nil {
		t.Error(err)
	}
}

func TestEvictTellsWhatIsStillRunning(t *testing.T) {
	t.Parallel()
	s, other, k := holding(t)
	// A session that was told to end goes on until its statement lets it;
	// here it is not told at all, for want of the real thing.
	done := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := s.Exec(ctx, "DO SLEEP(30)")
		done <- err
	}()
	running(t, other, s, "DO SLEEP")
	gone, stop := context.WithCancelCause(t.Context())
	stop(errors.New("time is up"))
	id := s.id
	holder, err := askNumber(t.Context(), other, "SELECT IS_USED_LOCK(?)", lockName(k))
	if err != nil {
		t.Fatal(err)
	}
	err = stillHeld(gone, other, k, holder, id)
	if err == nil || !strings.Contains(err.Error(), "still running") || !strings.Contains(err.Error(), "DO SLEEP(30)") || !strings.Contains(err.Error(), "time is up") {
		t.Errorf("%v", err)
	}
	cancel()
	<-done
}

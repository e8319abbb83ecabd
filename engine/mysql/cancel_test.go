package mysql

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// holding is a session with its lock, and another that watches it.
func holding(t *testing.T) (s, watcher *session, k engine.Key) {
	t.Helper()
	url := newDatabase(t)
	s, watcher, k = connect(t, url), connect(t, url), key(url)
	if got, err := tryLock(t.Context(), s, k); err != nil || !got {
		t.Fatal(got, err)
	}
	return s, watcher, k
}

func stillHolding(t *testing.T, s, watcher *session, k engine.Key) {
	t.Helper()
	if got := value(t, s, "SELECT 1"); got != "1" {
		t.Errorf("the session answers %s", got)
	}
	o, err := lookLock(t.Context(), watcher, k)
	if err != nil || o.Session != s.ID() {
		t.Errorf("the lock is with %+v, %v", o, err)
	}
}

func filled(t *testing.T, s *session, rows string) {
	t.Helper()
	exec(t, s, "CREATE TABLE big (id BIGINT AUTO_INCREMENT PRIMARY KEY, t CHAR(200) NOT NULL DEFAULT '') ENGINE=InnoDB",
		"INSERT INTO big (t) SELECT '' FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b, information_schema.COLLATIONS c LIMIT "+rows)
}

func TestCancelEndsTheStatementAndKeepsTheSession(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"SELECT SLEEP(60)",
		"DO SLEEP(60)",
		"DO (" + endlessQuery + ")",
		strings.Replace(endlessQuery, "SELECT COUNT(*)", "INSERT INTO big (t) SELECT 'x'", 1),
		endlessQuery,
		"ALTER TABLE big ADD COLUMN c INT, ALGORITHM=COPY",
		"CALL looper()",
	} {
		t.Run(strings.Fields(query)[0]+query[len(query)-5:], func(t *testing.T) {
			t.Parallel()
			s, watcher, k := holding(t)
			filled(t, s, "200000")
			exec(t, s, "CREATE PROCEDURE looper() BEGIN DECLARE i BIGINT DEFAULT 0; WHILE i < 1000000000 DO SET i = i + 1; END WHILE; INSERT INTO big (t) VALUES ('after'); END")
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := errors.New("terminated")
			done := make(chan error)
			go func() {
				_, err := s.Execute(ctx, statement(query))
				done <- err
			}()
			seen := query[:4]
			if seen == "CALL" {
				seen = "" // the process list shows what is running inside
			}
			running(t, watcher, s, seen)
			cancel(stop)
			err := <-done
			wantKind(t, err, engine.Canceled)
			if !errors.Is(err, stop) {
				t.Errorf("%v does not name its cause", err)
			}
			stillHolding(t, s, watcher, k)
			if got := value(t, s, "SELECT COUNT(*) FROM big WHERE t <> ''"); got != "0" {
				t.Errorf("%s rows of a cancelled statement", got)
			}
			if got, err := columns(t.Context(), s, "", "big"); err != nil || len(got) != 2 {
				t.Errorf("columns %q, %v", got, err)
			}
			// Nothing of the kill is left for later statements.
			for range 20 {
				execute(t, s, "UPDATE big SET t = 'x' WHERE id = 1")
			}
		})
	}
}

func TestCancelOfAWaitForALock(t *testing.T) {
	t.Parallel()
	s, watcher, k := holding(t)
	filled(t, s, "10")
	exec(t, watcher, "START TRANSACTION", "UPDATE big SET t = 'mine'")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := s.Execute(ctx, statement("ALTER TABLE big ADD c INT"))
	wantKind(t, err, engine.Canceled)
	if d := time.Since(started); d > 4*time.Second {
		t.Errorf("it took %s", d)
	}
	exec(t, watcher, "ROLLBACK")
	stillHolding(t, s, watcher, k)
}

func TestAnEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	s, watcher, k := holding(t)
	exec(t, s, "CREATE TABLE t (n INT)")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Exec(ctx, "INSERT INTO t VALUES (1)")
	wantKind(t, err, engine.Canceled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
	if n := value(t, s, "SELECT COUNT(*) FROM t"); n != "0" {
		t.Errorf("%s rows", n)
	}
	stillHolding(t, s, watcher, k)
}

func TestWhatSucceededIsNotCalledCancelled(t *testing.T) {
	t.Parallel()
	s, watcher, k := holding(t)
	exec(t, s, "CREATE TABLE t (n INT)")
	// Cancelled at all moments around the statement's own end: whatever is
	// said of it must be true.
	for i := range 150 {
		exec(t, s, "DELETE FROM t")
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*10)*time.Microsecond)
		_, err := s.Exec(ctx, "INSERT INTO t VALUES (1)")
		cancel()
		want := "1"
		if err != nil {
			wantKind(t, err, engine.Canceled)
			want = "0"
		}
		if n := value(t, s, "SELECT COUNT(*) FROM t"); n != want {
			t.Fatalf("round %d: error %v, but %s rows", i, err, n)
		}
	}
	stillHolding(t, s, watcher, k)
}

func TestAStatementThatCannotBeStoppedCostsTheSession(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *session){
		"no way to the server": func(s *session) {
			config := driver.NewConfig()
			config.Addr, config.Logger = "127.0.0.1:1", &driver.NopLogger{}
			s.errands, _ = driver.NewConnector(config)
			s.reach = 200 * time.Millisecond
		},
		"it does not end": func(s *session) {
			s.host = "another:1" // so it is not told
			s.grace = 200 * time.Millisecond
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, watcher, k := holding(t)
			spoil(s)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			started := time.Now()
			_, err := s.Execute(ctx, statement("SELECT SLEEP(30)"))
			wantKind(t, err, engine.Lost)
			if !strings.Contains(err.Error(), "may still be running") || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			if d := time.Since(started); d > 10*time.Second {
				t.Errorf("given up after %s", d)
			}
			_, err = s.Exec(t.Context(), "DO 1")
			wantKind(t, err, engine.Lost)
			// The lock ends with the session, as soon as the server notices.
			o, err := lookLock(t.Context(), watcher, k)
			if err != nil {
				t.Fatal(err)
			}
			if o.Held {
				if err := evictLock(t.Context(), watcher, k, o); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestNobodyElsesStatementIsKilled(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	s, other := connect(t, url), connect(t, url)
	// The errand's order would hit somebody else if the number alone counted.
	id := s.id
	s.host = "another:1"
	sent, err := s.kill(t.Context(), make(chan struct{}))
	if sent || err != nil {
		t.Errorf("a kill was sent to a stranger: %v, %v", sent, err)
	}
	s.id = 1 << 40
	if sent, err := s.kill(t.Context(), make(chan struct{})); sent || err == nil {
		t.Errorf("a kill was sent to nobody: %v, %v", sent, err)
	}
	s.id = id
	if got := value(t, other, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

func TestKillFromOutsideIsCanceledToo(t *testing.T) {
	t.Parallel()
	s, watcher, k := holding(t)
	filled(t, s, "1000")
	done := make(chan error)
	go func() {
		_, err := s.Execute(t.Context(), statement(endlessQuery))
		done <- err
	}()
	running(t, watcher, s, "SELECT COUNT")
	exec(t, watcher, "KILL QUERY "+s.ID())
	wantKind(t, <-done, engine.Canceled)
	stillHolding(t, s, watcher, k)
}

// A kill that finds its statement ended hits whatever comes next, on some
// servers: it must not be the file's next statement.
func TestALateKillHitsNothing(t *testing.T) {
	t.Parallel()
	s, watcher, k := holding(t)
	exec(t, s, "CREATE TABLE t (n INT)")
	for range 20 {
		exec(t, watcher, "KILL QUERY "+s.ID())
		s.swallowKill(t.Context())
		execute(t, s, "INSERT INTO t VALUES (1)")
	}
	stillHolding(t, s, watcher, k)
}

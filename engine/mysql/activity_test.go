package mysql

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// seenWhile looks at what a is doing until the look is as wanted, or a's work
// has ended.
func seenWhile(t *testing.T, a *session, b engine.Session, every time.Duration, query string, wanted func(engine.Activity) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := a.Execute(ctx, statement(query))
		done <- err
	}()
	var last engine.Activity
	for {
		select {
		case err := <-done:
			t.Fatalf("it ended (%v), and was last seen as %+v", err, last)
		case <-time.After(every):
		}
		var err error
		if last, err = activity(t.Context(), b, a.ID()); err != nil {
			t.Fatal(err)
		}
		if wanted(last) {
			break
		}
	}
	cancel()
	<-done
}

func TestALongStatementTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	a, b := connect(t, url), connect(t, url)
	if a.Server().Product != "MariaDB" {
		t.Skip("MySQL's process list has no progress")
	}
	exec(t, a, "CREATE TABLE t (n INTEGER, filler CHAR(200))", "INSERT INTO t SELECT seq, 'x' FROM seq_1_to_200000")
	seenWhile(t, a, b, 2*time.Millisecond, "ALTER TABLE t ADD COLUMN m INTEGER, ALGORITHM=COPY", func(s engine.Activity) bool {
		return strings.HasPrefix(s.Phase, "stage ") && s.Percent > 0
	})
}

func TestWhoeverIsInTheWayIsNamed(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	a, b, c := connect(t, url), connect(t, url), connect(t, url)
	exec(t, a, "CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)")

	// InnoDB shows its waits from a copy, which it does not renew while
	// somebody reads it more often than every 100 ms.
	const every = 300 * time.Millisecond
	exec(t, c, "BEGIN", "SELECT * FROM t FOR UPDATE")
	seenWhile(t, a, b, every, "UPDATE t SET n = 2", func(s engine.Activity) bool {
		return len(s.Blockers) == 1 && s.Blockers[0].Session == c.ID() && !s.Blockers[0].Likely
	})
	// The server does not say who has a table; that one has a transaction open.
	seenWhile(t, a, b, every, "ALTER TABLE t ADD COLUMN m INTEGER", func(s engine.Activity) bool {
		for _, who := range s.Blockers {
			if who.Session == c.ID() {
				if who.For > time.Minute {
					t.Errorf("its transaction is said to be open for %s", who.For)
				}
				return who.Likely
			}
		}
		return false
	})
	exec(t, c, "ROLLBACK")
}

package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	driversqlite "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/engine"
)

func unitError(t *testing.T, err error) *engine.UnitError {
	t.Helper()
	var e *engine.UnitError
	if !errors.As(err, &e) {
		t.Fatalf("not a UnitError: %v", err)
	}
	return e
}

func TestAUnitIsCommittedAsAWhole(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE log (what)")
	var rows []int64
	err := s.Run(t.Context(), engine.Unit{
		Begin:      begin,
		Opening:    []engine.Query{{Text: "INSERT INTO log VALUES (?)", Args: []any{"started"}}},
		Statements: statements("CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2), (3)", "SELECT * FROM t", "DELETE FROM t WHERE a > 1"),
		Closing:    []engine.Query{{Text: "INSERT INTO log VALUES ('done')"}},
		Watch: func(p engine.Progress) {
			if p.Done {
				rows = append(rows, p.Rows)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{0, 3, 0, 2}; len(rows) != 4 || rows[0] != want[0] || rows[1] != want[1] || rows[2] != want[2] || rows[3] != want[3] {
		t.Errorf("rows changed: %v, want %v", rows, want)
	}
	if got := value(t, s, "SELECT group_concat(what) FROM log") + value(t, s, "SELECT count(*) FROM t"); got != "started,done1" {
		t.Errorf("got %s", got)
	}
}

func TestAFailedUnitLeavesNothingAndProvesIt(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE log (token NOT NULL)", "CREATE TABLE u (a UNIQUE)", "INSERT INTO u VALUES (1)",
		"CREATE TABLE p (id PRIMARY KEY)", "CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)", "PRAGMA foreign_keys = 1")
	for name, c := range map[string]struct {
		unit engine.Unit
		part engine.Part
	}{
		"a wrong statement":     {engine.Unit{Statements: statements("CREATE TABLE t (a)", "nonsense")}, engine.PartStatement},
		"a fence":               {engine.Unit{Statements: statements("CREATE TABLE t (a)"), Closing: []engine.Query{{Text: "INSERT INTO log VALUES ((SELECT 1 WHERE 0))"}}}, engine.PartClosing},
		"an opening":            {engine.Unit{Opening: []engine.Query{{Text: "INSERT INTO log VALUES (NULL)"}}, Statements: statements("CREATE TABLE t (a)")}, engine.PartOpening},
		"SQLite's own rollback": {engine.Unit{Statements: statements("CREATE TABLE t (a)", "INSERT OR ROLLBACK INTO u VALUES (1)")}, engine.PartStatement},
		"a deferred key":        {engine.Unit{Statements: statements("CREATE TABLE t (a)", "INSERT INTO c VALUES (7)")}, engine.PartCommit},
	} {
		c.unit.Begin = begin
		e := unitError(t, s.Run(t.Context(), c.unit))
		if e.Part != c.part || !e.RolledBack {
			t.Errorf("%s: %s, rolled back %v: %v", name, e.Part, e.RolledBack, e)
		}
		if cols, err := columns(t.Context(), s, "", "t"); cols != nil || err != nil {
			t.Fatalf("%s: the table stayed: %v, %v", name, cols, err)
		}
		do(t, s, begin, "COMMIT") // nothing is open
	}
}

func TestARollbackIsNotProvenOnceAPartWasCommitted(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"a COMMIT in the file":          {"CREATE TABLE t (a)", "COMMIT", "nonsense"},
		"a COMMIT and nothing else":     {"CREATE TABLE t (a)", "COMMIT"},
		"a ROLLBACK in the file":        {"ROLLBACK", "CREATE TABLE t (a)", "nonsense"},
		"a failed write after a COMMIT": {"CREATE TABLE t (a UNIQUE)", "INSERT INTO t VALUES (1)", "COMMIT", "INSERT INTO t VALUES (1)"},
	} {
		s, _ := file(t)
		e := unitError(t, s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements(texts...)}))
		if e.RolledBack {
			t.Errorf("%s: %v is called rolled back", name, e)
		}
	}
}

func TestARollbackWithoutAJournalIsNotProven(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	execute(t, s, "PRAGMA journal_mode = off")
	e := unitError(t, s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements("CREATE TABLE t (a)", "nonsense")}))
	if e.RolledBack {
		t.Error("called rolled back")
	}
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "PRAGMA journal_mode"); got != "delete" {
		t.Errorf("the next file has journal_mode %s", got)
	}
}

func TestACommitThatFindsAReaderIsRolledBack(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	do(t, s, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)", "PRAGMA busy_timeout = 30")
	reader := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{})
	do(t, reader, "BEGIN", "SELECT * FROM t") // keeps its shared lock
	e := unitError(t, s.Run(t.Context(), engine.Unit{Begin: begin, Statements: statements("INSERT INTO t VALUES (2)")}))
	if e.Part != engine.PartCommit || !e.RolledBack || fault(e).Kind != engine.Busy {
		t.Errorf("%s, rolled back %v: %v", e.Part, e.RolledBack, e)
	}
	do(t, reader, "COMMIT")
	if got := value(t, s, "SELECT count(*) FROM t"); got != "1" {
		t.Errorf("got %s rows", got)
	}
}

func TestASecondWriterIsBusyAfterItsWait(t *testing.T) {
	t.Parallel()
	a, path := file(t)
	do(t, a, begin, "CREATE TABLE t (a)")
	b := connect(t, openAt(t, "sqlite:///"+path+"?busy_timeout=50"), engine.ConnectOptions{})
	started := time.Now()
	e := unitError(t, b.Run(t.Context(), engine.Unit{Begin: begin}))
	if fault(e).Kind != engine.Busy || !e.RolledBack || e.Part != engine.PartBegin {
		t.Errorf("%s, rolled back %v: %v", e.Part, e.RolledBack, e)
	}
	if d := time.Since(started); d < 50*time.Millisecond || d > 3*time.Second {
		t.Errorf("waited %s", d)
	}
	do(t, a, "COMMIT")
	do(t, b, begin, "COMMIT")
}

func TestCancelEndsTheStatementAndKeepsTheSession(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"sqlite:///" + filepath.Join(t.TempDir(), "shop.db"), "sqlite://"} {
		s := connect(t, openAt(t, url), engine.ConnectOptions{})
		do(t, s, "CREATE TABLE big (i)", "CREATE TEMP TABLE mine (a)")
		try(t, s)
		cause := errors.New("the lock is lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		e := unitError(t, s.Run(ctx, engine.Unit{Begin: begin, Statements: statements("CREATE TABLE t (a)", slow), Watch: func(p engine.Progress) {
			if p.Index == 1 {
				cancel(cause)
			}
		}}))
		if !e.RolledBack || e.Index != 1 || fault(e).Kind != engine.Canceled || !errors.Is(e, cause) {
			t.Errorf("%s: %d, rolled back %v, %v: %v", url, e.Index, e.RolledBack, fault(e).Kind, e)
		}
		if got := value(t, s, "SELECT (SELECT count(*) FROM big) || (SELECT count(*) FROM mine)"); got != "00" {
			t.Errorf("got %s", got)
		}
		if !look(t, s).Held {
			t.Error("the lock went with the statement")
		}
		do(t, s, begin, "CREATE TABLE t (a)", "COMMIT")
	}
}

func TestCancelInTheMiddleOfAStatement(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE big (i)")
	for _, unit := range []engine.Unit{{Begin: begin, Statements: statements(slow)}, {Statements: statements(slow)}} {
		started := time.Now()
		e := unitError(t, s.Run(soon(t, 100*time.Millisecond), unit))
		if fault(e).Kind != engine.Canceled || !errors.Is(e, context.DeadlineExceeded) || e.RolledBack != (unit.Begin != "") {
			t.Errorf("rolled back %v: %v", e.RolledBack, e)
		}
		if d := time.Since(started); d > 10*time.Second {
			t.Errorf("took %s", d)
		}
		if got := value(t, s, "SELECT count(*) FROM big"); got != "0" {
			t.Errorf("%s rows stayed", got)
		}
	}
	err := s.Query(soon(t, 50*time.Millisecond), func(func(...any) error) error { return nil }, strings.TrimPrefix(slow, "INSERT INTO big "))
	if fault(err).Kind != engine.Canceled {
		t.Errorf("a query: %v", err)
	}
	if _, err := s.Exec(t.Context(), "INSERT INTO big VALUES (1)"); err != nil {
		t.Error(err)
	}
}

func TestCancelEndsTheWaitForALock(t *testing.T) {
	t.Parallel()
	a, path := file(t)
	do(t, a, begin, "CREATE TABLE t (a)")
	b := connect(t, openAt(t, "sqlite:///"+path+"?timeout=600"), engine.ConnectOptions{})
	e := unitError(t, b.Run(soon(t, 50*time.Millisecond), engine.Unit{Begin: begin}))
	if fault(e).Kind != engine.Canceled || !e.RolledBack {
		t.Errorf("rolled back %v: %v", e.RolledBack, e)
	}
}

// A statement that is cancelled while it commits has happened. Were it called
// failed, it would be run again.
func TestAStatementCancelledInItsCommitHappened(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE t (a)")
	cancel := func() {}
	if err := s.conn.Raw(func(c any) error {
		c.(driversqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			s.commits.pending = true
			cancel()
			time.Sleep(20 * time.Millisecond) // until the driver has seen it
			return 0
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	during := func(run func(ctx context.Context)) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		cancel = end
		run(ctx)
	}
	during(func(ctx context.Context) {
		if n, err := s.Execute(ctx, statement("INSERT INTO t VALUES (1), (2)")); n != 2 || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
	})
	during(func(ctx context.Context) {
		if err := s.Run(ctx, engine.Unit{Begin: begin, Statements: statements("INSERT INTO t VALUES (3)")}); err != nil {
			t.Errorf("a commit: %v", err)
		}
	})
	during(func(ctx context.Context) {
		if _, err := s.conn.ExecContext(ctx, "INSERT INTO t VALUES (4)"); err == nil {
			t.Log("the driver tells the truth by itself now")
		}
	})
	if got := value(t, s, "SELECT count(*) FROM t"); got != "4" {
		t.Errorf("%s rows", got)
	}
}

// The same at any moment.
func TestACancelledStatementHappenedOrFailed(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE t (a)", "PRAGMA synchronous = off")
	want := 0
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for until := time.Now().Add(time.Duration(i) * 5 * time.Microsecond); time.Now().Before(until); {
				runtime.Gosched()
			}
			cancel()
		}()
		n, err := s.Execute(ctx, statement("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40) SELECT i FROM n"))
		cancel()
		if err == nil {
			if n != 40 {
				t.Fatalf("attempt %d: %d rows", i, n)
			}
			want++
		}
		var got int
		if err := s.conn.QueryRowContext(t.Context(), "SELECT count(*) / 40 FROM t").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("attempt %d: happened %d times, said %d (%v)", i, got, want, err)
		}
	}
}

func TestAStatementLimitNamesItself(t *testing.T) {
	t.Parallel()
	s := connect(t, openAt(t, "sqlite://"), engine.ConnectOptions{Limits: engine.Limits{Statement: 50 * time.Millisecond}})
	do(t, s, "CREATE TABLE big (i)")
	_, err := s.Execute(t.Context(), statement(slow))
	if fault(err).Kind != engine.Canceled || !strings.Contains(err.Error(), "50ms") {
		t.Errorf("got %v", err)
	}
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	execute(t, s, "INSERT INTO big VALUES (1)")
}

func TestRowsOfAStatementAreItsOwn(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2), (3)")
	for _, c := range []struct {
		text string
		want int64
	}{
		{"CREATE TABLE u (a)", 0},
		{"UPDATE t SET a = a + 1", 3},
		{"SELECT * FROM t", 0},
		{"WITH x AS (SELECT 9) INSERT INTO t SELECT * FROM x", 1},
		{"WITH x AS (SELECT 9) SELECT * FROM x", 0},
		{"DELETE FROM t WHERE a = 9 RETURNING a", 1},
		{"INSERT INTO t VALUES ('?'), (':x'), ('%s')", 3},
		{"DROP TABLE u", 0},
		{"REPLACE INTO t VALUES (1)", 1},
	} {
		if n, err := s.Execute(t.Context(), statement(c.text)); err != nil || n != c.want {
			t.Errorf("%s: %d rows, want %d (%v)", c.text, n, c.want, err)
		}
	}
}

func TestAFailureThatKeepsItsRowsSaysSo(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE t (a UNIQUE)")
	const insert = "INSERT OR FAIL INTO t VALUES (1), (2), (1)"
	_, err := s.Execute(t.Context(), statement(insert))
	if f := fault(err); f.Kind != engine.Duplicate || f.Detail == "" || !strings.Contains(err.Error(), f.Detail) {
		t.Errorf("got %+v, %v", f, err)
	}
	if got := value(t, s, "SELECT count(*) FROM t"); got != "2" {
		t.Errorf("%s rows", got)
	}
	do(t, s, "DELETE FROM t", begin)
	if _, err := s.Execute(t.Context(), statement(insert)); fault(err).Detail != "" {
		t.Errorf("inside a transaction: %v", err)
	}
	do(t, s, "ROLLBACK")
}

func TestACrashedWriterIsRolledBackByWhoeverLooksNext(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?journal_mode=wal"} {
		s, path := file(t)
		do(t, s, "CREATE TABLE t (a)")
		if query != "" {
			do(t, s, "PRAGMA journal_mode = wal")
		}
		s.Close()
		p := other(t, "write", path)
		if p.reply != "ok\n" {
			t.Fatal(p.reply)
		}
		p.kill()
		r := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{ReadOnly: true})
		if cols, err := columns(t.Context(), r, "", "half"); cols != nil || err != nil {
			t.Errorf("%s: a half transaction is seen: %v, %v", query, cols, err)
		}
		if got := value(t, r, "PRAGMA integrity_check"); got != "ok" {
			t.Errorf("%s: %s", query, got)
		}
	}
}

func TestASessionNeverReconnects(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TEMP TABLE mine (a)")
	_ = s.conn.Raw(func(c any) error { return c.(interface{ Close() error }).Close() })
	if err := s.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	if _, err := s.Exec(t.Context(), "CREATE TABLE t (a)"); fault(err).Kind != engine.Lost {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestClosingRollsBackWhatIsOpen(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	do(t, s, begin, "CREATE TABLE t (a)")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{})
	if cols, err := columns(t.Context(), again, "", "t"); cols != nil || err != nil {
		t.Errorf("got %v, %v", cols, err)
	}
}

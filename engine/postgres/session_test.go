package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestValuesTakeTheTypeOfTheirPlace(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	exec(t, s, "CREATE TABLE t (n int, b bigint, ok boolean, at timestamptz, word varchar(20), nothing text)")
	text := `it's \ 100% $1 日本`
	n, err := s.Exec(t.Context(), "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6), ($1, $2, $3, $4, '', $6)",
		7, int64(1)<<60, true, "2026-11-23T14:02:11.123456Z", text, nil)
	if n != 2 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	var (
		i       int
		b       sql.NullInt64
		ok      bool
		at      string
		word    any
		nothing *string
		rows    int
	)
	utc := postgres.Engine().Dialect.UTC("at")
	err = s.Query(t.Context(), func(scan func(...any) error) error {
		rows++
		return scan(&i, &b, &ok, &at, &word, &nothing)
	}, "SELECT n, b, ok, "+utc+", word, nothing FROM t WHERE n = $1 AND ok = $2 AND word <> $3", 7, true, "")
	if err != nil || rows != 1 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if i != 7 || b.Int64 != 1<<60 || !ok || at != "2026-11-23T14:02:11.123456Z" || word != text || nothing != nil {
		t.Errorf("%v %v %v %v %v %v", i, b, ok, at, word, nothing)
	}
	if n, err := s.Exec(t.Context(), "UPDATE t SET n = n + $1", 1); n != 2 || err != nil {
		t.Errorf("update: %d rows, %v", n, err)
	}
}

func TestScanRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).URL(), engine.ConnectOptions{})
	var (
		word  string
		small int8
		ok    bool
		f     float64
	)
	for query, dest := range map[string][]any{
		"SELECT NULL::text":   {&word},
		"SELECT 300":          {&small},
		"SELECT 'x'":          {&ok},
		"SELECT 1.5":          {&f},
		"SELECT 1, 2":         {&word},
		"SELECT 'by value'":   {word},
		"SELECT 'a' || 'nil'": {nil},
	} {
		err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(dest...) }, query)
		if err == nil {
			t.Errorf("%s: no error", query)
		}
	}
	if got := ask(t, s, "SELECT 'of use'"); got != "of use" {
		t.Error(got)
	}
}

func TestAnErrorOfTheReaderEndsTheQueryAndKeepsTheSession(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).URL(), engine.ConnectOptions{})
	rows := 0
	err := s.Query(t.Context(), func(func(...any) error) error { rows++; return errOnPurpose }, "SELECT generate_series(1, 10000)")
	if !errors.Is(err, errOnPurpose) || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
	if got := ask(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

func TestCancellationKeepsTheSessionAndItsLock(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{})
	other := connect(t, url, engine.ConnectOptions{})
	lock(t, s, key("a"))
	exec(t, s, "CREATE TABLE t (x int)")

	why := errors.New("interrupted")
	for name, run := range map[string]func(context.Context) error{
		"exec":   func(ctx context.Context) error { _, err := s.Exec(ctx, "SELECT pg_sleep(60)"); return err },
		"values": func(ctx context.Context) error { _, err := s.Exec(ctx, "SELECT pg_sleep($1)", "60"); return err },
		"execute": func(ctx context.Context) error {
			_, err := s.Execute(ctx, statement("SELECT pg_sleep(60)"))
			return err
		},
		"query": func(ctx context.Context) error {
			return s.Query(ctx, func(func(...any) error) error { return nil }, "SELECT pg_sleep(60)")
		},
		"copy": func(ctx context.Context) error {
			st := statement("COPY t FROM stdin")
			st.Copy = &endless{}
			_, err := s.Execute(ctx, st)
			return err
		},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { done <- run(ctx) }()
		until(t, other, "active", "SELECT state FROM pg_stat_activity WHERE pid = "+pid(s))
		started := time.Now()
		cancel(why)
		err := <-done
		if f := faultOf(err); f.Kind != engine.Canceled || f.Code != "57014" || !errors.Is(err, why) {
			t.Errorf("%s: fault %+v of %v", name, f, err)
		}
		if took := time.Since(started); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		// A request that comes late would hit one of these.
		for range 20 {
			if got := ask(t, s, "SELECT pg_backend_pid()"); got != pid(s) {
				t.Fatalf("%s: another backend: %s", name, got)
			}
		}
		if o := look(t, other, key("a")); !o.Held || o.Session != s.ID() {
			t.Errorf("%s: the lock is gone: %+v", name, o)
		}
	}
	if got := ask(t, s, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("%s rows of a cancelled COPY", got)
	}
}

// endless gives rows for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, "1\n"), nil }

func TestACancelRequestNeverHitsTheNextStatement(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).URL(), engine.ConnectOptions{})
	for i := range 20 {
		// About as long as the statement takes, so that they race.
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1000+50*i)*time.Microsecond)
		_, err := s.Exec(ctx, "SELECT pg_sleep(0.001)")
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		for range 5 {
			if got := ask(t, s, "SELECT 1 FROM pg_sleep(0.0005)"); got != "1" {
				t.Fatal(got)
			}
		}
	}
}

func TestAContextThatIsOverSendsNothing(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, text := range []string{"CREATE TABLE t (x int)", "COMMIT"} {
		if _, err := s.Exec(ctx, text); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := s.Execute(ctx, statement(text)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if got := ask(t, s, "SELECT to_regclass('t')"); got != "NULL" {
		t.Error("the table was made")
	}
}

func TestAnInterruptedCommitFinishes(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{})
	other := connect(t, url, engine.ConnectOptions{})
	// A deferred trigger keeps COMMIT busy until another session lets go.
	exec(t, s, "CREATE TABLE t (x int)",
		"CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'",
		"CREATE CONSTRAINT TRIGGER w AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()")
	for i, commit := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := s.Exec(ctx, "COMMIT"); return err },
		func(ctx context.Context) error { _, err := s.Execute(ctx, statement("COMMIT")); return err },
		func(ctx context.Context) error { _, err := s.Execute(ctx, statement("END")); return err },
	} {
		ask(t, other, "SELECT pg_advisory_lock(1)")
		exec(t, s, "BEGIN", "INSERT INTO t VALUES (1)")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- commit(ctx) }()
		until(t, other, "1", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = "+pid(s))
		cancel()
		ask(t, other, "SELECT pg_advisory_unlock(1)")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := ask(t, s, "SELECT count(*) FROM t"); got != fmt.Sprint(i+1) {
			t.Errorf("%s rows after %d commits", got, i+1)
		}
	}
}

func TestACommitThatRolledBackIsAnError(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	for _, commit := range []func() error{
		func() error { _, err := s.Exec(t.Context(), "COMMIT"); return err },
		func() error { _, err := s.Execute(t.Context(), statement("COMMIT")); return err },
		func() error { _, err := s.Execute(t.Context(), statement("END")); return err },
		func() error { _, err := s.Execute(t.Context(), statement("PREPARE TRANSACTION 'p'")); return err },
	} {
		exec(t, s, "BEGIN", "CREATE TABLE t (x int)")
		if _, err := s.Exec(t.Context(), "SELECT 1/0"); err == nil {
			t.Fatal("no error")
		}
		err := commit()
		if f := faultOf(err); err == nil || f.Code != "25P02" {
			t.Errorf("fault %+v of %v", f, err)
		}
		if got := ask(t, s, "SELECT to_regclass('t')"); got != "NULL" {
			t.Error("the table stayed")
		}
	}
}

func TestALostSessionSaysSoAtEveryCall(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{})
	dbtest.Dial(t, url).Exec(t, "SELECT pg_terminate_backend("+pid(s)+")")
	until := within(t, 10*time.Second)
	for until.Err() == nil {
		if _, err := s.Exec(t.Context(), "SELECT 1"); err != nil {
			break
		}
	}
	_, execErr := s.Exec(t.Context(), "SELECT 1")
	_, valuesErr := s.Exec(t.Context(), "SELECT $1::int", 1)
	_, executeErr := s.Execute(t.Context(), statement("SELECT 1"))
	_, commitErr := s.Execute(t.Context(), statement("COMMIT"))
	copying := statement("COPY t FROM stdin")
	copying.Copy = strings.NewReader("1\n")
	_, copyErr := s.Execute(t.Context(), copying)
	for i, err := range []error{execErr, valuesErr, executeErr, commitErr, copyErr, s.Reset(t.Context(), engine.Limits{}),
		s.Query(t.Context(), func(func(...any) error) error { return nil }, "SELECT 1")} {
		if f := faultOf(err); f.Kind != engine.Lost || f.Message == "" {
			t.Errorf("%d: fault %+v of %v", i, f, err)
		}
	}
}

func TestTerminationInMidStatementIsALoss(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{})
	other := connect(t, url, engine.ConnectOptions{})
	exec(t, s, "CREATE TABLE t (x int)")
	done := make(chan error)
	go func() {
		st := statement("COPY t FROM stdin")
		st.Copy = &endless{}
		_, err := s.Execute(t.Context(), st)
		done <- err
	}()
	until(t, other, "active", "SELECT state FROM pg_stat_activity WHERE pid = "+pid(s))
	exec(t, other, "SELECT pg_terminate_backend("+pid(s)+")")
	if err := <-done; faultOf(err).Kind != engine.Lost {
		t.Errorf("fault %+v of %v", faultOf(err), err)
	}
}

func TestTheServerEndsASilentSession(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	other := connect(t, url, engine.ConnectOptions{})
	s := connect(t, url, engine.ConnectOptions{Limits: engine.Limits{Idle: 50 * time.Millisecond}})
	if s.Server().Number < 140000 {
		exec(t, s, "BEGIN") // only in a transaction there
	}
	until(t, other, "0", "SELECT count(*) FROM pg_stat_activity WHERE pid = "+pid(s))
	_, err := s.Exec(t.Context(), "SELECT 1")
	if f := faultOf(err); f.Kind != engine.Lost {
		t.Errorf("fault %+v of %v", f, err)
	}
}

func TestResetUndoesWhatAMigrationDidToTheSession(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	role, _ := pg.NewRole(t)
	dbtest.Dial(t, url).Exec(t, "CREATE SCHEMA own", "CREATE TABLE own.t (x int)")
	s := connectWith(t, url, engine.OpenOptions{Schema: "own"}, engine.ConnectOptions{App: "dbwarden test"})
	lock(t, s, key("a"))
	before := state(t, s)

	for _, text := range []string{
		"RESET ALL",
		"SET ROLE " + role,
		"SET SESSION AUTHORIZATION " + role,
		"SELECT pg_catalog.set_config('search_path', '', false)",
		"SET lock_timeout = 0",
		"SET idle_in_transaction_session_timeout = 0",
		"SET default_transaction_isolation = 'serializable'",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
		"SET standard_conforming_strings = off",
		"SET client_encoding = 'LATIN1'",
		"SET application_name = 'somebody else'",
		"SET check_function_bodies = off",
		"SET statement_timeout = '1ms'",
		"CREATE TEMP TABLE t (y int)",
		"PREPARE p AS SELECT 1",
		"DECLARE c CURSOR WITH HOLD FOR SELECT 1",
		"LISTEN something",
	} {
		execute(t, s, text)
		if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(before, state(t, s)); diff != "" {
			t.Errorf("%s leaves its mark:\n%s", text, diff)
		}
		if t.Failed() {
			return
		}
	}
	if o := look(t, s, key("a")); o.Session != s.ID() {
		t.Errorf("the lock is gone: %+v", o)
	}

	if err := s.Reset(t.Context(), engine.Limits{Lock: time.Second, Statement: time.Minute, Idle: -1}); err != nil {
		t.Fatal(err)
	}
	checkSettings(t, s, map[string]string{"lock_timeout": "1s", "statement_timeout": "1min",
		"idle_session_timeout": "0", "idle_in_transaction_session_timeout": "0"})

	exec(t, s, "BEGIN")
	if err := s.Reset(t.Context(), engine.Limits{}); err == nil {
		t.Error("Reset within a transaction")
	}
}

// state is what Reset promises to bring back.
func state(t *testing.T, s engine.Session) []string {
	t.Helper()
	var lines []string
	err := s.Query(t.Context(), func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		lines = append(lines, line)
		return err
	}, `SELECT name || '=' || setting FROM pg_settings WHERE source = 'session' OR source = 'client'
			OR name IN ('role', 'session_authorization')
		UNION ALL SELECT 'user ' || session_user || ' ' || current_user
		UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements
		UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE name <> ''
		UNION ALL SELECT 'listens ' || pg_listening_channels()
		UNION ALL SELECT 'table ' || 't'::regclass ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestResetAllLeadsBackToOurSettings(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	for _, text := range []string{"RESET ALL", "DISCARD ALL"} {
		execute(t, s, text)
		checkSettings(t, s, nil)
	}
}

func TestRestoreGivesUsOurRightsBackWithinATransaction(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	role, _ := pg.NewRole(t)
	user, password := pg.NewRole(t)
	owner, _ := pg.NewRole(t)
	// Who logs in is not who owns: a role's own default is where it goes back.
	pg.Exec(t, "GRANT "+owner+", "+role+" TO "+user, "ALTER ROLE "+user+" SET role = "+owner)
	member := connect(t, pg.WithUser(url, user, password), engine.ConnectOptions{})
	admin := connect(t, url, engine.ConnectOptions{})
	for _, c := range []struct {
		s      executor
		change string
	}{
		{admin, "SET ROLE " + role},
		{admin, "SET LOCAL ROLE " + role},
		{admin, "SET SESSION AUTHORIZATION " + role},
		{member, "SET ROLE " + role},
		{member, "SET ROLE NONE"},
	} {
		before := ask(t, c.s, "SELECT current_user || ' ' || session_user")
		exec(t, c.s, "BEGIN", c.change, postgres.Engine().Dialect.Restore)
		if got := ask(t, c.s, "SELECT current_user || ' ' || session_user"); got != before {
			t.Errorf("%s: %s, want %s", c.change, got, before)
		}
		exec(t, c.s, "ROLLBACK", c.change)
		after := ask(t, c.s, "SELECT current_user || ' ' || session_user")
		exec(t, c.s, "BEGIN", postgres.Engine().Dialect.Restore, "COMMIT")
		if got := ask(t, c.s, "SELECT current_user || ' ' || session_user"); got != after {
			t.Errorf("%s, behind our own statements: %s, want %s", c.change, got, after)
		}
		if err := c.s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Error(err)
		}
		if got := ask(t, c.s, "SELECT current_user || ' ' || session_user"); got != before {
			t.Errorf("%s, then Reset: %s, want %s", c.change, got, before)
		}
	}
	if member.Server().User != owner {
		t.Errorf("the user is %s, want %s", member.Server().User, owner)
	}
}

func TestNoticesOfTheUsersStatementsAreTold(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	var told []string
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{Notice: func(severity, message string) {
		lock.Lock()
		defer lock.Unlock()
		told = append(told, severity+" "+message)
	}})
	exec(t, s, "CREATE TABLE IF NOT EXISTS t (x int)", "CREATE TABLE IF NOT EXISTS t (x int)", "ROLLBACK")
	execute(t, s, "DROP TABLE IF EXISTS nothing")
	execute(t, s, "DO 'BEGIN RAISE WARNING ''mind the gap''; END'")
	want := []string{`NOTICE table "nothing" does not exist, skipping`, "WARNING mind the gap"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestClosingRollsBackAndFreesTheLock(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	other := connect(t, url, engine.ConnectOptions{})
	s := connect(t, url, engine.ConnectOptions{})
	lock(t, s, key("a"))
	exec(t, s, "BEGIN", "CREATE TABLE t (x int)")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	until(t, other, "0", "SELECT count(*) FROM pg_stat_activity WHERE pid = "+pid(s))
	if o := look(t, other, key("a")); o.Held {
		t.Errorf("the lock is held: %+v", o)
	}
	if got := ask(t, other, "SELECT to_regclass('t')"); got != "NULL" {
		t.Error("the table stayed")
	}
}

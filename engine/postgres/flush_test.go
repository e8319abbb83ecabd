package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func unitOf(texts ...string) engine.Unit {
	return engine.Unit{Fresh: &engine.Limits{}, Begin: postgres.Engine().Dialect.Begin, Statements: func(yield func(sqltext.Statement, error) bool) {
		for _, text := range texts {
			if !yield(sqltext.Statement{Text: text, Words: strings.Fields(strings.ToUpper(text))}, nil) {
				return
			}
		}
	}}
}

// TestWhatIsCalledDoneIsOnTheDisk also where a flush ends with an error: what
// was before it had committed without waiting for the disk, and is told of. And
// a whole flush waits for the disk once, which the server itself counts.
func TestWhatIsCalledDoneIsOnTheDisk(t *testing.T) {
	t.Parallel()
	// The server's own writer would come to it by itself, in its time.
	server := dbtest.OwnPostgres(t, "fsync=on", "synchronous_commit=on", "wal_writer_delay=10s", "wal_writer_flush_after=0")
	db, err := postgres.Engine().Open(server.NewDatabase(t), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// The error says how far the log was when it came.
	fails := "DO $$ BEGIN RAISE EXCEPTION 'log %', pg_current_wal_insert_lsn(); END $$"
	done, err := s.RunAll(t.Context(), []engine.Unit{unitOf("CREATE TABLE a (n INTEGER)"), unitOf("CREATE TABLE b (n INTEGER)"), unitOf(fails), unitOf("CREATE TABLE c (n INTEGER)")})
	if done != 2 || err == nil {
		t.Fatalf("%d done, %v", done, err)
	}
	_, lsn, ok := strings.Cut(postgres.Engine().Fault(err).Message, "log ")
	if !ok {
		t.Fatalf("it failed with %v", err)
	}
	other, err := db.Connect(t.Context(), engine.ConnectOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	behind := ""
	if err := other.Query(t.Context(), func(scan func(...any) error) error { return scan(&behind) },
		"SELECT greatest(0, pg_wal_lsn_diff($1, pg_current_wal_flush_lsn()))::text", lsn); err != nil {
		t.Fatal(err)
	}
	if behind != "0" {
		t.Errorf("two units are called done, and %s bytes of the log before the error are not on the disk", behind)
	}

	if s.Server().Number < 150000 {
		return // which tells of its waits when it likes
	}
	waits := func() (n int64) {
		if _, err := s.Exec(t.Context(), "SELECT pg_stat_force_next_flush()"); err != nil {
			t.Fatal(err)
		}
		if err := other.Query(t.Context(), func(scan func(...any) error) error { return scan(&n) }, "SELECT wal_sync FROM pg_stat_wal"); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const many = 30
	var units []engine.Unit
	for range many {
		units = append(units, unitOf("INSERT INTO a VALUES (1)"))
	}
	before := waits()
	if done, err := s.RunAll(t.Context(), units); done != many || err != nil {
		t.Fatal(done, err)
	}
	flush := waits()
	if done, err := engine.RunEach(t.Context(), s, units); done != many || err != nil {
		t.Fatal(done, err)
	}
	each := waits()
	t.Logf("%d waits for a flush of %d, %d for each by itself", flush-before, many, each-flush)
	if flush-before < 1 || flush-before > 2 || each-flush < many {
		t.Errorf("a flush of %d waits for the disk %d times, and each by itself %d times", many, flush-before, each-flush)
	}
}

// TestOursInTheWayOfAFlush: a session whose time limit ends our own words is
// put back as before any migration, and so is one where a function took away
// what we had prepared; the units run all the same, each once.
func TestOursInTheWayOfAFlush(t *testing.T) {
	t.Parallel()
	s := connect(t, dbtest.Postgres(t).NewDatabase(t), engine.ConnectOptions{})
	closing := func(u engine.Unit) engine.Unit {
		u.Closing = []engine.Query{{Text: "INSERT INTO log VALUES ($1)", Args: []any{int64(1)}}}
		return u
	}
	for _, q := range []string{"CREATE TABLE log (n INTEGER)", "CREATE TABLE t (n INTEGER)",
		"CREATE FUNCTION forget() RETURNS INTEGER LANGUAGE plpgsql AS 'BEGIN EXECUTE ''DEALLOCATE ALL''; RETURN 1; END'"} {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	insert := "INSERT INTO t VALUES (1)"
	done, err := s.RunAll(t.Context(), []engine.Unit{closing(unitOf(insert)), closing(unitOf("INSERT INTO t VALUES (forget())")), closing(unitOf(insert))})
	if done != 3 || err != nil {
		t.Errorf("with a function that takes away what was prepared: %d done, %v", done, err)
	}
	if _, err := s.Exec(t.Context(), "SET statement_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if done, err := s.RunAll(ctx, []engine.Unit{closing(unitOf(insert)), closing(unitOf(insert))}); done != 2 || err != nil {
		t.Errorf("behind a limit of a millisecond: %d done, %v", done, err)
	}
	got := ""
	if err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&got) },
		"SELECT (SELECT count(*) FROM t) || ' ' || (SELECT count(*) FROM log)"); err != nil {
		t.Fatal(err)
	}
	if got != "5 5" {
		t.Errorf("the tables have %s rows, want 5 5", got)
	}
}

package dbwarden_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

// counting counts what our own work asks of a database.
type counting struct {
	engine.Database
	queries *int
}

func (c counting) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	s, err := c.Database.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return &countingSession{s, c.queries}, nil
}

type countingSession struct {
	engine.Session
	queries *int
}

// Unwrap lets an engine find its own session.
func (s *countingSession) Unwrap() engine.Session { return s.Session }

func (s *countingSession) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	*s.queries++
	return s.Session.Exec(ctx, q, args...)
}

func (s *countingSession) Query(ctx context.Context, each func(func(...any) error) error, q string, args ...any) error {
	*s.queries++
	return s.Session.Query(ctx, each, q, args...)
}

// TestNothingToDoIsTwoQueriesWhateverTheHistory, and takes no lock.
func TestNothingToDoIsTwoQueriesWhateverTheHistory(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, nil)
		for _, n := range []int{3, 60} {
			for i := range n {
				b.put(fmt.Sprintf("%04d_x.sql", i+1), "-- upgrade\nSELECT 1;\n-- rollback\n")
			}
			b.migrate()
			plain, queries := b.db, 0
			token := b.value("SELECT fencing_token FROM dbwarden_lock")
			b.db = counting{plain, &queries}
			b.migrate()
			if queries > 2 {
				t.Errorf("nothing to do on %d migrations took %d queries, want at most 2", n, queries)
			}
			queries = 0
			if _, err := b.warden().Status(t.Context()); err != nil {
				t.Fatal(err)
			}
			if queries > 3 {
				t.Errorf("status of %d migrations took %d queries, want at most 3: with one that sees the lock free", n, queries)
			}
			b.db = plain
			if got := b.value("SELECT fencing_token FROM dbwarden_lock"); got != token {
				t.Errorf("the lock was taken: token %s, was %s", got, token)
			}
		}
	})
}

// readingSession counts the rows that come, and how often the revisions' are
// asked for.
type readingSession struct {
	engine.Session
	reading
}

func (s *readingSession) Unwrap() engine.Session { return s.Session }

func (s *readingSession) Query(ctx context.Context, each func(func(...any) error) error, q string, args ...any) error {
	if strings.Contains(q, "checksum_kind") {
		*s.histories++
	}
	return s.Session.Query(ctx, func(scan func(...any) error) error {
		*s.rows++
		return each(scan)
	}, q, args...)
}

type reading struct {
	engine.Database
	rows, histories *int
}

func (r reading) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	s, err := r.Database.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return &readingSession{s, r}, nil
}

// TestTheHistoryIsReadOnceWhereNobodyWroteMeanwhile: under the lock it is
// enough to see that nothing was added.
func TestTheHistoryIsReadOnceWhereNobodyWroteMeanwhile(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, nil)
		for i := range 200 {
			b.put(fmt.Sprintf("%04d_x.sql", i+1), "-- upgrade\nSELECT 1;\n-- rollback\n")
		}
		b.migrate()
		b.put("0201_x.sql", "-- upgrade\nSELECT 1;\n-- rollback\n")
		plain, rows, histories := b.db, 0, 0
		b.db = reading{plain, &rows, &histories}
		b.migrate()
		b.db = plain
		if histories != 1 {
			t.Errorf("one new migration on 200 read the history %d times, want once", histories)
		}
	})
}

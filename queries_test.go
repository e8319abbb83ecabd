package dbwarden_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

// counts are what our own work asks of a database: queries, those of them for
// the revisions, and the rows that come.
type counts struct{ queries, histories, rows int }

// counting counts.
type counting struct {
	engine.Database
	*counts
}

func (c counting) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	s, err := c.Database.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return &countingSession{s, c.counts}, nil
}

type countingSession struct {
	engine.Session
	*counts
}

// Unwrap lets an engine find its own session.
func (s *countingSession) Unwrap() engine.Session { return s.Session }

func (s *countingSession) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	s.queries++
	return s.Session.Exec(ctx, q, args...)
}

func (s *countingSession) Query(ctx context.Context, each func(func(...any) error) error, q string, args ...any) error {
	s.queries++
	if strings.Contains(q, "checksum_kind") {
		s.histories++
	}
	return s.Session.Query(ctx, func(scan func(...any) error) error {
		s.rows++
		return each(scan)
	}, q, args...)
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
			plain, asked := b.db, &counts{}
			token := b.value("SELECT fencing_token FROM dbwarden_lock")
			b.db = counting{plain, asked}
			b.migrate()
			if asked.queries > 2 {
				t.Errorf("nothing to do on %d migrations took %d queries, want at most 2", n, asked.queries)
			}
			asked.queries = 0
			if _, err := b.warden().Status(t.Context()); err != nil {
				t.Fatal(err)
			}
			if asked.queries > 3 {
				t.Errorf("status of %d migrations took %d queries, want at most 3: with one that sees the lock free", n, asked.queries)
			}
			b.db = plain
			if got := b.value("SELECT fencing_token FROM dbwarden_lock"); got != token {
				t.Errorf("the lock was taken: token %s, was %s", got, token)
			}
		}
	})
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
		plain, asked := b.db, &counts{}
		b.db = counting{plain, asked}
		b.migrate()
		b.db = plain
		if asked.histories != 1 {
			t.Errorf("one new migration on 200 read the history %d times, want once", asked.histories)
		}
	})
}

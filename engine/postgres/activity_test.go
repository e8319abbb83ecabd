package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
)

// seenWhile looks at what a is doing until the look is as wanted, or a's work
// has ended.
func seenWhile(t *testing.T, a executor, b engine.Session, work func(context.Context) error, wanted func(engine.Activity) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	var last engine.Activity
	for {
		select {
		case err := <-done:
			t.Fatalf("it ended (%v), and was last seen as %+v", err, last)
		case <-time.After(5 * time.Millisecond):
		}
		var err error
		if last, err = postgres.Engine().Activity(t.Context(), b, a.ID()); err != nil {
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
	url := server(t).NewDatabase(t)
	a, b := connect(t, url, engine.ConnectOptions{}), connect(t, url, engine.ConnectOptions{})
	exec(t, a, "CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(0.05); RETURN n; END'",
		"CREATE TABLE wide (n int, filler text)", "ALTER TABLE wide ALTER filler SET STORAGE PLAIN",
		"INSERT INTO wide SELECT g, repeat('x', 4000) FROM generate_series(1, 400) AS g")

	t.Run("an index", func(t *testing.T) {
		seenWhile(t, a, b, func(ctx context.Context) error {
			_, err := a.Execute(ctx, statement("CREATE INDEX i ON wide (slow(n))"))
			return err
		}, func(s engine.Activity) bool {
			return strings.Contains(s.Phase, "building index") && s.Percent > 0 && s.Percent < 100
		})
	})
	t.Run("COPY", func(t *testing.T) {
		if a.Server().Number < 140000 {
			t.Skip("the view of COPY came with PostgreSQL 14")
		}
		exec(t, a, "CREATE TABLE c (n int CHECK (slow(n) = n))")
		seenWhile(t, a, b, func(ctx context.Context) error {
			_, err := a.Execute(ctx, copyRows("c", strings.NewReader(strings.Repeat("1\n", 1000))))
			return err
		}, func(s engine.Activity) bool { return strings.HasPrefix(s.Phase, "copying rows, ") })
	})
	t.Run("whom it waits for", func(t *testing.T) {
		c := connect(t, url, engine.ConnectOptions{App: "somebody's report"})
		exec(t, c, "BEGIN", "SELECT count(*) FROM wide")
		seenWhile(t, a, b, func(ctx context.Context) error {
			_, err := a.Execute(ctx, statement("ALTER TABLE wide ADD COLUMN m int"))
			return err
		}, func(s engine.Activity) bool {
			return len(s.Blockers) == 1 && s.Blockers[0].Session == pid(c) && s.Blockers[0].App == "somebody's report" &&
				!s.Blockers[0].Likely && strings.Contains(s.Blockers[0].Doing, "FROM wide")
		})
	})
}

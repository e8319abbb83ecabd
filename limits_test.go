package dbwarden_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// lasting are a statement that lasts longer than the limit, and one that lasts
// for ever.
var lasting = map[string][2]string{
	"postgres": {"SELECT pg_sleep(2.5)", "SELECT pg_sleep(600)"},
	"mysql":    {"DO SLEEP(2.5)", "SELECT COUNT(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c"},
	"sqlite": {"INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT MAX(i) FROM n",
		"INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000000) SELECT MAX(i) FROM n"},
}

// TestTheLimitOfAStatement is that of the run, unless the file's header says
// otherwise: for that file alone, and with 0 none.
func TestTheLimitOfAStatement(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		const first = "-- upgrade\nCREATE TABLE t (n BIGINT);\n-- rollback\n"
		text := func(header, statement string) string { return header + "-- upgrade\n" + statement + ";\n-- rollback\n" }
		short, long := lasting[p.engine.Name][0], lasting[p.engine.Name][1]
		// On a server the limit is one of our own statements, too.
		limit := 2 * time.Second
		if p.engine.Caps.File {
			limit = 100 * time.Millisecond
		}
		for _, c := range []struct {
			name, header, off string
			limit             time.Duration
		}{
			{"of the run", "", "", limit},
			{"of the run, outside a transaction", "", "-- transaction: off\n", limit},
			{"of the file", "-- statement_timeout: " + limit.String() + "\n", "", time.Hour},
			{"of the file, where the run has none", "-- statement_timeout: " + limit.String() + "\n", "", -1},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"1_t.sql": first})
				b.migrate()
				b.limits.Statement = c.limit
				b.put("2_long.sql", text(c.off+c.header, long))
				_, err := b.warden().Migrate(t.Context(), plan.Target{})
				var failed *dbwarden.MigrationError
				if !errors.As(err, &failed) || failed.Fault.Kind != engine.Canceled || errors.Is(err, lock.ErrLost) || failed.Number != 1 {
					t.Fatalf("it ended with %+v", err)
				}
				if c.off == "" && (failed.State != dbwarden.Untouched || b.locked()) {
					t.Errorf("it left %s", failed.State)
				}
			})
		}
		t.Run("none in the file", func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, map[string]string{"1_t.sql": first})
			b.migrate()
			b.limits.Statement = limit
			b.put("2_long.sql", text("-- statement_timeout: 0\n", short))
			b.migrate()
			// And it is not the next one's.
			b.put("3_long.sql", text("", long))
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); b.engine.Fault(err).Kind != engine.Canceled {
				t.Errorf("the next file ended with %v", err)
			}
		})
	})
}

// TestAKilledRollbackGoesOnWhereItStopped: of the statement in flight the
// evidence tells, downwards as well.
func TestAKilledRollbackGoesOnWhereItStopped(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_log.sql": "-- upgrade\nCREATE TABLE log (n INTEGER);\n",
			"2_three.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE a (n INTEGER);\nCREATE TABLE b (n INTEGER);\n" +
				"-- rollback\nINSERT INTO log VALUES (1);\nDROP TABLE b;\nDROP TABLE a;\nINSERT INTO log VALUES (2);\n"})
		b.migrate()
		b.behind("2", 2, func() { panic("crash") })
		func() {
			defer func() { recover() }()
			b.warden().Rollback(t.Context(), plan.Target{})
		}()
		b.watch = nil
		b.awaitGone()
		st, err := b.warden().Status(t.Context())
		if err != nil || st.Counts[dbwarden.InDoubt] != 1 {
			t.Fatalf("the counts are %v, %v", st.Counts, err)
		}
		b.recover = true
		b.rollback(plan.Target{})
		if got := b.value("SELECT COUNT(*) FROM log"); got != "2" || b.locked() {
			t.Errorf("%s rows in the log", got)
		}
		entries, err := b.warden().Attempts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		settled := false
		for _, e := range entries {
			settled = settled || e.What == journal.Resolved && e.From == 2 && e.ResolvedDone()
		}
		if !settled {
			t.Errorf("the second statement was not found to have run: %+v", entries)
		}
	})
}

package proof_test

import (
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest/trap"
)

// TestAMigrationWaitsForTheDiskNoMoreThanItMust counts the program's waits for
// the disk on SQLite, which no noise can blur: a commit is four with a rollback
// journal, and one with a write-ahead log.
func TestAMigrationWaitsForTheDiskNoMoreThanItMust(t *testing.T) {
	if err := trap.Available(); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	for _, c := range []struct {
		name, text, parameters string
		plain                  bool
		most                   int // for 50 migrations more
	}{
		{"shared", "CREATE TABLE t%[1]d (n INTEGER);\nINSERT INTO t%[1]d VALUES (1)", "", false, 4},
		{"step by step", "CREATE TABLE t%[1]d (n INTEGER);\nINSERT INTO t%[1]d VALUES (1)", "", true, 4 * 50},
		{"that read rows", "CREATE TABLE t%[1]d (n INTEGER);\nCREATE INDEX i%[1]d ON t%[1]d (n)", "", false, 4 * 50},
		{"with a log", "CREATE TABLE t%[1]d (n INTEGER);\nCREATE INDEX i%[1]d ON t%[1]d (n)", "?journal_mode=wal", false, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onSQLite(t, func(t *testing.T, p product) {
				syncs := func(n int) int {
					b := newBench(t, p, p.newDatabase(t)+c.parameters, nil)
					if c.plain {
						b.stepByStep()
					}
					for i := range n {
						b.put(fmt.Sprintf("%04d_x.sql", i+1), "-- upgrade\n"+fmt.Sprintf(c.text, i)+";\n")
					}
					r, err := trap.Run(b.command("migrate").cmd, 0)
					if err != nil || r.Code != 0 || r.Syncs == 0 {
						t.Fatalf("%+v, %v", r, err)
					}
					return r.Syncs
				}
				few, many := syncs(2), syncs(52)
				t.Logf("%d for 2 migrations, %d for 52", few, many)
				// What the watcher writes of the run comes with the clock.
				if more := many - few; more > c.most+12 {
					t.Errorf("50 migrations more wait for the disk %d times, want at most %d", more, c.most)
				}
			})
		})
	}
}

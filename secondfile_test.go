package dbwarden_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestTheHistoryFollowsTheCommitOfASecondFile: files commit one after another,
// so a history row in that very transaction could outlive what it speaks of. It
// comes behind the COMMIT; here it cannot be written, and what was committed is
// not run again.
func TestTheHistoryFollowsTheCommitOfASecondFile(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if !p.engine.Caps.File {
			return // a server has one log for all of its databases
		}
		other := filepath.Join(t.TempDir(), "other.db")
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_both.sql", "-- upgrade\nATTACH '"+other+"' AS o;\nCREATE TABLE o.x (n INTEGER);\nINSERT INTO o.x VALUES (1);\nINSERT INTO t VALUES (1);\n")
		b.exec("CREATE TRIGGER no BEFORE INSERT ON dbwarden_migrations BEGIN SELECT RAISE(ABORT, 'not now'); END")
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.State != dbwarden.Partial || failed.Done != failed.Total {
			t.Fatalf("it ended with %v, %s %d of %d behind %d unwritten %v", err, failed.State, failed.Done, failed.Total, failed.Behind, failed.Unwritten)
		}
		if n := b.value("SELECT COUNT(*) FROM t"); n != "1" {
			t.Errorf("%s rows behind the COMMIT, want 1", n)
		}
		b.exec("DROP TRIGGER no")
		b.recover = true
		b.migrate()
		if n := b.value("SELECT COUNT(*) FROM t"); n != "1" || b.locked() {
			t.Errorf("%s rows in the end, want 1; locked %v", n, b.locked())
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "2" {
			t.Errorf("%s in the history", n)
		}
	})
}

package dbwarden_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

func onPostgres(t *testing.T, files map[string]string) *bench {
	t.Helper()
	s := dbtest.Postgres(t)
	return newBench(t, product{postgres.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}, files)
}

func onMariaDB(t *testing.T, files map[string]string) *bench {
	t.Helper()
	s := dbtest.MariaDB(t)
	return newBench(t, product{mysql.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}, files)
}

// doubt runs into a refusal for a doubt, and returns it.
func (b *bench) doubt() *plan.Refusal {
	b.t.Helper()
	_, err := b.warden().Migrate(b.t.Context(), plan.Target{})
	var refused *plan.Refusal
	if !errors.As(err, &refused) || refused.Code != plan.InDoubt {
		b.t.Fatalf("got %v, want a statement in doubt", err)
	}
	return refused
}

func (b *bench) unlock() {
	b.t.Helper()
	if _, err := b.warden().Unlock(b.t.Context(), false, ""); err != nil {
		b.t.Fatal(err)
	}
}

const (
	index   = "-- lock_timeout: 0\n-- upgrade\nCREATE UNIQUE INDEX CONCURRENTLY t_n ON t (n);\n-- rollback\n"
	invalid = "SELECT COALESCE(string_agg(indexrelid::text, ','), '') FROM pg_index WHERE NOT indisvalid"
)

// TestIndexWhoseBuildFailedIsBuiltAgain: what a failed build leaves is
// dropped before the next one.
func TestIndexWhoseBuildFailedIsBuiltAgain(t *testing.T) {
	t.Parallel()
	b := onPostgres(t, map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE t (n int);\nINSERT INTO t VALUES (1), (1);\n", "2_i.sql": index})
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
		t.Fatal("the index was built over two equal rows")
	}
	if b.value(invalid) == "" {
		t.Fatal("the failed build has left nothing")
	}
	b.exec("DELETE FROM t WHERE ctid = (SELECT MIN(ctid) FROM t)")
	b.unlock()
	b.migrate()
	if got := b.value("SELECT COUNT(*) FROM pg_index WHERE indisvalid AND indexrelid = 't_n'::regclass"); got != "1" || b.value(invalid) != "" {
		t.Errorf("%s valid indexes, and invalid %q", got, b.value(invalid))
	}
}

// TestIndexOfAnotherIsLeftAlone: one that was invalid before our build began
// is not ours to drop.
func TestIndexOfAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := onPostgres(t, map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE t (n int);\nINSERT INTO t VALUES (1), (1);\n"})
	b.migrate()
	if _, err := b.session().Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY t_n ON t (n)"); err == nil {
		t.Fatal("the index was built over two equal rows")
	}
	before := b.value(invalid)
	b.put("2_i.sql", index)
	for range 2 {
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("the migration did not find the index in its way")
		}
		b.unlock()
	}
	if after := b.value(invalid); before == "" || after != before {
		t.Errorf("the invalid index was %s and is %s", before, after)
	}
}

// diesBuilding has a run end in the middle of building an index on the table t,
// with its session.
func (b *bench) diesBuilding() {
	b.t.Helper()
	t := b.t
	writer := b.session()
	for _, q := range []string{"BEGIN", "INSERT INTO t VALUES (5)"} {
		if _, err := writer.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		ended <- err
	}()
	for b.value(invalid) == "" { // the build waits for the writer
	}
	r, err := b.warden().Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.engine.Native.Evict(t.Context(), b.session(), b.key(), r.Owner); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Fatal("the run did not end with its session")
	}
	if _, err := writer.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
}

// TestIndexWhoseBuilderDiedIsBuiltAgain: its session is ended in the middle
// of the build.
func TestIndexWhoseBuilderDiedIsBuiltAgain(t *testing.T) {
	t.Parallel()
	b := onPostgres(t, map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE t (n int);\n"})
	b.migrate()
	b.put("2_i.sql", index)
	b.diesBuilding()
	b.recover = true
	b.migrate()
	if got := b.value("SELECT COUNT(*) FROM pg_index WHERE indisvalid AND indexrelid = 't_n'::regclass"); got != "1" {
		t.Errorf("%s valid indexes", got)
	}
	entries, err := b.warden().Attempts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, e := range entries {
		told = told || e.What == journal.Resolved && strings.HasSuffix(e.Evidence, "and was dropped")
	}
	if !told {
		t.Errorf("the journal does not tell that an index was dropped: %+v", entries)
	}
}

// TestARollbackSettlesADoubtFirst, by the evidence, and then runs.
func TestARollbackSettlesADoubtFirst(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_r.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nCREATE INDEX i ON r (n);\nCREATE INDEX j ON r (n);\n-- rollback\nDROP TABLE r;\n"})
		b.crashAt("1", 2)
		b.unlock()
		settled := ""
		b.watch = func(e event.Event) {
			if e.Kind == event.StatementSettled {
				settled = fmt.Sprint(e.Direction, e.Statement, e.Detail[:len("it had taken effect")])
			}
		}
		if _, err := b.warden().Rollback(t.Context(), plan.Target{}); err != nil {
			t.Fatal(err)
		}
		if settled != "upgrade2it had taken effect" {
			t.Errorf("settled: %q", settled)
		}
		b.watch = nil
		b.migrate()
	})
}

// TestARollbackDropsWhatABrokenBuildLeft by its own section: nothing of it is
// taken away before.
func TestARollbackDropsWhatABrokenBuildLeft(t *testing.T) {
	t.Parallel()
	b := onPostgres(t, map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE t (n int);\n"})
	b.migrate()
	b.put("2_i.sql", index+"DROP INDEX t_n;\n")
	b.diesBuilding()
	b.unlock()
	if _, err := b.warden().Rollback(t.Context(), plan.Target{}); err != nil {
		t.Fatal(err)
	}
	if b.value(invalid) != "" {
		t.Error("the invalid index is still there")
	}
	b.migrate()
}

// TestRowsWithoutTransactionsAreNotWrittenTwice: of a MyISAM table COMMIT
// says nothing, nor does ROLLBACK.
func TestRowsWithoutTransactionsAreNotWrittenTwice(t *testing.T) {
	t.Parallel()
	isam := "-- upgrade\nCREATE TABLE t (n INT) ENGINE = MyISAM;\n"
	t.Run("a crash", func(t *testing.T) {
		t.Parallel()
		b := onMariaDB(t, map[string]string{"1_t.sql": isam})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.crashAt("2", 1)
		b.unlock()
		if r := b.doubt(); r.Progress.Doubt != 1 || r.Progress.To != 2 {
			t.Errorf("in doubt is %+v, want both", r.Progress)
		}
	})
	t.Run("a crash over a table of another database", func(t *testing.T) {
		t.Parallel()
		b := onMariaDB(t, map[string]string{"1_t.sql": table})
		b.migrate()
		other := dbtest.DatabaseName(dbtest.MariaDB(t).NewDatabase(t))
		b.exec("CREATE TABLE " + other + ".t (n INT) ENGINE = MyISAM")
		b.put("2_rows.sql", strings.ReplaceAll(twoRows, "INTO t", "INTO `"+other+"`.t"))
		b.crashAt("2", 1)
		b.unlock()
		if r := b.doubt(); r.Progress.Doubt != 1 || r.Progress.To != 2 {
			t.Errorf("in doubt is %+v, want both", r.Progress)
		}
		if got := b.value("SELECT COUNT(*) FROM " + other + ".t"); got != "1" {
			t.Errorf("%s rows, want the one that was written", got)
		}
	})
	t.Run("all in one transaction", func(t *testing.T) {
		t.Parallel()
		b := onMariaDB(t, map[string]string{"1_t.sql": isam})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		_, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true})
		var refused *plan.Refusal
		if !errors.As(err, &refused) || refused.Code != plan.NotAtomic || b.locked() {
			t.Errorf("got %v, want a refusal", err)
		}
		if got := b.value("SELECT COUNT(*) FROM t"); got != "0" {
			t.Errorf("%s rows, want none", got)
		}
	})
	t.Run("a failure", func(t *testing.T) {
		t.Parallel()
		b := onMariaDB(t, map[string]string{"1_t.sql": isam})
		b.migrate()
		b.put("2_rows.sql", strings.Replace(twoRows, "t VALUES (2)", "nosuch VALUES (2)", 1))
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.State != dbwarden.Partial {
			t.Fatalf("got %v, want a part of it in the database", err)
		}
		b.unlock()
		b.doubt()
		if got := b.value("SELECT COUNT(*) FROM t"); got != "1" {
			t.Errorf("%s rows, want the one that could not be rolled back", got)
		}
	})
}

// TestLockedTablesAreNotWrittenTwice: what ran between LOCK TABLES and the
// statement that failed has stayed.
func TestLockedTablesAreNotWrittenTwice(t *testing.T) {
	t.Parallel()
	b := onMariaDB(t, map[string]string{"1_t.sql": table, "2_l.sql": "-- upgrade\nLOCK TABLES t WRITE;\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1, 2);\nUNLOCK TABLES;\n"})
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
		t.Fatal("want a failure")
	}
	b.unlock()
	if r := b.doubt(); !strings.Contains(r.Error(), "statements 1 to 4 were begun together") {
		t.Errorf("the refusal is %v", r)
	}
	if got := b.value("SELECT COUNT(*) FROM t"); got != "1" {
		t.Errorf("%s rows, want 1", got)
	}
}

// TestSkippedStatementIsLeftOut: a half-applied migration goes on behind the
// statement that fails, and what has run is held against the file by name.
func TestSkippedStatementIsLeftOut(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		text := "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nINSERT INTO nosuch VALUES (1);\nINSERT INTO r VALUES (2);\n-- rollback\n"
		b := newBench(t, p, map[string]string{"0001_r.sql": text})
		v, _ := migration.ParseVersion("1")
		if _, err := b.warden().Skip(t.Context(), v.String(), 0); !errors.Is(err, dbwarden.ErrNothingInDoubt) {
			t.Errorf("skipping where nothing has run gave %v", err)
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("want a failure")
		}
		b.put("0001_r.sql", strings.Replace(text, "TABLE r (n INTEGER)", "TABLE r (n BIGINT)", 1))
		b.unlock()
		var refused *plan.Refusal
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.MendedTooEarly ||
			refused.Items[0].Line != 3 || strings.Count(refused.Error(), "checksum") != 1 {
			t.Errorf("got %v, want line 3 with both versions", err)
		}
		b.put("0001_r.sql", text)
		if n, err := b.warden().Skip(t.Context(), v.String(), 0); n.From != 2 || err != nil {
			t.Fatalf("skipped %d, %v; want 2", n, err)
		}
		b.migrate()
		if got := b.value("SELECT n FROM r"); got != "2" {
			t.Errorf("r holds %s, want 2", got)
		}
	})
}

// TestWhatEndedWithItsSessionIsNotGoneOnWith: a temporary table is missed by
// what follows, or another of its name is found in its place.
func TestWhatEndedWithItsSessionIsNotGoneOnWith(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		text := "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nCREATE TEMPORARY TABLE s (n INTEGER);\nINSERT INTO nosuch VALUES (2);\n-- rollback\nDROP TABLE r;\n"
		b := newBench(t, p, map[string]string{"0001_r.sql": text})
		warned := ""
		b.watch = func(e event.Event) {
			if e.Kind == event.Warning {
				warned = e.Detail
			}
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil || !strings.HasPrefix(warned, "0001_r.sql:4 ") {
			t.Errorf("got %v after the warning %q", err, warned)
		}
		b.unlock()
		b.put("0001_r.sql", strings.Replace(text, "nosuch", "r", 1))
		var refused *plan.Refusal
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.SessionGone {
			t.Fatalf("got %v, want a refusal", err)
		}
		b.rollback(plan.Target{})
		b.migrate()
	})
}

// TestJournalOfAnOlderReleaseIsRead, whose entries have no evidence.
func TestJournalOfAnOlderReleaseIsRead(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		half := "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nINSERT INTO nosuch VALUES (2);\n-- rollback\n"
		b := newBench(t, p, map[string]string{"1_r.sql": half})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("want a failure")
		}
		b.exec("ALTER TABLE dbwarden_journal DROP COLUMN evidence")
		if st, err := b.warden().Status(t.Context()); err != nil || st.Counts[dbwarden.HalfApplied] != 1 {
			t.Fatalf("status %+v, %v; want it half applied", st, err)
		}
		b.unlock()
		b.put("1_r.sql", strings.Replace(half, "nosuch", "r", 1))
		b.migrate()
		b.value("SELECT COUNT(evidence) FROM dbwarden_journal")
	})
}

// TestARollbackThatFailsAtOnceForgetsNothing: what was half applied stays so,
// and is gone on with where it stopped, after a rollback that its first
// statement refused.
func TestARollbackThatFailsAtOnceForgetsNothing(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_log.sql": "-- upgrade\nCREATE TABLE log (word VARCHAR(20));\n"})
		b.migrate()
		b.put("2_half.sql", "-- transaction: off\n-- upgrade\nINSERT INTO log VALUES ('once');\nALTER TABLE tt ADD COLUMN j INTEGER;\n"+
			"-- rollback\nALTER TABLE tt DROP COLUMN j;\nDELETE FROM log;\n")
		half := func(what string, err error) {
			t.Helper()
			var failed *dbwarden.MigrationError
			if !errors.As(err, &failed) || failed.State != dbwarden.Partial || !failed.LockKept {
				t.Fatalf("%s ended with %+v", what, err)
			}
			b.unlock()
			st, err := b.warden().Status(t.Context())
			if err != nil || st.Counts[dbwarden.HalfApplied] != 1 {
				t.Fatalf("after %s the counts are %v, %v", what, st.Counts, err)
			}
		}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		half("the migration", err)
		_, err = b.warden().Rollback(t.Context(), plan.Target{})
		half("the rollback", err)
		_, err = b.warden().Rollback(t.Context(), plan.Target{})
		half("the rollback once more", err)
		b.exec("CREATE TABLE tt (i INTEGER)")
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM log"); got != "1" {
			t.Errorf("the first statement ran %s times", got)
		}
		b.rollback(plan.Target{})
		if got := b.value("SELECT COUNT(*) FROM log"); got != "0" {
			t.Errorf("%s rows after the way back", got)
		}
	})
}

// TestARepeatableInDoubtIsResolvedByItsFile: it has no version.
func TestARepeatableInDoubtIsResolvedByItsFile(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		const file = "ROC__r.sql"
		b := newBench(t, p, map[string]string{file: "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\n" +
			secretly(p.engine.Name, "INSERT INTO r VALUES (1)") + ";\n"})
		b.crashAt(file, 2)
		b.unlock()
		var refused *plan.Refusal
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.InDoubt || refused.Items[0].File != file {
			t.Fatalf("got %v, want a statement of %s in doubt", err, file)
		}
		if n, err := b.warden().Resolve(t.Context(), file, true, 0); n.From != 2 || err != nil {
			t.Fatalf("resolved %d, %v; want 2", n, err)
		}
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM r"); got != "1" {
			t.Errorf("%s rows, want 1", got)
		}
	})
}

// TestABuildThatWaitedInVainIsTriedAgain: what CREATE INDEX CONCURRENTLY left
// when its lock timeout ended it is taken away before the next try; so is what
// REINDEX CONCURRENTLY leaves.
func TestABuildThatWaitedInVainIsTriedAgain(t *testing.T) {
	t.Parallel()
	for what, statement := range map[string]string{
		"CREATE INDEX": "CREATE UNIQUE INDEX CONCURRENTLY t_n ON t (n)",
		"REINDEX":      "REINDEX INDEX CONCURRENTLY t_pkey",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := onPostgres(t, map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE t (id int PRIMARY KEY, n int);\n"})
			b.migrate()
			b.put("2_i.sql", "-- upgrade\n"+statement+";\n-- rollback\n")
			writer := b.session()
			for _, q := range []string{"BEGIN", "INSERT INTO t VALUES (5, 5)"} {
				if _, err := writer.Exec(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			b.limits.Lock = 300 * time.Millisecond
			tries := 0
			b.watch = func(e event.Event) {
				if e.Kind != event.LockTimeout {
					return
				}
				if tries++; tries == 2 {
					if _, err := writer.Exec(t.Context(), "COMMIT"); err != nil {
						t.Error(err)
					}
				}
			}
			b.migrate()
			if got := b.value("SELECT string_agg(c.relname || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END, ' ' ORDER BY c.relname) " +
				"FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 't'::regclass"); got != map[string]string{"CREATE INDEX": "t_n t_pkey", "REINDEX": "t_pkey"}[what] {
				t.Errorf("the indexes are %s", got)
			}
			if tries < 2 || b.locked() {
				t.Errorf("%d tries, and the lock is held: %v", tries, b.locked())
			}
		})
	}
}

// TestWhatABrokenReindexLeftIsDropped by the next run.
func TestWhatABrokenReindexLeftIsDropped(t *testing.T) {
	t.Parallel()
	b := onPostgres(t, map[string]string{"1_t.sql": "-- upgrade\nCREATE TABLE t (id int PRIMARY KEY, n int);\n"})
	b.migrate()
	b.put("2_i.sql", "-- lock_timeout: 0\n-- upgrade\nREINDEX TABLE CONCURRENTLY t;\n-- rollback\n")
	writer := b.session()
	for _, q := range []string{"BEGIN", "INSERT INTO t VALUES (5, 5)"} {
		if _, err := writer.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		ended <- err
	}()
	for b.value(invalid) == "" { // it waits for the writer
	}
	r, err := b.warden().Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.engine.Native.Evict(t.Context(), b.session(), b.key(), r.Owner); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Fatal("the run did not end with its session")
	}
	if _, err := writer.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if b.value(invalid) == "" {
		t.Fatal("the broken REINDEX has left nothing")
	}
	b.recover = true
	b.migrate()
	if got := b.value(invalid); got != "" {
		t.Errorf("invalid is %s", got)
	}
}

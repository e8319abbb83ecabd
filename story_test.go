package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// twoRows are data alone: one transaction on every engine.
const twoRows = "-- upgrade\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n-- rollback\nDELETE FROM t WHERE n = 1;\nDELETE FROM t WHERE n = 2;\n"

const table = "-- upgrade\nCREATE TABLE t (n INTEGER);\n-- rollback\nDROP TABLE t;\n"

// behind runs do once, when the given statement of the given version is done.
func (b *bench) behind(version string, statement int, do func()) {
	done := false
	b.plain = true // in a flush, nobody stands between two statements
	b.watch = func(e event.Event) {
		if e.Kind == event.StatementDone && e.Version == version && e.Statement == statement && !done {
			done = true
			do()
		}
	}
}

// TestReleasedHolderCommitsNothing is the fence: the lock is released by hand
// in the middle of a migration, upwards and downwards.
func TestReleasedHolderCommitsNothing(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		release := "UPDATE dbwarden_lock SET locked = FALSE"
		for _, d := range []migration.Direction{migration.Up, migration.Down} {
			t.Run(string(d), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"1_t.sql": table})
				b.migrate()
				b.put("2_rows.sql", twoRows)
				want := "0"
				if d == migration.Down {
					b.migrate()
					want = "2"
				}
				var refused error
				b.behind("2", 1, func() { _, refused = b.session().Exec(t.Context(), release) })
				run := b.warden().Migrate
				if d == migration.Down {
					run = b.warden().Rollback
				}
				_, err := run(t.Context(), plan.Target{})
				b.watch = nil
				if p.engine.Caps.SingleWriter {
					// Nobody can release the lock inside a write transaction:
					// the release is what fails.
					if b.engine.Fault(refused).Kind != engine.Busy || err != nil {
						t.Fatalf("the release gave %v and the run %v; want the release to find the database busy", refused, err)
					}
					return
				}
				if refused != nil {
					t.Fatal(refused)
				}
				if !errors.Is(err, lock.ErrLost) {
					t.Fatalf("got %v, want the lock lost", err)
				}
				if got := b.value("SELECT COUNT(*) FROM t"); got != want {
					t.Errorf("%s rows, want %s: a released holder has committed", got, want)
				}
				if b.locked() {
					t.Error("the lock is held again")
				}
			})
		}
	})
}

// TestReleasedHolderRunsNoFurtherStatement is the fence of statements outside
// transactions: each is written ahead under it.
func TestReleasedHolderRunsNoFurtherStatement(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE a (n INTEGER);\nCREATE TABLE b (n INTEGER);\n-- rollback\n"})
		b.behind("1", 1, func() { b.exec("UPDATE dbwarden_lock SET locked = FALSE") })
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		if !errors.Is(err, lock.ErrLost) {
			t.Fatalf("got %v, want the lock lost", err)
		}
		b.value("SELECT COUNT(*) FROM a")
		if _, err := b.tryValue("SELECT COUNT(*) FROM b"); err == nil {
			t.Error("a released holder has run another statement")
		}
		if b.locked() {
			t.Error("the lock is held again")
		}
	})
}

// TestLostSessionLeavesALockOfTheGone: the session is ended in the middle of
// a migration; what it had not committed is gone, the lock tells so, and
// after an unlock the next run does it all, once.
func TestLostSessionLeavesALockOfTheGone(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		if p.engine.Caps.File {
			t.Skip("there is no session apart from the process; the scripts kill that")
		}
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.behind("2", 1, func() {
			r, err := b.warden().Lock(t.Context())
			if err != nil {
				t.Error(err)
			}
			if err := b.engine.Native.Evict(t.Context(), b.session(), b.key(), r.Owner); err != nil {
				t.Error(err)
			}
		})
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		b.watch = nil
		if !errors.Is(err, lock.ErrLost) {
			t.Fatalf("got %v, want the lock lost", err)
		}
		r, err := b.warden().Lock(t.Context())
		if err != nil || r.Verdict != lock.Gone {
			t.Fatalf("verdict %s, %v; want gone", r.Verdict, err)
		}
		var held *lock.HeldError
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) {
			t.Fatalf("got %v, want the lock held", err)
		}
		if _, err := b.warden().Unlock(t.Context(), false, "test"); err != nil {
			t.Fatal(err)
		}
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
			t.Errorf("%s rows, want 2", got)
		}
	})
}

func (b *bench) key() engine.Key {
	return lock.Lock{Engine: b.engine, Schema: b.session().Server().Schema}.Key()
}

// TestForcedUnlockEndsALivingHolder: --force ends the session, so that the
// holder can change nothing, and the lock is free for the next.
func TestForcedUnlockEndsALivingHolder(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		var plain, forced error
		b.behind("2", 1, func() {
			_, plain = b.warden().Unlock(t.Context(), false, "")
			_, forced = b.warden().Unlock(t.Context(), true, "")
		})
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		b.watch = nil
		var held *lock.HeldError
		if !errors.As(plain, &held) || held.Status.Verdict != lock.Alive {
			t.Errorf("unlock without force gave %v, want a living holder", plain)
		}
		if p.engine.Caps.File {
			var evict *lock.EvictError
			if !errors.As(forced, &evict) || !strings.Contains(evict.Hint, fmt.Sprint(os.Getpid())) {
				t.Errorf("unlock with force gave %v, want a hint that names this process", forced)
			}
			return
		}
		if forced != nil || !errors.Is(err, lock.ErrLost) {
			t.Fatalf("unlock gave %v and the run %v", forced, err)
		}
		if got := b.value("SELECT COUNT(*) FROM t"); got != "0" {
			t.Errorf("%s rows, want 0", got)
		}
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
			t.Errorf("%s rows, want 2", got)
		}
	})
}

// TestInterruptLeavesNothing: a run that is asked to stop rolls back, notes
// the attempt and releases the lock.
func TestInterruptLeavesNothing(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		b.behind("2", 1, func() { cancel(cause) })
		_, err := b.warden().Migrate(ctx, plan.Target{})
		b.watch = nil
		if !errors.Is(err, cause) {
			t.Fatalf("got %v, want it to be stopped by %v", err, cause)
		}
		if got := b.value("SELECT COUNT(*) FROM t"); got != "0" {
			t.Errorf("%s rows, want 0", got)
		}
		if b.locked() {
			t.Error("the lock is held")
		}
		st, err := b.warden().Status(t.Context())
		if err != nil || st.Counts[dbwarden.FailedPending] != 1 {
			t.Errorf("status %+v, %v; want one failed", st, err)
		}
		b.migrate()
	})
}

// TestResume: a file outside transactions fails in the middle, is mended and
// goes on where it failed; what has run does not run again, and a change of
// it is refused.
func TestResume(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		head := "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nINSERT INTO r VALUES (1);\n"
		b := newBench(t, p, map[string]string{"1_r.sql": head + "INSERT INTO nosuch VALUES (2);\nINSERT INTO r VALUES (3);\n-- rollback\nDROP TABLE r;\n"})
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.State != dbwarden.Partial || failed.Done != 2 || failed.Number != 3 || failed.Pos.Line != 5 || !failed.LockKept {
			t.Fatalf("got %+v, want a partial failure at statement 3 in line 5", err)
		}
		r, err := b.warden().Lock(t.Context())
		if err != nil || r.Verdict != lock.Kept || r.Progress.Done != 2 {
			t.Fatalf("lock %+v, %v; want it kept with two statements done", r, err)
		}
		if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
			t.Fatal(err)
		}
		b.put("1_r.sql", strings.Replace(head, "VALUES (1)", "VALUES (7)", 1)+"INSERT INTO r VALUES (2);\nINSERT INTO r VALUES (3);\n-- rollback\nDROP TABLE r;\n")
		var refused *plan.Refusal
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.MendedTooEarly ||
			refused.Mended.Text != "INSERT INTO r VALUES (1)" || refused.Now != "INSERT INTO r VALUES (7)" {
			t.Fatalf("got %+v, want a refusal of the changed statement, with both its texts", err)
		}
		long := strings.Repeat("-", 2000) + "\n"
		b.put("1_r.sql", strings.Replace(head, "CREATE TABLE r (n INTEGER)", "CREATE TABLE r (n BIGINT "+long+")", 1)+"INSERT INTO r VALUES (2);\n-- rollback\nDROP TABLE r;\n")
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.MendedTooEarly ||
			refused.Mended.Text != "CREATE TABLE r (n INTEGER)" || !strings.HasPrefix(refused.Now, "CREATE TABLE r (n BIGINT --") || len(refused.Now) > 1100 {
			t.Fatalf("got %+v, want a refusal of the changed statement, with both its texts", err)
		}
		b.put("1_r.sql", head+"INSERT INTO r VALUES (2);\nINSERT INTO r VALUES (3);\n-- rollback\nDROP TABLE r;\n")
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM r"); got != "3" {
			t.Errorf("%s rows, want 3", got)
		}
		if b.locked() {
			t.Error("the lock is held")
		}
		b.rollback(plan.Target{})
		if _, err := b.tryValue("SELECT COUNT(*) FROM r"); err == nil {
			t.Error("r is still there")
		}
	})
}

// TestHalfAppliedCanBeRolledBack runs the way back of a migration that is not
// in the history.
func TestHalfAppliedCanBeRolledBack(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_r.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nINSERT INTO nosuch VALUES (2);\n-- rollback\nDROP TABLE r;\n"})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("want a failure")
		}
		if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
			t.Fatal(err)
		}
		b.rollback(plan.Target{})
		if _, err := b.tryValue("SELECT COUNT(*) FROM r"); err == nil {
			t.Error("r is still there")
		}
		if st, err := b.warden().Status(t.Context()); err != nil || st.Counts[dbwarden.Pending] != 1 {
			t.Errorf("status %+v, %v; want it pending", st, err)
		}
	})
}

// TestStatementInDoubtIsNeverGuessed: the journal says that a statement was
// begun, and nothing more; a person decides.
func TestStatementInDoubtIsNeverGuessed(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for _, done := range []bool{true, false} {
			t.Run(fmt.Sprint(done), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"0001_r.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nINSERT INTO r VALUES (1);\n" +
					secretly(p.engine.Name, "INSERT INTO r VALUES (2)") + ";\n-- rollback\n"})
				b.crashAt("0001", 3)
				if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
					t.Fatal(err)
				}
				var refused *plan.Refusal
				if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.InDoubt || refused.Progress.Doubt != 3 {
					t.Fatalf("got %v, want statement 3 in doubt", err)
				}
				if it := refused.Items[0]; it.Line != 5 || it.Column != 1 || refused.Progress.Begun != secretly(p.engine.Name, "INSERT INTO r VALUES (2)") || refused.Now != "" {
					t.Errorf("the refusal says %+v, begun %q, now %q", it, refused.Progress.Begun, refused.Now)
				}
				// The way back would run over what is not known, too.
				if _, err := b.warden().Rollback(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.InDoubt || !refused.Down || refused.Items[0].Column != 1 {
					t.Fatalf("a rollback got %v, want statement 3 in doubt", err)
				}
				if b.locked() {
					t.Error("the lock is held after a refusal")
				}
				v, _ := migration.ParseVersion("1")
				if n, err := b.warden().Resolve(t.Context(), v.String(), done, 0); n.From != 3 || err != nil {
					t.Fatalf("resolved %d, %v; want 3", n, err)
				}
				b.migrate()
				want := "2"
				if !done {
					want = "3" // it had run, and the person said that it had not
				}
				if got := b.value("SELECT COUNT(*) FROM r"); got != want {
					t.Errorf("%s rows, want %s", got, want)
				}
			})
		}
	})
}

// awaitGone waits until the session of a run that panicked is gone.
func (b *bench) awaitGone() {
	b.t.Helper()
	for {
		r, err := b.warden().Lock(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		if r.Verdict == lock.Gone {
			return
		}
	}
}

// TestTokensOnlyRise, also when the lock's row is lost and made anew.
func TestTokensOnlyRise(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		var before int64
		for i := range 5 {
			b.migrate()
			b.rollback(plan.Target{})
			if i == 2 {
				b.exec("DELETE FROM dbwarden_lock")
			}
			entries, err := b.warden().Attempts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last := entries[len(entries)-1]
			if last.What != journal.Reverted || last.Token <= before {
				t.Fatalf("round %d: token %d after %d", i, last.Token, before)
			}
			before = last.Token
		}
	})
}

// TestOlderLockTablesAreAdopted: those of the original tool's releases get
// the columns that they lack, and a lock that is held in one is respected.
func TestOlderLockTablesAreAdopted(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		stamp := p.engine.Dialect.Types.Timestamp
		for name, columns := range map[string]string{
			"three columns": "id INTEGER PRIMARY KEY, locked BOOLEAN DEFAULT FALSE, acquired_at " + stamp,
			"four columns":  "id INTEGER PRIMARY KEY, locked BOOLEAN DEFAULT FALSE, acquired_at " + stamp + ", release_at " + stamp,
			"owner token":   "id INTEGER PRIMARY KEY, locked BOOLEAN DEFAULT FALSE, acquired_at " + stamp + ", owner_token VARCHAR(64)",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"1_t.sql": table})
				b.wait = 0
				b.exec("CREATE TABLE dbwarden_lock (" + columns + ")")
				b.exec("INSERT INTO dbwarden_lock (id, locked) VALUES (1, TRUE)")
				if name == "owner token" {
					b.exec("UPDATE dbwarden_lock SET owner_token = 'abc'")
				}
				r, err := b.warden().Lock(t.Context())
				if err != nil || !r.Active || r.Verdict == lock.Gone {
					t.Fatalf("lock %+v, %v; want it active, and its holder not called gone", r, err)
				}
				var held *lock.HeldError
				if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) {
					t.Fatalf("got %v, want the lock held", err)
				}
				// That try has added our columns: the lock is as held as before,
				// for somebody who recovers as well, and unlock releases it.
				b.recover = true
				if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) {
					t.Fatalf("recovering gave %v, want the lock held", err)
				}
				b.recover = false
				if got := b.value("SELECT fencing_token FROM dbwarden_lock WHERE locked IS TRUE AND run_id IS NULL"); got != "0" {
					t.Fatalf("token %q of the held row, want 0", got)
				}
				if r, err := b.warden().Lock(t.Context()); err != nil || !r.Active || r.Verdict == lock.Gone {
					t.Fatalf("lock %+v, %v; want it active, and its holder not called gone", r, err)
				}
				if name == "three columns" {
					if _, err := b.warden().Unlock(t.Context(), false, "test"); err != nil {
						t.Fatal(err)
					}
				} else {
					b.exec("UPDATE dbwarden_lock SET locked = FALSE")
				}
				b.migrate()
				if got := b.value("SELECT fencing_token FROM dbwarden_lock"); got == "" || got == "0" {
					t.Errorf("fencing token %q, want one", got)
				}
			})
		}
		t.Run("a newer one is refused", func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, map[string]string{"1_t.sql": table})
			b.exec("CREATE TABLE dbwarden_lock (namespace VARCHAR(64) PRIMARY KEY, owner VARCHAR(64))")
			var newer *lock.ErrNewerTable
			if _, err := b.warden().Lock(t.Context()); !errors.As(err, &newer) {
				t.Errorf("looking gave %v", err)
			}
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &newer) {
				t.Errorf("migrating gave %v", err)
			}
			if _, err := b.warden().Unlock(t.Context(), true, ""); !errors.As(err, &newer) {
				t.Errorf("unlocking gave %v", err)
			}
			b.value("SELECT COUNT(*) FROM dbwarden_lock WHERE namespace IS NULL")
		})
	})
}

// TestOriginalHistoryIsAdopted: what the original tool applied does not run
// again, and is not called changed because of its other checksum.
func TestOriginalHistoryIsAdopted(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		d := p.engine.Dialect
		for _, name := range []string{"dbwarden_migrations", "_dbwarden_migrations"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, map[string]string{"0001_t.sql": table, "0002_rows.sql": twoRows})
				b.exec("CREATE TABLE t (n INTEGER)")
				b.exec("CREATE TABLE " + name + " (id " + d.Types.ID + ", version VARCHAR(255) UNIQUE, description VARCHAR(500), filename VARCHAR(500), " +
					"migration_type VARCHAR(50), applied_at " + d.Types.Timestamp + ", checksum VARCHAR(128))")
				b.exec("INSERT INTO " + name + " (version, description, filename, migration_type, applied_at, checksum) VALUES ('0001', 't', '0001_t.sql', 'versioned', " +
					d.Now + ", '1111111111111111111111111111111111111111111111111111111111111111')")
				st, err := b.warden().Status(t.Context())
				if err != nil || st.AppliedTotal != 1 || st.PendingTotal != 1 || st.Counts[dbwarden.Applied] != 1 {
					t.Fatalf("status %+v, %v", st, err)
				}
				b.migrate()
				if got := b.value("SELECT COUNT(*) FROM " + name); got != "2" {
					t.Errorf("%s rows in the history, want 2", got)
				}
				b.rollback(plan.Target{Empty: true})
				if got := b.value("SELECT COUNT(*) FROM " + name); got != "0" {
					t.Errorf("%s rows in the history, want 0", got)
				}
			})
		}
	})
}

// TestEveryStepOfTheExampleGoesThereAndBack: each migration of the shop is
// applied, rolled back and applied again.
func TestEveryStepOfTheExampleGoesThereAndBack(t *testing.T) {
	t.Parallel()
	folder := os.DirFS("examples/shop/migrations")
	names, err := fs.Glob(folder, "*.sql")
	if err != nil || len(names) < 12 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	b := newBench(t, sqliteProduct(), nil)
	for _, n := range names {
		text, err := fs.ReadFile(folder, n)
		if err != nil {
			t.Fatal(err)
		}
		b.put(n, string(text))
		b.migrate()
		b.rollback(plan.Target{})
		b.migrate()
	}
	if got := b.value("SELECT COUNT(*) FROM stock WHERE on_hand = 25"); got != "3" {
		t.Errorf("%s products with 25 pieces, want 3", got)
	}
	b.rollback(plan.Target{Empty: true})
	if got := b.value("SELECT COUNT(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'dbwarden%'"); got != "0" {
		t.Errorf("%s objects are left", got)
	}
}

// TestResumeSetsTheSessionAgain: what the finished part of a file had set is
// set again before the rest of it runs.
func TestResumeSetsTheSessionAgain(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		set, read := "SET application_name = 'mine'", "current_setting('application_name')"
		switch p.engine.Name {
		case "mysql":
			set, read = "SET @mine = 'mine'", "@mine"
		case "sqlite":
			set, read = "PRAGMA legacy_alter_table = ON", "(SELECT CASE legacy_alter_table WHEN 1 THEN 'mine' END FROM pragma_legacy_alter_table)"
		}
		head := "-- transaction: off\n-- upgrade\n" + set + ";\nCREATE TABLE r (v VARCHAR(20));\n"
		b := newBench(t, p, map[string]string{"1_r.sql": head + "INSERT INTO nosuch VALUES (2);\n"})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("want a failure")
		}
		if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
			t.Fatal(err)
		}
		b.put("1_r.sql", head+"INSERT INTO r VALUES ("+read+");\n")
		b.migrate()
		if got := b.value("SELECT v FROM r"); got != "mine" {
			t.Errorf("the setting is %q, want mine", got)
		}
	})
}

// TestWatcherStopsAStatementOfAReleasedHolder: a statement that would run for
// long is ended on the server when the hold goes, not only refused at its
// fence.
func TestWatcherStopsAStatementOfAReleasedHolder(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		gate := map[string]string{"postgres": "SELECT pg_advisory_lock(4711)", "mysql": "SELECT GET_LOCK(CONCAT(DATABASE(), 'gate'), 600)"}[p.engine.Name]
		if gate == "" {
			t.Skip("nobody can release the lock inside SQLite's write transaction")
		}
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		keeper := b.session()
		if err := keeper.Query(t.Context(), func(func(...any) error) error { return nil }, gate); err != nil {
			t.Fatal(err)
		}
		b.put("2_slow.sql", "-- lock_timeout: 0\n-- upgrade\nINSERT INTO t VALUES (1);\n"+gate+";\n")
		b.watch = func(e event.Event) {
			if e.Kind == event.StatementStarted && e.Version == "2" && e.Statement == 2 {
				b.exec("UPDATE dbwarden_lock SET locked = FALSE")
			}
		}
		done := make(chan error, 1)
		go func() {
			_, err := b.warden().Migrate(t.Context(), plan.Target{})
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, lock.ErrLost) {
				t.Errorf("got %v, want the lock lost", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the statement goes on")
		}
		if got := b.value("SELECT COUNT(*) FROM t"); got != "0" {
			t.Errorf("%s rows, want 0", got)
		}
	})
}

// TestRecoverTakesOverFromTheGone: what a crash left in a transaction is
// nothing, and the next run goes on by itself when it is asked to; what is in
// doubt stays locked.
func TestRecoverTakesOverFromTheGone(t *testing.T) {
	onEveryVersion(t, func(t *testing.T, p product) {
		t.Run("transaction", func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, map[string]string{"1_t.sql": table})
			b.migrate()
			b.put("2_rows.sql", twoRows)
			b.crashAt("2", 1)
			var held *lock.HeldError
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) || held.Status.Verdict != lock.Gone {
				t.Fatalf("got %v, want a holder that is gone", err)
			}
			b.recover = true
			b.migrate()
			if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
				t.Errorf("%s rows, want 2", got)
			}
			if b.locked() {
				t.Error("the lock is held")
			}
		})
		t.Run("in doubt", func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, map[string]string{"1_t.sql": "-- transaction: off\n" + table,
				"2_rows.sql": "-- transaction: off\n" + strings.Replace(twoRows, "INSERT INTO t VALUES (1)", secretly(p.engine.Name, "INSERT INTO t VALUES (1)"), 1)})
			b.crashAt("2", 1)
			b.recover = true
			var refused *plan.Refusal
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.InDoubt {
				t.Fatalf("got %v, want statement 1 in doubt", err)
			}
			kept := func(when string) {
				t.Helper()
				if r, err := b.warden().Lock(t.Context()); err != nil || r.Verdict != lock.Kept {
					t.Errorf("%s: lock %+v, %v; want it kept", when, r, err)
				}
			}
			kept("after the refusal")
			// A refusal for another reason does not let go of it either.
			b.put("1_t.sql", strings.Replace(table, "INTEGER", "BIGINT", 1))
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
				t.Error("a changed file is not refused")
			}
			kept("after another refusal")
			b.put("1_t.sql", "-- transaction: off\n"+table)
			v, _ := migration.ParseVersion("2")
			takeovers := "SELECT COUNT(*) FROM dbwarden_journal WHERE event = 'taken over'"
			before := b.value(takeovers)
			if n, err := b.warden().Resolve(t.Context(), v.String(), true, 0); n.From != 1 || err != nil {
				t.Errorf("resolved %d, %v; want 1", n, err)
			}
			kept("after it was resolved")
			if after := b.value(takeovers); after == before {
				t.Error("no entry tells that resolve took the lock over")
			}
			b.migrate()
			if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
				t.Errorf("%s rows, want 2", got)
			}
			if got := b.value("SELECT COUNT(*) FROM dbwarden_journal WHERE event = 'taken over'"); got == "0" {
				t.Error("no entry tells of the takeover")
			}
		})
		t.Run("failed half-way", func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, map[string]string{"1_t.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE t (n INTEGER);\nINSERT INTO nosuch VALUES (1);\n"})
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
				t.Fatal("want a failure")
			}
			b.put("1_t.sql", "-- transaction: off\n-- upgrade\nCREATE TABLE t (n INTEGER);\nINSERT INTO t VALUES (1);\n")
			b.recover = true
			b.migrate()
			if got := b.value("SELECT COUNT(*) FROM t"); got != "1" {
				t.Errorf("%s rows, want 1", got)
			}
		})
		t.Run("frozen by hand", func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, map[string]string{"1_t.sql": table})
			b.migrate()
			b.put("2_rows.sql", twoRows)
			b.exec("UPDATE dbwarden_lock SET locked = TRUE")
			b.recover, b.wait = true, 0
			var held *lock.HeldError
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) || held.Status.Verdict != lock.ByHand {
				t.Errorf("got %v, want the freeze respected", err)
			}
		})
	})
}

// TestStatusKnowsAHalfAppliedFileThatIsGone, or is called otherwise now: the
// database holds a part of it whatever the folder says.
func TestStatusKnowsAHalfAppliedFileThatIsGone(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		const half = "-- transaction: off\n-- upgrade\nCREATE TABLE r (n INTEGER);\nINSERT INTO nosuch VALUES (2);\n-- rollback\n"
		for _, c := range []struct{ was, is, detail string }{
			{"0007_r.sql", "007_renamed.sql", "1 of 2 statements ran; its file was called 0007_r.sql"},
			{"0007_r.sql", "", "1 of 2 statements ran; its file is missing"},
			{"ROC__r.sql", "", "1 of 2 statements ran; its file is missing"},
		} {
			b := newBench(t, p, map[string]string{c.was: strings.Replace(half, "-- rollback\n", "", 1)})
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
				t.Fatal("want a failure")
			}
			delete(b.files, c.was)
			if c.is != "" {
				b.put(c.is, half)
			}
			st, err := b.warden().Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if st.Counts[dbwarden.HalfApplied] != 1 || len(st.Migrations) != 1 || st.PendingTotal != 1 || st.Clean() ||
				!strings.HasPrefix(st.Migrations[0].Detail, c.detail) {
				t.Errorf("%s became %q: %+v", c.was, c.is, st)
			}
		}
	})
}

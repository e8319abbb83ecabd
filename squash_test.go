package dbwarden_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// single are three migrations with rows, and one behind them.
var single = map[string]string{
	"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER); INSERT INTO a VALUES (1);\n-- rollback\nDROP TABLE a;",
	"2_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;",
	"3_c.sql": "-- upgrade\nINSERT INTO a VALUES (3);\n-- rollback\nDELETE FROM a WHERE id = 3;",
	"4_d.sql": "-- upgrade\nINSERT INTO b VALUES (4);\n-- rollback\nDELETE FROM b WHERE id = 4;",
}

const squashed = "-- replaces: 1, 2, 3\n-- upgrade\nCREATE TABLE a (id INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (id INTEGER); INSERT INTO a VALUES (3);\n" +
	"-- rollback\nDROP TABLE b; DROP TABLE a;"

// rowsOf are the versions of the history in order, a note with its kind.
func (b *bench) rowsOf() string {
	b.t.Helper()
	history, err := b.warden().History(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, r := range history {
		name := r.Version.String()
		if r.Kind == journal.Squashed {
			name += " noted"
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

func (b *bench) wantRows(want string) {
	b.t.Helper()
	if got := b.rowsOf(); got != want {
		b.t.Errorf("the history has %s, want %s", got, want)
	}
}

func TestASquashedMigrationOnAnyDatabase(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		t.Run("fresh", func(t *testing.T) {
			b := newBench(t, p, single)
			b.put("5_s.sql", squashed)
			b.migrate()
			b.wantRows("5, 4")
			if st, err := b.warden().Status(t.Context()); err != nil || !st.Clean() || st.AppliedTotal != 2 || st.PendingTotal != 0 || st.Counts[dbwarden.Replaced] != 3 {
				t.Errorf("status %+v, %v", st, err)
			}
			b.rollback(plan.Target{Empty: true})
			b.wantRows("")
		})
		t.Run("all have run", func(t *testing.T) {
			b := newBench(t, p, single)
			delete(b.files, "4_d.sql")
			b.migrate()
			b.put("5_s.sql", squashed)
			for _, name := range []string{"1_a.sql", "2_b.sql", "3_c.sql"} {
				delete(b.files, name)
			}
			if st, err := b.warden().Status(t.Context()); err != nil || !st.Clean() || st.AppliedTotal != 1 || st.Counts[dbwarden.Replaced] != 3 {
				t.Errorf("status before anything is noted: %+v, %v", st, err)
			}
			res, err := b.warden().Migrate(t.Context(), plan.Target{})
			if err != nil || len(res.Completed) != 0 || len(res.Noted) != 1 {
				t.Fatalf("completed %v, noted %v, %v", res.Completed, res.Noted, err)
			}
			b.wantRows("1, 2, 3, 5 noted")
			if n := b.value("SELECT COUNT(*) FROM a"); n != "2" {
				t.Errorf("%s rows: something ran again", n)
			}
			entries, err := b.warden().Attempts(t.Context())
			if last := entries[len(entries)-1]; err != nil || last.What != journal.Applied || last.Detail != journal.SquashedDetail || last.File != "5_s.sql" {
				t.Errorf("the journal ends with %+v, %v", last, err)
			}
			if res, err := b.warden().Track(t.Context()); err != nil || len(res.Completed) != 0 {
				t.Errorf("it was noted twice: %v, %v", res.Completed, err)
			}
			// What came later goes first, and what was squashed as one.
			b.put("4_d.sql", single["4_d.sql"])
			if _, err := b.warden().Migrate(t.Context(), plan.Target{AllowOutOfOrder: true}); err != nil {
				t.Fatal(err)
			}
			b.rollback(plan.Target{})
			b.wantRows("1, 2, 3, 5 noted")
			b.rollback(plan.Target{})
			b.wantRows("")
			b.migrate()
			b.wantRows("5, 4")
		})
		t.Run("a part has run", func(t *testing.T) {
			b := newBench(t, p, single)
			if _, err := b.warden().Migrate(t.Context(), plan.Target{Count: 1}); err != nil {
				t.Fatal(err)
			}
			b.put("5_s.sql", squashed)
			third := b.files["3_c.sql"]
			delete(b.files, "3_c.sql")
			var refused *plan.Refusal
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.PartlyReplaced || len(refused.Items) != 1 || refused.Items[0].Version != "3" {
				t.Fatalf("refused with %v", err)
			}
			if st, err := b.warden().Status(t.Context()); err != nil || st.Counts[dbwarden.Waiting] != 1 || st.PendingTotal != 2 {
				t.Errorf("status %+v, %v", st, err)
			}
			b.files["3_c.sql"] = third
			b.migrate()
			b.wantRows("1, 2, 3, 4, 5 noted")
			// File by file as long as they are there; the note goes with the first.
			b.rollback(plan.Target{Count: 2})
			b.wantRows("1, 2")
			b.migrate()
			b.wantRows("1, 2, 3, 4, 5 noted")
		})
	})
}

// The note is written under the lock and its fence, or not at all; without it
// nothing is decided otherwise.
func TestNotingASquashedMigrationIsFenced(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, single)
		b.migrate()
		b.put("5_s.sql", squashed)
		thief := newBench(t, p, nil)
		thief.db = b.db
		b.watch = func(e event.Event) {
			if e.Kind == event.LockAcquired {
				thief.exec("UPDATE dbwarden_lock SET locked = FALSE")
			}
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.Is(err, lock.ErrLost) {
			t.Fatalf("migrate, the lock being another's: %v", err)
		}
		if _, err := b.warden().Track(t.Context()); !errors.Is(err, lock.ErrLost) {
			t.Fatalf("track, the lock being another's: %v", err)
		}
		b.watch = nil
		b.wantRows("1, 2, 3, 4")
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err != nil {
					t.Errorf("one of two at once: %v", err)
				}
			})
		}
		both.Wait()
		b.wantRows("1, 2, 3, 4, 5 noted")
	})
}

// Nothing is noted over what is half done.
func TestNothingIsNotedOverAHalfAppliedMigration(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, single)
		b.migrate()
		b.put("6_e.sql", "-- transaction: off\n-- upgrade\nCREATE TABLE e (id INTEGER);\nno sql;")
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("it ran")
		}
		b.put("5_s.sql", squashed)
		var refused *plan.Refusal
		if _, err := b.warden().Track(t.Context()); !errors.As(err, &refused) || refused.Code != plan.HalfApplied {
			t.Errorf("refused with %v", err)
		}
		b.wantRows("1, 2, 3, 4")
	})
}

func version(s string) migration.Version { return upTo(s).To }

func TestASquashIsTakenBack(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		t.Run("where the old ones ran", func(t *testing.T) {
			b := newBench(t, p, single)
			b.migrate()
			b.put("5_s.sql", squashed)
			b.migrate()
			b.wantRows("1, 2, 3, 4, 5 noted")
			if res, err := b.warden().Unsquash(t.Context(), version("5")); err != nil || len(res.Completed) != 1 {
				t.Fatalf("%+v, %v", res, err)
			}
			b.wantRows("1, 2, 3, 4")
			// The note of a file that went without it keeps no number from others.
			b.migrate()
			b.wantRows("1, 2, 3, 4, 5 noted")
			b.put("5_s.sql", "-- upgrade\nINSERT INTO a VALUES (5);\n-- rollback\nDELETE FROM a WHERE id = 5;")
			if st, err := b.warden().Status(t.Context()); err != nil || st.PendingTotal != 1 || st.AppliedTotal != 4 {
				t.Errorf("status %+v, %v", st, err)
			}
			b.migrate()
			b.wantRows("1, 2, 3, 4, 5")
		})
		t.Run("where the squashed one ran", func(t *testing.T) {
			b := newBench(t, p, single)
			b.put("5_s.sql", squashed)
			b.migrate()
			b.wantRows("5, 4")
			old := b.files["2_b.sql"]
			delete(b.files, "2_b.sql")
			var refused *plan.Refusal
			if _, err := b.warden().Unsquash(t.Context(), version("5")); !errors.As(err, &refused) || refused.Code != plan.OldFilesGone {
				t.Fatalf("refused with %v", err)
			}
			b.files["2_b.sql"] = old
			before, err := b.warden().History(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.warden().Unsquash(t.Context(), version("5")); err != nil {
				t.Fatal(err)
			}
			b.wantRows("1, 2, 3, 4")
			after, err := b.warden().History(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !after[0].AppliedAt.Equal(before[0].AppliedAt) || after[0].By != before[0].By {
				t.Errorf("the old ones have %v by %s, and the squashed one had %v by %s", after[0].AppliedAt, after[0].By, before[0].AppliedAt, before[0].By)
			}
			moved := before[1]
			if moved.ID = after[3].ID; moved != after[3] {
				t.Errorf("what ran behind it is %+v, and was %+v", after[3], moved)
			}
			delete(b.files, "5_s.sql")
			if st, err := b.warden().Status(t.Context()); err != nil || !st.Clean() || st.AppliedTotal != 4 {
				t.Errorf("status %+v, %v", st, err)
			}
			b.migrate()
			b.rollback(plan.Target{})
			b.wantRows("1, 2, 3")
			b.rollback(plan.Target{Empty: true})
			b.wantRows("")
		})
		t.Run("behind the fence", func(t *testing.T) {
			b := newBench(t, p, single)
			b.put("5_s.sql", squashed)
			b.migrate()
			thief := newBench(t, p, nil)
			thief.db = b.db
			b.watch = func(e event.Event) {
				if e.Kind == event.LockAcquired {
					thief.exec("UPDATE dbwarden_lock SET locked = FALSE")
				}
			}
			if _, err := b.warden().Unsquash(t.Context(), version("5")); !errors.Is(err, lock.ErrLost) {
				t.Errorf("the lock being another's: %v", err)
			}
			b.watch = nil
			b.wantRows("5, 4")
		})
	})
}

// A rollback of a squashed migration that stopped half-way, outside of
// transactions, takes all rows with it when it is finished.
func TestAHalfRolledBackSquashedMigrationIsFinished(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, single)
		delete(b.files, "4_d.sql")
		b.migrate()
		for name := range single {
			delete(b.files, name)
		}
		const head, way = "-- transaction: off\n-- replaces: 1, 2, 3\n-- upgrade\nSELECT 1;\n-- rollback\nDROP TABLE b;\n", "DROP TABLE a;"
		b.put("5_s.sql", head+"no sql;")
		b.migrate()
		b.wantRows("1, 2, 3, 5 noted")
		if _, err := b.warden().Rollback(t.Context(), plan.Target{}); err == nil {
			t.Fatal("it went back")
		}
		b.wantRows("1, 2, 3, 5 noted")
		b.put("5_s.sql", head+way)
		var refused *plan.Refusal
		b.recover = true
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.HalfReverted {
			t.Errorf("refused with %v", err)
		}
		b.rollback(plan.Target{})
		b.wantRows("")
	})
}

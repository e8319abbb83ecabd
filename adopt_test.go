package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
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

// ledger is a history of another tool, as it is at each call.
func ledger(rows func() []dbwarden.Adopted) dbwarden.Ledger {
	return func(context.Context, engine.Session) ([]dbwarden.Adopted, error) { return rows(), nil }
}

func elsewhere(at time.Time) journal.Elsewhere {
	return journal.Elsewhere{Tool: "goose", At: at, By: "carol", Duration: 1500 * time.Millisecond}
}

// What another tool has applied does not run, keeps its time and the order of
// its execution, and can be rolled back.
func TestAnotherToolsHistoryIsAdopted(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{
			"1_a.sql":    "-- upgrade\nCREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;",
			"2_b.sql":    "-- upgrade\nINSERT INTO a VALUES (2);\n-- rollback\nDELETE FROM a WHERE id = 2;",
			"3_c.sql":    "-- upgrade\nINSERT INTO a VALUES (3);\n-- rollback\nDELETE FROM a WHERE id = 3;",
			"4_d.sql":    "-- upgrade\nINSERT INTO a VALUES (4);\n-- rollback\nDELETE FROM a WHERE id = 4;",
			"ROC__r.sql": "-- upgrade\nINSERT INTO a VALUES (9);",
		})
		b.exec("CREATE TABLE a (id INTEGER)")
		at := time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC)
		l := ledger(func() []dbwarden.Adopted {
			return []dbwarden.Adopted{
				{File: "1_a.sql", Elsewhere: elsewhere(at)},
				{File: "3_c.sql", Elsewhere: elsewhere(at.Add(time.Second))},
				{File: "2_b.sql", Elsewhere: journal.Elsewhere{Tool: "goose", Duration: -1}},
				{File: "ROC__r.sql", Elsewhere: elsewhere(at)},
			}
		})
		if res, err := b.warden().PreviewAdopt(t.Context(), l); err != nil || len(res.Planned) != 4 || len(res.Completed) != 0 {
			t.Fatalf("previewed %+v, %v", res, err)
		}
		res, err := b.warden().Adopt(t.Context(), l)
		if err != nil || len(res.Completed) != 4 {
			t.Fatalf("completed %v, %v", res.Completed, err)
		}
		if res, err := b.warden().Adopt(t.Context(), l); err != nil || len(res.Planned) != 0 {
			t.Errorf("again: %v, %v", res.Planned, err)
		}
		if n := b.value("SELECT COUNT(*) FROM a"); n != "0" {
			t.Errorf("a has %s rows: something ran", n)
		}
		history, err := b.warden().History(t.Context())
		if err != nil || len(history) != 4 {
			t.Fatalf("history %+v, %v", history, err)
		}
		for i, want := range []struct {
			file, by string
			at       time.Time
			took     time.Duration
		}{
			{"1_a.sql", "carol", at, 1500 * time.Millisecond}, {"3_c.sql", "carol", at.Add(time.Second), 1500 * time.Millisecond},
			{"2_b.sql", "", time.Time{}, -1}, {"ROC__r.sql", "carol", at, 1500 * time.Millisecond},
		} {
			r := history[i]
			if r.File != want.file || r.By != want.by || !r.AppliedAt.Equal(want.at) || r.Duration != want.took || r.Program != "goose" || r.ChecksumKind != migration.ChecksumKind || r.Statements != 1 {
				t.Errorf("row %d: %+v, want %+v", i, r, want)
			}
		}
		entries, err := b.warden().Attempts(t.Context())
		if err != nil || len(entries) != 4 || entries[0].Detail != journal.AdoptedDetail+"goose" || !entries[0].Unrun() || entries[0].Run != res.Run {
			t.Errorf("journal %+v, %v", entries, err)
		}
		b.migrate()
		if n := b.value("SELECT COUNT(*) FROM a"); n != "1" {
			t.Errorf("behind it %s rows were inserted, want 1", n)
		}
		b.rollback(plan.Target{Count: 2}) // 4, then 2, which ran after 3
		if _, err := b.warden().Adopt(t.Context(), ledger(func() []dbwarden.Adopted { return adopted(at, "1_a.sql") })); err != nil {
			t.Errorf("less than there is: %v", err)
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations WHERE version = '3'"); n != "1" {
			t.Errorf("the order of execution was not kept")
		}
	})
}

func adopted(at time.Time, files ...string) (out []dbwarden.Adopted) {
	for _, f := range files {
		out = append(out, dbwarden.Adopted{File: f, Elsewhere: elsewhere(at)})
	}
	return out
}

// All of it or nothing, and nothing once the lock is another's.
func TestAnAdoptionIsFenced(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		files, names := map[string]string{}, []string{}
		for i := range 200 {
			names = append(names, fmt.Sprintf("%d_t.sql", i+1))
			files[names[i]] = "-- upgrade\nSELECT 1;"
		}
		b := newBench(t, p, files)
		thief := newBench(t, p, nil)
		thief.db = b.db
		b.watch = func(e event.Event) {
			if e.Kind == event.LockAcquired {
				thief.exec("UPDATE dbwarden_lock SET locked = FALSE")
			}
		}
		if _, err := b.warden().Adopt(t.Context(), ledger(func() []dbwarden.Adopted { return adopted(time.Now(), names...) })); !errors.Is(err, lock.ErrLost) {
			t.Fatalf("the lock was another's: %v", err)
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "0" {
			t.Errorf("%s rows were written without the lock", n)
		}
	})
}

// What the other tool's history says is read with the lock in hand: what it
// says then counts.
func TestAnAdoptionReadsUnderTheLock(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{"1_a.sql": "-- upgrade\nSELECT 1;", "2_b.sql": "-- upgrade\nSELECT 1;"})
	reads := 0
	res, err := b.warden().Adopt(t.Context(), ledger(func() []dbwarden.Adopted {
		reads++
		return adopted(time.Now(), []string{"1_a.sql", "2_b.sql"}[:reads]...)
	}))
	if err != nil || len(res.Completed) != 2 || reads != 2 {
		t.Errorf("%d reads, completed %v, %v", reads, res.Completed, err)
	}
}

func TestAnAdoptionIsRefused(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- upgrade\nSELECT 1;", "2_b.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE b (id INTEGER);\nno sql;", "3_c.sql": "-- upgrade\nSELECT 1;"})
		adopt := func(files ...string) error {
			_, err := b.warden().Adopt(t.Context(), ledger(func() []dbwarden.Adopted { return adopted(time.Now(), files...) }))
			return err
		}
		var refused *plan.Refusal
		if _, err := b.warden().Migrate(t.Context(), upTo("1")); err != nil {
			t.Fatal(err)
		}
		if err := adopt("2_b.sql"); !errors.As(err, &refused) || refused.Code != plan.OwnHistory {
			t.Errorf("over a history of its own: %v", err)
		}
		if err := adopt("nowhere.sql"); err == nil {
			t.Error("what is not in the folder")
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("it ran")
		}
		if err := adopt("1_a.sql", "3_c.sql"); !errors.As(err, &refused) || refused.Code != plan.HalfApplied {
			t.Errorf("over a half-applied one: %v", err)
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "1" {
			t.Errorf("%s rows", n)
		}
	})
}

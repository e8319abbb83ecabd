package dbwarden_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// difference is the only one.
func (b *bench) difference() plan.Difference {
	b.t.Helper()
	ds, err := b.warden().Differences(b.t.Context())
	if err != nil || len(ds) != 1 {
		b.t.Fatalf("%+v, %v", ds, err)
	}
	return ds[0]
}

// Status and migrate tell what ran and what stands in the file.
func TestAChangedFileIsShownBesideWhatRan(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{
			"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);\n",
			"2_b.sql": "-- upgrade\nINSERT INTO a VALUES (2);\n",
		})
		b.migrate()
		b.put("1_a.sql", "-- upgrade\r\nCREATE TABLE a (id INTEGER);\r\nINSERT INTO a VALUES (7);\r\n")
		st, err := b.warden().Status(t.Context())
		if err != nil || st.Counts[dbwarden.Changed] != 1 || st.Migrations[1].Difference != nil {
			t.Fatalf("%+v, %v", st, err)
		}
		d := st.Migrations[0].Difference
		if d == nil || d.Statement != 2 || d.Line != 3 || d.RanStatements != 2 || d.NowStatements != 2 || d.Cosmetic ||
			d.Ran != "CREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1)" || d.Now != "CREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (7)" {
			t.Errorf("status: %+v", d)
		}
		for name, err := range map[string]error{
			"migrate": func() error { _, err := b.warden().Migrate(t.Context(), plan.Target{}); return err }(),
			"preview": func() error { _, err := b.warden().Preview(t.Context(), "upgrade", plan.Target{}); return err }(),
		} {
			var refused *plan.Refusal
			if !errors.As(err, &refused) || refused.Code != plan.ChangedFile || len(refused.Changes) != 1 || refused.Changes[0] != *d {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A statement less, and one more.
		b.put("1_a.sql", "-- upgrade\nCREATE TABLE a (id INTEGER);")
		if d := b.difference(); d.Statement != 2 || d.Line != 0 || d.NowStatements != 1 {
			t.Errorf("a shorter file: %+v", d)
		}
		b.put("1_a.sql", "-- upgrade\nCREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);\nSELECT 1;")
		if d := b.difference(); d.Statement != 3 || d.Line != 4 {
			t.Errorf("a longer file: %+v", d)
		}
	})
}

// Of what is longer than what is kept the hashes tell, and a secret is not
// kept at all.
func TestBeyondTheKeptTextHashesTell(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		text := func(last string) string {
			all := "-- upgrade\nCREATE TABLE a (id INTEGER, password VARCHAR(20) DEFAULT 'hunter2');\n"
			for i := range 300 {
				all += fmt.Sprintf("INSERT INTO a VALUES (%d, 'x');\n", i)
			}
			return all + "INSERT INTO a VALUES (1, " + last + ");"
		}
		b := newBench(t, p, map[string]string{"1_a.sql": text("'a'")})
		b.migrate()
		b.put("1_a.sql", text("'b'"))
		d := b.difference()
		if d.Statement != 302 || d.Line != 303 || d.Ran == "" || d.Ran != d.Now || journal.Whole(d.Ran) || len(d.Ran) > journal.MigrationBytes+10 {
			t.Errorf("%+v", d)
		}
		if strings.Contains(d.Ran, "hunter2") || !strings.Contains(d.Ran, "it says password") || strings.Contains(b.value("SELECT detail FROM dbwarden_journal WHERE event = 'applied'"), "hunter2") {
			t.Errorf("a secret was kept: %s", d.Ran)
		}
	})
}

func TestRepairAdoptsAFileAndSaysSo(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);", "2_b.sql": "-- upgrade\nINSERT INTO a VALUES (2);"})
		b.migrate()
		b.put("1_a.sql", "-- upgrade\nCREATE TABLE a (\n  id INTEGER -- who\n);\nINSERT INTO a VALUES (1);")
		d := b.difference()
		if !d.Cosmetic || d.Statement != 1 {
			t.Errorf("a comment: %+v", d)
		}
		res, err := b.warden().Repair(t.Context(), []plan.Difference{d})
		if err != nil || len(res.Completed) != 1 || b.locked() {
			t.Fatalf("%+v, %v", res, err)
		}
		if st, err := b.warden().Status(t.Context()); err != nil || !st.Clean() {
			t.Errorf("%+v, %v", st, err)
		}
		if n := b.value("SELECT COUNT(*) FROM a"); n != "2" {
			t.Errorf("something ran: %s rows", n)
		}
		entries, err := b.warden().Attempts(t.Context())
		last := entries[len(entries)-1]
		if err != nil || last.What != journal.Repaired || last.File != "1_a.sql" || last.By != "ada@test" || !strings.Contains(last.Detail, string(d.Was[:16])) || last.Checksum != string(d.Is) || last.Text != d.Now {
			t.Errorf("%+v, %v", last, err)
		}
		b.migrate() // goes on
		// The next difference is to what was adopted.
		b.put("1_a.sql", "-- upgrade\nCREATE TABLE a (\n  id INTEGER -- who\n);\nINSERT INTO a VALUES (3);")
		if again := b.difference(); again.Ran != d.Now || again.Cosmetic || again.Statement != 2 {
			t.Errorf("%+v", again)
		}
		b.put("1_a.sql", "-- upgrade\nSELECT 1;")
		if _, err := b.warden().Repair(t.Context(), []plan.Difference{b.difference()}); err != nil {
			t.Error(err)
		}
		if st, err := b.warden().Status(t.Context()); err != nil || !st.Clean() {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// What somebody has looked at is what is adopted, under the lock and its
// fence.
func TestRepairIsCheckedAndFencedUnderTheLock(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);"})
		b.migrate()
		sum := b.value("SELECT checksum FROM dbwarden_migrations")
		b.put("1_a.sql", "-- upgrade\nCREATE TABLE a (id BIGINT);")
		d := b.difference()
		unchanged := func(why string) {
			t.Helper()
			if now := b.value("SELECT checksum FROM dbwarden_migrations"); now != sum {
				t.Errorf("%s: the history says %s", why, now)
			}
		}
		var refused *plan.Refusal
		b.put("1_a.sql", "-- upgrade\nCREATE TABLE a (id SMALLINT);")
		if _, err := b.warden().Repair(t.Context(), []plan.Difference{d}); !errors.As(err, &refused) || refused.Code != plan.ChangedAgain {
			t.Errorf("another file: %v", err)
		}
		unchanged("another file")
		b.put("1_a.sql", "-- upgrade\nCREATE TABLE a (id BIGINT);")
		b.watch = func(e event.Event) {
			if e.Kind == event.LockAcquired {
				b.exec("UPDATE dbwarden_migrations SET checksum = 'x'")
			}
		}
		if _, err := b.warden().Repair(t.Context(), []plan.Difference{d}); !errors.As(err, &refused) || refused.Code != plan.ChangedAgain {
			t.Errorf("another row: %v", err)
		}
		b.watch = nil
		b.exec("UPDATE dbwarden_migrations SET checksum = '" + sum + "'")
		b.watch = func(e event.Event) {
			if e.Kind == event.LockAcquired {
				b.exec("UPDATE dbwarden_lock SET locked = FALSE")
			}
		}
		if _, err := b.warden().Repair(t.Context(), []plan.Difference{d}); !errors.Is(err, lock.ErrLost) {
			t.Errorf("the lock was another's: %v", err)
		}
		unchanged("without the lock")
	})
}

// What ran and has another number by now is not adopted as the file that has its
// number, though somebody has looked at that one before.
func TestARenumberedFileIsNotAdopted(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		const mine = "-- upgrade\nCREATE TABLE mine (id INTEGER);\n"
		b := newBench(t, p, map[string]string{"1_mine.sql": mine})
		b.migrate()
		b.put("1_mine.sql", "-- upgrade\nCREATE TABLE theirs (id INTEGER);\n")
		seen := b.difference()
		b.put("2_mine.sql", mine)
		if ds, err := b.warden().Differences(t.Context()); err != nil || len(ds) != 0 {
			t.Errorf("it is called changed: %+v, %v", ds, err)
		}
		_, err := b.warden().Repair(t.Context(), []plan.Difference{seen})
		if refused, ok := errors.AsType[*plan.Refusal](err); !ok || refused.Code != plan.RenumberedFile || refused.Items[0].Now != "2_mine.sql" {
			t.Errorf("it was adopted, or refused otherwise: %v", err)
		}
	})
}

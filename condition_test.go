package dbwarden_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// unheld migrates and returns the condition that did not hold, with the
// migration that it stopped.
func (b *bench) unheld(t plan.Target) (*dbwarden.ConditionError, *dbwarden.MigrationError, *dbwarden.Result) {
	b.t.Helper()
	res, err := b.warden().Migrate(b.t.Context(), t)
	var unheld *dbwarden.ConditionError
	var failed *dbwarden.MigrationError
	if !errors.As(err, &unheld) || !errors.As(err, &failed) {
		b.t.Fatalf("it ended with %v", err)
	}
	return unheld, failed, res
}

// TestWhatIsRequiredIsAskedAheadOfAnything, and each answer that is not true
// stops the migration, which is told with the rows.
func TestWhatIsRequiredIsAskedAheadOfAnything(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER, v VARCHAR(400));\nINSERT INTO a VALUES (1, 'one'), (0, 'none'), (NULL, NULL), (3, '');\n"})
		b.migrate()
		for query, wanted := range map[string]string{
			"SELECT n FROM a WHERE n > 5":                               "no row",
			"SELECT n, v FROM a WHERE n = 0":                            "row 1",
			"SELECT n FROM a WHERE v IS NULL;":                          "row 1",
			"SELECT v FROM a WHERE n = 3":                               "row 1",
			"SELECT n, v FROM a WHERE n IS NOT NULL ORDER BY n":         "row 1",
			"SELECT 1 = 2":                                              "row 1",
			"SELECT n\n--    FROM a\n--    WHERE n < 3 ORDER BY n DESC": "row 2",
		} {
			for _, header := range []string{"", "-- transaction: off\n"} {
				b.put("0002_b.sql", header+"-- require: SELECT 1\n-- require: "+query+"\n-- upgrade\nCREATE TABLE b (n INTEGER);\nINSERT INTO a VALUES (9, 'nine');\n")
				unheld, failed, _ := b.unheld(plan.Target{})
				line := 2 + strings.Count(header, "\n")
				if unheld.Kind != migration.Require || unheld.Line != line || failed.Pos.Line != line || failed.State != dbwarden.Untouched || failed.Done != 0 || !strings.Contains(unheld.Error(), wanted) {
					t.Errorf("%s%s: %+v, %+v", header, query, unheld, failed)
				}
				if strings.Contains(query, "n = 0") && (len(unheld.Answer.Rows) != 1 || *unheld.Answer.Rows[0][1] != "none" || len(unheld.Answer.Columns) != 2) {
					t.Errorf("the rows are told as %+v", unheld.Answer)
				}
				if b.locked() || b.value("SELECT COUNT(*) FROM a") != "4" {
					t.Errorf("%s%s: something was run, or the lock is held: %v", header, query, b.locked())
				}
			}
		}
		b.put("0002_b.sql", "-- require: SELECT n FROM a WHERE n IN (1, 3)\n-- require: SELECT 1 = 1\n-- upgrade\nCREATE TABLE b (n INTEGER);\n-- rollback\nDROP TABLE b;\n")
		b.migrate()
		b.exec("DELETE FROM a")
		b.rollback(plan.Target{}) // which asks nothing
	})
}

// TestNothingIsCommittedBeforeWhatIsEnsured: neither the migration nor those
// behind it, on the road that shares round trips and on the plain one; those
// before it stay.
func TestNothingIsCommittedBeforeWhatIsEnsured(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for _, plain := range []bool{false, true} {
			b := newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\n"})
			b.migrate()
			b.plain = plain
			b.put("0002_b.sql", "-- upgrade\nINSERT INTO a VALUES (2);\n")
			b.put("0003_c.sql", "-- ensure: SELECT COUNT(*) = 2 FROM a\n-- ensure: SELECT n < 3, n FROM a ORDER BY n DESC\n-- upgrade\nINSERT INTO a VALUES (3);\n")
			b.put("0004_d.sql", "-- upgrade\nINSERT INTO a VALUES (4);\n")
			var asked []string
			b.watch = func(e event.Event) {
				if e.Kind == event.ConditionHeld {
					asked = append(asked, e.SQL)
				}
			}
			unheld, failed, res := b.unheld(plan.Target{})
			if unheld.Kind != migration.Ensure || unheld.Line != 2 || *unheld.Answer.Rows[0][1] != "3" || failed.State != dbwarden.Untouched || len(res.Completed) != 1 || len(asked) != 1 {
				t.Errorf("plain %v: %+v, %+v, asked %q", plain, unheld, failed, asked)
			}
			if b.value("SELECT SUM(n) FROM a") != "2" || b.locked() {
				t.Errorf("plain %v: %s, locked: %v", plain, b.value("SELECT SUM(n) FROM a"), b.locked())
			}
			b.put("0003_c.sql", "-- ensure: SELECT COUNT(*) = 2 FROM a\n-- upgrade\nINSERT INTO a VALUES (3);\n")
			b.migrate()
			if v := b.value("SELECT SUM(n) FROM a"); v != "9" {
				t.Errorf("plain %v: behind the next run %s", plain, v)
			}
		}
	})
}

// TestAnAtomicRunAsksInItsTransaction: what one migration requires of those
// before it is there, and one condition that does not hold takes all back.
func TestAnAtomicRunAsksInItsTransaction(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\n"})
		b.migrate()
		b.put("0002_b.sql", "-- ensure: SELECT n = 2 FROM a\n-- upgrade\nINSERT INTO a VALUES (2);\n")
		b.put("0003_c.sql", "-- require: SELECT n = 2 FROM a\n-- ensure: SELECT COUNT(*) = 1 FROM a\n-- upgrade\nINSERT INTO a VALUES (3);\n")
		unheld, failed, res := b.unheld(plan.Target{Atomic: true})
		if unheld.Kind != migration.Ensure || failed.Migration.File != "0003_c.sql" || failed.State != dbwarden.Untouched || len(res.Completed) != 0 || b.value("SELECT COUNT(*) FROM a") != "0" {
			t.Errorf("%+v, %+v, %d rows", unheld, failed, len(res.Completed))
		}
		b.put("0003_c.sql", "-- require: SELECT n = 2 FROM a\n-- upgrade\nINSERT INTO a VALUES (3);\n")
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWhatIsEnsuredOutsideATransactionIsAskedAgain: its statements have run and
// do not run again, the lock is kept, and the history says that it is applied
// only when the answer is true. What was required is not asked behind them.
func TestWhatIsEnsuredOutsideATransactionIsAskedAgain(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\n"})
		b.migrate()
		b.put("0002_b.sql", "-- transaction: off\n-- require: SELECT COUNT(*) = 0 FROM a\n-- ensure: SELECT COUNT(*) = 2 FROM a\n-- upgrade\nINSERT INTO a VALUES (1);\nCREATE TABLE b (n INTEGER);\n-- rollback\n")
		for range 2 {
			unheld, failed, _ := b.unheld(plan.Target{})
			if unheld.Kind != migration.Ensure || failed.State != dbwarden.Partial || failed.Done != 2 || failed.Total != 2 || !failed.LockKept || !b.locked() {
				t.Fatalf("%+v, %+v", unheld, failed)
			}
			if st, err := b.warden().Status(t.Context()); err != nil || st.Migrations[1].State != dbwarden.HalfApplied || !strings.Contains(st.Migrations[1].Detail, "2 of 2 statements ran") {
				t.Errorf("%+v, %v", st.Migrations, err)
			}
			b.recover = true
		}
		b.exec("INSERT INTO a VALUES (7)")
		b.migrate()
		if v := b.value("SELECT SUM(n) FROM a"); v != "8" || b.locked() {
			t.Errorf("the rows are %s, locked: %v", v, b.locked())
		}
	})
}

// TestAConditionThatCannotBeAskedStopsTheMigration, with its place.
func TestAConditionThatCannotBeAskedStopsTheMigration(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_a.sql": "-- vars: on\n\n-- ensure: SELECT ${'word'} = 'x', n FROM nowhere\n-- upgrade\nSELECT 1;\n"})
		b.vars = map[string]migration.Value{"word": {Text: "x"}}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.Pos.Line != 3 || failed.Fault.Kind != engine.Missing || failed.State != dbwarden.Untouched || b.locked() {
			t.Fatalf("%v: %+v", err, failed)
		}
		b.put("0001_a.sql", "-- vars: on\n-- ensure: SELECT ${'word'} = 'x'\n-- require: SELECT ${nobody}\n-- upgrade\nSELECT 1;\n")
		var bad migration.Problems
		if _, err = b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &bad) || !strings.Contains(err.Error(), "0001_a.sql:3:8: the variable nobody has no value") {
			t.Fatal(err)
		}
		b.vars["nobody"] = migration.Value{Text: "1"}
		b.migrate()
	})
}

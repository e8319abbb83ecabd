package dbwarden_test

import (
	"errors"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/plan"
)

// deny keeps entries of one kind from being written, until it is taken away.
func (b *bench) deny(table, when string) {
	switch b.engine.Name {
	case "postgres":
		b.exec("CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'denied'; END $$")
		b.exec("CREATE TRIGGER deny BEFORE INSERT ON " + table + " FOR EACH ROW WHEN (" + when + ") EXECUTE FUNCTION deny()")
	case "mysql":
		b.exec("CREATE TRIGGER deny BEFORE INSERT ON " + table + " FOR EACH ROW BEGIN IF " + when + " THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'denied'; END IF; END")
	default:
		b.exec("CREATE TRIGGER deny BEFORE INSERT ON " + table + " WHEN " + when + " BEGIN SELECT RAISE(ABORT, 'denied'); END")
	}
}

func (b *bench) allow(table string) {
	b.exec("DROP TRIGGER deny" + map[string]string{"postgres": " ON " + table}[b.engine.Name])
}

const threeAlone = "-- transaction: off\n-- upgrade\nCREATE TABLE a (n INTEGER);\nCREATE TABLE b (n INTEGER);\nCREATE TABLE c (n INTEGER);\n-- rollback\n"

// TestWhatRanIsWrittenDownAgain: a statement outside a transaction has run, and
// the history behind it could not be written. That it ran is written by itself,
// counted, and it is not run again.
func TestWhatRanIsWrittenDownAgain(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_t.sql": "-- upgrade\nCREATE TABLE t (n INTEGER);\n"})
		b.migrate()
		b.put("0002_three.sql", threeAlone)
		b.deny("dbwarden_migrations", "NEW.version = '0002'")
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.State != dbwarden.Partial || failed.Done != 3 || failed.Behind != 3 || failed.Unwritten || !failed.LockKept {
			t.Fatalf("it ended with %+v", err)
		}
		b.allow("dbwarden_migrations")
		b.unlock()
		ran := 0
		b.watch = func(e event.Event) {
			if e.Kind == event.StatementStarted {
				ran++
			}
		}
		b.migrate()
		if ran > 0 {
			t.Errorf("%d statements ran again", ran)
		}
		if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations WHERE version = '0002'"); got != "1" {
			t.Errorf("%s rows in the history", got)
		}
	})
}

// TestWhatRanAndCannotBeWrittenDownStaysInDoubt, and is found out about by the
// next run.
func TestWhatRanAndCannotBeWrittenDownStaysInDoubt(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_t.sql": "-- upgrade\nCREATE TABLE t (n INTEGER);\n"})
		b.migrate()
		b.put("0002_three.sql", threeAlone)
		b.deny("dbwarden_journal", "NEW.event = 'done' AND NEW.statement_to = 2")
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || failed.State != dbwarden.Partial || failed.Done != 1 || !failed.Unwritten || failed.From != 2 {
			t.Fatalf("it ended with %+v", err)
		}
		b.allow("dbwarden_journal")
		b.unlock()
		b.migrate()
	})
}

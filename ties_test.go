package dbwarden_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/plan"
)

// lastRow is how a product tells the number of the row that was inserted last.
var lastRow = map[string]string{"sqlite": "last_insert_rowid()", "postgres": "lastval()", "mysql": "LAST_INSERT_ID()"}

// numbered is a table whose rows get numbers.
func numbered(engine string) string {
	switch engine {
	case "postgres":
		return "CREATE TABLE p (id SERIAL PRIMARY KEY, n INTEGER);\n"
	case "mysql":
		return "CREATE TABLE p (id INTEGER PRIMARY KEY AUTO_INCREMENT, n INTEGER);\n"
	}
	return "CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER);\n"
}

// warned has the bench gather warnings.
func (b *bench) warned() *[]string {
	var all []string
	b.watch = func(e event.Event) {
		if e.Kind == event.Warning {
			all = append(all, e.Detail)
		}
	}
	return &all
}

// TestWhatReadsTheLastRowSharesItsTransaction: between two statements outside
// transactions the journal writes, too, and a run may end there.
func TestWhatReadsTheLastRowSharesItsTransaction(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		text := "-- transaction: off\n-- upgrade\n" + numbered(p.engine.Name) +
			"CREATE TABLE c (p INTEGER);\nINSERT INTO p (n) VALUES (1);\nINSERT INTO c VALUES (" + lastRow[p.engine.Name] + ");\nINSERT INTO c VALUES (99);\n-- rollback\n"
		b := newBench(t, p, map[string]string{"0001_r.sql": strings.Replace(text, "INTO c VALUES (9", "INTO nosuch VALUES (9", 1)})
		warned := b.warned()
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("want a failure")
		}
		b.unlock()
		b.put("0001_r.sql", text)
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM c JOIN p ON c.p = p.id"); got != "1" || len(*warned) > 0 {
			t.Errorf("%s children have found their parent, and warned was of %q", got, *warned)
		}

		// The parent goes back with the child.
		b.put("0002_r.sql", "-- transaction: off\n-- upgrade\nDELETE FROM c;\nINSERT INTO p (n) VALUES (2);\nINSERT INTO nosuch VALUES ("+lastRow[p.engine.Name]+");\n-- rollback\n")
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("want a failure")
		}
		if got := b.value("SELECT COUNT(*) FROM p"); got != "1" {
			t.Errorf("%s parents", got)
		}
		b.unlock()
		b.put("0002_r.sql", strings.ReplaceAll(string(b.files["0002_r.sql"].Data), "nosuch", "c"))
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM c JOIN p ON c.p = p.id AND p.n = 2"); got != "1" {
			t.Errorf("%s children have found their parent", got)
		}
	})
}

// TestWhatCannotShareATransactionIsWarnedOf before it runs, and a run does not
// go on where the session of the first part is missed.
func TestWhatCannotShareATransactionIsWarnedOf(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		text := "-- transaction: off\n-- upgrade\n" + numbered(p.engine.Name) +
			"INSERT INTO p (n) VALUES (1);\nCREATE TABLE c (p INTEGER);\nINSERT INTO nosuch VALUES (" + lastRow[p.engine.Name] + ");\n-- rollback\n" +
			"DROP TABLE c;\nDROP TABLE p;\n"
		b := newBench(t, p, map[string]string{"0001_r.sql": text})
		warned := b.warned()
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("want a failure")
		}
		if len(*warned) != 1 || !strings.HasPrefix((*warned)[0], "0001_r.sql:6 reads "+lastRow[p.engine.Name]) {
			t.Errorf("warned was of %q", *warned)
		}
		b.unlock()
		b.put("0001_r.sql", strings.Replace(text, "nosuch", "c", 1))
		var refused *plan.Refusal
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		if !errors.As(err, &refused) || refused.Code != plan.SessionGone || refused.Items[0].Line != 4 {
			t.Fatalf("got %v, want a refusal with line 4", err)
		}
		b.rollback(plan.Target{})
	})
}

// TestVariablesOfASessionThatIsGone: those that are set to what stands there
// are set again, those that were computed behind the last statement that ran
// are computed again, and no others.
func TestVariablesOfASessionThatIsGone(t *testing.T) {
	t.Parallel()
	head := "-- upgrade\nCREATE TABLE t (n INT);\n"
	for _, c := range []struct {
		name, text, mend string
		line             int // of what a refusal names, 0: it goes on
		query, want      string
	}{
		{"a constant", "SET @k = CONCAT('4', 2), @old = @@sql_mode;\nSET sql_mode = @old;\nCREATE TABLE u (n INT);\nINSERT INTO nosuch VALUES (@k);\n", "t", 0, "SELECT n FROM t", "42"},
		{"from a table", "SET @k = (SELECT COUNT(*) FROM t);\nCREATE TABLE u (n INT);\nINSERT INTO nosuch VALUES (@k);\n", "u", 3, "", ""},
		{"by way of another", "SELECT COUNT(*) INTO @a FROM t;\nSET @k = @a + 1;\nCREATE TABLE u (n INT);\nINSERT INTO nosuch VALUES (@k);\n", "u", 4, "", ""},
		{"nobody needs it", "SET @k = (SELECT COUNT(*) FROM t);\nINSERT INTO t VALUES (@k);\nDROP TABLE t;\nCREATE TABLE u (n INT);\nINSERT INTO nosuch VALUES (5);\n", "u", 0, "SELECT n FROM u", "5"},
		{"a statement made of what is there", "SELECT COUNT(*) INTO @e FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'nosuch';\nSET @q = IF(@e = 0, \"INSERT INTO nosuch VALUES (7)\", 'DO 0');\n" +
			"PREPARE s FROM @q;\nEXECUTE s;\nDEALLOCATE PREPARE s;\n", "t", 0, "SELECT n FROM t", "7"},
		{"a prepared statement", "PREPARE s FROM 'INSERT INTO t VALUES (?)';\nSET @k = 8;\nCREATE TABLE u (n INT);\nINSERT INTO nosuch VALUES (1);\nEXECUTE s USING @k;\n", "u", 0, "SELECT n FROM t", "8"},
		{"a computed setting", "SET sql_mode = (SELECT IF(COUNT(*) = 0, '', 'ANSI') FROM t);\nCREATE TABLE u (n INT);\nINSERT INTO nosuch VALUES (1);\n", "u", 3, "", ""},
		{"of the next transaction alone", "SET TRANSACTION READ WRITE;\nBEGIN;\nINSERT INTO t VALUES (1);\nCOMMIT;\nCREATE TABLE u (n INT);\nINSERT INTO nosuch VALUES (1);\n", "u", 0, "SELECT n FROM u", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := onMariaDB(t, map[string]string{"0001_r.sql": head + c.text + "-- rollback\n"})
			warned := b.warned()
			var failed *dbwarden.MigrationError
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.State != dbwarden.Partial {
				t.Fatalf("got %v, want a failure half-way", err)
			}
			if (len(*warned) > 0) != (c.line > 0) {
				t.Errorf("warned was of %q", *warned)
			}
			b.unlock()
			b.put("0001_r.sql", strings.Replace(head+c.text, "INTO nosuch", "INTO "+c.mend, 1)+"-- rollback\n")
			_, err := b.warden().Migrate(t.Context(), plan.Target{})
			var refused *plan.Refusal
			if c.line > 0 {
				if !errors.As(err, &refused) || refused.Code != plan.SessionGone || refused.Items[0].Line != c.line {
					t.Errorf("got %v, want a refusal that names line %d", err, c.line)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := b.value(c.query); got != c.want {
				t.Errorf("%s gave %q, want %q", c.query, got, c.want)
			}
		})
	}
}

// TestTheLastRowIsKeptOverOurStatements, where the product allows it: between
// the parent and its child a statement stands that cannot share their
// transaction.
func TestTheLastRowIsKeptOverOurStatements(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Name == "postgres" {
			t.Skip("lastval() is not kept: it is warned of")
		}
		alone := map[string]string{"sqlite": "PRAGMA wal_checkpoint;\n", "mysql": "CREATE TABLE x (n INTEGER);\n"}[p.engine.Name]
		text := "-- transaction: off\n-- upgrade\n" + numbered(p.engine.Name) + "CREATE TABLE c (p INTEGER, n INTEGER);\n" +
			"INSERT INTO p (n) VALUES (1), (2), (3);\nINSERT INTO p (id, n) VALUES (100, 4);\n" + alone +
			"UPDATE p SET n = n + 1;\n" + strings.ReplaceAll(alone, " x ", " y ") +
			"INSERT INTO c SELECT " + lastRow[p.engine.Name] + ", " + map[string]string{"sqlite": "changes()", "mysql": "4"}[p.engine.Name] + ";\n-- rollback\n"
		b := newBench(t, p, map[string]string{"0001_r.sql": text})
		b.migrate()
		// MariaDB does not count a number that was given.
		want := map[string]string{"sqlite": "1004", "mysql": "14"}[p.engine.Name]
		if got := b.value("SELECT p * 10 + n FROM c"); got != want {
			t.Errorf("the row's number and how many were changed are %s, want %s", got, want)
		}
	})
}

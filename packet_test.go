package dbwarden_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// On MariaDB a small migration is one packet: what is written ahead, the
// statement, the history and its fence (engine/mysql/packet.go).

// overProxy is a bench whose runs go through a proxy, and one beside it that
// goes past it.
func overProxy(t *testing.T, f wirelab.Fault, files map[string]string) (far, near *bench, proxy *wirelab.Proxy) {
	t.Helper()
	server := dbtest.MariaDB(t)
	address := server.NewDatabase(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the database's URL cannot be read")
	}
	if proxy, err = wirelab.Start(u.Host, wirelab.MySQL, f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	u.Host = proxy.Addr()
	at := func(address string) *bench {
		return newBench(t, product{mysql.Engine(), func(*testing.T) string { return address }}, files)
	}
	near = at(address)
	if !strings.Contains(near.value("SELECT VERSION()"), "MariaDB") {
		t.Skip("MySQL has no compound statements outside of routines")
	}
	return at(u.String()), near, proxy
}

// asked counts the requests of the session that ran the migrations.
func asked(p *wirelab.Proxy) int {
	all := p.Requests()
	session, n := 0, 0
	for _, r := range all {
		if strings.Contains(r.Text, "dbwarden_journal") {
			session = r.Session
		}
	}
	for _, r := range all {
		if r.Session == session {
			n++
		}
	}
	return n
}

// TestAMigrationIsOneRequestOnMariaDB, whatever is applied already.
func TestAMigrationIsOneRequestOnMariaDB(t *testing.T) {
	t.Parallel()
	const few, many = 2, 12
	for name, c := range map[string]struct {
		text string
		want int // for one migration
	}{
		"a table":         {"CREATE TABLE t%[1]d (n INTEGER)", 1},
		"rows":            {"INSERT INTO base VALUES (%[1]d); INSERT INTO base VALUES (%[1]d)", 1},
		"rows looked for": {"INSERT INTO base VALUES (%[1]d); DELETE FROM base WHERE n = %[1]d", 2},
		"both":            {"CREATE TABLE t%[1]d (n INTEGER); INSERT INTO t%[1]d VALUES (1)", 3}, // with a look at the new table's engine
		"a changed table": {"ALTER TABLE base ADD COLUMN c%[1]d INTEGER", 4},                     // with the look that is the evidence
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := map[int]int{}
			for _, n := range []int{few, many} {
				far, _, proxy := overProxy(t, wirelab.Fault{}, nil)
				far.put("0000_base.sql", "-- upgrade\nCREATE TABLE base (n INTEGER);\n")
				for i := 1; i <= n; i++ {
					far.put(fmt.Sprintf("%04d_x.sql", i), "-- upgrade\n"+fmt.Sprintf(c.text, i)+";\n")
				}
				far.migrate()
				requests[n] = asked(proxy)
			}
			if got := requests[many] - requests[few]; got != c.want*(many-few) {
				t.Errorf("%d migrations more are %d requests more, want %d each", many-few, got, c.want)
			}
		})
	}
}

// TestBehindAReleaseAPacketRunsNothing: the run has decided, and its packet is
// on the way, when somebody takes the lock away.
func TestBehindAReleaseAPacketRunsNothing(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"a definition": "CREATE TABLE made (n INTEGER)", "rows": "INSERT INTO base VALUES (1)"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var near *bench
			far, near, proxy := overProxy(t, wirelab.Fault{Text: text, Action: wirelab.Hold, Met: func(wirelab.Request) {
				near.exec("UPDATE dbwarden_lock SET locked = FALSE, release_at = NOW()")
			}}, map[string]string{"1_base.sql": "-- upgrade\nCREATE TABLE base (n INTEGER);\n", "2_x.sql": "-- upgrade\n" + text + ";\n"})
			_, err := far.warden().Migrate(t.Context(), plan.Target{})
			if r, met := proxy.Met(); !met || !strings.HasPrefix(r.Text, "BEGIN NOT ATOMIC") {
				t.Fatalf("no packet was met: %.100s", r.Text)
			}
			if !errors.Is(err, lock.ErrLost) {
				t.Errorf("it ended with %v, want the lock lost", err)
			}
			if got := near.value("SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'made') + (SELECT COUNT(*) FROM base)"); got != "0" {
				t.Error("the packet ran")
			}
			if got := near.value("SELECT GROUP_CONCAT(version) FROM dbwarden_migrations"); got != "1" {
				t.Errorf("the history has %s", got)
			}
		})
	}
}

// TestFailuresAreToldAlikeOnBothRoads.
func TestFailuresAreToldAlikeOnBothRoads(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a definition":           "CREATE TABLE other (n INTEGER);\nCREATE TABLE base (n INTEGER)",
		"the only one":           "CREATE TABLE base (n INTEGER)",
		"a definition mistyped":  "CREATE TABLE other (n INTEGER);\nCREATE TABLE third (n INTEGER,,)",
		"a key that finds none":  "CREATE TABLE third (n INTEGER, FOREIGN KEY (n) REFERENCES nosuch (n))",
		"rows":                   "INSERT INTO base VALUES (1);\nINSERT INTO base\n  VALUES (2, 3)",
		"rows behind settings":   "SET sql_mode = 'ANSI_QUOTES';\nINSERT INTO base VALUES (1);\nINSERT INTO base VALUES (\"x\")",
		"a table that is there":  "CREATE TABLE IF NOT EXISTS base (n INTEGER);\nINSERT INTO nosuch VALUES (1)",
		"rows, then a definiton": "INSERT INTO base VALUES (1);\nCREATE TABLE base (n INTEGER)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told, left [2]string
			for i, plain := range []bool{true, false} {
				_, b, _ := overProxy(t, wirelab.Fault{}, map[string]string{
					"1_base.sql": "-- upgrade\nCREATE TABLE base (n INTEGER);\n", "2_x.sql": "-- upgrade\n" + text + ";\n", "3_behind.sql": "-- upgrade\nCREATE TABLE behind (n INTEGER);\n"})
				b.plain = plain
				_, err := b.warden().Migrate(t.Context(), plan.Target{})
				var failed *dbwarden.MigrationError
				if !errors.As(err, &failed) {
					t.Fatalf("plain %v: it ended with %v", plain, err)
				}
				told[i] = fmt.Sprintf("%s statement %d line %d column %d, %s, %d done, kept %v: %s %s", failed.Migration.File, failed.Number, failed.Pos.Line, failed.Pos.Column,
					failed.State, failed.Done, failed.LockKept, failed.Fault.Code, strings.ReplaceAll(failed.Fault.Detail, b.value("SELECT DATABASE()"), ""))
				left[i] = b.value("SELECT CONCAT((SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()), ': ', " +
					"(SELECT GROUP_CONCAT(CONCAT(event, COALESCE(statement_from, ''), evidence IS NULL) ORDER BY id) FROM dbwarden_journal), ': ', (SELECT COUNT(*) FROM base))")
			}
			if told[0] != told[1] {
				t.Errorf("told\n%s\non the plain road, and in packets\n%s", told[0], told[1])
			}
			if left[0] != left[1] {
				t.Errorf("left\n%s\non the plain road, and in packets\n%s", left[0], left[1])
			}
		})
	}
}

// TestAFileInPacketsFindsNothingOfTheOneBefore.
func TestAFileInPacketsFindsNothingOfTheOneBefore(t *testing.T) {
	t.Parallel()
	far, near, _ := overProxy(t, wirelab.Fault{}, map[string]string{
		"1_t.sql":     "-- upgrade\nCREATE TABLE t (v VARCHAR(20) DEFAULT 'none');\n",
		"2_modes.sql": "-- upgrade\nSET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';\nINSERT INTO t (\"v\") VALUES ('\\');\n",
		"3_text.sql":  "-- upgrade\nINSERT INTO t (v) VALUES (\"text\");\n",
		"4_fn.sql":    "-- upgrade\nCREATE FUNCTION f() RETURNS INTEGER BEGIN SET SESSION sql_mode = 'ANSI_QUOTES', SESSION time_zone = '-07:00'; RETURN 1; END;\n",
		"5_call.sql":  "-- upgrade\nINSERT INTO t (v) VALUES (f());\n",
		"6_after.sql": "-- upgrade\nINSERT INTO t (v) VALUES (@@session.time_zone);\n",
	})
	far.migrate()
	zone := near.value("SELECT @@session.time_zone")
	if got := near.value("SELECT GROUP_CONCAT(v SEPARATOR ' ') FROM t"); got != `\ text 1 `+zone {
		t.Errorf("the table has %s", got)
	}
}

// TestATableWithoutTransactionsIsSeenWhenItIsMade, and not looked for again.
func TestATableWithoutTransactionsIsSeenWhenItIsMade(t *testing.T) {
	t.Parallel()
	b := newBench(t, product{mysql.Engine(), func(t *testing.T) string { return dbtest.MariaDB(t).NewDatabase(t) }}, map[string]string{
		"1_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\n",
		"2_a.sql": "-- upgrade\nINSERT INTO a VALUES (1);\n",
		"3_b.sql": "-- upgrade\nCREATE TABLE b (n INTEGER) ENGINE=MyISAM;\n",
		"4_b.sql": "-- upgrade\nINSERT INTO b VALUES (1);\n",
		"5_b.sql": "-- upgrade\nALTER TABLE b ENGINE=InnoDB;\n",
		"6_b.sql": "-- upgrade\nINSERT INTO b VALUES (2);\n",
		"7_a.sql": "-- upgrade\nALTER TABLE a ENGINE=MyISAM;\n",
		"8_a.sql": "-- upgrade\nINSERT INTO a VALUES (2);\n",
	})
	b.migrate()
	if got := b.value("SELECT GROUP_CONCAT(DISTINCT version ORDER BY version) FROM dbwarden_journal WHERE event = 'started'"); got != "1,3,4,5,7,8" {
		t.Errorf("written ahead were %s: rows in a table without transactions are, others are not", got)
	}
}

// TestATableThatIsThereIsLookedAt: the evidence for a table that is made
// presumes that it is not there, and says otherwise where it is.
func TestATableThatIsThereIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{true, false} {
		_, b, _ := overProxy(t, wirelab.Fault{}, map[string]string{
			"1_base.sql": "-- upgrade\nCREATE TABLE base (n INTEGER);\n", "2_again.sql": "-- upgrade\nCREATE TABLE IF NOT EXISTS base (n INTEGER);\n"})
		b.plain = plain
		b.migrate()
		if got := b.value("SELECT GROUP_CONCAT(evidence LIKE '%\"before\":%' ORDER BY id) FROM dbwarden_journal WHERE event = 'started'"); got != "0,1" {
			t.Errorf("plain %v: what was there before is in the evidence of %s, want it in the second's", plain, got)
		}
	}
}

package dbwarden_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/plan"
)

// What a migration makes in its session is not there for the next one of the
// same run: it would not be there either, had the run ended between them.
func TestASessionsThingsDoNotReachTheNextMigration(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		makes := []struct{ what, make, look, want string }{
			{"a temporary table", "CREATE TEMPORARY TABLE litter (n INTEGER)", "SELECT COUNT(*) FROM litter", ""},
			{"a temporary table in the place of another one", "CREATE TEMPORARY TABLE seen AS SELECT 7 AS n", "INSERT INTO seen VALUES (1)", "1"},
		}
		switch p.engine.Name {
		case "mysql":
			makes = append(makes, []struct{ what, make, look, want string }{
				{"a variable", "SET @`x y` = 3", "INSERT INTO seen SELECT @`x y`", "NULL"},
				{"a variable from a query", "SELECT 4 INTO @v", "INSERT INTO seen SELECT @v", "NULL"},
				{"a variable in passing", "DO (@w := 5)", "INSERT INTO seen SELECT @w", "NULL"},
				{"a prepared statement", "PREPARE litter FROM 'INSERT INTO seen VALUES (6)'", "EXECUTE litter", ""},
				{"a temporary table of a routine", "CREATE PROCEDURE p() CREATE TEMPORARY TABLE litter (n INTEGER); CALL p()", "SELECT COUNT(*) FROM litter", ""},
				{"a temporary table that was made by a text", "EXECUTE IMMEDIATE 'CREATE TEMPORARY TABLE `lit``ter` (n INTEGER)'", "SELECT COUNT(*) FROM `lit``ter`", ""},
			}...)
		case "postgres":
			makes = append(makes, []struct{ what, make, look, want string }{
				{"a prepared statement", "PREPARE litter AS INSERT INTO seen VALUES (6)", "EXECUTE litter", ""},
				{"a cursor", "DECLARE litter CURSOR WITH HOLD FOR SELECT 1", "FETCH litter", ""},
				{"a setting of its own", "SET my.litter = '5'", "INSERT INTO seen SELECT NULLIF(current_setting('my.litter', true), '')::int", "NULL"},
				{"a temporary view", "CREATE TEMPORARY VIEW litter AS SELECT 1", "SELECT * FROM litter", ""},
				{"a temporary function", "CREATE FUNCTION pg_temp.litter() RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT pg_temp.litter()", ""},
			}...)
		}
		for i, m := range makes {
			for _, plain := range []bool{false, true} {
				b := newBench(t, p, map[string]string{
					"1_seen.sql": "-- upgrade\nCREATE TABLE seen (n INTEGER);",
					"2_make.sql": "-- upgrade\n" + m.make + ";",
					"3_look.sql": "-- upgrade\n" + m.look + ";",
				})
				b.plain = plain
				_, err := b.warden().Migrate(t.Context(), plan.Target{})
				got := ""
				if err == nil {
					got = strings.TrimSpace(b.value("SELECT COALESCE(CAST(MAX(n) AS CHAR(9)), 'NULL') FROM seen"))
				}
				if (err != nil) != (m.want == "") || got != m.want {
					t.Errorf("%s (%d, step by step %v) reached the next migration: %q, want %q; %v", m.what, i, plain, got, m.want, err)
				}
			}
		}
	})
}

// Those of a file that has led elsewhere are found there.
func TestATemporaryTableElsewhereDoesNotReachTheNextMigration(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Name != "mysql" {
			t.Skip("USE is MySQL's")
		}
		other := newBench(t, p, nil).value("SELECT DATABASE()")
		b := newBench(t, p, map[string]string{
			"1_t.sql": fmt.Sprintf("-- upgrade\nUSE %s; CREATE TEMPORARY TABLE t (n INTEGER); INSERT INTO t VALUES (1);", other),
			"2_t.sql": fmt.Sprintf("-- upgrade\nCREATE TABLE %s.t (n INTEGER);", other),
			"3_t.sql": fmt.Sprintf("-- upgrade\nINSERT INTO %s.t VALUES (2), (3);", other),
		})
		b.migrate()
		if n := b.value("SELECT COUNT(*) FROM " + other + ".t"); n != "2" {
			t.Errorf("%s rows in the table that stays, want 2", n)
		}
	})
}

// However a name is spelled; and what only looks like one stops nobody.
func TestASessionsThingsAreFoundHoweverTheyAreSpelled(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		b := onMariaDB(t, nil)
		b.plain = plain
		here := b.value("SELECT DATABASE()")
		b.put("1_make.sql", "-- upgrade\nCREATE TABLE seen (n INT) COMMENT 'no temporary table for this, nor temporary table nosuch.x, nor temporary table "+strings.Repeat("a", 70)+`, prepare for from';
			CREATE TABLE more (n INT /* a temporary table in disguise */);
			CREATE TEMPORARY /* x */ TABLE -- y
			a (n INT);
			CREATE /*!40101 TEMPORARY */ TABLE /*!40101 IF NOT EXISTS */ `+"`b``b`"+` (n INT);
			CREATE TEMPORARY TABLE größe (n INT);
			SET sql_mode = 'ANSI_QUOTES';
			CREATE TEMPORARY TABLE "c" (n INT);
			SET sql_mode = '';
			CREATE TEMPORARY TABLE `+here+" . `d`"+` (n INT);
			CREATE TEMPORARY TABLE e1 (n INT);
			ALTER TABLE e1 RENAME TO e2;
			RENAME TABLE e2 TO e;
			SET @'q w' = 1, @"d ,@x y" = 2, @größe = 3, @😀 = 6;
			SET @`+"`b``q`"+` = 4;
			INSERT INTO more SELECT 1 WHERE '@`+strings.Repeat("a", 70)+` @.' <> '' AND _binary ' @`+"\xff"+`' <> '' AND ' @`+"`😀`"+`' <> '' AND 'x@y.z @' <> (@last := 5);
			SET@tight=7; SELECT 8 INTO@tight2;
			PREPARE`+"`t`"+`FROM 'SELECT 1';
			USE mysql;
			PREPARE/**/p/**/FROM 'SELECT 1';
`)
		look := "-- upgrade\n"
		tables := []string{"a", "`b``b`", "größe", "c", "d", "e"}
		for _, table := range tables {
			look += fmt.Sprintf("CREATE TABLE %s (n INT); INSERT INTO %[1]s VALUES (1);\n", table)
		}
		b.put("2_look.sql", look+"INSERT INTO seen SELECT CONCAT_WS(' ', @'q w', @\"d ,@x y\", @größe, @😀, @`b``q`, @last, @tight, @tight2) WHERE CONCAT_WS(' ', @'q w', @\"d ,@x y\", @größe, @😀, @`b``q`, @last, @tight, @tight2) <> '';\n")
		b.put("3_execute.sql", "-- upgrade\nEXECUTE p;\n")
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil || !strings.Contains(err.Error(), "Unknown prepared statement") {
			t.Errorf("step by step %v: a prepared statement reached the next migration: %v", plain, err)
		}
		for _, table := range tables {
			if n := b.value("SELECT COUNT(*) FROM " + table); n != "1" {
				t.Errorf("step by step %v: %s took the rows of the table that stays", plain, table)
			}
		}
		if n := b.value("SELECT COUNT(*) FROM seen"); n != "0" {
			t.Errorf("step by step %v: variables reached the next migration: %s", plain, b.value("SELECT MAX(n) FROM seen"))
		}
	}
}

package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestTies(t *testing.T) {
	t.Parallel()
	e := mysql.Engine()
	for text, want := range map[string]string{
		"INSERT INTO t VALUES ('bob@x.org', 'it''s @x', \"@y\") -- @z": "",
		"INSERT INTO t VALUES (@x, `a`)":                               "takes @x",
		"INSERT INTO t VALUES (LAST_INSERT_ID())":                      "rows LAST_INSERT_ID()",
		"INSERT INTO t VALUES ('last_insert_id()')":                    "",
		"INSERT INTO t SELECT row_count (), @@identity":                "rows before ROW_COUNT() @@IDENTITY",
		"UPDATE t SET n = (@i := @i + 1)":                              "leaves @i takes @i",
		"SELECT MAX(n), 'a\\'b' INTO @a, @`b` FROM t":                  "leaves @a @b",
		"CALL p(@out)": "leaves @out takes @out",
		"CREATE PROCEDURE p() BEGIN SET @x = 1; END":                                 "",
		"CREATE DEFINER=`root`@`localhost` VIEW v AS SELECT 1":                       "",
		"SET @x = 5, @y := 'a, (b)'":                                                 "leaves @x @y again",
		"SET @old = @@sql_mode, sql_mode = ''":                                       "leaves @old sets again",
		"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */": "leaves @old_sql_mode sets again",
		"SET @x = (SELECT MAX(n) FROM t)":                                            "leaves @x",
		"SET @x = IF(@y > 1, 'a', 'b')":                                              "leaves @x takes @y again",
		"SET @x = NOW()":                                                             "leaves @x",
		"SET sql_mode = (SELECT REPLACE(@@sql_mode, 'ANSI', ''))":                    "sets again",
		"SET SESSION group_concat_max_len = (SELECT MAX(n) FROM t)":                  "sets",
		"PREPARE s FROM @q":                                                          "leaves prepared statement s takes @q again",
		"EXECUTE S USING @a":                                                         "takes prepared statement s @a",
		"DROP PREPARE s":                                                             "takes prepared statement s frees",
		"DEALLOCATE PREPARE s":                                                       "takes prepared statement s frees",
	} {
		all, err := sqltext.All(text, sqltext.MySQL)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %v", text, err)
		}
		ties := e.Ties(all[0], engine.Server{Product: "MariaDB", Number: 101119})
		got := ""
		for _, s := range []struct {
			word  string
			names []string
			is    bool
		}{{"leaves", ties.Leaves, len(ties.Leaves) > 0}, {"takes", ties.Takes, len(ties.Takes) > 0}, {"rows", nil, ties.Rows}, {"before", nil, ties.Before},
			{strings.Join(ties.Reads, " "), nil, len(ties.Reads) > 0}, {"sets", nil, ties.Sets}, {"frees", nil, ties.Frees}, {"again", nil, ties.Again}} {
			if s.is {
				got += fmt.Sprintf(" %s %s", s.word, strings.Join(s.names, " "))
			}
		}
		if got = strings.Join(strings.Fields(got), " "); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", text, got, want)
		}
	}
}

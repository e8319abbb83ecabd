package squash_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/squash"
	"github.com/dbwarden-go/dbwarden/migration"
)

// What a part leaves in the session for those behind it is refused, or cleared.
func TestAPartLeavesNothingToTheNextOne(t *testing.T) {
	t.Parallel()
	products := map[string]struct {
		e *engine.Engine
		v engine.Server
	}{
		"mysql":    {mysql.Engine(), engine.Server{Product: "MariaDB", Number: 101100}},
		"postgres": {postgres.Engine(), engine.Server{Product: "PostgreSQL", Number: 150000}},
		"sqlite":   {sqlite.Engine(), engine.Server{Product: "SQLite", Number: 34000}},
	}
	for _, c := range []struct {
		on, first, second string
		want, no          string // a part of the text, or of the refusal
		parted            bool
	}{
		{on: "mysql", first: "SET @old=@@sql_mode,sql_mode='';", no: "it sets SQL_MODE"},
		{on: "mysql", first: "SET @old=@@sql_mode,sql_mode=''; SET sql_mode=@old;", want: "INSERT"},
		{on: "mysql", first: "SET @old = @@session.sql_mode, @@session.sql_mode = ''; SET SESSION sql_mode = @OLD;", want: "INSERT"},
		{on: "mysql", first: "SET sql_mode='', @old=@@sql_mode; SET sql_mode=@old;", no: "it sets SQL_MODE"},
		{on: "mysql", first: "SET @old=@@sql_mode, @old='ANSI', sql_mode=''; SET sql_mode=@old;", no: "it sets SQL_MODE"},
		{on: "mysql", first: "SET @old=@@time_zone, sql_mode=''; SET sql_mode=@old;", no: "it sets SQL_MODE"},
		{on: "mysql", first: "SET @old=@@sql_mode, sql_mode=''; SELECT 'x' INTO @old; SET sql_mode=@old;", no: "it sets SQL_MODE"},
		{on: "mysql", first: "SET LOCAL sql_mode='';", no: "it sets SQL_MODE"},
		{on: "mysql", first: "SET GLOBAL max_connections = 5, sql_mode = '';", no: "it sets SQL_MODE"},
		{on: "mysql", first: "SET foreign_key_checks=0,unique_checks=0; SET foreign_key_checks = 'ON', unique_checks = 1;", want: "INSERT"},
		{on: "mysql", first: "SET foreign_key_checks=0,unique_checks=0; SET foreign_key_checks=1;", no: "it sets UNIQUE_CHECKS"},
		{on: "mysql", first: "SET NAMES latin1;", no: "it sets CHARACTER_SET_CLIENT"},
		{on: "mysql", first: "/*!40101 SET @OLD=@@CHARACTER_SET_CLIENT */; /*!50503 SET character_set_client = utf8mb4 */; /*!40101 SET CHARACTER_SET_CLIENT=@OLD */;", want: "INSERT"},
		{on: "mysql", first: "PREPARE s FROM 'SELECT 1'; EXECUTE s;", no: "it sets prepared statement s"},
		{on: "mysql", first: "PREPARE s FROM 'SELECT 1'; EXECUTE s; DEALLOCATE PREPARE s;", want: "INSERT"},
		{on: "mysql", first: "SET @v = 1;", second: "UPDATE t SET n = @V;", want: "SET @v = NULL; --"},
		{on: "mysql", first: "SELECT 1 INTO @v;", second: "UPDATE t SET n = IFNULL(@v, 2);", want: "SET @v = NULL; --"},
		{on: "mysql", first: "SET @`a b` = 1;", second: "UPDATE t SET n = @`a b`;", want: "SET @`a b` = NULL; --"},
		{on: "mysql", first: "SET STATEMENT max_statement_time = 1 FOR UPDATE t SET n = 1;", want: "INSERT"},
		{on: "mysql", first: "CREATE TEMPORARY TABLE IF NOT EXISTS t (n int);", no: "it makes t for its session"},
		{on: "mysql", first: "CREATE OR REPLACE TEMPORARY TABLE w (n int); DROP TEMPORARY TABLE w;", want: "INSERT"},
		{on: "mysql", first: "INSERT INTO t VALUES (1);", second: "UPDATE t SET n = LAST_INSERT_ID();", no: "it reads what the last change of rows left"},
		{on: "mysql", second: "UPDATE t SET n = LAST_INSERT_ID(n + 1);", want: "UPDATE"},
		{on: "mysql", second: "INSERT INTO t VALUES (2); UPDATE t SET n = LAST_INSERT_ID();", want: "UPDATE"},
		{on: "mysql", first: "SET @s = 'CREATE TEMPORARY TABLE t (n int)'; PREPARE s FROM @s; EXECUTE s; DEALLOCATE PREPARE s;", no: "it makes t for its session"},
		{on: "mysql", first: "LOCK TABLES t WRITE; INSERT INTO t VALUES (1);", no: "it locks tables"},
		{on: "mysql", first: "LOCK TABLES t WRITE; INSERT INTO t VALUES (1); UNLOCK TABLES;", want: "INSERT"},
		{on: "sqlite", first: "CREATE TEMP TABLE t (n);", no: "it makes t for its session"},
		{on: "sqlite", first: "CREATE TABLE temp.t (n);", no: "it makes t for its session"},
		{on: "sqlite", first: "CREATE TEMP VIEW t AS SELECT 1 AS n;", no: "it makes t for its session"},
		{on: "sqlite", first: "CREATE TEMP TABLE w (n); DROP TABLE main.w;", no: "it makes w for its session"},
		{on: "sqlite", first: `CREATE TEMP TABLE "W" (n); DROP TABLE IF EXISTS temp.w;`, want: "INSERT"},
		{on: "sqlite", first: "CREATE TABLE temp (n);", want: "INSERT"},
		{on: "sqlite", second: "INSERT INTO t VALUES (last_insert_rowid());", no: "it reads what the last change of rows left"},
		{on: "postgres", first: "SELECT 1 AS n INTO TEMP t;", no: "it makes t for its session"},
		{on: "postgres", first: "DO $$ BEGIN CREATE TEMP TABLE t (n int); END $$;", parted: true, no: "it makes t for its session"},
		{on: "postgres", first: "DO $$ BEGIN CREATE TEMP TABLE w (n int); END $$; DROP TABLE w;", want: "INSERT"},
		{on: "postgres", first: "CREATE TABLE pg_temp.t (n int);", no: "it makes t for its session"},
		{on: "postgres", first: "CREATE TEMP TABLE w (n int) ON COMMIT DROP;", no: "it makes w for its session"},
		{on: "postgres", first: "CREATE TEMP TABLE w (n int) ON COMMIT DROP;", parted: true, want: "COMMIT;\n"},
		{on: "postgres", first: "SET LOCAL search_path = other;", no: "SET LOCAL"},
		{on: "postgres", first: "SET LOCAL search_path = other;", parted: true, want: "COMMIT;\n"},
		{on: "postgres", first: "SET LOCAL search_path = other; CREATE INDEX CONCURRENTLY i ON t (n);", parted: true, no: "SET LOCAL"},
		{on: "postgres", first: "BEGIN; SET LOCAL search_path = other; COMMIT;", want: "INSERT"},
		{on: "postgres", first: "SET CONSTRAINTS ALL DEFERRED;", no: "SET CONSTRAINTS"},
		{on: "postgres", first: "SELECT set_config('search_path', 'other', true);", no: "set_config"},
		{on: "postgres", first: "INSERT INTO t SELECT length(set_config('search_path', 'other', false));", parted: true, no: "by set_config"},
		{on: "postgres", first: "SET search_path TO other; RESET search_path;", want: "INSERT"},
		{on: "postgres", first: "SET search_path TO other; SET search_path TO DEFAULT;", want: "INSERT"},
		{on: "postgres", first: "SET search_path TO other;", parted: true, no: "it sets SEARCH_PATH"},
	} {
		if c.second == "" {
			c.second = "INSERT INTO t VALUES (9);"
		}
		p := products[c.on]
		set, err := migration.Load(fstest.MapFS{
			"0001_a.sql": &fstest.MapFile{Data: []byte("-- upgrade\n" + c.first)},
			"0002_b.sql": &fstest.MapFile{Data: []byte("-- upgrade\n" + c.second)},
		}, p.e.Lexis)
		if err != nil {
			t.Fatalf("%q: %v", c.first, err)
		}
		r, err := squash.Choose(set, migration.Version{}, migration.Version{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Text(p.e, p.v, squash.Style{OneWay: true, Parted: c.parted})
		if c.no != "" {
			var e *squash.Error
			if !errors.As(err, &e) || !strings.Contains(e.Error(), c.no) {
				t.Errorf("%s: %q, %q: got %v, want a refusal: %s\n%s", c.on, c.first, c.second, err, c.no, text)
			}
		} else if err != nil || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, %q: got %v\n%s\nwant %s", c.on, c.first, c.second, err, text, c.want)
		}
	}
}

// Parts that cannot stand between BEGIN and COMMIT do not share a transaction either.
func TestPartsThatAreApartStayApart(t *testing.T) {
	t.Parallel()
	set, err := migration.Load(fstest.MapFS{
		"0001_a.sql": &fstest.MapFile{Data: []byte("-- upgrade\nVACUUM t; INSERT INTO t VALUES (1);")},
		"0002_b.sql": &fstest.MapFile{Data: []byte("-- upgrade\n-- nothing\n")},
		"0003_c.sql": &fstest.MapFile{Data: []byte("-- upgrade\nALTER TABLE t ADD m int; VACUUM t;")},
	}, postgres.Engine().Lexis)
	if err != nil {
		t.Fatal(err)
	}
	r, err := squash.Choose(set, migration.Version{}, migration.Version{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Text(postgres.Engine(), engine.Server{Product: "PostgreSQL", Number: 150000}, squash.Style{OneWay: true, Parted: true})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "BEGIN;\nSELECT 1;\nCOMMIT;\n-- ---- 0003_c.sql ----\n") {
		t.Errorf("nothing parts them:\n%s", text)
	}
}

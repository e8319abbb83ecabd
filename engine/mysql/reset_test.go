package mysql

import (
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

const settingsQuery = "SELECT CONCAT_WS('|', @@sql_mode, @@time_zone, @@character_set_client, @@character_set_results, @@collation_connection," +
	" @@foreign_key_checks, @@unique_checks, @@autocommit, @@sql_notes, @@tx_isolation, @@group_concat_max_len, @@sql_safe_updates," +
	" @@sql_select_limit, @@wait_timeout, @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@max_statement_time, @@sql_log_bin," +
	" @@alter_algorithm, @@default_storage_engine, @@sql_big_selects, DATABASE(), CURRENT_ROLE())"

func TestResetUndoesADumpsPreamble(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	mariadbOnly(t, s)
	before := value(t, s, settingsQuery)
	other := dbtest.MariaDB(t).NewDatabase(t)
	execute(t, s,
		"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
		"/*!40101 SET NAMES latin1 */",
		"/*!40103 SET TIME_ZONE='+00:00' */",
		"/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
		"/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */",
		"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,EMPTY_STRING_IS_NULL' */",
		"/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */",
		"SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		"SET group_concat_max_len = 1000000, sql_safe_updates = 1, sql_select_limit = 0, sql_big_selects = 0",
		"SET wait_timeout = 28800, lock_wait_timeout = 86400, innodb_lock_wait_timeout = 50, max_statement_time = 1000",
		"SET sql_log_bin = 0, alter_algorithm = 'COPY', default_storage_engine = 'MyISAM'",
		"SET character_set_results = NULL",
		"SET timestamp = 86400",
		"CREATE TABLE here (id INT)",
		"USE "+quote(dbtest.DatabaseName(other)),
		"CREATE TABLE locked (id INT PRIMARY KEY) ENGINE=InnoDB",
		"SET autocommit = 0",
		"LOCK TABLES locked WRITE",
		"INSERT INTO locked VALUES (1)",
	)
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if after := value(t, s, settingsQuery); after != before {
		t.Errorf("\nbefore %s\nafter  %s", before, after)
	}
	if got := value(t, s, "SELECT ABS(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), CONVERT_TZ(SYSDATE(6), @@time_zone, '+00:00'))) < 100"); got != "1" {
		t.Error("the clock is still stopped")
	}
	// No table is locked any more, for us or others.
	if got := value(t, s, "SELECT COUNT(*) FROM here"); got != "0" {
		t.Error(got)
	}
	if got := value(t, connect(t, other), "SELECT COUNT(*) FROM locked"); got != "0" {
		t.Errorf("%s rows of an unfinished transaction", got)
	}
	// Once more is nothing at all.
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
}

func TestResetGivesTheRoleBack(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	mariadbOnly(t, s)
	role := fmt.Sprintf("r%s", s.ID())
	exec(t, s, "CREATE ROLE "+role)
	defer exec(t, s, "DROP ROLE "+role)
	before := value(t, s, "SELECT CONCAT_WS('|', CURRENT_USER(), CURRENT_ROLE(), CURRENT_ROLE() IS NULL)")
	execute(t, s, "SET ROLE "+role)
	if got := value(t, s, "SELECT CURRENT_ROLE()"); got != role {
		t.Fatal(got)
	}
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if after := value(t, s, "SELECT CONCAT_WS('|', CURRENT_USER(), CURRENT_ROLE(), CURRENT_ROLE() IS NULL)"); after != before {
		t.Errorf("before %s, after %s", before, after)
	}
}

func TestResetKeepsADefaultRole(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	admin := connect(t, url)
	mariadbOnly(t, admin)
	user, password := server.NewRole(t)
	role := "role " + admin.ID()
	exec(t, admin, "CREATE ROLE "+quote(role), fmt.Sprintf("GRANT ALL ON %s.* TO %s", quote(admin.server.Database), quote(role)),
		fmt.Sprintf("GRANT %s TO '%s'@'%%'", quote(role), user), fmt.Sprintf("SET DEFAULT ROLE %s FOR '%s'@'%%'", quote(role), user))
	defer exec(t, admin, "DROP ROLE "+quote(role))
	s := connect(t, server.WithUser(url, user, password))
	execute(t, s, "SET ROLE NONE")
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "SELECT CURRENT_ROLE()"); got != role {
		t.Errorf("role %s", got)
	}
	exec(t, s, "CREATE TABLE t (id INT)")
}

func TestResetFindsADatabaseThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	name := quote(s.Server().Database)
	execute(t, s, "DROP DATABASE "+name, "CREATE DATABASE "+name)
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "SELECT DATABASE()"); got != s.Server().Database {
		t.Errorf("in %s", got)
	}
}

func TestResetReachesADatabaseOfAnyName(t *testing.T) {
	t.Parallel()
	admin := connect(t, newDatabase(t))
	name := "dä`ta 日本" + admin.ID()
	exec(t, admin, "CREATE DATABASE "+quote(name))
	defer exec(t, admin, "DROP DATABASE "+quote(name))
	s := connect(t, dbtest.WithDatabase(dbtest.MariaDB(t).URL(), name))
	if s.Server().Schema != name {
		t.Errorf("schema %q", s.Server().Schema)
	}
	execute(t, s, "SET NAMES latin1", "USE mysql")
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "SELECT DATABASE()"); got != name {
		t.Errorf("in %q", got)
	}
	exec(t, s, "CREATE TABLE t (id INT)")
	if got, err := columns(t.Context(), s, s.Server().Schema, "t"); err != nil || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

package mysql

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestStatementsAreClassified(t *testing.T) {
	t.Parallel()
	const (
		commits = 1 << iota
		alone
		atomic
		holds
		frees
	)
	maria := engine.Server{Product: "MariaDB", Number: 101119}
	for text, want := range map[string]struct {
		kind  engine.Kind
		flags int
	}{
		"":                              {engine.Other, atomic},
		"SELECT 1":                      {engine.Read, atomic},
		"(SELECT 1) UNION (SELECT 2)":   {engine.Read, atomic},
		"WITH a AS (SELECT 1) SELECT *": {engine.Read, atomic},
		"WITH a AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT * FROM a)": {engine.Data, atomic},
		"SHOW TABLES":                       {engine.Read, atomic},
		"TABLE t":                           {engine.Read, atomic},
		"VALUES ROW(1)":                     {engine.Read, atomic},
		"EXPLAIN SELECT 1":                  {engine.Read, atomic},
		"INSERT INTO t VALUES (1)":          {engine.Data, atomic},
		"UPDATE t SET a = 1":                {engine.Data, atomic},
		"DELETE FROM t":                     {engine.Data, atomic},
		"REPLACE INTO t VALUES (1)":         {engine.Data, atomic},
		"LOAD DATA INFILE 'x' INTO TABLE t": {engine.Data, atomic},
		"DO SLEEP(1)":                       {engine.Data, atomic},
		"LOAD INDEX INTO CACHE t":           {engine.Definition, commits | atomic},

		"CREATE TABLE t (id INT)":                      {engine.Definition, commits | atomic},
		"CREATE OR REPLACE TABLE t (id INT)":           {engine.Definition, commits},
		"CREATE OR REPLACE VIEW v AS SELECT 1":         {engine.Definition, commits | atomic},
		"CREATE TEMPORARY TABLE t (id INT)":            {engine.Definition, atomic},
		"CREATE OR REPLACE TEMPORARY TABLE t (id INT)": {engine.Definition, atomic},
		"DROP TEMPORARY TABLE t":                       {engine.Definition, atomic},
		"CREATE TEMPORARY SEQUENCE q":                  {engine.Definition, commits | atomic},
		"CREATE OR REPLACE TEMPORARY SEQUENCE q":       {engine.Definition, commits},
		"DROP TEMPORARY SEQUENCE q":                    {engine.Definition, atomic},
		"DROP TABLE t":                                 {engine.Definition, commits | atomic},
		"DROP TABLE IF EXISTS t, u":                    {engine.Definition, commits},
		"DROP DATABASE d":                              {engine.Definition, commits},
		"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */": {engine.Definition, commits | atomic},
		"ALTER TABLE t ADD a INT, ADD b INT": {engine.Definition, commits | atomic},
		"RENAME TABLE a TO b":                {engine.Definition, commits | atomic},
		"RENAME TABLE a TO b, b TO c":        {engine.Definition, commits},
		"TRUNCATE t":                         {engine.Definition, commits | atomic},
		"GRANT SELECT ON d.* TO u":           {engine.Definition, commits | atomic},
		"REVOKE ALL ON d.* FROM u, v":        {engine.Definition, commits},
		"ANALYZE TABLE t":                    {engine.Definition, commits | atomic},
		"ANALYZE FORMAT = JSON SELECT 1":     {engine.Read, atomic},
		"ANALYZE UPDATE t SET a = 1":         {engine.Data, atomic},
		"OPTIMIZE TABLE t":                   {engine.Definition, commits | atomic},
		"CHECK TABLE t":                      {engine.Definition, commits | atomic},
		"FLUSH PRIVILEGES":                   {engine.Definition, commits | atomic},
		"FLUSH TABLES WITH READ LOCK":        {engine.Definition, commits | atomic | holds},
		"FLUSH TABLES t FOR EXPORT":          {engine.Definition, commits | atomic | holds},
		"LOCK TABLES t WRITE":                {engine.Definition, commits | atomic | holds},
		"UNLOCK TABLES":                      {engine.Definition, commits | atomic | frees},
		"LOCK INSTANCE FOR BACKUP":           {engine.Other, atomic},
		"SET PASSWORD = PASSWORD('x')":       {engine.Definition, commits | atomic},
		"SET DEFAULT ROLE r":                 {engine.Definition, commits | atomic},
		"START SLAVE":                        {engine.Definition, commits | atomic},
		"STOP REPLICA":                       {engine.Definition, commits | atomic},
		"INSTALL SONAME 'x'":                 {engine.Definition, commits | atomic},

		"BEGIN":                          {engine.Begin, atomic},
		"BEGIN WORK":                     {engine.Begin, atomic},
		"START TRANSACTION READ ONLY":    {engine.Begin, atomic},
		"BEGIN NOT ATOMIC SELECT 1; END": {engine.Other, commits},
		"COMMIT":                         {engine.Commit, atomic},
		"COMMIT AND NO CHAIN":            {engine.Commit, atomic},
		"BACKUP UNLOCK":                  {engine.Other, atomic},
		"ROLLBACK":                       {engine.Rollback, atomic},
		"ROLLBACK WORK":                  {engine.Rollback, atomic},
		"ROLLBACK TO SAVEPOINT a":        {engine.Other, atomic},
		"ROLLBACK WORK TO a":             {engine.Other, atomic},
		"SAVEPOINT a":                    {engine.Other, atomic},
		"RELEASE SAVEPOINT a":            {engine.Other, atomic},
		"XA COMMIT 'x'":                  {engine.Other, commits | alone},
		"XA RECOVER":                     {engine.Read, atomic},

		"SET NAMES utf8": {engine.Setting, atomic},
		"SET @x = 1":     {engine.Setting, atomic},
		"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE */": {engine.Setting, atomic},
		"SET ROLE r":                                                       {engine.Setting, atomic},
		"SET autocommit = 0":                                               {engine.Setting, commits | atomic},
		"SET @@SESSION.SQL_LOG_BIN = 0":                                    {engine.Setting, alone | atomic},
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE":                     {engine.Setting, alone | atomic},
		"SET SESSION TRANSACTION READ ONLY":                                {engine.Setting, atomic},
		"SET GLOBAL max_connections = 5":                                   {engine.Other, atomic},
		"SET @a = 1, @@GLOBAL.max_connections = 5":                         {engine.Other, atomic},
		"SET STATEMENT max_statement_time = 5 FOR ALTER TABLE t ADD a INT": {engine.Definition, commits | atomic},
		"USE d": {engine.Setting, atomic},

		"CALL p()":              {engine.Other, commits},
		"EXECUTE s":             {engine.Other, commits},
		"EXECUTE IMMEDIATE 'x'": {engine.Other, commits},
		"PREPARE s FROM 'x'":    {engine.Setting, atomic},
		"DEALLOCATE PREPARE s":  {engine.Setting, atomic},
		"DROP PREPARE s":        {engine.Setting, atomic},
		"SELECT COUNT(*) INTO @n FROM t WHERE id IN (1, 2)": {engine.Setting, atomic},
		"SELECT @n := MAX(id) FROM t":                       {engine.Setting, atomic},
		"SELECT f(1) INTO @n":                               {engine.Read, atomic},
		"SELECT id INTO @n FROM t FOR UPDATE":               {engine.Read, atomic},
		"IF 1 THEN SELECT 1; END IF":                        {engine.Other, commits},
		"SOMETHING NEW":                                     {engine.Other, commits},
	} {
		got := classify(statement(text).Words, maria)
		w := engine.Traits{Kind: want.kind, Commits: want.flags&commits > 0, Alone: want.flags&alone > 0,
			Atomic: want.flags&atomic > 0, Holds: want.flags&holds > 0, Frees: want.flags&frees > 0}
		w.Fleeting = strings.HasPrefix(text, "CREATE") && strings.Contains(text, " TEMPORARY TABLE")
		w.Apart = got.Apart // see below
		w.Once = strings.HasPrefix(text, "SET TRANSACTION")
		if got != w {
			t.Errorf("%s:\n got %+v\nwant %+v", text, got, w)
		}
	}
	for text, want := range map[string]bool{
		"SET @a = 1, @b := (SELECT MAX(a), 1)": false, "SET @a = 1, sql_mode = ''": true, "SET @a = @@autocommit": true, "SET NAMES utf8mb4": true,
		"SELECT a INTO @a FROM t": false, "SELECT @@autocommit INTO @a": true, "SET SESSION TRANSACTION READ ONLY": true,
	} {
		if got := classify(statement(text).Words, maria).Apart; got != want {
			t.Errorf("%s: kept apart from transactions: %v", text, got)
		}
	}
	for version, want := range map[engine.Server]bool{
		{Product: "MySQL", Number: 50744}: false, {Product: "MySQL", Number: 80031}: true,
		{Product: "MariaDB", Number: 100521}: false, {Product: "MariaDB", Number: 100600}: true,
	} {
		if got := classify(statement("ALTER TABLE t ADD a INT").Words, version); got.Atomic != want {
			t.Errorf("%+v: ALTER TABLE %+v", version, got)
		}
	}
	if !classify(statement("DROP TABLE a, b").Words, engine.Server{Product: "MySQL", Number: 80031}).Atomic {
		t.Error("MySQL 8 drops all tables or none")
	}
}

func TestWhatWouldTakeTheTransactionAwayIsRefused(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		"DO RELEASE_ALL_LOCKS()": true, "SELECT 1, release_all_locks ( )": true, "SELECT RELEASE_LOCK('x')": false,
		"CREATE PROCEDURE p() SELECT RELEASE_ALL_LOCKS()": false,
		"XA START 'x'": true, "XA BEGIN 'x'": true, "XA END 'x'": true, "XA PREPARE 'x'": true, "XA COMMIT 'x'": false, "XA ROLLBACK 'x'": false,
		"COMMIT AND CHAIN": true, "COMMIT WORK AND CHAIN NO RELEASE": true, "COMMIT AND NO CHAIN": false, "COMMIT RELEASE": false,
		"BACKUP STAGE START": true, "BACKUP STAGE BLOCK_COMMIT": true, "BACKUP LOCK t": true, "BACKUP UNLOCK": false,
	} {
		if why := classify(statement(text).Words, engine.Server{}).Refused; (why != "") != refused {
			t.Errorf("%s: refused for %q", text, why)
		}
	}
}

// What is said to commit does, and what is not does not.
func TestCommitsAreTheServersOwn(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	s, other := connect(t, url), connect(t, url)
	mariadbOnly(t, s)
	exec(t, s, "CREATE TABLE seen (id INT) ENGINE=InnoDB", "CREATE TABLE t (id INT) ENGINE=InnoDB", "CREATE VIEW v AS SELECT 1 AS x", "CREATE PROCEDURE p() BEGIN START TRANSACTION; COMMIT; END",
		"CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM")
	for _, text := range []string{
		"CREATE TABLE made (id INT)", "DROP TABLE made", "CREATE TEMPORARY TABLE tmp (id INT)", "DROP TEMPORARY TABLE tmp",
		"ALTER TABLE t ADD x INT", "RENAME TABLE t TO u, u TO t", "TRUNCATE TABLE t", "CREATE INDEX i ON t (id)", "DROP INDEX i ON t",
		"CREATE OR REPLACE VIEW v AS SELECT 2 AS x", "ANALYZE TABLE t", "OPTIMIZE TABLE t", "CHECK TABLE t", "REPAIR TABLE t",
		"FLUSH TABLES t", "LOCK TABLES seen READ, t READ", "BEGIN NOT ATOMIC START TRANSACTION; COMMIT; END",
		"SELECT 1", "SHOW TABLES", "SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "SET @x = 1", "SET NAMES utf8mb4", "PREPARE s FROM 'SELECT 1'",
		"CREATE SEQUENCE q", "SELECT NEXTVAL(q)", "ALTER SEQUENCE q RESTART 5", "DROP SEQUENCE q",
		"CREATE TEMPORARY SEQUENCE q", "SELECT NEXTVAL(q)", "DROP TEMPORARY SEQUENCE q", "CREATE OR REPLACE TEMPORARY SEQUENCE q", "DROP SEQUENCE q",
		"CREATE TEMPORARY TABLE tmp AS SELECT 1 AS x", "ALTER TABLE tmp ADD y INT", "CREATE INDEX i ON tmp (x)", "TRUNCATE TABLE tmp", "DROP TABLE tmp",
		"CREATE TEMPORARY TABLE IF NOT EXISTS tmp (id INT)", "CREATE OR REPLACE TEMPORARY TABLE tmp (id INT)", "DROP TEMPORARY TABLE IF EXISTS tmp, nosuch",
		"CREATE FUNCTION f() RETURNS INT RETURN 1", "ALTER FUNCTION f COMMENT 'x'", "DROP FUNCTION f", "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1", "DROP TRIGGER g",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1", "ALTER EVENT e COMMENT 'x'", "DROP EVENT e", "ALTER PROCEDURE p COMMENT 'x'",
		"ALTER VIEW v AS SELECT 3 AS x", "CHECK VIEW v", "REPAIR VIEW v", "ANALYZE LOCAL TABLE t", "REPAIR LOCAL TABLE t",
		"FLUSH STATUS", "FLUSH LOCAL TABLES", "FLUSH PRIVILEGES", "RESET QUERY CACHE",
		"HANDLER t OPEN", "HANDLER t READ FIRST", "HANDLER t CLOSE", "HELP 'select'", "SHOW WARNINGS", "DESCRIBE t", "EXPLAIN UPDATE t SET id = 2",
		"SET @@SESSION.sql_mode = ''", "SET ROLE NONE", "SET DEFAULT ROLE NONE", "SET GLOBAL max_connections = @@GLOBAL.max_connections",
		"SET STATEMENT lock_wait_timeout = 5 FOR SELECT 1", "SET STATEMENT lock_wait_timeout = 5 FOR ANALYZE TABLE t", "SELECT 1 INTO @x", "UPDATE t SET id = 2", "DELETE FROM t",
		"REPLACE INTO t (id) VALUES (1)", "WITH w AS (SELECT 1) SELECT * FROM w", "VALUES (1)", "DO RELEASE_LOCK('nosuch')", "CALL p()", "EXECUTE IMMEDIATE 'CREATE TABLE by_text (id INT)'",
		"DEALLOCATE PREPARE s", "INSERT INTO t (id) VALUES (1)", "DO 1", "CHECKSUM TABLE t", "ANALYZE SELECT 1", "USE " + quote(s.Server().Database),
	} {
		exec(t, s, "START TRANSACTION", "INSERT INTO seen VALUES (1)")
		if text == "ROLLBACK TO SAVEPOINT a" {
			exec(t, s, "SAVEPOINT a")
		}
		execute(t, s, text)
		committed := value(t, other, "SELECT COUNT(*) FROM seen") == "1"
		if got := classify(statement(text).Words, s.Server()).Commits; got != committed {
			t.Errorf("%s: said to commit %v, committed %v", text, got, committed)
		}
		exec(t, s, "UNLOCK TABLES", "ROLLBACK", "DELETE FROM seen")
	}
}

package mysql_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/enginetest"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestWhatCanBeToldOfAStatement(t *testing.T) {
	t.Parallel()
	table := []string{"CREATE TABLE t (n INT, m INT)"}
	isam := []string{"CREATE TABLE t (n INT) ENGINE = MyISAM"}
	parted := []string{"CREATE TABLE t (n INT) PARTITION BY RANGE (n) (PARTITION a VALUES LESS THAN (10))"}
	two := append(table, "CREATE TABLE u (n INT)")
	index := append(table, "CREATE INDEX t_n ON t (n)")
	view := append(table, "CREATE VIEW v AS SELECT n FROM t")
	routine := []string{"CREATE PROCEDURE p() SELECT 1"}
	enginetest.Witnesses(t, mysql.Engine(), func(t *testing.T) string { return dbtest.MariaDB(t).NewDatabase(t) }, []enginetest.Testimony{
		enginetest.Says(nil, "CREATE TABLE t (n INT)", enginetest.Settled),
		enginetest.Says(nil, "CREATE /* odd */ TABLE IF NOT EXISTS `T``t` (n INT) -- it's", enginetest.Settled),
		enginetest.Says(table, "CREATE TABLE IF NOT EXISTS t (n INT)", enginetest.Again),
		enginetest.Says(table, "CREATE TABLE u LIKE t", enginetest.Settled),
		enginetest.Says(table, "CREATE TABLE u SELECT * FROM t", enginetest.Never),
		enginetest.Says(table, "CREATE OR REPLACE TABLE t (n INT)", enginetest.Never),
		enginetest.Says(nil, "CREATE TEMPORARY TABLE t (n INT)", enginetest.Again),
		enginetest.Says(table, "CREATE TEMPORARY TABLE u SELECT n, COUNT(*) FROM t", enginetest.Again),
		enginetest.Says(append(table, "CREATE FUNCTION f() RETURNS INT BEGIN INSERT INTO t VALUES (1, 2); RETURN 1; END"), "CREATE TEMPORARY TABLE u SELECT f()", enginetest.Never),
		enginetest.Says(nil, "CREATE /*!40101 TABLE */ t (n INT)", enginetest.Never),
		enginetest.Says(nil, "CREATE TABLE t (n INT) PARTITION BY RANGE (n) (PARTITION a VALUES LESS THAN (5), PARTITION b VALUES LESS THAN (9))", enginetest.Settled),
		enginetest.Says(table, "DROP TABLE t", enginetest.Settled),
		enginetest.Says(two, "DROP TABLES t, u", enginetest.Settled),
		enginetest.Says(nil, "DROP TABLE IF EXISTS t", enginetest.Again),
		enginetest.Says(table, "RENAME TABLE t TO u", enginetest.Settled),
		enginetest.Says(two, "RENAME TABLE t TO x, u TO t", enginetest.Never),
		enginetest.Says(table, "ALTER TABLE t ADD COLUMN x INT", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t DROP m, ADD x INT", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t MODIFY n BIGINT AFTER m", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t RENAME COLUMN n TO k", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t RENAME u", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ADD x INT, RENAME TO u", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ADD UNIQUE k (n)", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t COMMENT = 'x'", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ENGINE = InnoDB", enginetest.Again),
		enginetest.Says(isam, "ALTER TABLE t FORCE", enginetest.Never),
		enginetest.Says(index, "ALTER TABLE t DROP KEY t_n", enginetest.Settled),
		enginetest.Says(table, "CREATE UNIQUE INDEX t_n ON t (n)", enginetest.Settled),
		enginetest.Says(index, "CREATE OR REPLACE INDEX t_n ON t (n, m)", enginetest.Settled),
		enginetest.Says(index, "DROP INDEX t_n ON t", enginetest.Settled),
		enginetest.Says(table, "CREATE DEFINER = CURRENT_USER SQL SECURITY INVOKER VIEW v AS SELECT n FROM t", enginetest.Settled),
		enginetest.Says(view, "CREATE OR REPLACE ALGORITHM = MERGE VIEW v AS SELECT m FROM t", enginetest.Settled),
		enginetest.Says(view, "CREATE OR REPLACE VIEW v AS SELECT n FROM t", enginetest.Again),
		enginetest.Says(view, "DROP VIEW v", enginetest.Settled),
		enginetest.Says(nil, "CREATE PROCEDURE p() BEGIN SELECT 1; END", enginetest.Settled),
		enginetest.Says(routine, "DROP PROCEDURE p", enginetest.Settled),
		enginetest.Says(routine, "CREATE OR REPLACE PROCEDURE p() SELECT 2", enginetest.Settled),
		enginetest.Says(nil, "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1", enginetest.Settled),
		enginetest.Says(table, "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 1", enginetest.Settled),
		enginetest.Says(nil, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", enginetest.Settled),
		// They drop themselves at their end.
		enginetest.Says(nil, "CREATE EVENT e ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 YEAR DO SELECT 1", enginetest.Never),
		enginetest.Says(nil, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY ENDS CURRENT_TIMESTAMP + INTERVAL 1 YEAR DO SELECT 1", enginetest.Never),
		enginetest.Says(nil, "CREATE SEQUENCE s", enginetest.Settled),
		enginetest.Says([]string{"CREATE SEQUENCE s"}, "DROP SEQUENCE s", enginetest.Settled),
		enginetest.Says(table, "OPTIMIZE TABLE t", enginetest.Again),
		enginetest.Says(table, "ANALYZE TABLE t", enginetest.Again),
		enginetest.Says(table, "INSERT INTO t VALUES (1, 2)", enginetest.Never),
		enginetest.Says(table, "TRUNCATE t", enginetest.Never),
		enginetest.Says(routine, "CALL p()", enginetest.Never),
		enginetest.While(table, "DROP TABLE t", enginetest.HalfWay, "DROP TABLE t", "DO SLEEP(1.1)", "CREATE TABLE t (n INT, m INT)"),
		// What others do to the rest of the table says nothing.
		enginetest.While(index, "ALTER TABLE t ADD x INT", enginetest.Settled, "CREATE INDEX other ON t (m)", "ALTER TABLE t ADD other INT", "ALTER TABLE t PARTITION BY HASH (n)"),
		enginetest.While(index, "ALTER TABLE t DROP COLUMN m", enginetest.Settled, "DROP INDEX t_n ON t", "ALTER TABLE t COMMENT = 'x'"),
		enginetest.While(table, "ALTER TABLE t MODIFY n BIGINT", enginetest.Settled, "ALTER TABLE t MODIFY m BIGINT"),
		enginetest.While(table, "ALTER TABLE t MODIFY n INT AFTER m", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.While(table, "ALTER TABLE t CHANGE n k INT, ADD KEY (k)", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.While(table, "ALTER TABLE t CHANGE n k INT, ADD KEY i (k), ALGORITHM = COPY, LOCK = SHARED", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.Says(table, "ALTER TABLE t CHANGE n m INT, CHANGE m n INT", enginetest.Never),
		enginetest.Says(table, "ALTER TABLE t RENAME COLUMN n TO m, RENAME COLUMN m TO n", enginetest.Never),
		enginetest.Says(table, "ALTER TABLE t MODIFY m INT, ADD COLUMN c INT", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t CHANGE n old INT, ADD COLUMN n INT", enginetest.Settled),
		enginetest.While(table, "ALTER TABLE t ADD KEY (n)", enginetest.Settled, "ALTER TABLE t ADD x INT, ADD KEY (m), ADD UNIQUE (n, m)"),
		enginetest.While(append(two, "CREATE UNIQUE INDEX u_n ON u (n)"), "ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES u (n)", enginetest.Settled, "ALTER TABLE t ADD KEY (n), ADD FOREIGN KEY (m) REFERENCES u (n)"),
		enginetest.Says(table, "ALTER TABLE t ADD CHECK (n > 1)", enginetest.Touched),
		enginetest.While(table, "ALTER TABLE t ADD CHECK (n > 1)", enginetest.Never, "ALTER TABLE t ADD CHECK (n > 2)"),
		enginetest.Says(table, "ALTER TABLE t ADD SYSTEM VERSIONING", enginetest.Touched),
		enginetest.While(table, "ALTER TABLE t ADD SYSTEM VERSIONING", enginetest.Never, "ALTER TABLE t ADD x INT"),
		enginetest.Says(table, "ALTER TABLE t FORCE", enginetest.Again),
		enginetest.While(parted, "ALTER TABLE t ADD PARTITION (PARTITION c VALUES LESS THAN (30))", enginetest.Settled, "ALTER TABLE t ADD PARTITION (PARTITION b VALUES LESS THAN (20))"),
		enginetest.While(parted, "ALTER TABLE t DROP PARTITION a", enginetest.Settled, "ALTER TABLE t ADD PARTITION (PARTITION b VALUES LESS THAN (20))"),
		enginetest.Says(parted, "ALTER TABLE t REORGANIZE PARTITION a INTO (PARTITION c VALUES LESS THAN (5), PARTITION d VALUES LESS THAN (10))", enginetest.Touched),
		enginetest.While(parted, "ALTER TABLE t REMOVE PARTITIONING", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.While(table, "ALTER TABLE t COMMENT = 'x y'", enginetest.Settled, "ALTER TABLE t ROW_FORMAT = DYNAMIC"),
		enginetest.While(table, "ALTER TABLE t CONVERT TO CHARACTER SET latin1", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.While(index, "ALTER TABLE t RENAME INDEX t_n TO t_k", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.While(table, "ALTER TABLE t COMMENT = 'x'", enginetest.Settled, "ALTER TABLE t ADD x INT", "ALTER TABLE t PARTITION BY HASH (n)"),
		enginetest.While(table, "ALTER TABLE t PARTITION BY HASH (n)", enginetest.Settled, "ALTER TABLE t ADD x INT, COMMENT = 'y'"),
		enginetest.While(table, "ALTER TABLE t ADD PRIMARY KEY (n)", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.While(table, "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 1), ADD CONSTRAINT d UNIQUE (n, m)", enginetest.Settled, "ALTER TABLE t ADD CONSTRAINT e CHECK (n > 2)"),
		enginetest.While(append(two, "CREATE UNIQUE INDEX u_n ON u (n)", "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES u (n)"), "ALTER TABLE t DROP FOREIGN KEY f", enginetest.Settled, "ALTER TABLE t ADD x INT"),
		enginetest.While(table, "ALTER TABLE t DROP n, ADD n BIGINT", enginetest.Never, "ALTER TABLE t ADD x INT"),
		enginetest.While(table, "ALTER TABLE t ADD COLUMN IF NOT EXISTS n INT, ADD x INT", enginetest.Settled, "ALTER TABLE t ADD y INT"),
		enginetest.While(table, "ALTER TABLE t DROP COLUMN IF EXISTS x, DROP n", enginetest.Settled, "ALTER TABLE t ADD y INT"),
		enginetest.Says(append(table, "SET sql_mode = 'ANSI_QUOTES'"), "ALTER TABLE t ADD x INT", enginetest.Never),
	})
}

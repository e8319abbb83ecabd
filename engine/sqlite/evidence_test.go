package sqlite_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/enginetest"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestWhatCanBeToldOfAStatement(t *testing.T) {
	t.Parallel()
	table := []string{"CREATE TABLE t (n, m)"}
	enginetest.Witnesses(t, sqlite.Engine(), func(t *testing.T) string { return dbtest.SQLite(t) }, []enginetest.Testimony{
		enginetest.Says(nil, "CREATE TABLE t (n)", enginetest.Settled),
		enginetest.Says(nil, "CREATE TABLE IF NOT EXISTS main.[T t] (n)", enginetest.Settled),
		enginetest.Says(table, "CREATE TABLE IF NOT EXISTS T (n)", enginetest.Again),
		enginetest.Says(nil, "CREATE TEMP TABLE t (n)", enginetest.Again),
		enginetest.Says(nil, "CREATE TABLE temp.t (n)", enginetest.Never),
		enginetest.Says(table, "CREATE UNIQUE INDEX i ON t (n)", enginetest.Settled),
		enginetest.Says(table, "CREATE VIEW v AS SELECT '\\' AS x FROM t", enginetest.Settled),
		enginetest.Says(table, "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END", enginetest.Settled),
		enginetest.Says(table, "DROP TABLE `t`", enginetest.Settled),
		enginetest.Says(nil, "DROP TABLE IF EXISTS t", enginetest.Again),
		enginetest.Says(table, "ALTER TABLE t ADD COLUMN x DEFAULT '\\'", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t DROP COLUMN m", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t RENAME m TO o", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t RENAME TO u", enginetest.Settled),
		enginetest.While(table, "ALTER TABLE t ADD x", enginetest.Settled, "CREATE INDEX i ON t (n)", "ALTER TABLE t ADD y"),
		enginetest.While(table, "ALTER TABLE t DROP COLUMN m", enginetest.Settled, "ALTER TABLE t ADD y"),
		enginetest.While(table, "ALTER TABLE t RENAME m TO o", enginetest.Settled, "ALTER TABLE t ADD y"),
		enginetest.Says(table, "VACUUM", enginetest.Again),
		enginetest.Says(table, "ANALYZE", enginetest.Again),
		enginetest.Says(table, "REINDEX t", enginetest.Again),
		enginetest.Says(table, "SELECT COUNT(*), abs(1) FROM t", enginetest.Again),
		enginetest.Says(nil, "VALUES (1)", enginetest.Again),
		enginetest.Says(table, "EXPLAIN DELETE FROM t", enginetest.Again),
		enginetest.Says(nil, "PRAGMA journal_mode = WAL", enginetest.Again),
		enginetest.Says(table, "INSERT INTO t VALUES (1, 2)", enginetest.Never),
	})
}

package postgres_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/enginetest"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestWhatCanBeToldOfAStatement(t *testing.T) {
	t.Parallel()
	table := []string{`CREATE TABLE t (n int, "Odd" text)`}
	index := append(table, "CREATE INDEX t_n ON t (n)")
	other := append(table, "CREATE SCHEMA other", "CREATE TABLE other.t (n int)")
	function := []string{"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 2'"}
	trigger := append(table, "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
	enginetest.Witnesses(t, postgres.Engine(), func(t *testing.T) string { return dbtest.Postgres(t).NewDatabase(t) }, []enginetest.Testimony{
		enginetest.Says(nil, "CREATE TABLE t (n int)", enginetest.Settled),
		enginetest.Says(nil, "CREATE /* odd */ UNLOGGED -- \n TABLE IF NOT EXISTS public . \"A b\" (n int)", enginetest.Settled),
		enginetest.Says(table, "CREATE TABLE IF NOT EXISTS T (n int)", enginetest.Again),
		enginetest.Says(table, "CREATE TABLE u AS SELECT * FROM t", enginetest.Settled),
		enginetest.Says(nil, "CREATE TEMP TABLE t (n int)", enginetest.Again),
		enginetest.Says(table, "CREATE TEMP TABLE u AS SELECT n, lower(\"Odd\") FROM t", enginetest.Never),
		enginetest.Says(other, "CREATE TABLE other.u (n int)", enginetest.Settled),
		enginetest.Says(append(other, "SET search_path = other"), "CREATE TABLE u (n int)", enginetest.Settled),
		enginetest.Says(nil, `CREATE TABLE U&"d\0061t" (n int)`, enginetest.Never),
		enginetest.Says(table, "DROP TABLE t", enginetest.Settled),
		enginetest.Says(other, "DROP TABLE t, other.t CASCADE", enginetest.Settled),
		enginetest.Says(table, "DROP TABLE IF EXISTS nosuch, t", enginetest.Settled),
		enginetest.Says(nil, "DROP TABLE IF EXISTS nosuch", enginetest.Again),
		enginetest.Says(table, "ALTER TABLE t ADD COLUMN m int DEFAULT 7", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE ONLY public.t DROP COLUMN \"Odd\"", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ALTER n TYPE bigint", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ALTER n TYPE bigint USING n * 2", enginetest.HalfWay),
		enginetest.Says(table, "ALTER TABLE t RENAME TO u", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t RENAME n TO m", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID", enginetest.Settled),
		enginetest.Says(append(table, "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID"), "ALTER TABLE t VALIDATE CONSTRAINT c", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ADD PRIMARY KEY (n)", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t ENABLE ROW LEVEL SECURITY", enginetest.Settled),
		enginetest.Says(table, "ALTER TABLE t SET (fillfactor = 50)", enginetest.Settled),
		// What others do to the rest of the table says nothing.
		enginetest.While(table, "ALTER TABLE t ADD m int NOT NULL DEFAULT 3", enginetest.Settled, "ALTER TABLE t ADD x int", "CREATE INDEX ON t (n)", "CREATE VIEW v AS SELECT * FROM t"),
		enginetest.While(table, "ALTER TABLE t ALTER n SET NOT NULL, ALTER n SET DEFAULT 4", enginetest.Settled, "ALTER TABLE t ADD x int"),
		enginetest.While(table, "ALTER TABLE t DROP n, ADD n bigint", enginetest.Settled, "ALTER TABLE t ADD x int"),
		enginetest.While(table, "ALTER TABLE t ADD PRIMARY KEY (n)", enginetest.Settled, "ALTER TABLE t ADD CHECK (n > 1)"),
		enginetest.While(append(table, "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID"), "ALTER TABLE t VALIDATE CONSTRAINT c", enginetest.Settled, "ALTER TABLE t ADD CHECK (n > 1)"),
		enginetest.While(append(table, "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0)"), "ALTER TABLE t RENAME CONSTRAINT c TO d", enginetest.Settled, "ALTER TABLE t ADD CHECK (n > 1)"),
		enginetest.While(table, "DROP TABLE t", enginetest.HalfWay, "DROP TABLE t", "CREATE TABLE t (n int, \"Odd\" text)"),
		enginetest.Says(table, "ALTER TABLE IF EXISTS nosuch ADD x int", enginetest.Never),
		enginetest.Says(table, "CREATE INDEX t_n ON t (n)", enginetest.Settled),
		enginetest.Says(table, "CREATE INDEX ON t (n)", enginetest.Settled),
		enginetest.Says(table, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_n ON ONLY t (n)", enginetest.Settled),
		enginetest.Says(table, "CREATE INDEX CONCURRENTLY ON t (n)", enginetest.Never),
		enginetest.Says(index, "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_n ON t (n)", enginetest.Again),
		enginetest.Says(index, "DROP INDEX CONCURRENTLY t_n", enginetest.Settled),
		enginetest.Says(index, "ALTER INDEX t_n RENAME TO t_m", enginetest.Settled),
		enginetest.Says(index, "REINDEX INDEX CONCURRENTLY t_n", enginetest.Again),
		enginetest.Says(table, "CREATE VIEW v AS SELECT n FROM t", enginetest.Settled),
		enginetest.Says(append(table, "CREATE VIEW v AS SELECT n FROM t"), "CREATE OR REPLACE VIEW v AS SELECT n, \"Odd\" FROM t", enginetest.Settled),
		enginetest.Says(append(table, "CREATE VIEW v AS SELECT n FROM t"), "CREATE OR REPLACE VIEW v AS SELECT n FROM t", enginetest.Again),
		enginetest.Says(append(table, "CREATE MATERIALIZED VIEW v AS SELECT n FROM t"), "REFRESH MATERIALIZED VIEW v", enginetest.Again),
		enginetest.Says(append(table, "CREATE MATERIALIZED VIEW v AS SELECT n FROM t"), "DROP MATERIALIZED VIEW v", enginetest.Settled),
		enginetest.Says(nil, "CREATE SEQUENCE s", enginetest.Settled),
		enginetest.Says([]string{"CREATE SEQUENCE s"}, "ALTER SEQUENCE s RESTART", enginetest.Never),
		enginetest.Says(nil, "CREATE TYPE e AS ENUM ('a', 'b')", enginetest.Settled),
		enginetest.Says([]string{"CREATE TYPE e AS ENUM ('a')"}, "ALTER TYPE e ADD VALUE IF NOT EXISTS 'b'", enginetest.Settled),
		enginetest.Says([]string{"CREATE TYPE e AS ENUM ('a')"}, "ALTER TYPE e RENAME VALUE 'a' TO 'b'", enginetest.Settled),
		enginetest.Says([]string{"CREATE TYPE e AS ENUM ('a')"}, "DROP TYPE e", enginetest.Settled),
		enginetest.Says(nil, "CREATE DOMAIN d AS int", enginetest.Settled),
		enginetest.Says(nil, "CREATE SCHEMA s", enginetest.Settled),
		enginetest.Says([]string{"CREATE SCHEMA s"}, "DROP SCHEMA s", enginetest.Settled),
		enginetest.Says(nil, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", enginetest.Settled),
		enginetest.Says(function, "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3'", enginetest.Settled),
		enginetest.Says(function, "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", enginetest.Again),
		enginetest.Says(function, "DROP FUNCTION f(int)", enginetest.Settled),
		enginetest.Says(trigger, "CREATE TRIGGER tr BEFORE INSERT OR UPDATE OF n ON t FOR EACH ROW EXECUTE FUNCTION g()", enginetest.Settled),
		enginetest.Says(append(trigger, "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()"), "DROP TRIGGER tr ON t", enginetest.Settled),
		enginetest.Says(table, "CREATE POLICY p ON t USING (n > 0)", enginetest.Settled),
		enginetest.Says(nil, "CREATE PUBLICATION p", enginetest.Settled),
		enginetest.Says(table, "VACUUM t", enginetest.Again),
		enginetest.Says(table, "ANALYZE t", enginetest.Again),
		enginetest.Says(table, "COMMENT ON TABLE t IS 'x'", enginetest.Again),
		enginetest.Says(table, "INSERT INTO t VALUES (1)", enginetest.Never),
		enginetest.Says(table, "TRUNCATE t", enginetest.Never),
		enginetest.Says(nil, "DO 'BEGIN END'", enginetest.Never),
		enginetest.Says(nil, "SELECT set_config('a.b', 'c', false)", enginetest.Never),
	})
}

package postgres_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
)

// TestTheServerAgreesOnWhatRunsAlone runs every statement in a transaction
// and compares: 25001 is the server's word for "not in a transaction block".
func TestTheServerAgreesOnWhatRunsAlone(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	exec(t, s, `CREATE TABLE t (x int PRIMARY KEY, "CONCURRENTLY" int)`, "CREATE INDEX i ON t (x)", "CREATE TYPE mood AS ENUM ('ok')",
		"CREATE TABLE p (x int) PARTITION BY LIST (x)", "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
		"CREATE MATERIALIZED VIEW m AS SELECT 1 AS x", "CREATE UNIQUE INDEX m_x ON m (x)")
	for _, c := range []struct {
		text  string
		since int // the version that knows the statement
	}{
		{"CREATE INDEX CONCURRENTLY j ON t (x)", 0},
		{"create unique index concurrently if not exists j on t (x)", 0},
		{"CREATE INDEX j ON t (\"CONCURRENTLY\")", 0},
		{"DROP INDEX CONCURRENTLY i", 0},
		{"DROP INDEX CONCURRENTLY IF EXISTS i", 0},
		{"DROP INDEX i", 0},
		{"REINDEX TABLE t", 0},
		{"REINDEX TABLE CONCURRENTLY t", 0},
		{"REINDEX INDEX CONCURRENTLY i", 0},
		{"REINDEX (VERBOSE) TABLE CONCURRENTLY t", 0},
		{"REINDEX (VERBOSE) TABLE t", 0},
		{"REINDEX (CONCURRENTLY) TABLE t", 140000},
		{"REINDEX (CONCURRENTLY TRUE, VERBOSE) INDEX i", 140000},
		{"REINDEX (CONCURRENTLY FALSE) INDEX i", 140000},
		{"REINDEX (VERBOSE, CONCURRENTLY off) INDEX i", 140000},
		{"REINDEX SCHEMA public", 0},
		{"REINDEX (VERBOSE) SCHEMA public", 0},
		{"REINDEX DATABASE nowhere", 0},
		{"REINDEX SYSTEM nowhere", 0},
		{"VACUUM", 0},
		{"VACUUM (ANALYZE) t", 0},
		{"ANALYZE t", 0},
		{"CREATE DATABASE nowhere", 0},
		{"DROP DATABASE IF EXISTS nowhere", 0},
		{"CREATE TABLESPACE nowhere LOCATION '/nowhere'", 0},
		{"DROP TABLESPACE IF EXISTS nowhere", 0},
		{"ALTER SYSTEM SET work_mem = '4MB'", 0},
		{"ALTER DATABASE nowhere SET TABLESPACE pg_default", 0},
		{"ALTER DATABASE postgres SET work_mem = '4MB'", 0},
		{"CLUSTER", 0},
		{"CLUSTER VERBOSE", 0},
		{"CLUSTER (VERBOSE)", 170000},
		{"CLUSTER t USING i", 0},
		{"CLUSTER VERBOSE t USING i", 0},
		{"CLUSTER (VERBOSE) t USING i", 140000},
		{"ALTER TYPE mood ADD VALUE 'good'", 0},
		{"ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", 140000},
		{"ALTER TABLE IF EXISTS public.p DETACH PARTITION public.p1 CONCURRENTLY", 140000},
		{"ALTER TABLE p DETACH PARTITION p1", 0},
		{"REFRESH MATERIALIZED VIEW CONCURRENTLY m", 0},
		{"DISCARD ALL", 0},
		{"DISCARD PLANS", 0},
		{"COMMIT PREPARED 'nowhere'", 0},
		{"ROLLBACK PREPARED 'nowhere'", 0},
		{"CREATE SUBSCRIPTION sub2 CONNECTION 'host=127.0.0.1 port=1' PUBLICATION pub", 0},
		{"CREATE SUBSCRIPTION sub2 CONNECTION 'host=127.0.0.1' PUBLICATION pub WITH (connect = false)", 0},
		{"ALTER SUBSCRIPTION sub REFRESH PUBLICATION", 0},
		{"ALTER SUBSCRIPTION sub SET PUBLICATION pub2", 0},
		{"ALTER SUBSCRIPTION sub SET PUBLICATION pub2 WITH (refresh = false)", 0},
		{"ALTER SUBSCRIPTION sub DISABLE", 0},
		{"TRUNCATE t", 0},
		{"SELECT 1", 0},
	} {
		if s.Server().Number < c.since {
			continue
		}
		exec(t, s, "BEGIN")
		if strings.HasPrefix(c.text, "ALTER SUBSCRIPTION") {
			// Never committed: an enabled one would start to connect.
			exec(t, s, "CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1' PUBLICATION pub WITH (connect = false)", "ALTER SUBSCRIPTION sub ENABLE")
		}
		_, err := s.Execute(t.Context(), statement(c.text))
		exec(t, s, "ROLLBACK")
		want := faultOf(err).Code == "25001"
		if got := postgres.Engine().Classify(statement(c.text).Words, s.Server()).Alone; got != want {
			t.Errorf("%s: alone %v, the server says %v", c.text, err, want)
		}
	}
}

func TestStatementsAreOfAKind(t *testing.T) {
	for kind, texts := range map[engine.Kind][]string{
		engine.Begin:    {"BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION"},
		engine.Commit:   {"COMMIT", "COMMIT WORK", "END", "END TRANSACTION", "COMMIT AND CHAIN"},
		engine.Rollback: {"ROLLBACK", "ABORT", "ROLLBACK WORK", "ROLLBACK AND CHAIN"},
		engine.Data: {"INSERT INTO t VALUES (1)", "UPDATE t SET x = 1", "DELETE FROM t", "MERGE INTO t USING u", "TRUNCATE t",
			"COPY t FROM stdin", "COPY t (a, b) FROM '/file'", "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
			"WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a"},
		engine.Definition: {"CREATE TABLE t (x int)", "ALTER TABLE t ADD y int", "DROP TABLE t", "COMMENT ON TABLE t IS 'x'",
			"GRANT SELECT ON t TO u", "REVOKE ALL ON t FROM u", "SELECT * INTO u FROM t", "REINDEX TABLE t", "REFRESH MATERIALIZED VIEW m"},
		engine.Setting: {"SET x = 1", "SET SESSION x TO 1", "SET ROLE r", "SET SESSION AUTHORIZATION r", "RESET ALL", "RESET ROLE",
			"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SELECT pg_catalog.set_config('search_path', '', false)",
			"select set_config('a.b', 'c', false)", "DISCARD ALL", "PREPARE p AS SELECT 1", "DEALLOCATE p", "LISTEN a"},
		engine.Read: {"SELECT 1", "(SELECT 1)", "VALUES (1)", "TABLE t", "SHOW x", "WITH a AS (SELECT 1) SELECT * FROM a",
			"EXPLAIN SELECT 1", "SELECT (SELECT 1 INTO x)", "SELECT set_config('search_path', '', true)"},
		engine.Other: {"SAVEPOINT a", "ROLLBACK TO a", "ROLLBACK WORK TO SAVEPOINT a", "ROLLBACK TRANSACTION TO a", "RELEASE a",
			"SET LOCAL x = 1", "SET CONSTRAINTS ALL DEFERRED", "SET TRANSACTION READ ONLY", "COMMIT PREPARED 'x'",
			"ROLLBACK PREPARED 'x'", "PREPARE TRANSACTION 'x'", "DO 'x'", "CALL p()", "VACUUM", "LOCK TABLE t",
			"COPY t TO '/file'", "COPY (SELECT 1 FROM t) TO '/file'", "EXPLAIN ANALYZE DELETE FROM t", "", "NONSENSE"},
	} {
		for _, text := range texts {
			if got := postgres.Engine().Classify(statement(text).Words, engine.Server{Number: 150000}).Kind; got != kind {
				t.Errorf("%s: kind %d, want %d", text, got, kind)
			}
		}
	}
}

func TestWhatAFailureMayLeaveBehindIsNotAtomic(t *testing.T) {
	for text, want := range map[string]bool{
		"CREATE TABLE t (x int)":                        true,
		"ALTER TYPE mood ADD VALUE 'ok'":                true,
		"INSERT INTO t VALUES (1)":                      true,
		"ALTER SYSTEM SET x = 1":                        true,
		"CREATE INDEX CONCURRENTLY i ON t (x)":          false,
		"DROP INDEX CONCURRENTLY i":                     false,
		"REINDEX SCHEMA public":                         false,
		"VACUUM":                                        false,
		"CALL p()":                                      false,
		"DO 'x'":                                        false,
		"ALTER TABLE p DETACH PARTITION q CONCURRENTLY": false,
		"CREATE DATABASE d":                             false,
	} {
		if got := postgres.Engine().Classify(statement(text).Words, engine.Server{Number: 150000}).Atomic; got != want {
			t.Errorf("%s: atomic %v", text, got)
		}
	}
	for text, refused := range map[string]bool{
		"DISCARD ALL": true, "DISCARD PLANS": false, "SELECT pg_advisory_unlock_all()": true, "select 1, pg_catalog . pg_advisory_unlock_all ( )": true,
		"SELECT pg_advisory_unlock(1)": false, "CREATE VIEW v AS SELECT pg_advisory_unlock_all()": false,
	} {
		if why := postgres.Engine().Classify(statement(text).Words, engine.Server{}).Refused; (why != "") != refused {
			t.Errorf("%s: refused %q", text, why)
		}
	}
	if got := postgres.Engine().Classify(statement("PREPARE TRANSACTION 'x'").Words, engine.Server{}); !got.Commits {
		t.Error("PREPARE TRANSACTION ends the transaction")
	}
}

// TestEnumValuesAreAddedAloneBefore12 cannot ask a server that old.
func TestEnumValuesAreAddedAloneBefore12(t *testing.T) {
	words := statement("ALTER TYPE mood ADD VALUE 'ok'").Words
	if !postgres.Engine().Classify(words, engine.Server{Number: 110022}).Alone || postgres.Engine().Classify(words, engine.Server{Number: 120000}).Alone {
		t.Error("the border is 12")
	}
}

package sqlite

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestPace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]engine.Pace{
		"CREATE TABLE t (n INTEGER, m INTEGER GENERATED ALWAYS AS (n + 1))": engine.Brief,
		"CREATE TABLE t AS SELECT 1":                                        engine.Long,
		"CREATE VIEW v AS SELECT 1":                                         engine.Brief,
		"CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END":            engine.Brief,
		"CREATE INDEX i ON t (n)":                                           engine.Long,
		"CREATE UNIQUE INDEX i ON t (n)":                                    engine.Long,
		"CREATE TEMP TABLE t (n INTEGER)":                                   engine.Long,
		"CREATE VIRTUAL TABLE t USING fts5 (n)":                             engine.Long,
		"INSERT INTO t (a, b, c) VALUES (1, 2, 3)":                          engine.Brief,
		"INSERT INTO t DEFAULT VALUES":                                      engine.Brief,
		"INSERT INTO t SELECT * FROM u":                                     engine.Long,
		"INSERT INTO t VALUES ((SELECT COUNT(*) FROM u))":                   engine.Long,
		"REPLACE INTO t VALUES (1)":                                         engine.Brief,
		"UPDATE t SET n = 1":                                                engine.Long,
		"DELETE FROM t":                                                     engine.Long,
		"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x":                engine.Long,
		"SELECT 1":                           engine.Long,
		"DROP TABLE t":                       engine.Long,
		"DROP VIEW v":                        engine.Brief,
		"DROP TRIGGER g":                     engine.Brief,
		"ALTER TABLE t RENAME TO u":          engine.Brief,
		"ALTER TABLE t RENAME COLUMN n TO m": engine.Brief,
		"ALTER TABLE t ADD COLUMN m INTEGER DEFAULT 7":                                               engine.Brief,
		"ALTER TABLE t ADD m INTEGER CHECK (m > 0)":                                                  engine.Long,
		"ALTER TABLE t ADD m INTEGER NOT NULL DEFAULT 1":                                             engine.Long,
		"ALTER TABLE t ADD m INTEGER AS (n + 1)":                                                     engine.Long,
		"ALTER TABLE t ADD m INTEGER DEFAULT (1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1) CHECK (m IN (1, 16))": engine.Long,
		"ALTER TABLE t DROP COLUMN m":                                                                engine.Long,
		"PRAGMA user_version = 4":                                                                    engine.Long,
		"PRAGMA foreign_keys = OFF":                                                                  engine.Stepwise,
		"PRAGMA defer_foreign_keys = ON":                                                             engine.Stepwise,
		"SAVEPOINT s":                                                                                engine.Stepwise,
		"BEGIN":                                                                                      engine.Stepwise,
		"COMMIT":                                                                                     engine.Stepwise,
		"ATTACH 'x' AS y":                                                                            engine.Stepwise,
		"VACUUM":                                                                                     engine.Stepwise,
		"ANALYZE":                                                                                    engine.Stepwise,
	} {
		all, err := sqltext.All(text, sqltext.SQLite)
		if err != nil || len(all) != 1 {
			t.Fatal(text, err)
		}
		if got := classify(all[0].Words, engine.Server{}).Pace; got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

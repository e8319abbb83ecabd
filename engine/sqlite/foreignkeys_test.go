package sqlite

import (
	"testing"
)

// TestAStatementRefusedForAForeignKeySaysWhichItsTableHas: SQLite itself says
// only that one failed.
func TestAStatementRefusedForAForeignKeySaysWhichItsTableHas(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "PRAGMA foreign_keys = 1",
		"CREATE TABLE one (a INTEGER PRIMARY KEY, up REFERENCES one)", `CREATE TABLE "two b" (x, y, PRIMARY KEY (x, y))`,
		`CREATE TABLE three (o REFERENCES One (a), x, y, FOREIGN KEY (x, y) REFERENCES "two b" (x, y))`,
		"INSERT INTO one VALUES (1, NULL)", `INSERT INTO "two b" VALUES (1, 1)`, "INSERT INTO three VALUES (1, 1, 1)")
	const (
		itself = "one (up) refers to one"
		single = "three (o) refers to One (a)"
		double = "three (x, y) refers to two b (x, y)"
	)
	for text, want := range map[string]string{
		"INSERT INTO three VALUES (9, 1, 1)":                                               double + "\n" + single,
		"insert or ignore into main.Three select 1, 9, 9":                                  double + "\n" + single,
		"WITH n (v) AS (SELECT 9 /* INSERT */) INSERT INTO three SELECT v, NULL, 1 FROM n": double + "\n" + single,
		"DELETE FROM one":                      itself + "\n" + single,
		"UPDATE one SET a = 2":                 itself + "\n" + single,
		"INSERT INTO one VALUES (2, 9)":        itself,
		`DELETE FROM "two b"`:                  double,
		"REPLACE INTO [two b] VALUES (NULL,1)": "", // which is not refused
		"DROP TABLE IF EXISTS one":             itself + "\n" + single,
	} {
		do(t, s, "SAVEPOINT x")
		_, err := s.Execute(t.Context(), statement(text))
		if got := fault(err).Detail; (err == nil) != (want == "") || got != want {
			t.Errorf("%s: %v, and is told as %q", text, err, got)
		}
		do(t, s, "ROLLBACK TO x", "RELEASE x")
	}
}

package mycheck_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/check/checktest"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/mycheck"
)

// A generated column that goes and comes again in one statement takes no
// values with it; a plain one does, whatever comes in its place.
func TestAGeneratedColumnThatIsWorkedOutAnewIsNotDropped(t *testing.T) {
	t.Parallel()
	const setup = "CREATE TABLE t (id BIGINT PRIMARY KEY, x INT, g INT AS (x + 1) VIRTUAL, p INT);"
	for sql, want := range map[string]bool{
		"ALTER TABLE t DROP COLUMN g, ADD COLUMN g INT AS (x + 2) VIRTUAL;": false,
		"ALTER TABLE t DROP COLUMN g;":                                      true,
		"ALTER TABLE t DROP COLUMN g, ADD COLUMN g INT;":                    true,
		"ALTER TABLE t DROP COLUMN p, ADD COLUMN p INT AS (x + 2) VIRTUAL;": true,
		"ALTER TABLE t DROP COLUMN p REMOVE PARTITIONING;":                  true,
	} {
		r := checktest.Judge(t, mycheck.Product(), mysql.Engine(), maria, setup, checktest.Example{Rule: "drop-column", Files: []string{sql}})
		found := false
		for _, f := range r.Findings {
			found = found || f.Rule.ID == "drop-column"
		}
		if found != want || r.Unjudged > 0 {
			t.Errorf("%s: found %v, want %v; %d not understood", sql, found, want, r.Unjudged)
		}
	}
}

// A table that is made in another one's place takes its rows away.
func TestATableThatIsReplacedIsDropped(t *testing.T) {
	t.Parallel()
	const setup = "CREATE TABLE t (id BIGINT PRIMARY KEY, x INT);"
	for sql, want := range map[string]bool{
		"CREATE OR REPLACE TABLE t (id BIGINT PRIMARY KEY);":                                                true,
		"CREATE OR REPLACE TEMPORARY TABLE t (id BIGINT PRIMARY KEY);":                                      false,
		"CREATE TABLE u (id BIGINT PRIMARY KEY); CREATE OR REPLACE TABLE u (id BIGINT PRIMARY KEY, n INT);": false,
		"CREATE OR REPLACE VIEW v AS SELECT 1;":                                                             false,
	} {
		r := checktest.Judge(t, mycheck.Product(), mysql.Engine(), maria, setup, checktest.Example{Rule: "drop-table", Files: []string{sql}})
		found := false
		for _, f := range r.Findings {
			found = found || f.Rule.ID == "drop-table"
		}
		if found != want || r.Unjudged > 0 {
			t.Errorf("%s: found %v, want %v; %d not understood", sql, found, want, r.Unjudged)
		}
	}
}

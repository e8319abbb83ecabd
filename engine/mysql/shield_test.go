package mysql

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// What a file sets hides nothing from our own queries, and is there again for
// its next statement.
func TestOurQueriesSeeAllRowsWhateverAFileSets(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	run := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			one := func(yield func(sqltext.Statement, error) bool) { yield(statement(text), nil) }
			if err := s.Run(t.Context(), engine.Unit{Statements: one}); err != nil {
				t.Fatal(text, err)
			}
		}
	}
	run("CREATE TABLE kept (v TEXT)", "SET sql_select_limit = 0, autocommit = 0")
	if got := value(t, s, "SELECT 1"); got != "1" {
		t.Errorf("our own query got %q", got)
	}
	run("INSERT INTO kept VALUES (CONCAT(@@sql_select_limit, ' ', @@autocommit))", "COMMIT", "SET sql_select_limit = DEFAULT")
	if got := value(t, s, "SELECT v FROM kept"); got != "0 OFF" {
		t.Errorf("the file's settings were %q behind our query", got)
	}
}

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
	run := func(texts ...string) { t.Helper(); runWithOurs(t, s, nil, texts...) }
	run("CREATE TABLE kept (v TEXT)", "SET sql_select_limit = 0, autocommit = 0")
	if got := value(t, s, "SELECT 1"); got != "1" {
		t.Errorf("our own query got %q", got)
	}
	run("INSERT INTO kept VALUES (CONCAT(@@sql_select_limit, ' ', @@autocommit))", "COMMIT", "SET sql_select_limit = DEFAULT")
	if got := value(t, s, "SELECT v FROM kept"); got != "0 OFF" {
		t.Errorf("the file's settings were %q behind our query", got)
	}
}

// TestOurRowsTakeNothingOfAFiles: the number that is meant for its next row,
// and the time it has set.
func TestOurRowsTakeNothingOfAFiles(t *testing.T) {
	t.Parallel()
	s := connect(t, newDatabase(t))
	exec(t, s, "CREATE TABLE ours (id INT AUTO_INCREMENT PRIMARY KEY, at DATETIME(6))",
		"CREATE TABLE theirs (id INT AUTO_INCREMENT PRIMARY KEY, at DATETIME DEFAULT NOW())")
	ours := []engine.Query{{Text: "INSERT INTO ours (at) VALUES (UTC_TIMESTAMP(6))"}}
	runWithOurs(t, s, ours, "SET insert_id = 77, timestamp = 1000, max_join_size = 1", "CREATE TABLE between_them (n INT)", "INSERT INTO theirs (at) VALUES (NOW())",
		"INSERT INTO theirs (at) VALUES (NOW())", "SET insert_id = 999")
	// A number that no row has taken is not left to the next file's.
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	exec(t, s, "INSERT INTO theirs (at) VALUES ('2020-02-02')")
	for query, want := range map[string]string{
		"SELECT GROUP_CONCAT(id ORDER BY id) FROM theirs":                     "77,78,79",
		"SELECT COUNT(*) FROM theirs WHERE UNIX_TIMESTAMP(at) = 1000":         "2",
		"SELECT CONCAT(COUNT(*), ' ', MAX(id)) FROM ours":                     "10 10",
		"SELECT COUNT(*) FROM ours WHERE YEAR(at) > 2000":                     "10",
		"SELECT COUNT(*) FROM ours AS a, ours AS b, ours AS c, ours AS other": "10000",
	} {
		if got := value(t, s, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// runWithOurs runs statements of a file's, each between queries of ours.
func runWithOurs(t *testing.T, s *session, ours []engine.Query, texts ...string) {
	t.Helper()
	for _, text := range texts {
		one := func(yield func(sqltext.Statement, error) bool) { yield(statement(text), nil) }
		if err := s.Run(t.Context(), engine.Unit{Opening: ours, Statements: one, Closing: ours}); err != nil {
			t.Fatal(text, err)
		}
	}
}

package sqltext_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// TestRealDatabasesAreCutWhole reads public sample databases and compares
// what it finds with a plain count of lines.
func TestRealDatabasesAreCutWhole(t *testing.T) {
	dir := os.Getenv("DBWARDEN_TEST_DATA")
	if dir == "" {
		t.Skip("DBWARDEN_TEST_DATA is not set: it names the folder with the sample databases sakila and chinook")
	}
	for _, c := range []struct {
		file   string
		lexis  sqltext.Lexis
		marker func(string) bool
		first  map[string]int // statements by their first words
		rows   int
	}{
		{"sakila/postgres-schema.sql", sqltext.PostgreSQL, nil,
			map[string]int{"CREATE FUNCTION": 9, "CREATE TABLE": 21, "CREATE TRIGGER": 15, "CREATE VIEW": 7, "CREATE TYPE": 1}, 0},
		{"sakila/postgres-data-copy.sql", sqltext.PostgreSQL, nil, map[string]int{"COPY": 15}, 46_273},
		{"sakila/mysql-schema.sql", sqltext.MySQL, nil,
			map[string]int{"CREATE TABLE": 16, "CREATE TRIGGER": 3, "CREATE PROCEDURE": 3, "CREATE FUNCTION": 3, "CREATE VIEW": 6}, 0},
		{"sakila/sqlite-schema.sql", sqltext.SQLite, nil, map[string]int{"CREATE TABLE": 16, "CREATE TRIGGER": 30}, 0},
		{"chinook/mysql.sql", sqltext.MySQL, nil, map[string]int{"CREATE TABLE": 11}, 0},
		{"chinook/postgres.sql", sqltext.PostgreSQL, nil, map[string]int{"CREATE TABLE": 11}, 0},
		{"chinook/sqlite.sql", sqltext.SQLite, nil, map[string]int{"CREATE TABLE": 11}, 0},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(filepath.Join(dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			// The change of database is for a shell.
			input := regexp.MustCompile(`(?m)^\\c .*$`).ReplaceAllString(string(raw), "")
			pieces, err := scan(strings.NewReader(input), c.lexis, isMarker)
			if err != io.EOF {
				t.Fatal(err)
			}
			if err := checkPieces(input, pieces, true); err != nil {
				t.Error(err)
			}
			got, rows := map[string]int{}, 0
			for _, p := range pieces {
				for first := range c.first {
					if p.st.Starts(strings.Fields(first)...) {
						got[first]++
					}
				}
				rows += strings.Count(p.rows, "\n")
			}
			for first, want := range c.first {
				if got[first] != want {
					t.Errorf("%s: %d times, want %d", first, got[first], want)
				}
			}
			if rows != c.rows {
				t.Errorf("%d rows, want %d", rows, c.rows)
			}
			t.Logf("%d statements, %v", len(pieces)-1, got)
			sameInChunks(t, input, c.lexis, 1000)
		})
	}
}

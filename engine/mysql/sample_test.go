package mysql

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// runFile executes a file's statements one by one. refused sees those that
// the server does not take, and says whether that is expected.
func runFile(t *testing.T, s *session, path string, change func(string) string, refused func(sqltext.Statement, error) bool) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	scanner := sqltext.NewScanner(strings.NewReader(change(string(text))), sqltext.MySQL, sqltext.Options{})
	for n := 0; ; n++ {
		st, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Execute(t.Context(), st); err != nil && !refused(st, err) {
			t.Fatalf("line %d: %.60s: %v", st.Start.Line, st.Text, err)
		}
	}
}

func never(sqltext.Statement, error) bool { return false }

func TestSakilasProceduresRun(t *testing.T) {
	t.Parallel()
	dir := dbtest.DataDir(t)
	url := newDatabase(t)
	s := connect(t, url)
	// The dump makes a database of a fixed name; here it gets the test's.
	name := dbtest.DatabaseName(url)
	change := strings.NewReplacer("SCHEMA IF EXISTS sakila", "SCHEMA IF EXISTS "+name, "CREATE SCHEMA sakila", "CREATE SCHEMA "+name,
		"USE sakila", "USE "+name, "sakila.", name+".").Replace
	n := runFile(t, s, filepath.Join(dir, "sakila", "mysql-schema.sql"), change, never)
	if n < 40 {
		t.Errorf("%d statements", n)
	}
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "SELECT DATABASE()"); got != name {
		t.Errorf("in %s", got)
	}
	execute(t, s,
		"INSERT INTO language (name) VALUES ('English')",
		"INSERT INTO film (title, language_id) VALUES ('A title', LAST_INSERT_ID())",
		"CALL film_in_stock(1, 1, @count)",
		"CALL film_not_in_stock(1, 1, @count)",
		"CALL rewards_report(1, 1, @count)")
	if got := value(t, s, "SELECT CONCAT((SELECT COUNT(*) FROM film_text), ' ', (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()))"); got != "1 6" {
		t.Errorf("film texts by trigger, and routines: %s", got)
	}
}

func TestChinookIsLoaded(t *testing.T) {
	t.Parallel()
	dir := dbtest.DataDir(t)
	url := newDatabase(t)
	s := connect(t, url)
	name := dbtest.DatabaseName(url)
	change := strings.NewReplacer("`Chinook`", quote(name)).Replace
	runFile(t, s, filepath.Join(dir, "chinook", "mysql.sql"), change, never)
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "SELECT COUNT(*) FROM Track"); got == "0" {
		t.Error("no tracks")
	}
	if got := value(t, s, "SELECT Name FROM Artist WHERE Name LIKE 'Jo%Gilberto' OR Name LIKE 'Ant%nio Carlos Jobim' ORDER BY Name LIMIT 1"); got != "Antônio Carlos Jobim" {
		t.Errorf("%q", got)
	}
}

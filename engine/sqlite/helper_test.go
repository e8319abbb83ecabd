package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// TestMain lets the test binary be the other process: see process_test.go.
func TestMain(m *testing.M) {
	if what := os.Getenv(actEnv); what != "" {
		act(what, os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

func openAt(t *testing.T, url string) engine.Database {
	t.Helper()
	d, err := Engine().Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func connect(t *testing.T, d engine.Database, o engine.ConnectOptions) *session {
	t.Helper()
	s, err := d.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*session)
}

// file connects to a new database file and returns its path too.
func file(t *testing.T) (*session, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.db")
	return connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{}), path
}

func do(t *testing.T, s engine.Session, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func value(t *testing.T, s *session, query string) string {
	t.Helper()
	v, err := s.text(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// statement is a piece of SQL with its leading words, as far as the tests
// need them.
func statement(text string) sqltext.Statement {
	return sqltext.Statement{Text: text, Words: strings.Fields(strings.ToUpper(text))}
}

func statements(texts ...string) func(func(sqltext.Statement, error) bool) {
	return func(yield func(sqltext.Statement, error) bool) {
		for _, text := range texts {
			if !yield(statement(text), nil) {
				return
			}
		}
	}
}

func execute(t *testing.T, s *session, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := s.Execute(t.Context(), statement(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// slow runs for minutes and writes as it goes.
const slow = "INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT i FROM n"

func soon(t *testing.T, after time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	t.Cleanup(cancel)
	return ctx
}

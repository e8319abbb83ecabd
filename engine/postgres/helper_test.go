package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// executor is what the run loop asks of a session of this engine.
type executor interface {
	engine.Session
	engine.Plain
}

func connect(t *testing.T, url string, o engine.ConnectOptions) executor {
	t.Helper()
	return connectWith(t, url, engine.OpenOptions{}, o)
}

func connectWith(t *testing.T, url string, open engine.OpenOptions, o engine.ConnectOptions) executor {
	t.Helper()
	s, err := tryConnect(t, url, open, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryConnect(t *testing.T, url string, open engine.OpenOptions, o engine.ConnectOptions) (executor, error) {
	t.Helper()
	d, err := postgres.Engine().Open(url, open)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { s.Close() })
	return s.(executor), nil
}

func exec(t *testing.T, s engine.Session, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// ask returns the single value of a query as text.
func ask(t *testing.T, s engine.Session, query string, args ...any) string {
	t.Helper()
	var value *string
	rows := 0
	var err error
	for range 200 {
		// A limit of a millisecond may end the question itself.
		err = s.Query(t.Context(), func(scan func(...any) error) error {
			rows++
			return scan(&value)
		}, query, args...)
		if faultOf(err).Code != "57014" {
			break
		}
		rows = 0
	}
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	switch {
	case rows != 1:
		t.Fatalf("%s: %d rows", query, rows)
	case value == nil:
		return "NULL"
	}
	return *value
}

func execute(t *testing.T, s executor, text string) int64 {
	t.Helper()
	n, err := s.Execute(t.Context(), statement(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// statement makes what the splitter would of a plain text.
func statement(text string) sqltext.Statement {
	spaced := strings.NewReplacer("(", " ( ", ")", " ) ", ",", " , ", ".", " . ", ";", " ").Replace(text)
	words := strings.Fields(strings.ToUpper(spaced))
	return sqltext.Statement{Text: text, Words: words[:min(len(words), sqltext.MaxWords)]}
}

func faultOf(err error) engine.Fault { return postgres.Engine().Fault(err) }

// within gives a wait an end.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// until asks again until the answer is as wanted.
func until(t *testing.T, s engine.Session, want, query string) {
	t.Helper()
	ctx := within(t, 20*time.Second)
	for ask(t, s, query) != want {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: never %q", query, want)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func pid(s engine.Session) string {
	p, _, _ := strings.Cut(s.ID(), "/")
	return p
}

var errOnPurpose = errors.New("on purpose")

func server(t *testing.T) *dbtest.Server {
	t.Helper()
	return dbtest.Postgres(t)
}

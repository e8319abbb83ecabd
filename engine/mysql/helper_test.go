package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func newDatabase(t *testing.T) string {
	t.Helper()
	return dbtest.MariaDB(t).NewDatabase(t)
}

func connect(t *testing.T, url string) *session {
	t.Helper()
	return connectWith(t, url, engine.ConnectOptions{App: "dbwarden test"})
}

func connectWith(t *testing.T, url string, o engine.ConnectOptions) *session {
	t.Helper()
	d, err := Engine().Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s.(*session)
}

func exec(t *testing.T, s engine.Session, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// execute runs statements as a migration's.
func execute(t *testing.T, s *session, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := s.Execute(t.Context(), statement(q)); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// value is the only column of a query's first row, "NULL" for NULL.
func value(t *testing.T, s engine.Session, query string, args ...any) string {
	t.Helper()
	v, err := tryValue(t.Context(), s, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func tryValue(ctx context.Context, s engine.Session, query string, args ...any) (string, error) {
	v := "no row"
	err := s.Query(ctx, func(scan func(...any) error) error {
		var n sql.NullString
		if err := scan(&n); err != nil {
			return err
		}
		if v = "NULL"; n.Valid {
			v = n.String
		}
		return nil
	}, query, args...)
	return v, err
}

// statement is text as it stands, with the words of its first statement.
func statement(text string) sqltext.Statement {
	st := sqltext.Statement{Text: text}
	// What cannot be cut has no words, and is sent all the same.
	if all, _ := sqltext.All(text, sqltext.MySQL); len(all) > 0 {
		st.Words = all[0].Words
	}
	return st
}

func statements(texts ...string) func(yield func(sqltext.Statement, error) bool) {
	return func(yield func(sqltext.Statement, error) bool) {
		for _, text := range texts {
			if !yield(statement(text), nil) {
				return
			}
		}
	}
}

func key(text string) engine.Key {
	return engine.Key{Schema: text, Digest: sha256.Sum256([]byte(text))}
}

func wantKind(t *testing.T, err error, want engine.FaultKind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want a fault of kind %d", want)
	}
	if f := fault(err); f.Kind != want {
		t.Fatalf("fault %+v of %v: want kind %d", f, err, want)
	}
}

// endlessQuery runs until it is stopped.
const endlessQuery = "SELECT COUNT(*) FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b," +
	" information_schema.COLLATIONS c, information_schema.COLLATIONS d WHERE a.ID <> b.ID"

func mariadbOnly(t *testing.T, s *session) {
	t.Helper()
	if !s.mariadb() {
		t.Skipf("this shows what MariaDB does; the server is %s %s", s.server.Product, s.server.Version)
	}
}

// eventually waits until a server shows what is asked for.
func eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !there(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// running waits until session s is seen by watcher to run a statement that
// begins with text.
func running(t *testing.T, watcher, s engine.Session, text string) {
	t.Helper()
	eventually(t, text+" is running", func() bool {
		info := value(t, watcher, "SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = "+s.ID())
		return info != "NULL" && strings.HasPrefix(info, text)
	})
}

func unitError(t *testing.T, err error) *engine.UnitError {
	t.Helper()
	e, ok := errors.AsType[*engine.UnitError](err)
	if !ok {
		t.Fatalf("%v is no UnitError", err)
	}
	return e
}

// stranger is a driver that is not the engine's.
type stranger struct{}

func (stranger) Connect(context.Context) (sqldriver.Conn, error) { return strangerConn{}, nil }
func (stranger) Driver() sqldriver.Driver                        { return nil }

type strangerConn struct{ sqldriver.Conn }

func (strangerConn) Close() error { return nil }

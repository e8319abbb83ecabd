// Package enginetest is the examination that every engine sits.
//
// Each part of it tests one promise of package engine on real databases of
// that product, and its comment says what the rest of the house builds on
// that promise. An engine that passes can be trusted with a lock and a
// journal; what a product does besides is tested in the engine's own folder.
//
// Only tests import this package.
package enginetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Run examines e. newDB gives the URL of a new and empty database, in which
// the URL's user may do anything; it skips the test where there is no server.
func Run(t *testing.T, e *engine.Engine, newDB func(t *testing.T) string) {
	for _, part := range []struct {
		name string
		sit  func(*exam)
	}{
		{"the engine describes itself", (*exam).describes},
		{"errors and labels hide the password", (*exam).hidesPassword},
		{"a refused connection says why", (*exam).saysWhyRefused},
		{"each connection asks for its password", (*exam).asksForPasswords},
		{"a session knows its server", (*exam).knowsServer},
		{"read-only sessions look and change nothing", (*exam).looksOnly},

		{"values come back as they went", (*exam).keepsValues},
		{"exec counts rows", (*exam).countsRows},
		{"an error ends a query", (*exam).endsQuery},
		{"the clock is the server's, in UTC", (*exam).tellsTime},
		{"any name can be quoted", (*exam).quotes},
		{"the types make our tables", (*exam).makesTables},
		{"columns tell an absent table from an empty answer", (*exam).listsColumns},
		{"rights are spelled out", (*exam).spellsGrants},

		{"two sessions never hold one lock", (*exam).excludes},
		{"many sessions want one lock", (*exam).survivesRace},
		{"the lock ends with its session", (*exam).freesOnClose},
		{"an evicted session is lost for good", (*exam).evicts},
		{"the server ends a silent session", (*exam).endsSilent},

		{"the fence raises", (*exam).raises},
		{"a lock that is gone stops the unit at its fence", (*exam).fencesUnit},
		{"a fenced unit keeps the row until it commits", (*exam).holdsRow},
		{"units beside one another take turns", (*exam).takesTurns},

		{"a unit's transaction is whole or nothing", (*exam).wholeOrNothing},
		{"a unit without a transaction keeps what ran", (*exam).keepsWhatRan},
		{"a closing of several queries is whole or nothing", (*exam).closesWhole},
		{"an error in the opening stops all", (*exam).stopsAtOpening},
		{"an error of the reader stops the unit", (*exam).stopsAtReader},
		{"an empty unit is fine", (*exam).runsEmpty},
		{"many statements go in their order", (*exam).keepsOrder},
		{"late values are asked for late", (*exam).resolvesLate},
		{"the watcher sees each statement begin and end", (*exam).tellsWatcher},
		{"statements are sent as written", (*exam).sendsAsWritten},
		{"definitions roll back where the engine says so", (*exam).rollsBackDefinitions},
		{"several units run as they would one by one", (*exam).runsAll},
		{"a refused commit stops the units behind it", (*exam).runsAllToARefusedCommit},
		{"each of several units is watched", (*exam).runsAllWatched},
		{"each of several units finds the session fresh", (*exam).runsAllAfresh},
		{"a function works in the place of a statement", (*exam).works},
		{"a function's values come back as they went", (*exam).calls},
		{"classify knows the common statements", (*exam).classifies},

		{"cancelling ends a statement and spares the session", (*exam).cancels},
		{"a statement's limit ends it", (*exam).limitsStatements},
		{"waiting for a row has a limit", (*exam).limitsWaits},
		{"reset forgets what a migration set", (*exam).resets},
		{"faults are read", (*exam).readsFaults},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			x := &exam{T: t, e: e, url: newDB(t)}
			x.db = x.open(x.url)
			part.sit(x)
		})
	}
}

// exam is one part of the examination, with a database of its own.
type exam struct {
	*testing.T
	e   *engine.Engine
	url string
	db  engine.Database
}

// patience is how long we wait for what must happen; soon is what counts as
// "at once" on a loaded machine.
const (
	patience = 30 * time.Second
	soon     = 10 * time.Second
)

func (x *exam) open(url string) engine.Database {
	x.Helper()
	db, err := x.e.Open(url, engine.OpenOptions{})
	if err != nil {
		x.Fatalf("open: %v", err)
	}
	return db
}

// connect opens a session that is closed when the part ends.
func (x *exam) connect(o engine.ConnectOptions) engine.Session {
	x.Helper()
	if o.App == "" {
		o.App = "dbwarden enginetest"
	}
	s, err := x.db.Connect(x.Context(), o)
	if err != nil {
		x.Fatalf("connect: %v", err)
	}
	x.Cleanup(func() { _ = s.Close() }) // a second Close may complain
	return s
}

func (x *exam) session() engine.Session {
	x.Helper()
	return x.connect(engine.ConnectOptions{})
}

func (x *exam) exec(s engine.Session, query string, args ...any) int64 {
	x.Helper()
	n, err := s.Exec(x.Context(), query, args...)
	if err != nil {
		x.Fatalf("%s: %v", query, err)
	}
	return n
}

// texts runs a query of one column and returns its rows, NULL as "NULL".
func (x *exam) texts(s engine.Session, query string, args ...any) []string {
	x.Helper()
	var out []string
	err := s.Query(x.Context(), func(scan func(...any) error) error {
		var v sql.NullString
		if err := scan(&v); err != nil {
			return err
		}
		if !v.Valid {
			v.String = "NULL"
		}
		out = append(out, v.String)
		return nil
	}, query, args...)
	if err != nil {
		x.Fatalf("%s: %v", query, err)
	}
	return out
}

// text is the one value of a query.
func (x *exam) text(s engine.Session, query string, args ...any) string {
	x.Helper()
	rows := x.texts(s, query, args...)
	if len(rows) != 1 {
		x.Fatalf("%s: %d rows, want one", query, len(rows))
	}
	return rows[0]
}

// table makes a table from (name, rest) pairs of columns and returns its
// quoted name.
func (x *exam) table(s engine.Session, name string, columns ...string) string {
	x.Helper()
	d := x.e.Dialect
	cols := make([]string, 0, len(columns)/2)
	for i := 0; i < len(columns); i += 2 {
		cols = append(cols, d.Quote(columns[i])+" "+columns[i+1])
	}
	table := d.Qualify(s.Server().Schema, name)
	x.exec(s, "CREATE TABLE "+table+" ("+strings.Join(cols, ", ")+")"+d.TableSuffix)
	return table
}

// numbers makes a table with one column n, whose values are unique.
func (x *exam) numbers(s engine.Session, name string) string {
	x.Helper()
	return x.table(s, name, "n", x.e.Dialect.Types.BigInt+" NOT NULL UNIQUE")
}

// inside lists a table of numbers as another session sees it.
func (x *exam) inside(table string) string {
	x.Helper()
	s := x.session()
	return strings.Join(x.texts(s, "SELECT "+x.e.Dialect.Quote("n")+" FROM "+table+" ORDER BY 1"), " ")
}

func (x *exam) insert(table string, n int) string {
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%d)", table, x.e.Dialect.Quote("n"), n)
}

func (x *exam) fault(err error) engine.FaultKind { return x.e.Fault(err).Kind }

// wants checks a fault's kind.
func (x *exam) wants(what string, err error, kind engine.FaultKind) {
	x.Helper()
	if err == nil {
		x.Errorf("%s: no error", what)
		return
	}
	if got := x.fault(err); got != kind {
		x.Errorf("%s: fault kind %d, want %d: %v", what, got, kind, err)
	}
}

// within calls do with a context that ends after patience, and fails when it
// took longer than limit.
func (x *exam) within(limit time.Duration, what string, do func(context.Context) error) error {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.Context(), patience)
	defer cancel()
	started := time.Now()
	err := do(ctx)
	if took := time.Since(started); took > limit {
		x.Errorf("%s took %v", what, took.Round(time.Millisecond))
	}
	return err
}

// until asks again and again for what must come true.
func (x *exam) until(what string, ask func() (bool, error)) {
	x.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, err := ask()
		switch {
		case err != nil:
			x.Fatalf("%s: %v", what, err)
		case ok:
			return
		case time.Now().After(deadline):
			x.Fatalf("%s: not within %v", what, patience)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// key is a lock that no other part knows.
func (x *exam) key(s engine.Session) engine.Key {
	return engine.Key{Schema: s.Server().Schema, Digest: sha256.Sum256([]byte(rand.Text()))}
}

var token = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|'[^']*'|" + `[\p{L}\p{N}_$]+|\S`)

// statement is a piece of a migration, with its leading words.
func statement(text string) sqltext.Statement {
	words := token.FindAllString(text, sqltext.MaxWords)
	for i, w := range words {
		if !strings.ContainsAny(w[:1], "`\"'") {
			words[i] = strings.ToUpper(w)
		}
	}
	end := sqltext.Pos{Offset: int64(len(text)), Line: 1, Column: 1 + len([]rune(text))}
	return sqltext.Statement{Text: text, Start: sqltext.Pos{Line: 1, Column: 1}, End: end, Words: words, Terminator: ";"}
}

func statements(texts ...string) iter.Seq2[sqltext.Statement, error] {
	return func(yield func(sqltext.Statement, error) bool) {
		for _, text := range texts {
			if !yield(statement(text), nil) {
				return
			}
		}
	}
}

// unitError is the *engine.UnitError that Run promises.
func (x *exam) unitError(err error) *engine.UnitError {
	x.Helper()
	if err == nil {
		x.Fatal("the unit succeeded")
	}
	e, ok := errors.AsType[*engine.UnitError](err)
	if !ok {
		x.Fatalf("not a UnitError but %T: %v", err, err)
	}
	return e
}

package postgres_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestStatementsArriveAsWritten(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	body := "\r\n  BEGIN -- $1 ? %s :x\n  RETURN '100%'; /* ; */ END\t"
	execute(t, s, "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $日$"+body+"$日$")
	if got := ask(t, s, "SELECT prosrc FROM pg_proc WHERE proname = 'f'"); got != body {
		t.Errorf("%q, want %q", got, body)
	}
}

func TestRowsThatAStatementChanged(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	for _, c := range []struct {
		text string
		want int64
	}{
		{"CREATE TABLE t (x int)", 0},
		{"INSERT INTO t SELECT generate_series(1, 1000)", 1000},
		{"SELECT * FROM t", 0},
		{"UPDATE t SET x = x WHERE x <= 10 RETURNING x", 10},
		{"CREATE TABLE u AS SELECT * FROM t", 1000},
		{"DELETE FROM t WHERE x > 990", 10},
		{"COPY t TO '/dev/null'", 990},
		{"VALUES (1), (2)", 0},
		{"-- nothing", 0},
		{"", 0},
	} {
		if got := execute(t, s, c.text); got != c.want {
			t.Errorf("%s: %d rows, want %d", c.text, got, c.want)
		}
	}
}

func TestErrorsBehindTheFirstRowAreSeen(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	_, err := s.Execute(t.Context(), statement("SELECT 100 / (3 - x) FROM generate_series(1, 5) x"))
	if f := faultOf(err); f.Code != "22012" {
		t.Errorf("fault %+v of %v", f, err)
	}
	if got := ask(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

func copyRows(table string, rows io.Reader) sqltext.Statement {
	st := statement("COPY " + table + " FROM stdin")
	st.Copy = rows
	return st
}

func TestCopyStreamsItsRows(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	exec(t, s, "CREATE TABLE t (n int, word text)")

	// Far more than fits into any buffer, in small pieces.
	const lines = 200_000
	rows := &io.LimitedReader{R: repeat("7\tan honest row of some length\\n\n"), N: lines * 33}
	n, err := s.Execute(t.Context(), copyRows("t", rows))
	if n != lines || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	if got := ask(t, s, "SELECT count(*) || ' ' || min(word) FROM t"); got != "200000 an honest row of some length\n" {
		t.Errorf("%q", got)
	}
	for _, none := range []string{"", "\n"} {
		exec(t, s, "CREATE TABLE e (x text)")
		if n, err := s.Execute(t.Context(), copyRows("e", strings.NewReader(none))); n != int64(len(none)) || err != nil {
			t.Errorf("%q: %d rows, %v", none, n, err)
		}
		exec(t, s, "DROP TABLE e")
	}
}

// repeat gives a line for ever, in pieces that do not end with it.
func repeat(line string) io.Reader { return &repeater{line: line} }

type repeater struct {
	line string
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := min(len(p), 1000)
	for i := range n {
		p[i] = r.line[r.at]
		r.at = (r.at + 1) % len(r.line)
	}
	return n, nil
}

func TestCopyFailsWithTheServersWordsAndTheSessionGoesOn(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	exec(t, s, "CREATE TABLE t (n int)")
	long := "1\n2\nthree\n" + strings.Repeat("4\n", 1_000_000)
	_, err := s.Execute(t.Context(), copyRows("t", strings.NewReader(long)))
	if f := faultOf(err); f.Code != "22P02" || !strings.Contains(f.Context, `line 3, column n: "three"`) {
		t.Errorf("fault %+v of %v", f, err)
	}
	if _, err := s.Execute(t.Context(), copyRows("nowhere", strings.NewReader("1\n"))); faultOf(err).Kind != engine.Missing {
		t.Errorf("fault %+v of %v", faultOf(err), err)
	}
	if got := ask(t, s, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("%s rows stayed", got)
	}
}

func TestCopyStopsWhereTheFileDoes(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	exec(t, s, "CREATE TABLE t (n int)")
	torn := io.MultiReader(strings.NewReader("1\n2\n"), failing{})
	_, err := s.Execute(t.Context(), copyRows("t", torn))
	if !errors.Is(err, errOnPurpose) {
		t.Errorf("error %v", err)
	}
	if got := ask(t, s, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("%s rows of a torn file", got)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errOnPurpose }

func TestCopyThatNobodyCanServeIsRefused(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	exec(t, s, "CREATE TABLE t (n int, \"from stdin\" int)")
	for _, text := range []string{
		"COPY t TO stdout",
		"copy t to StdOut with (format csv)",
		"COPY t TO stdin",
		"COPY public.t (n) TO /* ) */ stdout",
		"COPY (SELECT ')', $$ ( $$, \"from stdin\", 1 -- )\n FROM t WHERE n IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)) TO STDOUT",
		"COPY t FROM stdin",
		"COPY t FROM stdout",
		"COPY t (n) FROM /* /* nested */ */ stdin WITH (FORMAT csv)",
	} {
		_, err := s.Execute(within(t, 10*time.Second), statement(text))
		if err == nil || !strings.Contains(err.Error(), "COPY") || faultOf(err).Code != "" {
			t.Errorf("%s: %v", text, err)
		}
	}
	if n := execute(t, s, "COPY (SELECT 'from stdin', n FROM t) TO '/dev/null' WITH (FORMAT csv)"); n != 0 {
		t.Errorf("%d rows", n)
	}
	if got := ask(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

// unit makes a unit of plain statements.
func unit(begin string, texts ...string) engine.Unit {
	return engine.Unit{Begin: begin, Statements: func(yield func(sqltext.Statement, error) bool) {
		for _, text := range texts {
			if !yield(statement(text), nil) {
				return
			}
		}
	}}
}

func TestAUnitIsOneTransactionWithItsFence(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{})
	exec(t, s, "CREATE TABLE fence (token bigint)", "INSERT INTO fence VALUES (7)",
		"CREATE TABLE log (what text, token bigint NOT NULL)")
	closing := func(token int) []engine.Query {
		return []engine.Query{{
			Text: "INSERT INTO log (what, token) VALUES ($1, (SELECT token FROM fence WHERE token = $2 FOR UPDATE))",
			Args: []any{engine.Late(func() any { return "done" }), token},
		}}
	}
	begin := postgres.Engine().Dialect.Begin

	u := unit(begin, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (1)")
	u.Closing = closing(7)
	if err := s.Run(t.Context(), u); err != nil {
		t.Fatal(err)
	}

	u = unit(begin, "CREATE TABLE b (x int)")
	u.Closing = closing(8)
	err := s.Run(t.Context(), u)
	at, ok := errors.AsType[*engine.UnitError](err)
	if f := faultOf(err); !ok || at.Part != engine.PartClosing || !at.RolledBack || f.Kind != engine.NotNull || f.Column != "token" {
		t.Errorf("fault %+v of %v", f, err)
	}

	u = unit(begin, "CREATE TABLE c (x int)", "SELECT nonsense FROM c", "CREATE TABLE d (x int)")
	err = s.Run(t.Context(), u)
	at, ok = errors.AsType[*engine.UnitError](err)
	if f := faultOf(err); !ok || at.Part != engine.PartStatement || at.Index != 1 || !at.RolledBack || f.Kind != engine.Missing || f.Position != 8 {
		t.Errorf("fault %+v of %v", f, err)
	}

	u = unit("", "CREATE INDEX CONCURRENTLY i ON a (x)", "VACUUM a")
	u.Closing = closing(7)
	if err := s.Run(t.Context(), u); err != nil {
		t.Error(err)
	}
	if got := ask(t, s, "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname IN ('a', 'b', 'c', 'd', 'i')"); got != "a i" {
		t.Errorf("there are %s", got)
	}
	if got := ask(t, s, "SELECT count(*) FROM log WHERE what = 'done'"); got != "2" {
		t.Errorf("%s entries", got)
	}
}

func TestACancelledUnitRollsBackAndKeepsTheLock(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	s := connect(t, url, engine.ConnectOptions{})
	other := connect(t, url, engine.ConnectOptions{})
	lock(t, s, key("a"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.Run(ctx, unit(postgres.Engine().Dialect.Begin, "CREATE TABLE t (x int)", "SELECT pg_sleep(60)"))
	}()
	until(t, other, "PgSleep", "SELECT coalesce(wait_event, '') FROM pg_stat_activity WHERE pid = "+pid(s))
	cancel()
	err := <-done
	at, ok := errors.AsType[*engine.UnitError](err)
	if !ok || !at.RolledBack || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := ask(t, s, "SELECT to_regclass('t')"); got != "NULL" {
		t.Error("the table stayed")
	}
	if o := look(t, other, key("a")); o.Session != s.ID() {
		t.Errorf("the lock is gone: %+v", o)
	}
}

func TestFaultsOfStatements(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	admin := dbtest.Dial(t, url)
	admin.Exec(t, "CREATE TABLE t (id int PRIMARY KEY, must int NOT NULL)", "INSERT INTO t VALUES (1, 1)", "CREATE SCHEMA s")
	user, password := pg.NewRole(t)
	weak := connect(t, pg.WithUser(url, user, password), engine.ConnectOptions{})
	s := connect(t, url, engine.ConnectOptions{Limits: engine.Limits{Lock: 50 * time.Millisecond}})
	holder := connect(t, url, engine.ConnectOptions{})
	exec(t, holder, "BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
	for _, c := range []struct {
		s    executor
		text string
		want engine.FaultKind
		code string
	}{
		{s, "SELECT * FROM t", engine.Busy, "55P03"},
		{s, "SELECT * FROM nowhere", engine.Missing, "42P01"},
		{s, "SELECT nothing FROM pg_class", engine.Missing, "42703"},
		{s, "CREATE TABLE nowhere.t (x int)", engine.Missing, "3F000"},
		{s, "CREATE TABLE t (x int)", engine.Duplicate, "42P07"},
		{s, "CREATE SCHEMA s", engine.Duplicate, "42P06"},
		{s, "CREATE TABLE u (x int, x int)", engine.Duplicate, "42701"},
		{s, "SELEC 1", engine.Syntax, "42601"},
		{s, "DO 'BEGIN PERFORM set_config(''transaction_read_only'', ''on'', true); CREATE TABLE x (); END'", engine.ReadOnly, "25006"},
		{s, "SELECT 1/0", engine.Unknown, "22012"},
		{weak, "CREATE TABLE s.t (x int)", engine.Denied, "42501"},
		{weak, "CREATE DATABASE no", engine.Denied, "42501"},
	} {
		_, err := c.s.Execute(t.Context(), statement(c.text))
		if f := faultOf(err); f.Kind != c.want || f.Code != c.code || f.Message == "" {
			t.Errorf("%s: fault %+v of %v", c.text, f, err)
		}
	}
	exec(t, holder, "ROLLBACK")

	for text, want := range map[string]engine.Fault{
		"INSERT INTO t VALUES (2, NULL)": {Kind: engine.NotNull, Code: "23502", Column: "must", Table: "t"},
		"INSERT INTO t VALUES (1, 1)":    {Kind: engine.Duplicate, Code: "23505", Table: "t", Detail: "Key (id)=(1) already exists."},
		"SELECT '日本' || nothing":         {Kind: engine.Missing, Code: "42703", Position: 16},
		"SELECT upper(1)":                {Code: "42883", Position: 8},
		"DO $$BEGIN PERFORM 1/0; END$$":  {Code: "22012", Context: "SQL statement \"SELECT 1/0\"\nPL/pgSQL function inline_code_block line 1 at PERFORM"},
	} {
		_, err := s.Execute(t.Context(), statement(text))
		got := faultOf(err)
		if want.Detail == "" {
			got.Detail = "" // a failing row depends on nothing we promise
		}
		got.Message, got.Hint, got.Names = "", "", [2]string{} // the names are in golden files of the command line
		if got != want {
			t.Errorf("%s:\n%+v, want\n%+v", text, got, want)
		}
	}

	_, err := s.Exec(t.Context(), "SET statement_timeout = '20ms'; SELECT pg_sleep(60)")
	if f := faultOf(err); f.Kind != engine.Canceled || errors.Is(err, context.Canceled) {
		t.Errorf("fault %+v of %v", f, err)
	}
	if f := faultOf(nil); f != (engine.Fault{}) {
		t.Errorf("fault of nil: %+v", f)
	}
	if f := faultOf(errOnPurpose); f != (engine.Fault{}) {
		t.Errorf("fault of a foreign error: %+v", f)
	}
}

package enginetest

import (
	"strconv"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// fence is a lock row with a token and a log whose token may not be NULL, as
// the house has them.
type fence struct {
	x         *exam
	lock, log string
}

func (x *exam) fence(s engine.Session) fence {
	x.Helper()
	t := x.e.Dialect.Types
	f := fence{
		x:    x,
		lock: x.table(s, "fence_lock", "id", t.BigInt+" NOT NULL PRIMARY KEY", "locked", t.Boolean, "token", t.BigInt+" NOT NULL"),
		log:  x.table(s, "fence_log", "n", t.BigInt+" NOT NULL", "token", t.BigInt+" NOT NULL"),
	}
	x.exec(s, "INSERT INTO "+f.lock+" VALUES (1, TRUE, 7)")
	return f
}

// entry writes n into the log if the lock still has that token.
func (f fence) entry(n, token int64) engine.Query {
	d := f.x.e.Dialect
	return engine.Query{
		Text: "INSERT INTO " + f.log + " (" + d.Quote("n") + ", " + d.Quote("token") + ") VALUES (" + d.Bind(1) +
			", (SELECT " + d.Quote("token") + " FROM " + f.lock + " WHERE " + d.Quote("id") + " = 1 AND " + d.Quote("locked") +
			" AND " + d.Quote("token") + " = " + d.Bind(2) + d.ForUpdate + "))",
		Args: []any{n, token},
	}
}

// release is what a person does by hand.
func (f fence) release() string {
	return "UPDATE " + f.lock + " SET " + f.x.e.Dialect.Quote("locked") + " = FALSE"
}

// A statement that changes no rows stops nobody: what was sent behind it runs
// all the same. So the fence is an error that the server raises by itself,
// and the house must be able to tell it from every other error.
func (x *exam) raises() {
	s := x.session()
	f := x.fence(s)
	good := f.entry(1, 7)
	if n := x.exec(s, good.Text, good.Args...); n != 1 {
		x.Errorf("the holder's entry changed %d rows", n)
	}
	check := func(what string, q engine.Query) {
		x.Helper()
		_, err := s.Exec(x.Context(), q.Text, q.Args...)
		x.wants(what, err, engine.NotNull)
		if err != nil {
			if got := x.e.Fault(err).Column; got != "token" {
				x.Errorf("%s: the column is %q", what, got)
			}
		}
	}
	check("a token that is not the lock's", f.entry(2, 6))
	x.exec(s, f.release())
	check("a lock that was released", f.entry(3, 7))
	x.exec(s, "DELETE FROM "+f.lock)
	check("a lock without its row", f.entry(4, 7))
	if got := x.text(s, "SELECT COUNT(*) FROM "+f.log); got != "1" {
		x.Errorf("the log has %s entries", got)
	}
}

// Whoever lost the lock commits nothing: the fence is the last thing before
// COMMIT, and the first before a statement that is committed alone.
func (x *exam) fencesUnit() {
	s := x.session()
	f := x.fence(s)
	table := x.numbers(s, "fenced")
	run := func(u engine.Unit) error { return s.Run(x.Context(), u) }
	if err := run(engine.Unit{
		Begin: x.e.Dialect.Begin, Statements: statements(x.insert(table, 1)), Closing: []engine.Query{f.entry(1, 7)},
	}); err != nil {
		x.Fatalf("the holder's unit: %v", err)
	}
	x.exec(s, f.release())

	e := x.unitError(run(engine.Unit{
		Begin:      x.e.Dialect.Begin,
		Statements: statements(x.insert(table, 2), x.insert(table, 3)),
		Closing:    []engine.Query{f.entry(2, 7)},
	}))
	x.wants("the fence before COMMIT", e, engine.NotNull)
	if e.Part != engine.PartClosing || e.Index != 0 || !e.RolledBack {
		x.Errorf("stopped at %s %d, rolled back %v", e.Part, e.Index, e.RolledBack)
	}

	e = x.unitError(run(engine.Unit{
		Opening: []engine.Query{f.entry(3, 7)}, Statements: statements(x.insert(table, 4)), Closing: []engine.Query{f.entry(4, 7)},
	}))
	x.wants("the fence before a statement", e, engine.NotNull)
	if e.Part != engine.PartOpening || e.Index != 0 {
		x.Errorf("stopped at %s %d", e.Part, e.Index)
	}
	if got := x.inside(table); got != "1" {
		x.Errorf("the table has %q, want what was written under the lock alone", got)
	}
	if got := x.inside(f.log); got != "1" {
		x.Errorf("the log has %q", got)
	}
}

// Between the fence and COMMIT nobody can release the lock: who tries waits,
// and finds a migration that was applied under it.
func (x *exam) holdsRow() {
	a, b := x.session(), x.connect(engine.ConnectOptions{Limits: engine.Limits{Lock: 500 * time.Millisecond}})
	f := x.fence(a)
	x.exec(a, x.e.Dialect.Begin)
	q := f.entry(1, 7)
	x.exec(a, q.Text, q.Args...)
	_, err := b.Exec(x.Context(), f.release())
	x.wants("releasing the lock behind the fence", err, engine.Busy)
	x.exec(a, "COMMIT")
	if n := x.exec(b, f.release()); n != 1 {
		x.Errorf("releasing the lock after COMMIT changed %d rows", n)
	}
}

// Units of two runs never work at the same time, but the beat, the commands
// of people and the application write beside them: they wait for one another
// instead of failing, and nobody's write is lost.
func (x *exam) takesTurns() {
	const many, rounds = 4, 10
	limits := engine.Limits{Lock: patience}
	s := x.session()
	table := x.numbers(s, "turns")
	x.exec(s, x.insert(table, 0))
	n := x.e.Dialect.Quote("n")
	var wait sync.WaitGroup
	for range many {
		c := x.connect(engine.ConnectOptions{Limits: limits})
		wait.Go(func() {
			for range rounds {
				if err := c.Run(x.Context(), engine.Unit{
					Begin: x.e.Dialect.Begin,
					Statements: statements(
						"SELECT "+n+" FROM "+table, // who has read and then wants to write must still get his turn
						"UPDATE "+table+" SET "+n+" = "+n+" + 1",
					),
				}); err != nil {
					x.Errorf("a unit beside others: %v", err)
					return
				}
			}
		})
	}
	wait.Wait()
	if got := x.inside(table); got != strconv.Itoa(many*rounds) {
		x.Errorf("%s, want %d", got, many*rounds)
	}
}

package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// slow makes a query that runs for hours and can be ended by its server.
func (x *exam) slow(s engine.Session) string {
	x.Helper()
	table := x.numbers(s, "hundred")
	values := make([]string, 100)
	for i := range values {
		values[i] = fmt.Sprintf("(%d)", i)
	}
	x.exec(s, "INSERT INTO "+table+" ("+x.e.Dialect.Quote("n")+") VALUES "+strings.Join(values, ", "))
	n := x.e.Dialect.Quote("n")
	return fmt.Sprintf("SELECT COUNT(*) FROM %[1]s a, %[1]s b, %[1]s c, %[1]s d, %[1]s e, %[1]s f, %[1]s g "+
		"WHERE a.%[2]s + b.%[2]s + c.%[2]s + d.%[2]s + e.%[2]s + f.%[2]s + g.%[2]s = -1", table, n)
}

// Ctrl-C must end a migration in seconds, and the session must be able to
// roll back, to write that it failed and to give the lock back.
func (x *exam) cancels() {
	s, other := x.session(), x.session()
	slow := x.slow(s)
	table := x.numbers(s, "cancelled")
	k := x.key(s)
	if !x.try(s, k) {
		x.Fatal("a free lock was refused")
	}
	usable := func(what string) {
		x.Helper()
		if got := x.text(s, "SELECT 1"); got != "1" {
			x.Errorf("%s: the session answers %q", what, got)
		}
		if x.try(other, k) {
			x.Fatalf("%s: the lock is lost", what)
		}
	}
	// A context ends a little after its statement was begun, when that runs.
	const alittle = 300 * time.Millisecond
	soonCancelled := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(x.Context(), alittle)
	}
	// whenSecond makes such a context, and what begins its time: the second
	// statement of a unit.
	whenSecond := func(parent context.Context) (context.Context, func(engine.Progress)) {
		ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
		return ctx, func(p engine.Progress) {
			if p.Index == 1 && !p.Done {
				time.AfterFunc(alittle, func() { cancel(context.DeadlineExceeded) })
			}
		}
	}
	check := func(what string, do func(context.Context) error) error {
		x.Helper()
		ctx, cancel := soonCancelled()
		defer cancel()
		started := time.Now()
		err := do(ctx)
		if took := time.Since(started); took > soon {
			x.Errorf("%s: ended after %v", what, took)
		}
		if err == nil {
			x.Fatalf("%s: no error", what)
		}
		if !errors.Is(err, context.DeadlineExceeded) && x.fault(err) != engine.Canceled {
			x.Errorf("%s: neither the context's error nor a cancelled statement's: %v", what, err)
		}
		if x.fault(err) == engine.Lost {
			x.Errorf("%s: the session is called lost: %v", what, err)
		}
		usable(what)
		return err
	}
	check("exec", func(ctx context.Context) error {
		_, err := s.Exec(ctx, slow)
		return err
	})
	check("query", func(ctx context.Context) error {
		return s.Query(ctx, func(func(...any) error) error { return nil }, slow)
	})
	err := check("a transaction", func(ctx context.Context) error {
		ctx, watch := whenSecond(ctx)
		return s.Run(ctx, engine.Unit{
			Begin: x.e.Dialect.Begin, Statements: statements(x.insert(table, 1), slow), Closing: []engine.Query{query(x.insert(table, 2))}, Watch: watch,
		})
	})
	x.stopped(err, engine.PartStatement, 1, slow, true)
	err = check("statements without a transaction", func(ctx context.Context) error {
		ctx, watch := whenSecond(ctx)
		return s.Run(ctx, engine.Unit{
			Statements: statements(x.insert(table, 3), slow, x.insert(table, 4)), Closing: []engine.Query{query(x.insert(table, 5))}, Watch: watch,
		})
	})
	x.stopped(err, engine.PartStatement, 1, slow, false)
	if got := x.inside(table); got != "3" {
		x.Errorf("the table has %q", got)
	}

	gone, cancel := context.WithCancel(x.Context())
	cancel()
	if err := s.Run(gone, engine.Unit{Begin: x.e.Dialect.Begin, Statements: statements(x.insert(table, 6))}); err == nil {
		x.Error("a unit ran after its context had ended")
	}
	if _, err := s.Exec(gone, x.insert(table, 7)); err == nil {
		x.Error("a statement ran after its context had ended")
	}
	if got := x.inside(table); got != "3" {
		x.Errorf("the table has %q", got)
	}
	usable("an ended context")
	if !x.free(s, k) {
		x.Error("the lock could not be freed")
	}
}

// A migration that takes too long is ended by the server itself.
func (x *exam) limitsStatements() {
	s := x.connect(engine.ConnectOptions{Limits: engine.Limits{Statement: time.Second}})
	slow := x.slow(s)
	err := x.within(soon, "a statement with a limit of a second", func(ctx context.Context) error {
		return s.Run(ctx, engine.Unit{Begin: x.e.Dialect.Begin, Statements: statements(slow)})
	})
	x.wants("a statement that ran into its limit", err, engine.Canceled)
	x.stopped(err, engine.PartStatement, 0, slow, true)
	if got := x.text(s, "SELECT 1"); got != "1" {
		x.Errorf("the session answers %q", got)
	}
}

// A migration that waits for a row stands in the way of everybody behind it;
// after its limit it gives up, says that it may be tried again, and leaves
// nothing locked.
func (x *exam) limitsWaits() {
	a, b := x.session(), x.connect(engine.ConnectOptions{Limits: engine.Limits{Lock: 500 * time.Millisecond}})
	table := x.numbers(a, "waited")
	x.exec(a, x.insert(table, 1))
	n := x.e.Dialect.Quote("n")
	update := func(to int) string { return fmt.Sprintf("UPDATE %s SET %s = %d", table, n, to) }
	x.exec(a, x.e.Dialect.Begin)
	x.exec(a, update(2))

	err := x.within(soon, "waiting for a row", func(ctx context.Context) error {
		_, err := b.Exec(ctx, update(3))
		return err
	})
	x.wants("waiting for a row", err, engine.Busy)
	err = x.within(soon, "a unit that waits for a row", func(ctx context.Context) error {
		return b.Run(ctx, engine.Unit{Begin: x.e.Dialect.Begin, Statements: statements("SELECT 1", update(3))})
	})
	x.wants("a unit that waits for a row", err, engine.Busy)
	if e := x.unitError(err); !e.RolledBack {
		x.Errorf("not rolled back: %v", err)
	}
	x.exec(a, "COMMIT")
	if err := b.Run(x.Context(), engine.Unit{Begin: x.e.Dialect.Begin, Statements: statements(update(4))}); err != nil {
		x.Errorf("the same unit, when the row is free: %v", err)
	}
	if got := x.inside(table); got != "4" {
		x.Errorf("the table has %q", got)
	}
}

// Files carry SETs, those of dumps above all. None may leak into the next
// file or into statements of ours; the session itself, its name and its lock
// stay. Each product refuses those that it does not know.
func (x *exam) resets() {
	limits := engine.Limits{Lock: 500 * time.Millisecond}
	s, other := x.session(), x.session()
	d, v := x.e.Dialect, s.Server()
	k := x.key(s)
	if !x.try(s, k) {
		x.Fatal("a free lock was refused")
	}
	id := s.ID()
	log := x.table(s, "reset_log", "n", d.Types.BigInt, "w", d.Types.Varchar(200), "at", d.Types.Timestamp)
	known, block := 0, ""
	if v.Pooled {
		block = d.Begin // outside of one, no SET of the user's is ever run there
	}
	for i, set := range []string{
		"SELECT pg_catalog.set_config('search_path', '', false)",
		"SET search_path TO pg_catalog",
		"SET standard_conforming_strings = off",
		"SET TIME ZONE 'America/Lima'",
		"SET DateStyle TO 'SQL, DMY'",
		"SET default_transaction_read_only = on",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
		"SET client_encoding TO 'LATIN1'",
		"SET statement_timeout = 1",
		"SET SESSION time_zone = '-07:00'",
		"SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
		"SET SESSION sql_mode = ''",
		"SET SESSION TRANSACTION READ ONLY",
		"SET autocommit = 0",
		"SET NAMES latin1",
		"USE information_schema",
		"SET SESSION sql_safe_updates = 1",
		"PRAGMA query_only = ON",
		"PRAGMA encoding = 'UTF-16'",
		"PRAGMA foreign_keys = ON",
		"PRAGMA busy_timeout = 60000",
		"LOCK TABLES " + log + " READ",
		d.Begin,
	} {
		err := s.Run(x.Context(), engine.Unit{Begin: block, Statements: statements(set)})
		if err != nil {
			if x.fault(err) == engine.Lost {
				x.Fatalf("%s: %v", set, err)
			}
			continue
		}
		known++
		if set == d.Begin && block == "" {
			// The house never calls Reset inside a transaction.
			x.exec(s, "ROLLBACK")
		}
		if err := s.Reset(x.Context(), limits); err != nil {
			x.Errorf("%s: reset: %v", set, err)
			continue
		}
		if s.ID() != id {
			x.Errorf("%s: the session is now %q, was %q", set, s.ID(), id)
		}
		if o := x.look(other, k); !o.Held || o.Session != id {
			x.Fatalf("%s: the lock is lost: %+v", set, o)
		}
		const word = `日本語 \ "x" 'y'`
		if _, err := s.Exec(x.Context(), "INSERT INTO "+log+" VALUES ("+d.Bind(1)+", "+d.Bind(2)+", "+d.Now+")", i, word); err != nil {
			x.Errorf("%s: our own statement: %v", set, err)
			continue
		}
		if got := x.text(other, "SELECT "+d.Quote("w")+" FROM "+log+" WHERE "+d.Quote("n")+" = "+d.Bind(1), i); got != word {
			x.Errorf("%s: %q was written as %q", set, word, got)
		}
		at, err := stamp(x.text(other, "SELECT "+d.UTC(d.Quote("at"))+" FROM "+log+" WHERE "+d.Quote("n")+" = "+d.Bind(1), i))
		if err != nil || time.Since(at).Abs() > 5*time.Minute {
			x.Errorf("%s: the time was written as %v: %v", set, at, err)
		}
		name := fmt.Sprintf("reset_%d", i)
		create := `CREATE TABLE ` + name + ` (w varchar(20) DEFAULT 'a\b')`
		if err := s.Run(x.Context(), engine.Unit{Statements: statements(create)}); err != nil {
			x.Errorf("%s: the next file: %v", set, err)
			continue
		}
		if cols, err := x.e.Columns(x.Context(), other, v.Schema, name); err != nil || cols == nil {
			x.Errorf("%s: the next file's table is not in %q: %v", set, v.Schema, err)
		}
	}
	if known < 3 {
		x.Errorf("only %d of the settings were taken", known)
	}

	// The new limits hold.
	x.exec(other, d.Begin)
	x.exec(other, "UPDATE "+log+" SET "+d.Quote("n")+" = 1000")
	err := x.within(soon, "waiting after Reset", func(ctx context.Context) error {
		_, err := s.Exec(ctx, "UPDATE "+log+" SET "+d.Quote("n")+" = 1001")
		return err
	})
	x.wants("waiting after Reset", err, engine.Busy)
	x.exec(other, "ROLLBACK")
}

package enginetest

import (
	"errors"
	"fmt"
	"iter"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A run hands over several migrations at once. It tells people which of them
// are applied, and releases the lock on it: what has run must be what would
// have run one by one.
func (x *exam) runsAll() {
	s := x.session()
	table, log := x.numbers(s, "all_rows"), x.numbers(s, "all_log")
	units := func(numbers ...[]int) (out []engine.Unit) {
		for i, row := range numbers {
			out = append(out, engine.Unit{
				Fresh: &engine.Limits{}, Begin: x.e.Dialect.Begin, Statements: statements(x.inserts(table, row...)...),
				Closing: []engine.Query{{
					Text: "INSERT INTO " + log + " (" + x.e.Dialect.Quote("n") + ") VALUES (" + x.e.Dialect.Bind(1) + ")",
					Args: []any{int64(100*len(row) + row[0] + i)},
				}},
			})
		}
		return out
	}
	run := func(wantDone int, numbers ...[]int) error {
		x.Helper()
		done, err := s.RunAll(x.Context(), units(numbers...))
		if done != wantDone {
			x.Errorf("%d units are said to be done, want %d: %v", done, wantDone, err)
		}
		return err
	}
	holds := func(rows, entries string) {
		x.Helper()
		if got := x.inside(table); got != rows {
			x.Errorf("the table has %q, want %q", got, rows)
		}
		if got := x.inside(log); got != entries {
			x.Errorf("the log has %q, want %q", got, entries)
		}
	}
	if err := run(0); err != nil {
		x.Errorf("no unit at all: %v", err)
	}
	if err := run(3, []int{1, 2}, []int{3}, []int{4}); err != nil {
		x.Fatalf("units of which all is fine: %v", err)
	}
	holds("1 2 3 4", "104 106 201")

	// In the middle, in the first and in the last.
	err := run(1, []int{11}, []int{12, 13, 1, 14}, []int{15}, []int{16})
	x.stopped(err, engine.PartStatement, 2, x.insert(table, 1), true)
	holds("1 2 3 4 11", "104 106 111 201")
	x.stopped(run(0, []int{2}, []int{17}), engine.PartStatement, 0, x.insert(table, 2), true)
	x.stopped(run(1, []int{20}, []int{21, 3}), engine.PartStatement, 1, x.insert(table, 3), true)
	holds("1 2 3 4 11 20", "104 106 111 120 201")

	// What closes the second is refused: 110 + 1 stands there.
	x.stopped(run(1, []int{30}, []int{10}, []int{31}), engine.PartClosing, 0, "", true)
	holds("1 2 3 4 11 20 30", "104 106 111 120 130 201")

	trouble := errors.New("line 9: unfinished quote")
	broken := units([]int{40}, []int{41}, []int{42})
	broken[1].Statements = unreadable(trouble)
	done, err := s.RunAll(x.Context(), broken)
	if done != 1 || !errors.Is(err, trouble) {
		x.Errorf("a file that cannot be read any more behind the first: %d done, %v", done, err)
	}
	x.stopped(err, engine.PartStatement, 0, "", true)
	holds("1 2 3 4 11 20 30 40", "104 106 111 120 130 140 201")
	if n := x.exec(s, x.insert(table, 50)); n != 1 || x.inside(table) != "1 2 3 4 11 20 30 40 50" {
		x.Error("the session is left inside a transaction")
	}
}

// A COMMIT that is refused (a deferred constraint) is one of the places.
func (x *exam) runsAllToARefusedCommit() {
	s := x.session()
	d := x.e.Dialect
	parent := x.numbers(s, "all_parent")
	child := d.Qualify(s.Server().Schema, "all_child")
	if _, err := s.Exec(x.Context(), "CREATE TABLE "+child+" ("+d.Quote("n")+" "+d.Types.BigInt+" REFERENCES "+
		parent+" ("+d.Quote("n")+") DEFERRABLE INITIALLY DEFERRED)"+d.TableSuffix); err != nil {
		return // constraints are never deferred here
	}
	if _, err := s.Exec(x.Context(), x.insert(child, 1)); err == nil {
		return // keys are not checked here
	}
	var units []engine.Unit
	for i, text := range []string{x.insert(parent, 2), x.insert(child, 1), x.insert(parent, 1)} {
		units = append(units, engine.Unit{Fresh: &engine.Limits{}, Begin: d.Begin, Statements: statements(text, fmt.Sprintf("SELECT %d", i))})
	}
	done, err := s.RunAll(x.Context(), units)
	if done != 1 {
		x.Errorf("%d units are said to be done, want 1: %v", done, err)
	}
	x.stopped(err, engine.PartCommit, 0, "", true)
	if got := x.inside(parent) + "/" + x.inside(child); got != "2/" {
		x.Errorf("the tables have %q", got)
	}
}

// Progress is told for each unit by its own watcher, in order.
func (x *exam) runsAllWatched() {
	s := x.session()
	table := x.numbers(s, "all_watched")
	var told []string
	unit := func(name string, numbers ...int) engine.Unit {
		return engine.Unit{Fresh: &engine.Limits{}, Begin: x.e.Dialect.Begin, Statements: statements(x.inserts(table, numbers...)...), Watch: func(p engine.Progress) {
			if p.Undone {
				told = nil
				return
			}
			if p.Done && (p.Rows != 1 || p.Elapsed <= 0) {
				x.Errorf("%s %d changed %d rows in %v", name, p.Index, p.Rows, p.Elapsed)
			}
			told = append(told, fmt.Sprintf("%s%d %v", name, p.Index, p.Done))
		}}
	}
	_, err := s.RunAll(x.Context(), []engine.Unit{unit("a", 1, 2), unit("b", 3, 1, 4), unit("c", 5)})
	x.stopped(err, engine.PartStatement, 1, x.insert(table, 1), true)
	want := "[a0 false a0 true a1 false a1 true b0 false b0 true b1 false]"
	if got := fmt.Sprint(told); got != want {
		x.Errorf("told %s, want %s", got, want)
	}
}

// What one migration sets, the next must not feel, whatever they travel in.
func (x *exam) runsAllAfresh() {
	s := x.session()
	table := x.numbers(s, "all_fresh")
	for _, set := range []string{
		"SELECT pg_catalog.set_config('search_path', '', false)",
		"SET search_path TO pg_catalog",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
		"SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
		"USE information_schema",
		"PRAGMA query_only = ON",
		"PRAGMA foreign_keys = ON",
	} {
		x.exec(s, "DELETE FROM "+table)
		plain, q := "all_fresh", x.e.Dialect.Quote("n")
		units := []engine.Unit{
			{Fresh: &engine.Limits{}, Begin: x.e.Dialect.Begin, Statements: statements(set)},
			{Fresh: &engine.Limits{}, Begin: x.e.Dialect.Begin, Statements: statements("INSERT INTO " + plain + " (" + q + ") VALUES (1)")},
		}
		if done, err := s.RunAll(x.Context(), units); err != nil && done == 0 {
			if err := s.Reset(x.Context(), engine.Limits{}); err != nil {
				x.Fatal(err)
			}
			continue // not known here, or not in a transaction
		} else if err != nil {
			x.Errorf("behind %q: %v", set, err)
			continue
		}
		if err := s.Reset(x.Context(), engine.Limits{}); err != nil {
			x.Fatal(err)
		}
		if got := x.inside(table); got != "1" {
			x.Errorf("behind %q the table has %q", set, got)
		}
	}
}

// unreadable are the statements of a file that has changed under us.
func unreadable(err error) iter.Seq2[sqltext.Statement, error] {
	return func(yield func(sqltext.Statement, error) bool) { yield(sqltext.Statement{}, err) }
}

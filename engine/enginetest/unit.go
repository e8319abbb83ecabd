package enginetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func (x *exam) inserts(table string, numbers ...int) []string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = x.insert(table, n)
	}
	return out
}

func query(text string) engine.Query { return engine.Query{Text: text} }

// stopped checks where a unit stopped and that it named the statement.
func (x *exam) stopped(err error, part engine.Part, index int, text string, rolledBack bool) {
	x.Helper()
	e := x.unitError(err)
	if e.Part != part || e.Index != index || e.RolledBack != rolledBack {
		x.Errorf("stopped at %s %d, rolled back %v; want %s %d, %v: %v", e.Part, e.Index, e.RolledBack, part, index, rolledBack, err)
	}
	if text != "" && e.Statement.Text != text {
		x.Errorf("the failing statement is %q, want %q", e.Statement.Text, text)
	}
	if e.Err == nil {
		x.Error("the unit's error holds no error")
	}
}

// "Failed: nothing was changed" is told to people, and the lock is released
// on it. It must be true.
func (x *exam) wholeOrNothing() {
	s := x.session()
	table := x.numbers(s, "whole")
	if err := s.Run(x.Context(), engine.Unit{
		Begin:      x.e.Dialect.Begin,
		Opening:    []engine.Query{query(x.insert(table, 1))},
		Statements: statements(x.inserts(table, 2, 3)...),
		Closing:    []engine.Query{query(x.insert(table, 4)), query(x.insert(table, 5))},
	}); err != nil {
		x.Fatalf("a unit of which all is fine: %v", err)
	}
	if got := x.inside(table); got != "1 2 3 4 5" {
		x.Fatalf("the table has %q", got)
	}

	for _, numbers := range [][]int{{5, 11, 12}, {11, 5, 12}, {11, 12, 5}} {
		bad := 0
		for numbers[bad] != 5 {
			bad++
		}
		err := s.Run(x.Context(), engine.Unit{
			Begin:      x.e.Dialect.Begin,
			Opening:    []engine.Query{query(x.insert(table, 10))},
			Statements: statements(x.inserts(table, numbers...)...),
			Closing:    []engine.Query{query(x.insert(table, 13))},
		})
		x.wants(fmt.Sprintf("a duplicate in statement %d", bad), err, engine.Duplicate)
		x.stopped(err, engine.PartStatement, bad, x.insert(table, 5), true)
		if got := x.inside(table); got != "1 2 3 4 5" {
			x.Fatalf("after an error in statement %d the table has %q", bad, got)
		}
	}

	err := s.Run(x.Context(), engine.Unit{
		Begin: x.e.Dialect.Begin, Statements: statements(x.inserts(table, 11)...),
		Closing: []engine.Query{query(x.insert(table, 12)), query(x.insert(table, 5))},
	})
	x.stopped(err, engine.PartClosing, 1, "", true)

	err = s.Run(x.Context(), engine.Unit{Begin: "BEGIN NONSENSE", Statements: statements(x.inserts(table, 11)...)})
	if e := x.unitError(err); e.Part != engine.PartBegin {
		x.Errorf("a transaction that cannot begin: stopped at %s", e.Part)
	}
	if got := x.inside(table); got != "1 2 3 4 5" {
		x.Errorf("the table has %q", got)
	}
	x.refusesCommit(s)
	if n := x.exec(s, x.insert(table, 6)); n != 1 || x.inside(table) != "1 2 3 4 5 6" {
		x.Error("the session is left inside a transaction")
	}
}

// refusesCommit looks at a COMMIT that fails, where a product has such.
func (x *exam) refusesCommit(s engine.Session) {
	d := x.e.Dialect
	parent := x.numbers(s, "parent")
	child := d.Qualify(s.Server().Schema, "child")
	if _, err := s.Exec(x.Context(), "CREATE TABLE "+child+" ("+d.Quote("n")+" "+d.Types.BigInt+" REFERENCES "+
		parent+" ("+d.Quote("n")+") DEFERRABLE INITIALLY DEFERRED)"+d.TableSuffix); err != nil {
		return // constraints are never deferred here
	}
	err := s.Run(x.Context(), engine.Unit{Begin: d.Begin, Statements: statements(x.inserts(child, 1)...)})
	if err == nil {
		return // keys are not checked here
	}
	x.stopped(err, engine.PartCommit, 0, "", true)
	if got := x.inside(child); got != "" {
		x.Errorf("a refused COMMIT left %q", got)
	}
}

// Resuming begins at the statement that failed: what was before it must have
// stayed, what is behind it must never have run, and what is written ahead
// must be there before the first statement begins, for a crash to find.
func (x *exam) keepsWhatRan() {
	s := x.session()
	table, log := x.numbers(s, "kept_rows"), x.numbers(s, "kept_log")
	ahead := "never asked"
	unit := func(numbers ...int) error {
		return s.Run(x.Context(), engine.Unit{
			Opening:    []engine.Query{query(x.insert(log, numbers[0]))},
			Statements: statements(x.inserts(table, numbers...)...),
			Closing:    []engine.Query{query(x.insert(log, 100+numbers[0]))},
			Watch: func(p engine.Progress) {
				if p.Index == 0 && !p.Done {
					ahead = x.inside(log)
				}
			},
		})
	}
	if err := unit(1, 2); err != nil {
		x.Fatalf("a unit of which all is fine: %v", err)
	}
	if ahead != "1" {
		x.Errorf("when the first statement began, others saw %q in the log, want what was written ahead", ahead)
	}
	err := unit(3, 4, 1, 5)
	x.stopped(err, engine.PartStatement, 2, x.insert(table, 1), false)
	if got := x.inside(table); got != "1 2 3 4" {
		x.Errorf("the table has %q", got)
	}
	if got := x.inside(log); got != "1 3 101" {
		x.Errorf("the log has %q", got)
	}
}

// The history row and the journal's entry must not part.
func (x *exam) closesWhole() {
	s := x.session()
	table, log := x.numbers(s, "closed_rows"), x.numbers(s, "closed_log")
	unit := func(n int, closing ...int) error {
		u := engine.Unit{Statements: statements(x.insert(table, n))}
		for _, c := range closing {
			u.Closing = append(u.Closing, query(x.insert(log, c)))
		}
		return s.Run(x.Context(), u)
	}
	if err := unit(1, 1, 2, 3); err != nil {
		x.Fatalf("a closing of which all is fine: %v", err)
	}
	x.stopped(unit(2, 4, 5, 1, 6), engine.PartClosing, 2, "", false)
	x.stopped(unit(3, 1), engine.PartClosing, 0, "", false)
	if got := x.inside(table); got != "1 2 3" {
		x.Errorf("the table has %q", got)
	}
	if got := x.inside(log); got != "1 2 3" {
		x.Errorf("the log has %q", got)
	}
	if err := unit(4, 4); err != nil {
		x.Errorf("the unit after: %v", err)
	}
}

// What is not written ahead must not be begun.
func (x *exam) stopsAtOpening() {
	s := x.session()
	table := x.numbers(s, "opened")
	x.exec(s, x.insert(table, 1))
	for _, begin := range []string{"", x.e.Dialect.Begin} {
		err := s.Run(x.Context(), engine.Unit{
			Begin:      begin,
			Opening:    []engine.Query{query("SELECT 1"), query(x.insert(table, 1))},
			Statements: statements(x.inserts(table, 2)...),
			Closing:    []engine.Query{query(x.insert(table, 3))},
		})
		x.stopped(err, engine.PartOpening, 1, "", begin != "")
		if got := x.inside(table); got != "1" {
			x.Errorf("begin %q: the table has %q", begin, got)
		}
	}
}

// The reader of a file finds trouble only when it gets there.
func (x *exam) stopsAtReader() {
	s := x.session()
	table := x.numbers(s, "read_from")
	trouble := errors.New("line 9: unfinished quote")
	for i, begin := range []string{x.e.Dialect.Begin, ""} {
		err := s.Run(x.Context(), engine.Unit{
			Begin: begin,
			Statements: func(yield func(sqltext.Statement, error) bool) {
				if yield(statement(x.insert(table, 10*i+1)), nil) && yield(sqltext.Statement{}, trouble) {
					x.Error("the unit went on reading")
					yield(statement(x.insert(table, 10*i+2)), nil)
				}
			},
			Closing: []engine.Query{query(x.insert(table, 10*i+3))},
		})
		if !errors.Is(err, trouble) {
			x.Errorf("the reader's error became %v", err)
		}
		x.stopped(err, engine.PartStatement, 1, "", begin != "")
	}
	if got := x.inside(table); got != "11" {
		x.Errorf("the table has %q", got)
	}
}

// A file may have an empty section; it is recorded all the same.
func (x *exam) runsEmpty() {
	s := x.session()
	table := x.numbers(s, "empty")
	for i, u := range []engine.Unit{
		{},
		{Begin: x.e.Dialect.Begin},
		{Statements: statements()},
		{Begin: x.e.Dialect.Begin, Statements: statements()},
		{Begin: x.e.Dialect.Begin, Closing: []engine.Query{query(x.insert(table, 4))}},
		{Statements: statements(), Closing: []engine.Query{query(x.insert(table, 5))}},
		{Opening: []engine.Query{query(x.insert(table, 6))}},
		{Closing: []engine.Query{query(x.insert(table, 7)), query(x.insert(table, 8))}},
	} {
		if err := s.Run(x.Context(), u); err != nil {
			x.Errorf("unit %d: %v", i, err)
		}
	}
	if got := x.inside(table); got != "4 5 6 7 8" {
		x.Errorf("the table has %q", got)
	}
}

// However an engine packs statements for the wire, they run one after the
// other, each once.
func (x *exam) keepsOrder() {
	s := x.session()
	table := x.numbers(s, "ordered")
	x.exec(s, x.insert(table, 1))
	n := x.e.Dialect.Quote("n")
	want := 1
	var texts []string
	for i := range 700 {
		want = (want*31 + i) % 1000003
		texts = append(texts, fmt.Sprintf("UPDATE %s SET %s = (%s * 31 + %d) %% 1000003", table, n, n, i))
		if i%100 == 99 {
			texts = append(texts, "SELECT "+n+" FROM "+table)
		}
	}
	if err := s.Run(x.Context(), engine.Unit{Begin: x.e.Dialect.Begin, Statements: statements(texts...)}); err != nil {
		x.Fatal(err)
	}
	if got := x.inside(table); got != strconv.Itoa(want) {
		x.Errorf("the table has %s, want %d", got, want)
	}
}

// How long the statements took stands in the entry that is written behind
// them.
func (x *exam) resolvesLate() {
	s := x.session()
	table := x.numbers(s, "late")
	insert := "INSERT INTO " + table + " (" + x.e.Dialect.Quote("n") + ") VALUES (" + x.e.Dialect.Bind(1) + ")"
	for i, begin := range []string{"", x.e.Dialect.Begin} {
		done := int64(i * 10)
		late := engine.Late(func() any { return done })
		if err := s.Run(x.Context(), engine.Unit{
			Begin:      begin,
			Opening:    []engine.Query{{Text: insert, Args: []any{late}}},
			Statements: statements("SELECT 1", "SELECT 2", "SELECT 3"),
			Closing:    []engine.Query{{Text: insert, Args: []any{late}}},
			Watch: func(p engine.Progress) {
				if p.Done {
					done++
				}
			},
		}); err != nil {
			x.Fatal(err)
		}
	}
	if got := x.inside(table); got != "0 3 10 13" {
		x.Errorf("the table has %q", got)
	}
}

// Progress on the terminal, and events, are made of this.
func (x *exam) tellsWatcher() {
	s := x.session()
	table := x.numbers(s, "watched")
	for _, begin := range []string{"", x.e.Dialect.Begin} {
		var told []string
		err := s.Run(x.Context(), engine.Unit{
			Begin: begin,
			Statements: statements(
				"INSERT INTO "+table+" ("+x.e.Dialect.Quote("n")+") VALUES (1), (2), (3)",
				"DELETE FROM "+table+" WHERE "+x.e.Dialect.Quote("n")+" < 3",
				"DELETE FROM "+table,
				"INSERT INTO no_such_table VALUES (1)",
				"DELETE FROM "+table,
			),
			Watch: func(p engine.Progress) {
				what, _, _ := strings.Cut(p.Statement.Text, " ")
				if p.Done {
					what = fmt.Sprintf("done %d", p.Rows)
					if p.Elapsed <= 0 {
						x.Errorf("statement %d took %v", p.Index, p.Elapsed)
					}
				}
				told = append(told, fmt.Sprintf("%d %s", p.Index, what))
			},
		})
		x.stopped(err, engine.PartStatement, 3, "", begin != "")
		want := "0 INSERT, 0 done 3, 1 DELETE, 1 done 2, 2 DELETE, 2 done 1, 3 INSERT"
		if got := strings.Join(told, ", "); got != want {
			x.Errorf("begin %q: told %s; want %s", begin, got, want)
		}
	}
}

// Nothing of a user's SQL is a placeholder or a format, and nothing of it is
// taken out: comments inside a routine are part of it.
func (x *exam) sendsAsWritten() {
	d, s := x.e.Dialect, x.session()
	table := x.table(s, "written", "n", d.Types.BigInt, "w", d.Types.Varchar(200))
	words := []string{
		"a ? b", "$1 $2", ":name @at %s %d %%", "{0} ${x} #{y}", "-- no comment", "/* nor this */", "日本語 🦉",
		"two\nlines\r\nor three", "semi;colon", `"double" ` + "`back`", "<tag> & more",
	}
	var texts []string
	for i, w := range words {
		texts = append(texts, fmt.Sprintf("INSERT /* ? $1 %%s\n */ INTO %s\nVALUES (%d, -- ? $1\n'%s')", table, i, w))
	}
	for _, begin := range []string{"", d.Begin} {
		x.exec(s, "DELETE FROM "+table)
		// Rows that nobody asked for are read and dropped.
		all := append(append([]string{"SELECT * FROM " + table}, texts...), "SELECT * FROM "+table)
		if err := s.Run(x.Context(), engine.Unit{Begin: begin, Statements: statements(all...)}); err != nil {
			x.Fatalf("begin %q: %v", begin, err)
		}
		for i, got := range x.texts(s, "SELECT "+d.Quote("w")+" FROM "+table+" ORDER BY "+d.Quote("n")) {
			if got != words[i] {
				x.Errorf("begin %q: %q became %q", begin, words[i], got)
			}
		}
	}
}

// Whether a failed file left something behind decides whether the lock is
// kept. What committed on the way must never be called rolled back.
func (x *exam) rollsBackDefinitions() {
	s := x.session()
	table := x.numbers(s, "defined_rows")
	made := x.e.Dialect.Qualify(s.Server().Schema, "defined")
	create := "CREATE TABLE " + made + " (n " + x.e.Dialect.Types.BigInt + ")"
	err := s.Run(x.Context(), engine.Unit{
		Begin:      x.e.Dialect.Begin,
		Statements: statements(x.insert(table, 1), create, "INSERT INTO no_such_table VALUES (1)"),
	})
	e := x.unitError(err)
	cols, err := x.e.Columns(x.Context(), x.session(), s.Server().Schema, "defined")
	if err != nil {
		x.Fatal(err)
	}
	if absent := cols == nil; absent != x.e.Caps.TransactionalDDL {
		x.Errorf("the table is absent: %v, but Caps.TransactionalDDL: %v", absent, x.e.Caps.TransactionalDDL)
	}
	if e.RolledBack != x.e.Caps.TransactionalDDL {
		x.Errorf("rolled back: %v, but Caps.TransactionalDDL: %v", e.RolledBack, x.e.Caps.TransactionalDDL)
	}
	if got := x.inside(table) == ""; got != x.e.Caps.TransactionalDDL {
		x.Errorf("the row before the definition is absent: %v", got)
	}
	x.exec(x.session(), x.insert(table, 9)) // nothing is left open that would keep us out
}

// Units are cut by what statements are: a COMMIT that is not seen would
// leave the fence behind it worthless.
func (x *exam) classifies() {
	v := x.session().Server()
	for text, want := range map[string]engine.Kind{
		"INSERT INTO a VALUES (1)":           engine.Data,
		"UPDATE a SET b = 1":                 engine.Data,
		"DELETE FROM a":                      engine.Data,
		"CREATE TABLE a (b int)":             engine.Definition,
		"ALTER TABLE a ADD COLUMN c int":     engine.Definition,
		"DROP TABLE a":                       engine.Definition,
		"CREATE INDEX i ON a (b)":            engine.Definition,
		"CREATE VIEW v AS SELECT 1":          engine.Definition,
		"BEGIN":                              engine.Begin,
		"COMMIT":                             engine.Commit,
		"ROLLBACK":                           engine.Rollback,
		"SELECT 1":                           engine.Read,
		"ROLLBACK TO SAVEPOINT s":            engine.Other,
		"ROLLBACK TO s":                      engine.Other,
		"INSERT INTO b SELECT * FROM commit": engine.Data,
	} {
		got := x.e.Classify(statement(text).Words, v)
		if got.Kind != want && !(want == engine.Other && got.Kind != engine.Rollback) {
			x.Errorf("%s: kind %d, want %d", text, got.Kind, want)
		}
		if want == engine.Definition && got.Commits == x.e.Caps.TransactionalDDL {
			x.Errorf("%s: commits by itself: %v", text, got.Commits)
		}
		if want != engine.Definition && got.Commits && want != engine.Begin {
			x.Errorf("%s: said to commit by itself", text)
		}
		if want == engine.Data && got.Alone {
			x.Errorf("%s: said to refuse a transaction", text)
		}
	}
	x.e.Classify(nil, v) // must not panic
	x.e.Classify([]string{";"}, v)
}

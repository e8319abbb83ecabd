package enginetest

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// What is told to a person, and what the house does next, is decided by the
// kind of an error. The server's own words come along, once.
func (x *exam) readsFaults() {
	d, s := x.e.Dialect, x.session()
	n := d.Quote("n")
	table := x.numbers(s, "faulty")
	x.exec(s, x.insert(table, 1))
	for what, fault := range map[string]struct {
		query string
		kind  engine.FaultKind
	}{
		"a missing table":           {"SELECT * FROM " + d.Quote("no_such_table"), engine.Missing},
		"a missing table, written":  {"INSERT INTO " + d.Quote("no_such_table") + " VALUES (1)", engine.Missing},
		"a missing table, dropped":  {"DROP TABLE " + d.Quote("no_such_table"), engine.Missing},
		"a missing column":          {"SELECT t." + d.Quote("no_such_column") + " FROM " + table + " t", engine.Missing},
		"a key that is taken":       {x.insert(table, 1), engine.Duplicate},
		"a table that exists":       {"CREATE TABLE " + table + " (" + n + " int)", engine.Duplicate},
		"NULL where it may not be":  {"INSERT INTO " + table + " (" + n + ") VALUES (NULL)", engine.NotNull},
		"a word that is none":       {"SELEC 1", engine.Syntax},
		"a bracket that stays open": {"SELECT (1", engine.Syntax},
	} {
		check := func(how string, err error) {
			x.Helper()
			how = what + ", " + how
			x.wants(how, err, fault.kind)
			if err == nil {
				return
			}
			f := x.e.Fault(err)
			if f.Code == "" || f.Message == "" {
				x.Errorf("%s: no code or no message: %+v", how, f)
			}
			if again := x.e.Fault(fmt.Errorf("apply 0001_x: %w", err)); again != f {
				x.Errorf("%s: wrapped, it is read as %+v", how, again)
			}
			if !strings.Contains(err.Error(), f.Message) {
				x.Errorf("%s: the error does not hold the server's words %q: %v", how, f.Message, err)
			}
			if fault.kind == engine.NotNull && f.Column != "n" {
				x.Errorf("%s: the column is %q", how, f.Column)
			}
			if fault.query == "SELEC 1" && f.Position != 1 && !strings.HasPrefix(f.Near, "SELEC") {
				x.Errorf("%s: the place is %d, near %q", how, f.Position, f.Near)
			}
		}
		_, err := s.Exec(x.Context(), fault.query)
		check("by Exec", err)
		check("by Query", s.Query(x.Context(), func(func(...any) error) error { return nil }, fault.query))
		check("in a unit", s.Run(x.Context(), engine.Unit{Statements: statements(fault.query)}))
		check("in a transaction", s.Run(x.Context(), engine.Unit{Begin: d.Begin, Statements: statements(fault.query)}))
	}
	if got := x.inside(table); got != "1" {
		x.Errorf("the table has %q", got)
	}
}

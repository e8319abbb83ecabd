package migration

import (
	"errors"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// ConditionKind says when a condition is asked.
type ConditionKind string

const (
	Require ConditionKind = "require" // ahead of the upgrade
	Ensure  ConditionKind = "ensure"  // behind it
)

// Condition is a query that must be answered with something true: at least one
// row, and in the first column of each a value that is not false, 0, NULL or "".
type Condition struct {
	Kind  ConditionKind
	Line  int
	Query string // as written; without the dashes, where it goes on in further lines
}

// Conditions are those of a kind as they are to be asked, with their variables
// filled in. Problems say which of these have no value.
func (m *Migration) Conditions(kind ConditionKind) ([]sqltext.Statement, error) {
	var all []sqltext.Statement
	var bad Problems
	for _, c := range m.Header.Conditions {
		if c.Kind != kind {
			continue
		}
		reading := sqltext.NewScanner(strings.NewReader(""), m.in.lexis, sqltext.Options{}).Reading()
		st := sqltext.Statement{Text: c.text(), Start: sqltext.Pos{Line: c.Line, Column: 1}}
		words, err := reading.Words(st.Text, false)
		if err == nil {
			st.Words = words
			if m.Header.Vars {
				st, err = m.in.values.statement(st, reading, m.File)
			}
		}
		var unfilled Problems
		switch {
		case errors.As(err, &unfilled):
			bad = append(bad, unfilled...)
		case err != nil:
			bad = append(bad, Problem{File: m.File, Line: c.Line, Msg: noQuery(kind)})
		}
		all = append(all, st)
	}
	if len(bad) > 0 {
		return nil, bad
	}
	return all, nil
}

// HasConditions says whether there is one of a kind.
func (m *Migration) HasConditions(kind ConditionKind) bool {
	return slices.ContainsFunc(m.Header.Conditions, func(c Condition) bool { return c.Kind == kind })
}

// text is the query without a semicolon at its end.
func (c Condition) text() string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(c.Query), ";"))
}

// unreadable are the header's conditions that are no query.
func (h *Header) unreadable(r sqltext.Reading) (bad []lineProblem) {
	for _, c := range h.Conditions {
		if words, err := r.Words(c.text(), false); err != nil || !asks(words) {
			bad = append(bad, lineProblem{line: c.Line, msg: noQuery(c.Kind)})
		}
	}
	return bad
}

func noQuery(kind ConditionKind) string {
	return string(kind) + ": want one query, which begins with SELECT, WITH, VALUES or TABLE; lines that begin with -- and three blanks go on with it"
}

// IsQuery says whether a text is one statement that asks: it begins with SELECT,
// WITH, VALUES or TABLE. What it does beside that is not looked at.
func IsQuery(text string, lexis sqltext.Lexis) bool {
	words, err := sqltext.NewScanner(strings.NewReader(""), lexis, sqltext.Options{}).Reading().Words(text, false)
	return err == nil && asks(words)
}

// asks says whether a statement that begins with these words is a query.
func asks(words []string) bool {
	for len(words) > 0 && words[0] == "(" {
		words = words[1:]
	}
	return len(words) > 0 && slices.Contains([]string{"SELECT", "WITH", "VALUES", "TABLE"}, strings.TrimLeft(words[0], "("))
}

package engine

import (
	"database/sql"
	"strconv"
	"strings"
)

// Answer is what a query of the user's returned.
type Answer struct {
	Columns []string
	Rows    [][]*string // the first ones, as text; nil is NULL
	More    bool        // there were more

	// Untrue is the first row, from 1, whose first column is not true; 0 where
	// there is none.
	Untrue int
}

// answerRows is how many rows an Answer keeps, answerText how many bytes of a
// value.
const (
	answerRows = 10
	answerText = 200
)

// Add takes the next row.
func (a *Answer) Add(row []*string, number int) {
	untrue := len(row) == 0 || !truth(row[0])
	if untrue && a.Untrue == 0 {
		a.Untrue = number
	}
	// The row that counts is kept in place of the last one.
	if len(a.Rows) == answerRows {
		a.More = true
		if !untrue || a.Untrue != number {
			return
		}
		a.Rows = a.Rows[:answerRows-1]
	}
	kept := make([]*string, len(row))
	for i, v := range row {
		if v != nil {
			text := strings.ToValidUTF8(*v, "\uFFFD")
			if len(text) > answerText {
				text = strings.ToValidUTF8(text[:answerText], "") + "…"
			}
			kept[i] = &text
		}
	}
	a.Rows = append(a.Rows, kept)
}

// Read takes all rows.
func (a *Answer) Read(rows *sql.Rows) (err error) {
	if a.Columns, err = rows.Columns(); err != nil {
		return err
	}
	values := make([]sql.NullString, len(a.Columns))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	for n := 1; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row := make([]*string, len(values))
		for i, v := range values {
			if v.Valid {
				row[i] = &v.String
			}
		}
		a.Add(row, n)
	}
	return rows.Err()
}

// Holds says that there was a row, and that the first column of each was true.
func (a *Answer) Holds() bool { return len(a.Rows) > 0 && a.Untrue == 0 }

// truth reads a value: NULL, false, a zero (also as a bit) and an empty text are
// not true.
func truth(v *string) bool {
	if v == nil {
		return false
	}
	switch text := strings.Trim(*v, "\x00 \t\r\n"); strings.ToLower(text) {
	case "", "f", "false":
		return false
	default:
		n, err := strconv.ParseFloat(text, 64)
		return err != nil || n != 0
	}
}

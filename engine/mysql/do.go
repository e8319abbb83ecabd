package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Do runs a statement of a migration in Go. With values it is prepared by the
// server, so that no text is made of them.
func (s *session) Do(ctx context.Context, c engine.Call) (*engine.Reply, error) {
	out := &engine.Reply{HasID: true}
	text, how := c.Statement.Text, s.hasteOf(c.Statement)
	n, err := s.perform(ctx, c.Statement, func(ctx context.Context) (r reply, err error) {
		switch {
		case c.Rows:
			err = s.call(ctx, how, func(ctx context.Context) error {
				rows, err := s.conn.QueryContext(ctx, text, c.Values...)
				if err != nil {
					return err
				}
				return errors.Join(readRows(rows, out), rows.Close())
			})
		case len(c.Values) == 0:
			r, err = s.send(ctx, text, how)
		default:
			err = s.call(ctx, how, func(ctx context.Context) error {
				result, err := s.conn.ExecContext(ctx, text, c.Values...)
				if err != nil {
					return err
				}
				r.rows, r.insertID, err = ofResult(result)
				return err
			})
		}
		out.LastID = r.insertID
		return r, err
	})
	out.Changed = n
	return out, err
}

func ofResult(result sql.Result) (rows, id int64, err error) {
	if rows, err = result.RowsAffected(); err != nil {
		return 0, 0, err
	}
	id, err = result.LastInsertId()
	return rows, id, err
}

// readRows takes all rows, in the types that their columns have.
func readRows(rows *sql.Rows, out *engine.Reply) error {
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for _, t := range types {
		out.Columns = append(out.Columns, t.Name())
	}
	for rows.Next() {
		row := make([]driver.Value, len(types))
		into := make([]any, len(types))
		for i := range row {
			into[i] = (*any)(&row[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, t := range types {
			if b, ok := row[i].([]byte); ok {
				row[i] = valueOf(t.DatabaseTypeName(), b)
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return rows.Err()
}

// valueOf gives a value the type of its column: times, as the session's zone has
// them, as if that were UTC; bytes; and text.
func valueOf(kind string, b []byte) driver.Value {
	switch {
	case strings.Contains(kind, "BLOB"), strings.Contains(kind, "BINARY"), kind == "BIT", kind == "GEOMETRY":
		return b
	case kind == "DATETIME", kind == "TIMESTAMP":
		if t, err := time.Parse("2006-01-02 15:04:05.999999", string(b)); err == nil {
			return t
		}
	case kind == "DATE":
		if t, err := time.Parse(time.DateOnly, string(b)); err == nil {
			return t
		}
	}
	return string(b) // a date of zeros, too
}

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Do runs a statement of a migration in Go.
func (s *session) Do(ctx context.Context, c engine.Call) (*engine.Reply, error) {
	out := &engine.Reply{HasID: true}
	for i, v := range c.Values {
		if t, ok := v.(time.Time); ok {
			// As SQLite's own functions read it; the driver spells it as Go does.
			c.Values[i] = t.UTC().Format("2006-01-02 15:04:05.999999999-07:00")
		}
	}
	n, err := s.perform(ctx, c.Statement, func(ctx context.Context, word string) (int64, error) {
		if c.Rows {
			return 0, s.rows(ctx, c, out)
		}
		n, err := s.changed(ctx, word, c.Statement.Text, c.Values...)
		if err == nil {
			out.LastID, _, err = s.lastRow.now(context.WithoutCancel(ctx), s)
		}
		return n, err
	})
	out.Changed = n
	return out, err
}

// rows reads all rows of a query, which may be of what it changes (RETURNING).
func (s *session) rows(ctx context.Context, c engine.Call, out *engine.Reply) error {
	var rows *sql.Rows
	err := steady(func() (err error) {
		s.commits.begin()
		rows, err = s.conn.QueryContext(ctx, c.Statement.Text, c.Values...)
		return err
	})
	if err == nil {
		err = errors.Join(readRows(rows, out), rows.Close())
	}
	s.commits.end()
	return clean(ctx, err)
}

func readRows(rows *sql.Rows, out *engine.Reply) (err error) {
	if out.Columns, err = rows.Columns(); err != nil {
		return err
	}
	for rows.Next() {
		row := make([]driver.Value, len(out.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = (*any)(&row[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		out.Rows = append(out.Rows, row)
	}
	return rows.Err()
}

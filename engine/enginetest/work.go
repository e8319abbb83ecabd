package enginetest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A migration in Go works in the place of a statement, with the unit's session:
// what it does there is in the unit's transaction, before the closing.
func (x *exam) works() {
	s := x.session()
	table := x.numbers(s, "worked")
	refuse := errors.New("it has changed its mind")
	for _, fails := range []bool{true, false} {
		var saw []engine.Progress
		err := s.Run(x.Context(), engine.Unit{
			Begin:      x.e.Dialect.Begin,
			Statements: statements("this is no SQL"),
			Work: func(ctx context.Context, p engine.Plain, st sqltext.Statement) (int64, error) {
				if st.Text != "this is no SQL" {
					x.Errorf("it stands for %q", st.Text)
				}
				reply, err := p.Do(ctx, x.call(x.insert(table, 1), false))
				if err != nil {
					return 0, err
				}
				if fails {
					return 0, refuse
				}
				return reply.Changed, nil
			},
			Closing: []engine.Query{query(x.insert(table, 2))},
			Watch:   func(p engine.Progress) { saw = append(saw, p) },
		})
		want := "1 2"
		if fails {
			x.stopped(err, engine.PartStatement, 0, "this is no SQL", true)
			want = ""
			if !errors.Is(err, refuse) {
				x.Errorf("its own error is not in %v", err)
			}
		} else if err != nil || len(saw) != 2 || saw[1].Rows != 1 {
			x.Errorf("%v; the watcher saw %+v", err, saw)
		}
		if got := x.inside(table); got != want {
			x.Errorf("fails %v: the table has %q, want %q", fails, got, want)
		}
	}
}

// What a migration in Go sends and gets has the types of database/sql.
func (x *exam) calls() {
	s := x.session()
	kinds := "CREATE TABLE " + x.e.Dialect.Quote("kinds") + " (" + x.e.Dialect.Quote("id") + " " + x.e.Dialect.Types.ID + ", n " + x.e.Dialect.Types.BigInt +
		", s " + x.e.Dialect.Types.Varchar(100) + ", at " + x.e.Dialect.Types.Timestamp + " NULL)"
	if _, err := s.Exec(x.Context(), kinds); err != nil {
		x.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 2, 0, 11, 500_000_000, time.UTC)
	d := x.e.Dialect
	insert := "INSERT INTO kinds (n, s, at) VALUES (" + d.Bind(1) + ", " + d.Bind(2) + ", " + d.Bind(3) + ")"
	row := []any{int64(1) << 62, `it's \ "ä" ? $1`, at}
	err := s.Run(x.Context(), engine.Unit{Begin: d.Begin, Statements: statements("x"), Work: func(ctx context.Context, p engine.Plain, _ sqltext.Statement) (int64, error) {
		for i, values := range [][]any{row, {nil, nil, nil}} {
			reply, err := p.Do(ctx, x.call(insert, false, values...))
			if err != nil {
				return 0, err
			}
			if reply.Changed != 1 || reply.HasID && reply.LastID != int64(i)+1 {
				x.Errorf("row %d: it says %+v", i+1, reply)
			}
		}
		reply, err := p.Do(ctx, x.call("SELECT n, s, at AS later FROM kinds ORDER BY id", true))
		if err != nil {
			return 0, err
		}
		if !reflect.DeepEqual(reply.Columns, []string{"n", "s", "later"}) || len(reply.Rows) != 2 {
			return 0, fmt.Errorf("it answers %+v", reply)
		}
		if got, ok := reply.Rows[0][2].(time.Time); !ok || !got.Equal(at) {
			x.Errorf("the time came back as %v", reply.Rows[0][2])
		}
		if got := reply.Rows[0][:2]; !reflect.DeepEqual(got, []driver.Value{row[0], row[1]}) {
			x.Errorf("came back as %#v", got)
		}
		if got := reply.Rows[1]; !reflect.DeepEqual(got, []driver.Value{nil, nil, nil}) {
			x.Errorf("NULL came back as %#v", got)
		}
		if reply, err = p.Do(ctx, x.call("UPDATE kinds SET n = 7", false)); err != nil || reply.Changed != 2 {
			return 0, fmt.Errorf("UPDATE: %+v, %w", reply, err)
		}
		if reply, err = p.Do(ctx, x.call("SELECT n FROM kinds WHERE n = "+d.Bind(1), true, int64(-1))); err != nil || len(reply.Rows) > 0 || len(reply.Columns) != 1 {
			return 0, fmt.Errorf("no row: %+v, %w", reply, err)
		}
		return 0, nil
	}})
	if err != nil {
		x.Error(err)
	}
}

// call is one statement with its values.
func (x *exam) call(text string, rows bool, values ...any) engine.Call {
	x.Helper()
	all, err := sqltext.All(text, x.e.Lexis)
	if err != nil || len(all) != 1 {
		x.Fatalf("%s: %v", text, err)
	}
	return engine.Call{Statement: all[0], Values: values, Rows: rows}
}

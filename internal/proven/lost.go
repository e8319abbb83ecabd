package proven

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// A Loss is what of generated rows is gone behind a rollback.
type Loss struct {
	Object schema.ID `json:"object"` // a table whose rows, or a column whose values, are gone
	Had    int       `json:"had"`
	Kept   int       `json:"kept"`

	// Since: the rollback takes the object away with what was written into it
	// since the migration. Else it was there before, and the migration or its
	// rollback lost it.
	Since bool `json:"since"`
}

// rows are the values of every column of every table, sorted. A table has its
// own entry with a value for each row.
type rows map[schema.ID][]string

// read reads all rows as text. That of a value is cut where it is very long.
func (f *filler) read(ctx context.Context, st *schema.State) (rows, error) {
	all := rows{}
	for _, t := range st.Tables {
		id := st.Relative(t.ID())
		all[id] = []string{}
		for i, c := range t.Columns {
			at := schema.ID{Kind: schema.KindColumn, Schema: id.Schema, Of: id.Name, Name: c.Name}
			all[at] = []string{}
			err := f.s.Query(ctx, func(scan func(...any) error) error {
				var v sql.NullString
				if err := scan(&v); err != nil {
					return err
				}
				if i == 0 {
					all[id] = append(all[id], "")
				}
				if v.Valid {
					all[at] = append(all[at], strings.TrimRight(v.String, " "))
				}
				return nil
			}, fmt.Sprintf("SELECT CAST(%s AS CHAR(250)) FROM %s", f.d.Quote(c.Name), f.d.Qualify(t.Schema, t.Name)))
			if err != nil {
				return nil, fmt.Errorf("read the rows of %s: %w", id, err)
			}
			slices.Sort(all[at])
		}
	}
	return all, nil
}

// lost compares rows before a migration, behind it, and behind its rollback.
func lost(before, there, back rows) (all []Loss) {
	for id, had := range before {
		kept, is := back[id]
		if n := common(had, kept); is && n < len(had) {
			all = append(all, Loss{Object: id, Had: len(had), Kept: n})
		}
	}
	for id, had := range there {
		_, was := before[id]
		if _, is := back[id]; !is && !was && len(had) > 0 {
			all = append(all, Loss{Object: id, Had: len(had), Since: true})
		}
	}
	// Where a table's rows are gone, so are the values in them.
	gone := map[string]bool{}
	for _, l := range all {
		if l.Object.Kind == schema.KindTable {
			gone[l.Object.Schema+"."+l.Object.Name] = true
		}
	}
	all = slices.DeleteFunc(all, func(l Loss) bool { return l.Object.Kind == schema.KindColumn && gone[l.Object.Schema+"."+l.Object.Of] })
	slices.SortFunc(all, func(a, b Loss) int { return strings.Compare(a.Object.String(), b.Object.String()) })
	return all
}

// without takes away, of each list, what another has more than a third: rows
// that came later must not pass for those that were there.
func (all rows) without(more, than rows) rows {
	out := rows{}
	for id, values := range all {
		out[id] = minus(values, minus(more[id], than[id]))
	}
	return out
}

// minus is what one sorted list has more than another.
func minus(a, b []string) []string {
	rest := []string{}
	for j, i := 0, 0; i < len(a); {
		switch {
		case j == len(b) || a[i] < b[j]:
			rest, i = append(rest, a[i]), i+1
		case a[i] == b[j]:
			i, j = i+1, j+1
		default:
			j++
		}
	}
	return rest
}

// common counts what is in both of two sorted lists.
func common(a, b []string) (n int) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch strings.Compare(a[i], b[j]) {
		case 0:
			i, j, n = i+1, j+1, n+1
		case -1:
			i++
		default:
			j++
		}
	}
	return n
}

// data is what one walks with, where there are to be rows.
type data struct {
	p        Prover
	d        engine.Database
	given    map[schema.ID]int
	unfilled map[schema.ID]string
}

// with opens a session of its own for do: a migration may have changed what a
// session had read.
func (x *data) with(ctx context.Context, do func(*filler) error) error {
	s, err := x.d.Connect(ctx, engine.ConnectOptions{App: "dbwarden " + x.p.Holder.Command, Limits: engine.Limits{Idle: -1}})
	if err != nil {
		return fmt.Errorf("connect to %s: %w", x.d.Label(), err)
	}
	defer s.Close()
	return do(&filler{s, x.p.Engine.Dialect, x.p.Engine.Fault, x.given})
}

// rows fills these tables, or all that have none yet, and reads them all. On
// nil it does nothing.
func (x *data) rows(ctx context.Context, st *schema.State, changed []schema.Change, fill bool) (all rows, err error) {
	if x == nil {
		return nil, nil
	}
	return all, x.with(ctx, func(f *filler) error {
		if fill {
			some := map[schema.ID]bool{}
			for _, c := range changed {
				if c.Op == schema.Added && c.ID.Kind == schema.KindColumn {
					some[schema.ID{Kind: schema.KindTable, Schema: c.ID.Schema, Name: c.ID.Of}] = true
				}
			}
			unfilled, err := f.fill(ctx, st, some)
			if err != nil {
				return err
			}
			for id, why := range unfilled {
				x.unfilled[id] = why
			}
		}
		var err error
		all, err = f.read(ctx, st)
		return err
	})
}

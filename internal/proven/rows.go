package proven

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Rows are all rows of a database, each value by its hash.
type Rows map[schema.ID]*TableRows

// TableRows are a table's, with its columns' names.
type TableRows struct {
	Columns []string
	Values  [][]uint64
}

// seed is the same for all that is compared.
var seed = maphash.MakeSeed()

// State is the schema of a database as it is.
func (p Prover) State(ctx context.Context, d engine.Database) (*schema.State, error) {
	return p.state(ctx, d)
}

// Rows reads all rows of a state's tables.
func (p Prover) Rows(ctx context.Context, d engine.Database, st *schema.State) (Rows, error) {
	s, err := p.connect(ctx, d)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	all := Rows{}
	for _, t := range st.Tables {
		id := st.Relative(t.ID())
		rows := &TableRows{}
		list := ""
		for i, c := range t.Columns {
			rows.Columns = append(rows.Columns, c.Name)
			if i > 0 {
				list += ", "
			}
			list += p.Engine.Dialect.Quote(c.Name)
		}
		if list == "" {
			list = "1"
			rows.Columns = []string{"1"}
		}
		values := make([]any, len(rows.Columns))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		err := s.Query(ctx, func(scan func(...any) error) error {
			if err := scan(into...); err != nil {
				return err
			}
			row := make([]uint64, len(values))
			for i, v := range values {
				row[i] = hashOf(v)
			}
			rows.Values = append(rows.Values, row)
			return nil
		}, "SELECT "+list+" FROM "+p.Engine.Dialect.Qualify(t.Schema, t.Name))
		if err != nil {
			return nil, fmt.Errorf("read the rows of %s: %w", id, err)
		}
		all[id] = rows
	}
	return all, nil
}

func hashOf(v any) uint64 {
	switch v := v.(type) {
	case nil:
		return 1
	case []byte:
		return maphash.Bytes(seed, v)
	case string:
		return maphash.String(seed, v)
	}
	return maphash.String(seed, fmt.Sprintf("%v", v))
}

// Unlike are the tables whose rows are others in b, and the columns alone
// where the rows are as many; but for the columns that skip has.
func (a Rows) Unlike(b Rows, skip map[schema.ID]bool) (out []schema.ID) {
	for id, rows := range a {
		other := b[id]
		switch {
		case other == nil:
			continue // the schema tells
		case len(rows.Values) != len(other.Values):
			out = append(out, id)
			continue
		}
		var columns []schema.ID
		for _, c := range rows.Columns {
			at := schema.ID{Kind: schema.KindColumn, Schema: id.Schema, Of: id.Name, Name: c}
			if !skip[at] && !slices.Equal(rows.sums([]string{c}), other.sums([]string{c})) {
				columns = append(columns, at)
			}
		}
		kept := slices.DeleteFunc(slices.Clone(rows.Columns), func(c string) bool {
			return skip[schema.ID{Kind: schema.KindColumn, Schema: id.Schema, Of: id.Name, Name: c}]
		})
		switch {
		case len(columns) > 0:
			out = append(out, columns...)
		case !slices.Equal(rows.sums(kept), other.sums(kept)):
			out = append(out, id) // the same values in other rows
		}
	}
	slices.SortFunc(out, func(a, b schema.ID) int { return cmp.Compare(a.String(), b.String()) })
	return out
}

// sums are, for each row, a number for what stands in these columns, sorted.
func (t *TableRows) sums(columns []string) []uint64 {
	at := make([]int, len(columns))
	for i, c := range columns {
		at[i] = slices.Index(t.Columns, c)
	}
	out := make([]uint64, len(t.Values))
	var buf []byte
	for n, row := range t.Values {
		buf = buf[:0]
		for _, i := range at {
			v := uint64(0)
			if i >= 0 {
				v = row[i]
			}
			for range 8 {
				buf = append(buf, byte(v))
				v >>= 8
			}
		}
		out[n] = maphash.Bytes(seed, buf)
	}
	slices.Sort(out)
	return out
}

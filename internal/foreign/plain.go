package foreign

import (
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Statements are those that the other tool would run for a change, cut from
// its own file, without a look at what was made of it. Of a project that is Kept
// there are none.
func (c *Change) Statements(o Options) ([]sqltext.Statement, error) {
	var out []sqltext.Statement
	for _, p := range c.Up.Pieces {
		all, err := sqltext.All(p.Text, o.Lexis)
		if err != nil {
			return nil, err
		}
		if p.Whole && len(all) > 1 && o.Lexis.Delimiter {
			// One statement to the server, though our reader would cut it.
			one := all[0]
			_, one.Text, _ = undivided(p.Text, o.Lexis)
			all = []sqltext.Statement{one}
		}
		for _, st := range all {
			st.Start.Line += p.Line - 1
			out = append(out, st)
		}
	}
	return out, nil
}

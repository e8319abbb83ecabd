package plan

import "github.com/dbwarden-go/dbwarden/migration"

// Mended says of statements that have run that others stand in the file now.
type Mended struct {
	Mark
	Now  migration.Checksum // "" where the file ends before them
	Line int                // where the first of them stands now
}

// ran compares what has run with what stands in the file, as the file is read.
// The marks are in order.
type ran struct {
	marks []Mark
	sum   migration.Sum // over the first of them, as far as it goes
	line  int
	found *Mended
}

func (r *ran) see(at Place, h migration.Hash) {
	if r.found != nil || len(r.marks) == 0 || at.Number < r.marks[0].From {
		return
	}
	m := r.marks[0]
	if at.Number == m.From {
		r.sum.Reset()
		r.line = at.Line
	}
	if m.Each {
		r.sum.AddChecksum(migration.SumOf(h))
	} else {
		r.sum.Add(h)
	}
	if at.Number < m.To {
		return
	}
	if now := r.sum.Checksum(); m.From < 1 || string(now) != m.Checksum {
		r.found = &Mended{m, now, r.line}
	}
	r.marks = r.marks[1:]
}

// mended is asked for behind the last statement.
func (r *ran) mended() *Mended {
	if r.found == nil && len(r.marks) > 0 {
		return &Mended{Mark: r.marks[0]}
	}
	return r.found
}

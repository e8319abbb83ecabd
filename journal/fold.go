package journal

import "github.com/dbwarden-go/dbwarden/migration"

// foldSize is how many statements become one entry.
const foldSize = 500

// A fold takes the entries of an open attempt, and makes one of many: a file
// outside transactions has two for every statement. What was begun and is done
// is done. Of statements that were done one after another the newest, which
// somebody may just have changed, keep their entries; those long before share
// one, whose checksum is over theirs.
type fold struct {
	out []Entry
	row int // how many of the last are done, a statement each, in a row
}

func (f *fold) add(e Entry) {
	if e.What != Done {
		f.out = append(f.out, e)
		return
	}
	if l := f.last(); l.What == Started && l.sameAs(&e) && l.From == e.From && l.To == e.To {
		if e.Detail == "" {
			e.Detail = l.Detail
		}
		f.out = f.out[:len(f.out)-1]
	}
	switch l := f.last(); {
	case e.From != e.To:
		f.row = 0
	case l.What == Done && !l.Each && l.From == l.To && l.sameAs(&e) && l.To+1 == e.From:
		f.row++
	default:
		f.row = 1
	}
	f.out = append(f.out, e)
	if f.row == 2*foldSize {
		f.fold(f.out[len(f.out)-f.row:])
	}
}

// fold makes one entry of the first half of a row.
func (f *fold) fold(row []Entry) {
	sum := migration.NewSum()
	for _, e := range row[:foldSize] {
		sum.AddChecksum(migration.Checksum(e.Checksum))
	}
	one := row[foldSize-1]
	one.From, one.Checksum, one.Each, one.Detail = row[0].From, string(sum.Checksum()), true, ""
	row[0] = one
	kept := copy(row[1:], row[foldSize:])
	clear(row[1+kept:])
	f.out = f.out[:len(f.out)-foldSize+1]
	f.row = foldSize
}

func (f *fold) last() *Entry {
	if n := len(f.out); n > 0 {
		return &f.out[n-1]
	}
	return &Entry{}
}

// sameAs says that two entries are of one migration, in one direction.
func (e *Entry) sameAs(o *Entry) bool {
	return e.Direction == o.Direction && e.Version == o.Version && e.File == o.File
}

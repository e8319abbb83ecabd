package foreign

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
)

// golangName is a file's name as golang-migrate reads it.
var golangName = lazy.Regexp(`^([0-9]+)_(.*)\.(down|up)\.(.*)$`)

// readGolangMigrate reads pairs of files. golang-migrate sends each file to
// the server as one text.
func readGolangMigrate(r *reader) {
	byVersion := map[string]*Change{}
	var downs []file
	for _, f := range r.files(false, golangName().MatchString) {
		m := golangName().FindStringSubmatch(f.base())
		if m[3] == "down" {
			downs = append(downs, f)
			continue
		}
		v, _ := migration.ParseVersion(m[1]) // digits, by the pattern
		if other := byVersion[v.Key()]; other != nil {
			r.fail(f.name, 0, "the same version as %s", other.Source.File)
			continue
		}
		c := &Change{Key: m[1], Version: m[1], Name: m[2], Kind: migration.Versioned, Source: Place{f.name, 1}, Up: wholeFile(f)}
		byVersion[v.Key()] = c
		r.changes = append(r.changes, c)
	}
	for _, f := range downs {
		m := golangName().FindStringSubmatch(f.base())
		v, _ := migration.ParseVersion(m[1])
		switch c := byVersion[v.Key()]; {
		case c == nil:
			r.fail(f.name, 0, "a way back without a way there: write the .up.sql, or go on without it: --leave %s", f.name)
		case c.Down != nil:
			r.fail(f.name, 0, "a second way back of version %s", m[1])
		default:
			down := wholeFile(f)
			c.Down = &down
		}
	}
	slices.SortStableFunc(r.changes, func(a, b *Change) int {
		v, _ := migration.ParseVersion(a.Version)
		w, _ := migration.ParseVersion(b.Version)
		return v.Compare(w)
	})
}

// wholeFile is a part that is all of a file.
func wholeFile(f file) Part { return Part{Pieces: []Piece{{Text: f.text, Line: 1}}} }

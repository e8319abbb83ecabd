package foreign

import (
	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
)

var pythonName = lazy.Regexp(`^([0-9]+_.*|RA__.+|ROC__.+)\.sql$`)

// readPython reads a folder of the Python dbwarden. Its files are ours: they
// are taken over to the byte, so that the checksums in its history hold.
func readPython(r *reader) {
	for _, f := range r.files(false, pythonName().MatchString) {
		c := &Change{Key: f.base(), File: f.base(), Kind: migration.Versioned, Source: Place{f.name, 1}, whole: f.text}
		r.changes = append(r.changes, c)
	}
}

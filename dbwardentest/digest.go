package dbwardentest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/migration"
)

// format is another number when templates are made in another way.
const format = 1

// digestOf is a SHA-256 over all that decides what a migrated database is.
// program and its function stand for a migration in Go that has no checksum, of
// which functions are those of the configuration. JSON keeps the parts from one
// another.
func digestOf(c dbwarden.Config, kin string, files map[string]string, program string, functions []*migration.Migration) string {
	var about struct {
		Format int
		Engine string
		Kin    string
		Env    string
		Files  [][2]string
		Vars   [][2]string
		Hooks  [][2]string
		Go     [][2]string `json:",omitempty"`
		Skips  bool
	}
	about.Format, about.Engine, about.Kin, about.Env, about.Skips = format, c.Engine.Name, kin, c.Env, c.SkipConditions
	for _, name := range slices.Sorted(maps.Keys(files)) {
		about.Files = append(about.Files, [2]string{name, files[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Vars)) {
		about.Vars = append(about.Vars, [2]string{strings.ToLower(name), c.Vars[name].Text})
	}
	for _, h := range c.Hooks {
		about.Hooks = append(about.Hooks, [2]string{string(h.At), h.SQL})
	}
	for i, g := range c.Go {
		known := g.Checksum
		if known == "" {
			// Two of one program may have the same version, in two of its tests.
			known = program + " " + functions[i].Function(migration.Up).Name
		}
		about.Go = append(about.Go, [2]string{g.Version, known})
	}
	text, err := json.Marshal(about)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

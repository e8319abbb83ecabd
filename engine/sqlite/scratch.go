package sqlite

import (
	"fmt"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// scratch plans in memory, where nobody else is, and which is gone with the
// process.
func scratch() engine.Scratch {
	return engine.Scratch{Memory: inMemory, Strays: strays}
}

// inMemory has the URL's pragmas, but for those that speak of a file.
func inMemory(like engine.Database) (engine.Database, error) {
	d, ok := like.(*database)
	if !ok {
		return nil, fmt.Errorf("plan like %T", like)
	}
	t := target{memory: true}
	for _, p := range d.target.pragmas {
		if p.name != "query_only" && (pragmas[p.name] == pragmaSession || p.name == "foreign_keys") {
			t.pragmas = append(t.pragmas, p)
		}
	}
	return &database{target: t, memory: &memory{}}, nil
}

func strays(st sqltext.Statement, _ engine.Server) string {
	w := st.Words
	switch {
	case len(w) > 0 && (w[0] == "ATTACH" || w[0] == "DETACH"):
		return "ATTACH reaches another file"
	case len(w) > 0 && w[0] == "VACUUM" && slices.Contains(w, "INTO"):
		return "VACUUM INTO writes another file"
	}
	return ""
}

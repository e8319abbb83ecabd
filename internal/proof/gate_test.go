package proof_test

import (
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
)

// A gate is a lock that a migration's statement waits for: one of the
// database's own, or, on SQLite, the write lock of another file.
type gate struct{ session engine.Session }

// gated is a migration whose n-th and last statement waits at the gate, and
// makes no difference when it runs again.
func gated(engine, first string) (text string, n int) {
	head, last, n := "-- lock_timeout: 0\n", "", 2
	switch engine {
	case "postgres":
		last = "SELECT pg_advisory_lock(4711), pg_advisory_unlock(4711)"
	case "mysql":
		last = "SELECT GET_LOCK(CONCAT(DATABASE(), 'gate'), 600), RELEASE_LOCK(CONCAT(DATABASE(), 'gate'))"
	default:
		head += "-- transaction: off\n"
		last, n = "ATTACH 'gate.db' AS other;\nDELETE FROM other.gate", 3
	}
	return head + "-- upgrade\n" + first + ";\n" + last + ";\n-- rollback\n", n
}

// close shuts the gate until open is called, or the test ends.
func (b *bench) close() *gate {
	b.t.Helper()
	g := &gate{}
	switch b.engine.Name {
	case "postgres":
		g.session = b.session()
		b.query(g.session, "SELECT pg_advisory_lock(4711)::text")
	case "mysql":
		g.session = b.session()
		b.query(g.session, "SELECT GET_LOCK(CONCAT(DATABASE(), 'gate'), 0)")
	default:
		other := b.at("sqlite:///" + b.dir + "/gate.db")
		g.session = other.session()
		for _, q := range []string{"CREATE TABLE IF NOT EXISTS gate (n INTEGER)", "BEGIN IMMEDIATE"} {
			if _, err := g.session.Exec(b.t.Context(), q); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	return g
}

func (g *gate) open() { g.session.Close() }

// query runs a query for its effect alone.
func (b *bench) query(s engine.Session, q string) {
	b.t.Helper()
	if err := s.Query(b.t.Context(), func(func(...any) error) error { return nil }, q); err != nil {
		b.t.Fatalf("%s: %v", q, err)
	}
}

// inside waits until a process is in the n-th statement of a migration, and
// returns the lock as it is told then.
func (b *bench) inside(file string, n int) (doc seen) {
	b.t.Helper()
	b.await(patience, fmt.Sprintf("statement %d of %s", n, file), func() bool {
		p, code := b.dbwarden("lock-status", "-o", "json")
		var err error
		doc, err = p.document()
		if code != 0 || err != nil || doc.Lock != "active" {
			return false
		}
		at, open := doc.Holder.Progress, doc.Unfinished
		return at.File == file && at.Statement == n || open != nil && open.File == file && open.Doubt == n
	})
	return doc
}

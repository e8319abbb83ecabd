package pgcheck_test

import (
	"context"
	"testing"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgcheck"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// TestSizesWaitForNobody: the size of a table is told while somebody has locked
// it against everybody, and while somebody waits to. (Whoever waits for the lock
// instead fails by its lock timeout.)
func TestSizesWaitForNobody(t *testing.T) {
	t.Parallel()
	inNewDatabases(t, func(t *testing.T, url string) {
		c := dbtest.Dial(t, url)
		c.Exec(t, `CREATE TABLE known (n integer); INSERT INTO known VALUES (1), (2), (3); ANALYZE known;
			CREATE TABLE unknown (n integer) WITH (autovacuum_enabled = off); INSERT INTO unknown VALUES (1);
			CREATE TABLE empty (n integer);
			CREATE TABLE parted (n integer) PARTITION BY LIST (n);
			CREATE TABLE part1 PARTITION OF parted FOR VALUES IN (1); CREATE TABLE part2 PARTITION OF parted FOR VALUES IN (2);
			INSERT INTO parted VALUES (1), (1), (2); ANALYZE part1; ANALYZE part2`)
		var tables []ddl.Name
		for _, name := range []string{"known", "unknown", "empty", "parted", "nowhere"} {
			tables = append(tables, ddl.Name{Name: name, Text: name})
		}
		db, err := postgres.Engine().Open(url, engine.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := db.Connect(t.Context(), engine.ConnectOptions{App: "dbwarden check", ReadOnly: true, Foreign: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		see := func(when string, want map[string]check.Size) {
			t.Helper()
			got, err := pgcheck.Product().Sizes(t.Context(), s, tables)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			for name, size := range want {
				if seen, there := got[ddl.Name{Name: name}.Key()]; !there || seen != size {
					t.Errorf("%s: %s has %+v, want %+v", when, name, seen, size)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s: got %v", when, got)
			}
		}
		const page = 8192
		unlocked := map[string]check.Size{"known": {Rows: 3, Bytes: page}, "unknown": {Rows: -1, Bytes: page}, "empty": {}, "parted": {Rows: 3, Bytes: 2 * page}}
		see("nobody has locked them", unlocked)

		holder := dbtest.Dial(t, url)
		holder.Exec(t, "BEGIN", "LOCK TABLE known, unknown, empty, parted IN ACCESS EXCLUSIVE MODE")
		locked := map[string]check.Size{"known": {Rows: 3, Bytes: page}, "unknown": {Rows: -1, Bytes: -1}, "empty": {Rows: -1, Bytes: -1}, "parted": {Rows: 3, Bytes: 2 * page}}
		see("all are locked", locked)

		// A reader keeps the next one waiting, and that one everybody behind it.
		holder.Exec(t, "COMMIT", "BEGIN", "SELECT FROM known")
		behind, ended := dbtest.Dial(t, url), make(chan error, 1)
		go func() {
			ended <- behind.Try(context.Background(), "BEGIN; LOCK TABLE known IN ACCESS EXCLUSIVE MODE; COMMIT")
		}()
		for c.Rows(t, "SELECT count(*) FROM pg_locks WHERE relation = 'known'::regclass AND NOT granted")[0][0] == "0" {
			if len(ended) > 0 {
				t.Fatal(<-ended)
			}
		}
		see("somebody waits to lock one", unlocked)
		holder.Exec(t, "COMMIT")
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		see("they are let go", unlocked)
	})
}

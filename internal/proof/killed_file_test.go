package proof_test

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden/internal/dbtest/trap"
	"github.com/dbwarden-go/dbwarden/migration"
)

// TestKilledAtEveryWriteAndRunAgain kills the released program with -9 right
// before each of its changes of a file, SQLite's and its own. What is left is
// told truly, released without force, and finished by the next run.
func TestKilledAtEveryWriteAndRunAgain(t *testing.T) {
	if err := trap.Available(); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	onSQLite(t, func(t *testing.T, p product) {
		for i, d := range []migration.Direction{migration.Up, migration.Down} {
			t.Run(string(d), func(t *testing.T) {
				j := journey{chapters: chapters(p.engine.Name), direction: d}
				b := j.bench(t, p)
				all, err := trap.Run(b.command(j.words()...).cmd, 0)
				if err != nil || all.Code != 0 || all.Requests < 50 {
					t.Fatalf("undisturbed: %+v, %v", all, err)
				}
				j.finished(b)
				var group errgroup.Group
				group.SetLimit(atOnce)
				for n := 1; n <= all.Requests; n++ {
					if !sample(n, i) {
						continue
					}
					group.Go(func() error {
						t.Run(fmt.Sprintf("%03d", n), func(t *testing.T) {
							b := j.bench(t, p)
							victim := b.command(j.words()...)
							r, err := trap.Run(victim.cmd, n)
							if err != nil || !r.Killed && r.Code != 0 {
								t.Fatalf("%+v, %v: %s", r, err, victim)
							}
							j.finish(b, n%2 == 0)
							j.finished(b)
							if t.Failed() {
								t.Logf("it was about to %s", r.Request)
							}
						})
						return nil
					})
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
				t.Logf("%d changes of a file", all.Requests)
			})
		}
	})
}

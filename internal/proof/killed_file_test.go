package proof_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden/internal/dbtest/trap"
	"github.com/dbwarden-go/dbwarden/migration"
)

// TestKilledAtEveryWriteAndRunAgain kills the released program with -9 right
// before each of its changes of a file, SQLite's and its own, with migrations
// that share a transaction and step by step. What it said is done is there; what
// is left is told truly, released without force, and finished by the next run.
func TestKilledAtEveryWriteAndRunAgain(t *testing.T) {
	if err := trap.Available(); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	onSQLite(t, func(t *testing.T, p product) {
		for i, c := range []struct {
			name string
			journey
		}{{"upgrade", journey{direction: migration.Up}}, {"rollback", journey{direction: migration.Down}}, {"upgrade step by step", journey{direction: migration.Up, plain: true}}} {
			t.Run(c.name, func(t *testing.T) {
				j := c.journey
				j.chapters = chapters(p.engine.Name)
				b := j.bench(t, p)
				all, err := trap.Run(b.command(j.words()...).cmd, 0)
				if err != nil || all.Code != 0 || all.Requests < 50 {
					t.Fatalf("undisturbed: %+v, %v", all, err)
				}
				j.finished(b)
				var group errgroup.Group
				group.SetLimit(atOnce)
				for n := 1; n <= all.Requests; n++ {
					if !sample(n, i) || j.plain && n%3 != 0 && os.Getenv("DBWARDEN_TEST_SOAK") == "" {
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
							b.saidTheTruth(victim, j.direction)
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

// saidTheTruth checks that what a killed program called completed is so.
func (b *bench) saidTheTruth(victim *process, d migration.Direction) {
	b.t.Helper()
	applied := "," + b.list("SELECT version FROM dbwarden_migrations ORDER BY id") + ","
	for line := range strings.Lines(victim.stderr.String()) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "Completed" {
			continue
		}
		if version, _, _ := strings.Cut(words[2], "_"); strings.Contains(applied, ","+version+",") != (d == migration.Up) {
			b.t.Errorf("it said %q, and the history holds %s", strings.TrimSpace(line), applied)
		}
	}
}

package dbwarden_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/dbwarden-go/dbwarden/plan"
)

// TestFirstRunsAtOnceMakeOurTablesOnce: an empty database, and 24 who want to
// be the first. CREATE TABLE IF NOT EXISTS would not be enough: of sessions
// that do it at once, some fail. Ours are made under the native lock; all runs
// end well, each migration is applied once, and the lock has one row.
func TestFirstRunsAtOnceMakeOurTablesOnce(t *testing.T) {
	const starters, rounds = 24, 3
	onEvery(t, func(t *testing.T, p product) {
		for round := range rounds {
			address := p.url(t)
			fresh := product{p.engine, func(*testing.T) string { return address }}
			start := make(chan bool)
			applied := make(chan int, starters)
			var all sync.WaitGroup
			for range starters {
				b := newBench(t, fresh, map[string]string{"1_t.sql": table, "2_rows.sql": twoRows})
				w := b.warden()
				all.Go(func() {
					<-start
					res, err := w.Migrate(t.Context(), plan.Target{})
					if err != nil {
						t.Errorf("round %d: %v", round, err)
						return
					}
					applied <- len(res.Completed)
				})
			}
			close(start)
			all.Wait()
			close(applied)
			sum := 0
			for n := range applied {
				sum += n
			}
			b := newBench(t, fresh, nil)
			if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); sum != 2 || got != "2" {
				t.Errorf("round %d: %d migrations were run and %s are in the history, want 2", round, sum, got)
			}
			for what, want := range map[string]int{"t": 2, "dbwarden_lock": 1} {
				if got := b.value("SELECT COUNT(*) FROM " + what); got != fmt.Sprint(want) {
					t.Errorf("round %d: %s has %s rows, want %d", round, what, got, want)
				}
			}
			if b.locked() {
				t.Errorf("round %d: the lock is held", round)
			}
		}
	})
}

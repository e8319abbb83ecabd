package proof_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestOneOfFiftyStartersRuns: fifty processes want the same, 49 of them
// --no-wait. One runs, and is kept in the middle of it until all the others
// have their answer: exit 4 and the name of the one, in every round. In every
// second round the one that would wait has begun before the 49; in the others
// all start at once, and whoever loses to one of the 49 waits and then finds
// nothing to do. A soak has 20 rounds.
func TestOneOfFiftyStartersRuns(t *testing.T) {
	rounds := 7
	switch {
	case os.Getenv("DBWARDEN_TEST_SOAK") != "":
		rounds = 20
	case raced || testing.Short():
		rounds = 2
	}
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, p.newDatabase(t), map[string]string{"0001_base.sql": "-- upgrade\nCREATE TABLE ran (n INTEGER);\n-- rollback\n"})
		b.must(0, "migrate")
		for round := 1; round <= rounds; round++ {
			b.fifty(round)
			if t.Failed() {
				t.Fatalf("round %d", round)
			}
		}
		if got := b.value("SELECT COUNT(*) FROM ran"); got != fmt.Sprint(rounds) {
			t.Errorf("%s runs in %d rounds", got, rounds)
		}
	})
}

func (b *bench) fifty(round int) {
	file := fmt.Sprintf("%04d_round.sql", round+1)
	text, waiting := gated(b.engine.Name, fmt.Sprintf("INSERT INTO ran VALUES (%d)", round))
	b.put(file, text)
	gate := b.close()
	starters := []*process{b.command("migrate")}
	for range 49 {
		starters = append(starters, b.command("migrate", "--no-wait"))
	}
	ended := make(chan int, len(starters))
	var all sync.WaitGroup
	begin := func(from, to int) {
		for i, p := range starters[from:to] {
			all.Go(func() {
				if err := p.cmd.Start(); err != nil {
					b.t.Error(err)
				} else {
					p.wait()
				}
				ended <- from + i
			})
		}
	}
	first := 0 // of those that start together
	if round%2 == 0 {
		begin(0, 1)
		b.inside(file, waiting)
		first = 1
	}
	begin(first, len(starters))
	// All but the one that runs and, where that is one of the 49, the one
	// that waits.
	for range 48 {
		<-ended
	}
	holder := b.inside(file, waiting)
	gate.open()
	all.Wait()

	inside := regexp.MustCompile(` pid (\d+) `).FindStringSubmatch(holder.Holder.Name)
	if inside == nil {
		b.t.Fatalf("the holder is called %q", holder.Holder.Name)
	}
	// Before the holder is in the row its session alone names it.
	named := regexp.MustCompile(`(pid |:)` + inside[1] + `\b`)
	codes := map[int]int{}
	var ran []string
	for i, p := range starters {
		code := p.cmd.ProcessState.ExitCode()
		codes[code]++
		switch {
		case strings.Contains(p.stdout.String(), "1 migrations applied"):
			ran = append(ran, strconv.Itoa(p.cmd.Process.Pid))
		case i > 0 && (code != 4 || !named.MatchString(p.stderr.String())):
			b.t.Errorf("%s is inside, and another was told: %s", holder.Holder.Name, p)
		}
	}
	if len(ran) != 1 || ran[0] != inside[1] {
		b.t.Errorf("%s is inside; those who ran: %q", holder.Holder.Name, ran)
	}
	want := map[int]int{0: 1, 4: 49}
	if !strings.Contains(starters[0].stdout.String(), "1 migrations applied") {
		want = map[int]int{0: 2, 4: 48}
	}
	if first == 1 && want[4] != 49 || codes[0] != want[0] || codes[4] != want[4] {
		b.t.Errorf("exit codes %v", codes)
	}
}

// TestTenWaitersDoNotDeadlockAnIndexBuiltConcurrently: the build waits for
// every older snapshot, and those who wait for the lock must have none.
func TestTenWaitersDoNotDeadlockAnIndexBuiltConcurrently(t *testing.T) {
	t.Parallel()
	onPostgres(t, func(t *testing.T, p product) {
		const file = "0002_index.sql"
		b := newBench(t, p, p.newDatabase(t), map[string]string{
			"0001_table.sql": "-- upgrade\nCREATE TABLE big (n INTEGER);\nINSERT INTO big SELECT generate_series(1, 20000);\n-- rollback\n",
		})
		b.must(0, "migrate")
		b.put(file, "-- lock_timeout: 0\n-- upgrade\nCREATE INDEX CONCURRENTLY big_n ON big (n);\n-- rollback\n")
		// Somebody writes to the table, and the build waits for them.
		writer := b.session()
		for _, q := range []string{"BEGIN", "INSERT INTO big VALUES (0)"} {
			if _, err := writer.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		builder := b.start("migrate")
		b.inside(file, 1)
		var all []*process
		for range 10 {
			all = append(all, b.start("migrate"))
		}
		b.await(patience, "ten waiters", func() bool {
			return b.value("SELECT COUNT(DISTINCT application_name) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dbwarden migrate%'") == "11"
		})
		// Longer than the server takes to look for deadlocks.
		if _, err := b.tryValue("SELECT pg_sleep(2)::text"); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Exec(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		for _, p := range append(all, builder) {
			if p.wait() != 0 {
				t.Errorf("%s", p)
			}
		}
		if got := b.value("SELECT COUNT(*) FROM pg_index WHERE indexrelid = 'big_n'::regclass AND indisvalid"); got != "1" {
			t.Errorf("%s valid indexes", got)
		}
		if got := b.value("SELECT COUNT(*) FROM dbwarden_journal WHERE event = 'applied'"); got != "2" {
			t.Errorf("%s migrations were applied, want 2", got)
		}
	})
}

// TestKilledInAStatementIsSeenGoneInTenSeconds: kill -9 in the middle of a
// PostgreSQL statement, which goes on in the server until the server notices.
// The lock shows that the holder is gone within 10 s, unlock needs no flag,
// and the next run continues.
func TestKilledInAStatementIsSeenGoneInTenSeconds(t *testing.T) {
	t.Parallel()
	onPostgres(t, func(t *testing.T, p product) {
		for name, head := range map[string]string{"in a transaction": "", "outside": "-- transaction: off\n"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				const file = "0001_long.sql"
				b := newBench(t, p, p.newDatabase(t), nil)
				text, n := gated(b.engine.Name, "CREATE TABLE long (n INTEGER)")
				b.put(file, head+text)
				gate := b.close()
				victim := b.start("migrate")
				b.inside(file, n)
				if err := victim.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				victim.wait()
				var left seen
				b.await(inTime, "the word that the holder is gone", func() bool {
					left, _ = b.ask([]int{0}, "lock-status")
					return left.Lock == "active" && left.Holder.Verdict == "gone"
				})
				if left.Holder.State != "running" || !strings.Contains(left.Holder.Name, fmt.Sprintf("pid %d ", victim.cmd.Process.Pid)) {
					t.Errorf("the lock is told as %+v", left)
				}
				b.must(0, "unlock")
				gate.open()
				doc, code := b.ask([]int{0, 4}, "migrate")
				if code == 4 && doc.Error.Code == "in_doubt" && head != "" {
					// A SELECT leaves nothing that could be looked for.
					b.must(0, "resolve", "1", "--retry")
					doc, _ = b.ask([]int{0}, "migrate")
				}
				if len(doc.Completed) != 1 {
					t.Errorf("the next run: %+v", doc)
				}
				b.must(0, "lock-status", "--exit-code")
				b.must(0, "status", "--exit-code")
			})
		}
	})
}

// inTime is when a killed holder must be called gone.
const inTime = 10 * time.Second

package proof_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// The matrices break a run at every place there is, and have what is left
// settled as a person would settle it. This file is what they share: a folder
// whose every statement can be looked for in the database, and the settling.

// change is a statement and the sign of its effect.
type change struct {
	sql  string
	seen func(*bench) bool
}

// chapter is one migration of the folder.
type chapter struct {
	file, head string
	up, down   []change
}

func rows(n int, table, where string) func(*bench) bool {
	return func(b *bench) bool {
		v, err := b.tryValue("SELECT COUNT(*) FROM " + table + " WHERE " + where)
		return err == nil && v == fmt.Sprint(n)
	}
}

func there(table string) func(*bench) bool {
	return func(b *bench) bool {
		_, err := b.tryValue("SELECT COUNT(*) FROM " + table)
		return err == nil
	}
}

func not(seen func(*bench) bool) func(*bench) bool {
	return func(b *bench) bool { return !seen(b) }
}

// chapters are a migration that is one transaction where the engine has it
// so, one outside of transactions, and one of data alone. Nothing in them is
// unique: what ran twice would show.
func chapters(engine string) []chapter {
	create, drop, seen := "CREATE INDEX b_n ON b (n)", "DROP INDEX b_n", "SELECT COUNT(*) FROM sqlite_master WHERE name = 'b_n'"
	switch engine {
	case "postgres":
		create, drop = "CREATE INDEX CONCURRENTLY b_n ON b (n)", "DROP INDEX CONCURRENTLY b_n"
		seen = "SELECT COUNT(*) FROM pg_index WHERE indexrelid = to_regclass('b_n') AND indisvalid"
	case "mysql":
		drop = "DROP INDEX b_n ON b"
		seen = "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'b_n'"
	}
	index := func(b *bench) bool { return b.value(seen) == "1" }
	all := []chapter{{
		file: "0001_base.sql",
		up: []change{
			{"CREATE TABLE a (n INTEGER)", there("a")},
			{"INSERT INTO a VALUES (1)", rows(1, "a", "n = 1")},
			{"INSERT INTO a VALUES (2)", rows(1, "a", "n = 2")},
		},
		down: []change{{"DROP TABLE a", not(there("a"))}},
	}, {
		file: "0002_off.sql", head: "-- transaction: off\n",
		up: []change{
			{"CREATE TABLE b (n INTEGER)", there("b")},
			{"INSERT INTO b VALUES (1)", rows(1, "b", "n = 1")},
			{create, index},
		},
		down: []change{
			{"INSERT INTO a VALUES (9)", rows(1, "a", "n = 9")}, // leaves a trace that must be one
			{drop, not(index)},
			{"DROP TABLE b", not(there("b"))},
		},
	}, {
		file: "0003_rows.sql",
		up: []change{
			{"INSERT INTO a VALUES (3)", rows(1, "a", "n = 3")},
			{"INSERT INTO a VALUES (4)", rows(1, "a", "n = 4")},
			{"DELETE FROM a WHERE n = 2", rows(0, "a", "n = 2")},
		},
		down: []change{
			{"DELETE FROM a WHERE n >= 3", rows(0, "a", "n >= 3")},
			{"INSERT INTO a VALUES (2)", rows(1, "a", "n = 2")},
		},
	}}
	if engine != "mysql" {
		// They share a round trip, or a transaction, where that is allowed.
		for i, n := range []string{"5", "6"} {
			all = append(all, chapter{
				file: fmt.Sprintf("%04d_more.sql", 4+i),
				up:   []change{{"INSERT INTO a VALUES (" + n + ")", rows(1, "a", "n = "+n)}},
				down: []change{
					{"CREATE TABLE m" + n + " (n INTEGER)", there("m" + n)},
					{"INSERT INTO m" + n + " VALUES (1)", rows(1, "m"+n, "n = 1")}, // leaves a trace
				},
			})
		}
	}
	return all
}

func (c chapter) text() string {
	var b strings.Builder
	b.WriteString(c.head + "-- upgrade\n")
	for _, s := range c.up {
		b.WriteString(s.sql + ";\n")
	}
	b.WriteString("-- rollback\n")
	for _, s := range c.down {
		b.WriteString(s.sql + ";\n")
	}
	return b.String()
}

func (c chapter) changes(d migration.Direction) []change {
	if d == migration.Down {
		return c.down
	}
	return c.up
}

// journey is what a matrix breaks: all three migrations up, or two of them
// back (so that what the second leaves in the first one's table can be seen).
type journey struct {
	chapters  []chapter
	direction migration.Direction
	plain     bool // step by step
}

func (j journey) files() map[string]string {
	files := map[string]string{}
	for _, c := range j.chapters {
		files[c.file] = c.text()
	}
	return files
}

// bench is a fresh database where the journey begins.
func (j journey) bench(t *testing.T, p product) *bench {
	t.Helper()
	b := newBench(t, p, p.newDatabase(t), j.files())
	if j.plain {
		b.stepByStep()
	}
	if j.direction == migration.Down {
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// run makes the journey with the library.
func (j journey) run(b *bench) (*dbwarden.Result, error) {
	if j.direction == migration.Up {
		return b.warden().Migrate(b.t.Context(), plan.Target{})
	}
	first, err := migration.ParseVersion("1")
	if err != nil {
		return nil, err
	}
	return b.warden().Rollback(b.t.Context(), plan.Target{To: first})
}

// settle brings a broken journey to its end by the documented means alone:
// the lock is looked at, released without force or taken over, and what is in
// doubt is looked for in the database. left is the lock as it was left.
func (j journey) settle(b *bench, left dbwarden.LockReport, takeOver bool) {
	b.t.Helper()
	if left.Active && !takeOver {
		b.unlock()
	}
	b.recover = takeOver
	defer func() { b.recover = false }()
	for range 2 * len(j.chapters) {
		res, err := j.run(b)
		var refused *plan.Refusal
		switch {
		case err == nil && left.Active && takeOver && len(res.Planned) == 0:
			// All had been done but for the release: the run does that,
			// and says it.
			if len(res.Warnings) == 0 {
				b.t.Error("nothing was to do, and nobody was told of the lock")
			}
			return
		case err == nil:
			return
		case !errors.As(err, &refused) || refused.Code != plan.InDoubt:
			b.t.Fatalf("the next run, after the lock was %s: %v", left.Verdict, err)
		}
		if left.Active && takeOver {
			b.unlock() // taken over, and kept as it was found
			takeOver, b.recover = false, false
		}
		j.resolve(b, refused)
	}
	b.t.Fatal("the journey does not come to its end")
}

func (j journey) resolve(b *bench, refused *plan.Refusal) {
	b.t.Helper()
	for _, c := range j.chapters {
		if c.file != refused.Items[0].File {
			continue
		}
		v, err := migration.ParseVersion(refused.Items[0].Version)
		if err != nil {
			b.t.Fatal(err)
		}
		done := c.changes(j.direction)[refused.Progress.Doubt-1].seen(b)
		if n, err := b.warden().Resolve(b.t.Context(), v.String(), done, 0); err != nil || n.From != refused.Progress.Doubt {
			b.t.Fatalf("resolve gave %d, %v; want statement %d", n, err, refused.Progress.Doubt)
		}
		return
	}
	b.t.Fatalf("in doubt is %v, which is not of the folder", refused)
}

// succeed ends a run that does not answer, with force, and finishes its
// journey. It returns false where there is nothing to take away yet: the run
// has the native lock and is about to write its row.
func (j journey) succeed(b *bench) bool {
	b.t.Helper()
	b.wait = 0
	_, err := b.warden().Unlock(b.t.Context(), true, "it does not answer")
	released := err == nil
	if err != nil && !errors.Is(err, lock.ErrNotHeld) {
		b.t.Fatalf("unlock with force: %v", err)
	}
	for range 2 * len(j.chapters) {
		_, err := j.run(b)
		var held *lock.HeldError
		var refused *plan.Refusal
		switch {
		case err == nil:
			return true
		case errors.As(err, &held) && held.Status.Verdict == lock.Alive && !released:
			return false
		case !errors.As(err, &refused) || refused.Code != plan.InDoubt:
			b.t.Fatalf("the successor: %v", err)
		}
		j.resolve(b, refused)
	}
	b.t.Fatal("the journey does not come to its end")
	return false
}

func (b *bench) unlock() {
	b.t.Helper()
	if _, err := b.warden().Unlock(b.t.Context(), false, "test"); err != nil {
		b.t.Fatalf("unlock without force: %v", err)
	}
}

// noticed is how long a server may take to see that a client has gone.
const noticed = 20 * time.Second

// awaitQuiet waits until nobody lives in the lock any more, and checks that
// it says one of the things that may be said then.
func (b *bench) awaitQuiet() dbwarden.LockReport {
	b.t.Helper()
	end := time.Now().Add(noticed)
	for {
		r, err := b.warden().Lock(b.t.Context())
		switch {
		case err != nil:
			b.t.Fatalf("looking at the lock: %v", err)
		case r.Verdict == lock.Free && !r.Active && !r.Owner.Held, r.Verdict == lock.Gone && r.Active, r.Verdict == lock.Kept && r.Active:
			return r
		case r.Verdict != lock.Alive && r.Verdict != lock.Free:
			b.t.Fatalf("the lock is called %s", r.Verdict)
		case time.Now().After(end):
			b.t.Fatalf("the lock is still called %s, its session held: %v", r.Verdict, r.Owner.Held)
		}
	}
}

// atOnce is how many points of a matrix are tried side by side: most of their
// time is spent on waiting until a holder is surely gone.
const atOnce = 10

package proof_test

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// What the matrices hold against the database: that a broken run spoke the
// truth, and that a settled one left what an undisturbed one does.

// truthful checks what a broken run said of itself against the database. It
// is asked before anything is settled, and returns the lock as it was left.
func (j journey) truthful(b *bench, res *dbwarden.Result, err error) dbwarden.LockReport {
	b.t.Helper()
	left := b.awaitQuiet()
	if err == nil {
		j.finished(b)
		return left
	}
	applied := "," + b.list("SELECT version FROM dbwarden_migrations ORDER BY id") + ","
	has := func(m *migration.Migration) bool { return strings.Contains(applied, ","+m.Version.String()+",") }
	for _, m := range res.Completed {
		if has(m) != (j.direction == migration.Up) {
			b.t.Errorf("%s was called completed, and the history holds %s", m.File, applied)
		}
	}
	var failed *dbwarden.MigrationError
	if !errors.As(err, &failed) {
		return left
	}
	if failed.LockKept && left.Verdict != lock.Kept && !errors.Is(err, lock.ErrLost) && !lost(b, err) {
		b.t.Errorf("the lock was called kept and is %s: %v", left.Verdict, err)
	}
	for _, c := range j.chapters {
		if c.file != failed.Migration.File || failed.State == dbwarden.Undecided {
			continue
		}
		if has(failed.Migration) != (j.direction == migration.Down) {
			b.t.Errorf("%s was called %s, and the history holds %s", c.file, failed.State, applied)
		}
		for i, s := range c.changes(j.direction) {
			seen := s.seen(b)
			if failed.State == dbwarden.Untouched && seen || i < failed.Done && !seen {
				b.t.Errorf("%s was called %s with %d done; of statement %d the effect is seen: %v", c.file, failed.State, failed.Done, i+1, seen)
			}
		}
	}
	return left
}

// finished checks that the journey has come to its end: each effect once, a
// true history, a consistent journal and a free lock.
func (j journey) finished(b *bench) {
	b.t.Helper()
	wantA, wantB, wantHistory := "1,3,4", "1", "0001,0002,0003"
	for _, c := range j.chapters[3:] {
		wantA += "," + strings.Trim(c.up[0].sql[len("INSERT INTO a VALUES "):], "()")
		wantHistory += "," + c.file[:4]
	}
	if j.direction == migration.Down {
		wantA, wantB, wantHistory = "1,2,9", "none", "0001"
	}
	if got := b.list("SELECT n FROM a ORDER BY n"); got != wantA {
		b.t.Errorf("a holds %s, want %s", got, wantA)
	}
	if got := b.list("SELECT n FROM b ORDER BY n"); got != wantB {
		b.t.Errorf("b holds %s, want %s", got, wantB)
	}
	if got := b.list("SELECT version FROM dbwarden_migrations ORDER BY id"); got != wantHistory {
		b.t.Errorf("the history holds %s, want %s", got, wantHistory)
	}
	st, err := b.warden().Status(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if n := strings.Count(wantHistory, ",") + 1; st.Counts[dbwarden.Applied] != n || st.Counts[dbwarden.Pending] != len(j.chapters)-n {
		b.t.Errorf("status counts %v, want %d applied and the others pending", st.Counts, n)
	}
	b.consistent()
	if r := b.awaitQuiet(); r.Verdict != lock.Free {
		b.t.Errorf("the lock is %s, want it free", r.Verdict)
	}
}

// consistent checks the journal: tokens never fall, nothing is written by two
// runs under one token, every migration ends in turn, and nothing is open.
func (b *bench) consistent() {
	b.t.Helper()
	entries, err := b.warden().Attempts(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var token int64
	runs, open, in := map[int64]string{}, map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		if e.What != journal.Unlocked {
			if e.Token < token || runs[e.Token] != "" && runs[e.Token] != e.Run {
				b.t.Errorf("entry %d of run %s has token %d after %d", e.ID, e.Run, e.Token, token)
			}
			token, runs[e.Token] = e.Token, e.Run
		}
		switch e.What {
		case journal.Started:
			open[e.Version] = true
		case journal.Applied, journal.Reverted:
			if e.Detail != wasHalf && in[e.Version] == (e.What == journal.Applied) {
				b.t.Errorf("entry %d: %s was %s twice", e.ID, e.Version, e.What)
			}
			in[e.Version] = e.What == journal.Applied
			delete(open, e.Version)
		}
	}
	if len(open) > 0 {
		b.t.Errorf("the journal has open attempts: %v", open)
	}
}

// list is a column of a query, "none" for a table that is not there.
func (b *bench) list(query string) string {
	b.t.Helper()
	s := b.session()
	defer s.Close()
	var out []string
	err := s.Query(b.t.Context(), func(scan func(...any) error) error {
		var v sql.NullString
		err := scan(&v)
		out = append(out, v.String)
		return err
	}, query)
	if err != nil {
		return "none"
	}
	return strings.Join(out, ",")
}

// lost says whether the session ended under the run.
func lost(b *bench, err error) bool {
	for _, e := range flat(err) {
		if errors.Is(e, lock.ErrLost) || b.engine.Fault(e).Kind == engine.Lost {
			return true
		}
	}
	return false
}

// flat takes joined errors apart.
func flat(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, flat(e)...)
		}
		return out
	}
	return []error{err}
}

// everything is what a run may change, but for the lock.
func (b *bench) everything() string {
	b.t.Helper()
	return strings.Join([]string{
		b.list("SELECT n FROM a ORDER BY n"),
		b.list("SELECT n FROM b ORDER BY n"),
		b.list("SELECT version FROM dbwarden_migrations ORDER BY id"),
		b.list("SELECT event FROM dbwarden_journal ORDER BY id"),
	}, "\n")
}

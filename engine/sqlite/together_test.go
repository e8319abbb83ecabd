package sqlite

import (
	"errors"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// shared are units that may share a transaction.
func shared(texts ...string) []engine.Unit {
	var units []engine.Unit
	for _, text := range texts {
		units = append(units, engine.Unit{Fresh: &engine.Limits{Lock: 20 * time.Millisecond}, Begin: begin, Statements: statements(text)})
	}
	return units
}

func stopped(t *testing.T, err error, rolledBack bool) {
	t.Helper()
	if e, ok := errors.AsType[*engine.UnitError](err); !ok || e.Part != engine.PartCommit || e.RolledBack != rolledBack {
		t.Errorf("it ended with %+v, want COMMIT refused, proven to be rolled back: %v", err, rolledBack)
	}
}

// TestNothingRunsAnewThatMayHaveStayed: units that shared a transaction run one
// by one only where it is proven that nothing of it is there.
func TestNothingRunsAnewThatMayHaveStayed(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	units := shared("CREATE TABLE a (n INTEGER)", "INSERT INTO nosuch VALUES (1)")
	undone := false
	units[0].Watch = func(p engine.Progress) {
		undone = undone || p.Undone
		s.commits.count++ // as SQLite would tell of a commit in between
	}
	done, err := s.RunAll(t.Context(), units)
	stopped(t, err, false)
	if done != 0 || undone {
		t.Errorf("%d are called done; they ran anew: %v", done, undone)
	}
}

// TestASharedCommitThatWaitsInVain is the first unit's failure, and not waited
// for once more by each of them.
func TestASharedCommitThatWaitsInVain(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	do(t, s, "CREATE TABLE t (n INTEGER)")
	reader := connect(t, openAt(t, "sqlite:///"+path), engine.ConnectOptions{})
	do(t, reader, "BEGIN")
	value(t, reader, "SELECT COUNT(*) FROM t")
	units := shared("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)")
	undone := false
	units[0].Watch = func(p engine.Progress) { undone = undone || p.Undone }
	done, err := s.RunAll(t.Context(), units)
	stopped(t, err, true)
	if done != 0 || undone || !fault(err).WaitedOut {
		t.Errorf("%d are called done; they ran anew: %v", done, undone)
	}
	do(t, reader, "COMMIT")
	if done, err := s.RunAll(t.Context(), units); done != 2 || err != nil {
		t.Errorf("behind the reader: %d, %v", done, err)
	}
}

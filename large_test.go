package dbwarden_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestResumeOfManyStatements: of a file outside transactions thousands have
// run, and the entries of most of them are read as one.
func TestResumeOfManyStatements(t *testing.T) {
	t.Parallel()
	const n = 1100
	var rows strings.Builder
	for i := range n {
		fmt.Fprintf(&rows, "INSERT INTO r VALUES (%d);\n", i)
	}
	// Each statement is a commit, which is not to wait for the disk.
	head := "-- transaction: off\n-- upgrade\nPRAGMA synchronous = OFF;\nCREATE TABLE r (n INTEGER);\n" + rows.String()
	b := newBench(t, sqliteProduct(), map[string]string{"1_r.sql": head + "INSERT INTO nosuch VALUES (2);\n"})
	var failed *dbwarden.MigrationError
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.Done != n+2 {
		t.Fatalf("got %v, want a failure behind statement %d", err, n+2)
	}
	if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
		t.Fatal(err)
	}
	tail := "INSERT INTO r VALUES (2);\nINSERT INTO r VALUES (3);\n"
	for old, want := range map[string]plan.Mark{
		"(5)":    {From: 2, To: 501, Each: true}, // long before: one of these
		"(1099)": {From: n + 2, To: n + 2},
	} {
		b.put("1_r.sql", strings.Replace(head, old, "(7777)", 1)+tail)
		var refused *plan.Refusal
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		if !errors.As(err, &refused) || refused.Code != plan.MendedTooEarly || refused.Mended.From != want.From || refused.Mended.To != want.To || refused.Mended.Each != want.Each {
			t.Errorf("%s changed: got %v, want a refusal of statements %d to %d", old, err, want.From, want.To)
		}
	}
	b.put("1_r.sql", head+tail)
	b.migrate()
	if got := b.value("SELECT COUNT(*) FROM r"); got != fmt.Sprint(n+2) {
		t.Errorf("%s rows, want %d", got, n+2)
	}
}

// TestAFileThatChangesWhileItRuns: what has begun to run of it is rolled back,
// and what stands there now is not run. A small file has been read when it
// begins, and runs as it was.
func TestAFileThatChangesWhileItRuns(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		large := "-- upgrade\nCREATE TABLE w (n INTEGER, s VARCHAR(1000));\n-- rollback\nDROP TABLE w;\n"
		b := newBench(t, p, map[string]string{"1_w.sql": large})
		b.migrate()
		rows := func(what string) string {
			return "-- upgrade\nINSERT INTO w VALUES (1, 'begins');\n" + strings.Repeat("INSERT INTO w VALUES (2, '"+strings.Repeat("x", 900)+"');\n", 300) +
				"INSERT INTO w VALUES (3, '" + what + "');\n"
		}
		b.put("2_w.sql", rows("as planned"))
		b.watch = func(e event.Event) {
			if e.Kind == event.StatementDone && e.Statement == 1 {
				// In place: who reads the old file reads the new text.
				copy(b.files["2_w.sql"].Data, rows("otherwise!"))
			}
		}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var failed *dbwarden.MigrationError
		if !errors.As(err, &failed) || !errors.Is(err, migration.ErrFileChanged) || failed.State != dbwarden.Untouched {
			t.Fatalf("got %v, want that the file changed", err)
		}
		if got := b.value("SELECT COUNT(*) FROM w"); got != "0" {
			t.Errorf("%s rows", got)
		}
		b.watch = nil
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM w WHERE s = 'otherwise!'"); got != "1" {
			t.Errorf("%s of the last row", got)
		}
	})
}

package cli

import (
	"context"
	"slices"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/schema"
)

// TestASchemaWhoseDigestIsTheSameIsNotLookedAt, and any other is: before a run,
// by what the last one kept, and behind it.
func TestASchemaWhoseDigestIsTheSameIsNotLookedAt(t *testing.T) {
	looks := 0
	// Each is the fingerprint of another process.
	process := func() *dbwarden.Fingerprint {
		inspect := func(ctx context.Context, s engine.Session, o schema.Options) (*schema.State, error) {
			looks++
			return liteschema.Inspect(ctx, s, o)
		}
		return (&app{}).fingerprint(&target{product: Product{Engine: sqlite.Engine(), Inspect: inspect, Digest: liteschema.Digest}})
	}
	db, err := sqlite.Engine().Open("sqlite:///"+t.TempDir()+"/a.db", engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	exec := func(text string) {
		t.Helper()
		if _, err := s.Exec(t.Context(), text); err != nil {
			t.Fatal(text, err)
		}
	}
	take := func(f *dbwarden.Fingerprint) string {
		t.Helper()
		text, err := f.Take(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	same := func(f *dbwarden.Fingerprint, kept string) bool {
		t.Helper()
		is, err := f.Same(t.Context(), s, kept)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	looked := func(what string, want int) {
		t.Helper()
		if looks != want {
			t.Errorf("%s: the schema was looked at %d times, want %d", what, looks, want)
		}
		looks = 0
	}

	exec("CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)")
	exec("CREATE TRIGGER one AFTER INSERT ON a BEGIN SELECT 1; END")
	f := process()
	kept := take(f)
	if again := take(f); again != kept {
		t.Errorf("the second one is another: %s, want %s", again, kept)
	}
	looked("one process", 1)
	exec("INSERT INTO a VALUES (1, 1)")
	f = process()
	if !same(f, kept) || take(f) != kept {
		t.Error("rows make it another schema")
	}
	looked("the next one", 0)
	if f = process(); same(f, "") || same(f, "{}") || same(f, `{"objects":[]}`) || same(f, "?") {
		t.Error("what says nothing of the schema is the same")
	}
	looked("by what says nothing", 0)

	for _, change := range []struct{ text, named string }{
		{"ALTER TABLE a ADD COLUMN m INTEGER", "added column a.m"},
		{"CREATE INDEX by_n ON a (n)", "added index a.by_n"},
		{"CREATE VIEW v AS SELECT 1 AS x", "added view v"},
		{"DROP TRIGGER one", "removed trigger a.one"},
		{"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'SELECT 1', 'SELECT 2') WHERE name = 'v'; PRAGMA writable_schema = RESET", "changed view v"},
	} {
		exec(change.text)
		f := process()
		if same(f, kept) {
			t.Errorf("%s: it is the same", change.text)
		}
		now := take(f)
		looked(change.text, 1)
		if got := f.Compare(kept, now); !slices.Contains(got, change.named) {
			t.Errorf("%s: differs by %q, want %q", change.text, got, change.named)
		}
		kept = now
	}
}

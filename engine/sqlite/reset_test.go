package sqlite

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestResetTakesBackWhatAFileDidToTheSession(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	s := connect(t, openAt(t, "sqlite:///"+path+"?foreign_keys=on"), engine.ConnectOptions{})
	do(t, s, "CREATE TABLE t (a)")
	all := func() string {
		state, err := s.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, v := range state {
			out += v + " "
		}
		return out
	}
	before := all()
	execute(t, s,
		"PRAGMA foreign_keys = off", "PRAGMA recursive_triggers = on", "PRAGMA legacy_alter_table = on",
		"PRAGMA ignore_check_constraints = on", "PRAGMA case_sensitive_like = on", "PRAGMA writable_schema = on",
		"PRAGMA trusted_schema = off", "PRAGMA synchronous = off", "PRAGMA busy_timeout = 1", "PRAGMA locking_mode = exclusive",
		"PRAGMA journal_mode = memory", "PRAGMA cache_size = 7", "PRAGMA count_changes = on", "PRAGMA read_uncommitted = on",
		"ATTACH ':memory:' AS extra", "ATTACH '"+path+"2' AS \"odd \"\" name\"",
		"CREATE TABLE extra.x (a)",
		"CREATE TEMP TABLE parent (id PRIMARY KEY)", "CREATE TEMP TABLE child (p REFERENCES parent)",
		"INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (1)",
		"CREATE TEMP TABLE dbwarden_lock (a)",
		"CREATE TEMP VIEW v AS SELECT 1", "CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN SELECT RAISE(FAIL, 'left over'); END",
		"CREATE VIRTUAL TABLE temp.f USING fts5(x)",
		"PRAGMA temp_store = memory", "CREATE TEMP TABLE late (a)",
		"PRAGMA query_only = on",
	)
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	if after := all(); after != before {
		t.Errorf("got  %s\nwant %s", after, before)
	}
	do(t, s, "INSERT INTO t VALUES (1)")
	if got := value(t, s, "SELECT count(*) FROM temp.sqlite_schema"); got != "0" {
		t.Errorf("%s temporary objects stayed", got)
	}
	if got := value(t, s, "SELECT group_concat(name) FROM pragma_database_list WHERE name <> 'temp'"); got != "main" {
		t.Errorf("attached: %s", got)
	}
	// The file is let go: another connection may write.
	do(t, connect(t, openAt(t, "sqlite:///"+path+"?timeout=0"), engine.ConnectOptions{}), "INSERT INTO t VALUES (2)")
}

func TestResetLeavesTheFilesChoiceOfJournal(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	for _, mode := range []string{"wal", "delete"} {
		execute(t, s, "PRAGMA journal_mode = "+mode)
		if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Fatal(err)
		}
		if got := value(t, s, "PRAGMA journal_mode"); got != mode {
			t.Errorf("got %s, want %s", got, mode)
		}
	}
}

func TestResetSetsLimits(t *testing.T) {
	t.Parallel()
	s, path := file(t)
	if err := s.Reset(t.Context(), engine.Limits{Lock: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, s, "PRAGMA busy_timeout"); got != "3000" {
		t.Errorf("got %s", got)
	}
	own := connect(t, openAt(t, "sqlite:///"+path+"?timeout=9"), engine.ConnectOptions{})
	if err := own.Reset(t.Context(), engine.Limits{Lock: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, own, "PRAGMA busy_timeout"); got != "9000" {
		t.Errorf("the URL's own wait became %s", got)
	}
}

func TestResetOfAnUntouchedSessionIsCheap(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	execute(t, s, "CREATE TABLE t (a)")
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	s.Close() // from here on every statement fails
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Errorf("asked the database: %v", err)
	}
}

// TestASessionThatOnlyLooksIsPutBackAsWell, though it asks for its state only when
// something may change it, and says of the server what one that writes says.
func TestASessionThatOnlyLooksIsPutBackAsWell(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	for _, query := range []string{"", "?foreign_keys=on"} {
		w := connect(t, openAt(t, "sqlite:///"+path+query), engine.ConnectOptions{})
		do(t, w, "CREATE TABLE IF NOT EXISTS t (a)")
		r := connect(t, openAt(t, "sqlite:///"+path+query), engine.ConnectOptions{ReadOnly: true})
		if r.Server() != w.Server() {
			t.Errorf("%q: the server is %+v to one that looks, and %+v to one that writes", query, r.Server(), w.Server())
		}
		value(t, r, "SELECT count(*) FROM t")
		if r.start != nil {
			t.Errorf("%q: a session that only looks has read all pragmas", query)
		}
		before, err := r.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		execute(t, r, "PRAGMA foreign_keys = off", "PRAGMA recursive_triggers = on", "PRAGMA case_sensitive_like = on", "PRAGMA busy_timeout = 1",
			"PRAGMA cache_size = 7", "ATTACH ':memory:' AS extra", "PRAGMA query_only = off")
		if err := r.Reset(t.Context(), engine.Limits{}); err != nil {
			t.Fatal(err)
		}
		after, err := r.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(after, before) {
			t.Errorf("%q: got  %s\nwant %s", query, after, before)
		}
		if got := value(t, r, "SELECT group_concat(name) FROM pragma_database_list WHERE name <> 'temp'"); got != "main" {
			t.Errorf("%q: attached: %s", query, got)
		}
	}
}

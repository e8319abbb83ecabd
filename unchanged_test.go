package dbwarden_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestAHistoryThatWasWrittenIsNotUnchanged, whoever wrote it, and also where
// there are as many revisions as before.
func TestAHistoryThatWasWrittenIsNotUnchanged(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_t.sql": table, "2_x.sql": "-- upgrade\nSELECT 1;\n-- rollback\nSELECT 1;\n", "3_x.sql": "-- upgrade\nSELECT 1;\n-- rollback\nSELECT 1;\n"})
		b.migrate()
		s := b.session()
		j := &journal.Journal{Engine: b.engine, Schema: s.Server().Schema}
		for _, way := range []struct {
			title string
			write func()
		}{
			{"by nobody", nil},
			{"a migration more", func() { b.put("4_x.sql", "-- upgrade\nSELECT 1;\n-- rollback\nSELECT 1;\n"); b.migrate() }},
			{"one back", func() { b.rollback(plan.Target{}) }},
			{"one back, and applied again", func() { b.rollback(plan.Target{}); b.migrate(); b.rollback(plan.Target{}) }},
			{"a row deleted by hand", func() { b.exec("DELETE FROM dbwarden_migrations WHERE version = '2'") }},
			{"a row of the original tool's, by hand", func() {
				b.exec("UPDATE dbwarden_migrations SET id = id + 100 WHERE version = '3'")
			}},
			{"a backup put back, with as many entries behind it", func() {
				b.exec("UPDATE dbwarden_journal SET run_id = 'theirs' WHERE id = " + b.value("SELECT MAX(id) FROM dbwarden_journal"))
			}},
			{"a backup put back, and its lock unlocked", func() {
				b.exec("UPDATE dbwarden_journal SET run_id = NULL WHERE id = " + b.value("SELECT MAX(id) FROM dbwarden_journal"))
			}},
			{"an attempt that is open", func() {
				b.exec("INSERT INTO dbwarden_journal (created_at, run_id, fencing_token, event, direction, version) VALUES (CURRENT_TIMESTAMP, 'theirs', 99, 'started', 'upgrade', '5')")
			}},
		} {
			before, err := j.Read(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if way.write != nil {
				way.write()
			}
			same, err := j.Unchanged(t.Context(), s, before)
			if err != nil || same != (way.write == nil) {
				t.Errorf("%s: unchanged %v, %v", way.title, same, err)
			}
		}
		// An empty history tells nothing.
		if same, err := j.Unchanged(t.Context(), s, &journal.History{}); same || err != nil {
			t.Errorf("an empty one: unchanged %v, %v", same, err)
		}
	})
}

// connecting calls a function ahead of each session that is opened.
type connecting struct {
	engine.Database
	ahead func(engine.ConnectOptions)
}

func (c connecting) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	c.ahead(o)
	return c.Database.Connect(ctx, o)
}

// TestAPlanIsForTheFileThatItWasMadeOf: a copy of the database may take its place
// before the lock is had, in whose journal there is as much and something else.
func TestAPlanIsForTheFileThatItWasMadeOf(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{"1_t.sql": table})
	b.migrate()
	path := strings.TrimPrefix(b.url, "sqlite:///")
	keep := func(name string) {
		content, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path+name, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	keep(".first")
	b.put("2_rows.sql", "-- upgrade\nINSERT INTO t VALUES (2);\n-- rollback\n")
	b.migrate()
	keep(".theirs")
	if err := os.Rename(path+".first", path); err != nil {
		t.Fatal(err)
	}
	b.put("2_rows.sql", "-- upgrade\nINSERT INTO t VALUES (-2);\n-- rollback\n")
	b.migrate()
	b.put("3_rows.sql", "-- upgrade\nINSERT INTO t VALUES (3);\n-- rollback\n")
	b.db = connecting{b.db, func(o engine.ConnectOptions) {
		if _, err := os.Stat(path + ".theirs"); err != nil || o.ReadOnly {
			return
		}
		if err := os.Rename(path+".theirs", path); err != nil {
			t.Error(err)
		}
	}}
	var r *plan.Refusal
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &r) || r.Code != plan.ChangedFile {
		t.Errorf("migrate gave %v, want what the other copy ran refused", err)
	}
	if got := b.value("SELECT COUNT(*) FROM t"); got != "1" {
		t.Errorf("%s rows in the other copy, want the one that was there", got)
	}
}

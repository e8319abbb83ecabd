package dbwarden_test

import (
	"testing"

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

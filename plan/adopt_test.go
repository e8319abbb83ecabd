package plan_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

func TestAdopt(t *testing.T) {
	t.Parallel()
	set := folder(t, "1_a", "2_b", "3_c", "RA__r")
	for _, c := range []struct {
		name          string
		ours, applied []string
		open          []journal.Entry
		want          []string
		refused       plan.Code
	}{
		{name: "in their order", applied: []string{"1_a", "3_c", "2_b"}, want: []string{"1_a.sql", "3_c.sql", "2_b.sql"}},
		{name: "what is there stays", ours: []string{"1_a", "RA__r"}, applied: []string{"1_a", "2_b", "RA__r"}, want: []string{"2_b.sql"}},
		{name: "nothing more", ours: []string{"1_a", "2_b"}, applied: []string{"1_a"}},
		{name: "both went on", ours: []string{"3_c"}, applied: []string{"1_a"}, refused: plan.OwnHistory},
		{name: "what we run always says nothing of versions", ours: []string{"RA__r"}, applied: []string{"1_a"}, want: []string{"1_a.sql"}},
		{name: "changed since is another matter", ours: []string{"1_a!"}, applied: []string{"1_a", "2_b"}, want: []string{"2_b.sql"}},
		{name: "half applied", applied: []string{"1_a"}, refused: plan.HalfApplied,
			open: []journal.Entry{{ID: 1, What: journal.Started, Direction: migration.Up, Version: "2", File: "2_b.sql", From: 1, To: 1, Statements: 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var applied []*migration.Migration
			for _, name := range c.applied {
				for _, m := range set.Migrations {
					if m.File == name+".sql" {
						applied = append(applied, m)
					}
				}
			}
			p, err := plan.Adopt(set, journal.NewHistory(history(t, set, c.ours...), c.open), applied)
			var refused *plan.Refusal
			if errors.As(err, &refused); err != nil && (refused == nil || refused.Code != c.refused) || err == nil && c.refused != "" {
				t.Fatalf("%v, want %s", err, c.refused)
			}
			if err != nil {
				return
			}
			var got []string
			for _, s := range p.Steps {
				got = append(got, s.Migration.File)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

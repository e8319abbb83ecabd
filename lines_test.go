package dbwarden_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/journal"
)

// TestAHistoryReadInOnePieceIsTheHistory: what is read of every revision as one
// text is what the columns say, whatever is in them.
func TestAHistoryReadInOnePieceIsTheHistory(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{
			"1_t.sql": table, "0002_two_words.sql": "-- upgrade\nSELECT 1;\n-- rollback\nSELECT 1;\n", "3_x.sql": "-- upgrade\nSELECT 1;\n-- rollback\nSELECT 1;\n",
			"RA__always.sql": "-- upgrade\nSELECT 1;\n", "ROC__on_change.sql": "-- upgrade\nSELECT 1;\n",
		})
		b.migrate()
		b.migrate()
		s := b.session()
		j := &journal.Journal{Engine: b.engine, Schema: s.Server().Schema}
		told := func(rs []journal.Revision, dated bool) string {
			var out strings.Builder
			for _, r := range rs {
				fmt.Fprintf(&out, "%d %q %q %q %d %q %q", r.ID, r.Version, r.File, r.Kind, r.Runs, r.Checksum, r.ChecksumKind)
				if dated {
					fmt.Fprintf(&out, " %q %s", r.Description, r.AppliedAt)
				}
				out.WriteByte('\n')
			}
			return out.String()
		}
		same := func(title string) {
			t.Helper()
			// All columns of each row, one by one.
			all, err := j.ReadWhole(t.Context(), s)
			if err != nil {
				t.Fatal(title, err)
			}
			if len(all.Revisions) == 0 {
				t.Fatal(title, "there is no revision")
			}
			brief, err := j.Read(t.Context(), s)
			if err != nil {
				t.Fatal(title, err)
			}
			dated, err := j.ReadDated(t.Context(), s)
			if err != nil {
				t.Fatal(title, err)
			}
			if got, want := told(brief.Revisions, false), told(all.Revisions, false); got != want {
				t.Errorf("%s: read\n%swant\n%s", title, got, want)
			}
			if got, want := told(dated.Revisions, true), told(all.Revisions, true); got != want {
				t.Errorf("%s: read with dates\n%swant\n%s", title, got, want)
			}
			for _, h := range []*journal.History{brief, dated} {
				if still, err := j.Unchanged(t.Context(), s, h); err != nil || !still {
					t.Errorf("%s: unchanged %v, %v", title, still, err)
				}
			}
		}
		same("as it was written")
		set := func(column, value string) {
			t.Helper()
			b.exec("UPDATE dbwarden_migrations SET " + column + " = " + value + " WHERE version = '3'")
			same(fmt.Sprintf("%s = %q", column, value))
		}
		for _, column := range []string{"filename", "checksum", "checksum_kind", "migration_type", "description"} {
			for _, text := range []string{"", "-", "\u00fc\u4e16 a'b\\", "a\x1fb", "a\x1eb", "\x1e", "a.sql\x1e9\x1f0\x1f-\x1f-\x1fsum\x1f9\x1f9_x.sql", "9\x1f0\x1f-\x1f-\x1fsum\x1f9\x1f9_x.sql\x1e9\x1f0\x1f-\x1f-\x1fsum\x1f9\x1f9_x.sql"} {
				set(column, b.engine.Dialect.Literal(text))
			}
			set(column, "NULL")
			set(column, "'x'")
		}
		set("applied_at", "NULL")
		set("runs", "70000")
		// An id by hand, lower than those before it.
		b.exec("UPDATE dbwarden_migrations SET id = -5 WHERE version = '3'")
		same("another order")
	})
}

// TestALongHistoryComesInFewPieces: the product puts the rows together.
func TestALongHistoryComesInFewPieces(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, nil)
		const n = 120
		for i := range n {
			b.put(fmt.Sprintf("%04d_x.sql", i+1), "-- upgrade\nSELECT 1;\n-- rollback\n")
		}
		b.migrate()
		plain, asked := b.db, &counts{}
		b.db = counting{plain, asked}
		b.migrate()
		b.db = plain
		want := 2 // with the lock's
		if b.engine.Dialect.Lines == nil {
			want += n - 1
		}
		if asked.rows > want {
			t.Errorf("nothing to do on %d took %d rows, want at most %d", n, asked.rows, want)
		}
	})
}

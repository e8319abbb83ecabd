package plan_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// BenchmarkUp plans one new migration on a history.
func BenchmarkUp(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := fstest.MapFS{}
			for i := range n + 1 {
				files[fmt.Sprintf("%05d_change.sql", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- upgrade\nSELECT %d;\n", i)}
			}
			set, err := migration.Load(files, sqltext.SQLite)
			if err != nil {
				b.Fatal(err)
			}
			var rs []journal.Revision
			for i, m := range set.Migrations[:n] {
				rs = append(rs, journal.Revision{ID: int64(i + 1), Version: m.Version, File: m.File, Kind: m.Kind,
					Checksum: m.Upgrade.Checksum(), ChecksumKind: migration.ChecksumKind})
			}
			b.ReportAllocs()
			for b.Loop() {
				p, err := plan.Up(set, journal.NewHistory(rs, nil), plan.Target{})
				if err != nil || len(p.Steps) != 1 {
					b.Fatal(p, err)
				}
			}
		})
	}
}

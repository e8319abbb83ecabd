package migration_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// manyFiles makes a folder of n small migrations.
func manyFiles(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		text := fmt.Sprintf("-- upgrade\nINSERT INTO facts (id, name)\nVALUES (%d, 'the fact number %[1]d');\n\n-- rollback\nDELETE FROM facts WHERE id = %[1]d;\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d_change.sql", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			folder := os.DirFS(manyFiles(b, n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := migration.Load(folder, sqltext.PostgreSQL); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a file costs: read in one piece into memory that the next one uses
// again, hashed without a copy.
func TestAFileIsLoadedInLittleMemory(t *testing.T) {
	const few, many = 100, 300
	of := func(n int) (objects, bytes float64) {
		folder := os.DirFS(manyFiles(t, n))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		set, err := migration.Load(folder, sqltext.PostgreSQL)
		runtime.ReadMemStats(&after)
		if err != nil || len(set.Migrations) != n {
			t.Fatal(len(set.Migrations), err)
		}
		return float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)
	}
	objects, bytes := of(few)
	moreObjects, moreBytes := of(many)
	if each := (moreObjects - objects) / (many - few); each > 12 {
		t.Errorf("%.1f allocations a file", each)
	}
	if each := (moreBytes - bytes) / (many - few); each > 1_500 {
		t.Errorf("%.0f bytes a file", each)
	}
}

// A folder is read in another way where it is one of the system's and its
// files are small.
func TestEveryWayOfReadingAFileGivesTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	texts := map[string]string{
		"1_small.sql": "-- seed\n\n-- upgrade\nSELECT 'a';\r\nSELECT 'b'\n-- rollback\n",
		"2_empty.sql": "-- upgrade\n",
	}
	// Around the size that is read at once, with statements across its end.
	for i, size := range []int{64<<10 - 1, 64 << 10, 64<<10 + 1, 300 << 10} {
		text := "-- upgrade\n" + strings.Repeat("INSERT INTO t VALUES ('some text');\n", size/36+1)
		texts[fmt.Sprintf("%d_large.sql", i+3)] = text[:size-1] + "\n"
	}
	memory := fstest.MapFS{}
	for name, text := range texts {
		memory[name] = &fstest.MapFile{Data: []byte(text)}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, wantErr := migration.Load(memory, sqltext.MySQL)
	type other struct{ fs.FS }
	for name, folder := range map[string]fs.FS{"a folder": os.DirFS(dir), "another kind of folder": other{os.DirFS(dir)}} {
		got, err := migration.Load(folder, sqltext.MySQL)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%s: %v, want %v", name, err, wantErr)
		}
		if err != nil {
			continue
		}
		for i, m := range want.Migrations {
			g := got.Migrations[i]
			if g.File != m.File || g.Header.Seed != m.Header.Seed || g.Upgrade.Count != m.Upgrade.Count || g.Upgrade.Checksum() != m.Upgrade.Checksum() || g.Rollback.Checksum() != m.Rollback.Checksum() {
				t.Errorf("%s: %s is %+v, want %+v", name, m.File, g, m)
			}
		}
	}
	if wantErr != nil {
		t.Fatal(wantErr)
	}
}

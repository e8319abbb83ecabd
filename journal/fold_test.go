package journal

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/migration"
)

func TestManyEntriesOfOneAttemptAreFolded(t *testing.T) {
	t.Parallel()
	entry := func(what What, n int) Entry {
		return Entry{Version: "1", File: "1_a.sql", Direction: migration.Up, What: what, From: n, To: n, Statements: 10_000, Checksum: fmt.Sprint("c", n)}
	}
	var f fold
	for n := 1; n <= 4500; n++ {
		f.add(entry(Started, n))
		f.add(entry(Done, n))
	}
	f.add(entry(Started, 4501))
	f.add(entry(Failed, 4501))
	f.add(entry(Done, 4501)) // a setting was run in between: no row any more
	f.add(entry(Done, 4503))

	var got []string
	for _, e := range f.out {
		if e.To <= 1000 || e.Each && e.To > 3500 || e.To > 4499 {
			got = append(got, fmt.Sprintf("%s %d-%d %v", e.What, e.From, e.To, e.Each))
		}
	}
	want := []string{"done 1-500 true", "done 501-1000 true", "done 3501-4000 true",
		"done 4500-4500 false", "started 4501-4501 false", "failed 4501-4501 false", "done 4501-4501 false", "done 4503-4503 false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sum := migration.NewSum()
	for n := 501; n <= 1000; n++ {
		sum.AddChecksum(migration.Checksum(fmt.Sprint("c", n)))
	}
	if f.out[1].Checksum != string(sum.Checksum()) {
		t.Errorf("checksum %s, want %s", f.out[1].Checksum, sum.Checksum())
	}
	if n := len(f.out); n > 8+2*foldSize {
		t.Errorf("%d entries", n)
	}
}

func TestWhatIsNotOfOneKindIsNotFolded(t *testing.T) {
	t.Parallel()
	up := Entry{File: "1_a.sql", Direction: migration.Up, What: Started, From: 1, To: 1}
	down := up
	down.Direction, down.What = migration.Down, Done
	several := up
	several.What, several.To = Done, 2
	for _, entries := range [][]Entry{{up, down}, {up, several}} {
		var f fold
		for _, e := range entries {
			f.add(e)
		}
		if diff := cmp.Diff(entries, f.out); diff != "" {
			t.Error(diff)
		}
	}
}

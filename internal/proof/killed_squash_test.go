package proof_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden/internal/dbtest/trap"
)

// TestAKilledSquashIsFinishedByTheNextOne kills squash, squash --undo and squash
// --prune right before changes of a file, the database's and the folder's. No
// file is lost that the folder needs, history and folder agree, and the same
// command, run again, ends as it would have ended undisturbed.
func TestAKilledSquashIsFinishedByTheNextOne(t *testing.T) {
	if err := trap.Available(); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	old := map[string]string{
		"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1);\n-- rollback\nDROP TABLE a;\n",
		"0002_b.sql": "-- upgrade\nCREATE TABLE b (n INTEGER);\n-- rollback\nDROP TABLE b;\n",
		"0003_c.sql": "-- upgrade\nCREATE TABLE c (n INTEGER);\n-- rollback\nDROP TABLE c;\n",
	}
	const squashed = "0004_squashed_0001_to_0002.sql"
	onSQLite(t, func(t *testing.T, p product) {
		for i, c := range []struct {
			name    string
			prepare [][]string
			words   []string
			before  []string
			want    []string
		}{
			{"squash", nil, []string{"squash", "--to", "0002", "--yes"}, []string{"0001_a.sql", "0002_b.sql", "0003_c.sql"}, []string{"0001_a.sql", "0002_b.sql", "0003_c.sql", squashed}},
			{"undo", [][]string{{"squash", "--to", "0002", "--yes"}}, []string{"squash", "--undo", "--yes"}, []string{"0001_a.sql", "0002_b.sql", "0003_c.sql", squashed}, []string{"0001_a.sql", "0002_b.sql", "0003_c.sql"}},
			{"prune", [][]string{{"squash", "--to", "0002", "--yes"}}, []string{"squash", "--prune", "--yes"}, []string{"0001_a.sql", "0002_b.sql", "0003_c.sql", squashed}, []string{"0003_c.sql", squashed}},
		} {
			t.Run(c.name, func(t *testing.T) {
				made := func(t *testing.T) *bench {
					b := newBench(t, p, p.newDatabase(t), maps.Clone(old))
					for _, words := range append([][]string{{"migrate"}}, c.prepare...) {
						b.succeeds(words...)
					}
					if got := b.folder(); strings.Join(got, " ") != strings.Join(c.before, " ") {
						t.Fatalf("the folder holds %v", got)
					}
					return b
				}
				b := made(t)
				all, err := trap.Run(b.command(c.words...).cmd, 0)
				if err != nil || all.Code != 0 || all.Requests < 4 {
					t.Fatalf("undisturbed: %+v, %v", all, err)
				}
				b.agrees(c.want)
				var group errgroup.Group
				group.SetLimit(atOnce)
				for n := 1; n <= all.Requests; n++ {
					if all.Requests > 10 && !sample(n, i) {
						continue
					}
					group.Go(func() error {
						t.Run(fmt.Sprintf("%03d", n), func(t *testing.T) {
							b := made(t)
							victim := b.command(c.words...)
							r, err := trap.Run(victim.cmd, n)
							if err != nil || !r.Killed && r.Code != 0 {
								t.Fatalf("%+v, %v: %s", r, err, victim)
							}
							for name, text := range old {
								if c.name == "prune" && name != "0003_c.sql" {
									continue
								}
								if got, err := os.ReadFile(filepath.Join(b.dir, "migrations", name)); err != nil || string(got) != text {
									t.Errorf("%s: %q, %v", name, got, err)
								}
							}
							if l, err := b.warden().Lock(t.Context()); err != nil {
								t.Fatal(err)
							} else if l.Active {
								b.unlock()
							}
							again := b.start(c.words...)
							again.wait()
							// What had come to its end has nothing left to do, and says so.
							if got := strings.Join(b.folder(), " "); again.cmd.ProcessState.ExitCode() != 0 && got != strings.Join(c.want, " ") {
								t.Errorf("again: %s\nthe folder holds %s", again, got)
							}
							b.agrees(c.want)
							if t.Failed() {
								t.Logf("it was about to %s", r.Request)
							}
						})
						return nil
					})
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
				t.Logf("%d changes of a file", all.Requests)
			})
		}
	})
}

// succeeds runs the program, which must.
func (b *bench) succeeds(words ...string) {
	b.t.Helper()
	if p := b.start(words...); p.wait() != 0 {
		b.t.Fatalf("%v: %s", words, p)
	}
}

// folder are the names in the folder of migrations, with files that leave it; a
// part of one that was never there under its name is nothing to anybody.
func (b *bench) folder() (names []string) {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.dir, "migrations"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name[0] != '.' || strings.HasSuffix(name, ".leaving") {
			names = append(names, name)
		}
	}
	return names
}

// agrees checks that the folder holds these files, that a run has nothing to do
// and that the status is clean.
func (b *bench) agrees(files []string) {
	b.t.Helper()
	if got := b.folder(); strings.Join(got, " ") != strings.Join(files, " ") {
		b.t.Errorf("the folder holds %v, want %v", got, files)
	}
	b.succeeds("migrate")
	b.succeeds("status", "--exit-code")
}

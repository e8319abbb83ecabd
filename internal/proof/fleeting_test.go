package proof_test

import (
	"strings"
	"testing"
)

// TestKilledAtATemporaryTable: the table died with its session, so it is made
// again and nobody is asked for a look that nobody can take. Where the file has
// made another one before it, that one is missed: the run says so, and the file
// is taken back and run anew.
func TestKilledAtATemporaryTable(t *testing.T) {
	onEveryServer(t, func(t *testing.T, p product) {
		const killed = "CREATE TEMPORARY TABLE u AS SELECT n FROM base"
		for i, m := range around {
			for _, missed := range []bool{false, true} {
				takeOver := (i%2 == 0) != missed
				t.Run(m.name+map[bool]string{true: " behind another one"}[missed], func(t *testing.T) {
					t.Parallel()
					tl := tale{statements: []string{"CREATE TABLE fresh (n INTEGER)", killed, "INSERT INTO fresh SELECT n FROM u", "CREATE TABLE last (n INTEGER)"}}
					if missed {
						tl.statements[0] += ";\nCREATE TEMPORARY TABLE s (n INTEGER)"
					}
					files := tl.files()
					files["0002_tale.sql"] += "DROP TABLE IF EXISTS last;\nDROP TABLE fresh;\n"
					b := newBench(t, p, p.newDatabase(t), files)
					b.killedAt(p, killed, m.action)
					again := []string{"migrate", "--recover"}
					if !takeOver {
						b.must(0, "unlock")
						again = again[:1]
					}
					if missed {
						doc, _ := b.ask([]int{1}, again...)
						if doc.Error.Code != "session_gone" || !strings.Contains(doc.Error.Message, "ended with its session") {
							t.Fatalf("refused was with %+v", doc.Error)
						}
						if takeOver {
							if next := strings.Join(doc.Error.Next, "\n"); !strings.Contains(next, "dbwarden unlock, and: dbwarden rollback, dbwarden migrate") {
								t.Errorf("advised was %q", next)
							}
							b.must(0, "unlock")
						}
						b.must(0, "rollback", "-t", "1")
						again = again[:1]
					}
					b.must(0, again...)
					if n := b.value("SELECT COUNT(*) FROM fresh"); n != "3" {
						t.Errorf("%s rows, want 3", n)
					}
					b.must(0, "lock-status", "--exit-code")
				})
			}
		}
	})
}

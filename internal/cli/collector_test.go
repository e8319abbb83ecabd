package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// What looks at 4,000 migrations is over before the collector begins, and what
// goes on longer is collected as ever.
func TestTheCollectorIsSparedAtFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "migrations"), 0o755); err != nil {
		t.Fatal(err)
	}
	for n := range 4000 {
		name := filepath.Join(dir, "migrations", fmt.Sprintf("%04d_row.sql", n+1))
		if err := os.WriteFile(name, fmt.Appendf(nil, "-- upgrade\nINSERT INTO facts VALUES (%d);\n-- rollback\nDELETE FROM facts;\n", n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A collection had a goal of the heap, and left something, in MiB.
	type collection struct{ goal, left int }
	traced := func(args ...string) (out []collection) {
		c := exec.CommandContext(t.Context(), filepath.Join(program, "dbwarden"), args...)
		c.Dir, c.Env = dir, []string{"DBWARDEN_DATABASE_URL=sqlite:///test.db", "HOME=" + dir, "USER=alice", "GODEBUG=gctrace=1"}
		text, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, text)
		}
		for _, m := range regexp.MustCompile(`(?m)^gc \d+ .*->(\d+) MB, (\d+) MB goal`).FindAllSubmatch(text, -1) {
			left, _ := strconv.Atoi(string(m[1])) // they are digits
			goal, _ := strconv.Atoi(string(m[2]))
			out = append(out, collection{goal, left})
		}
		return out
	}
	// Behind the first one the second has its goal already, by chance: the third
	// has one as always.
	long := traced("migrate", "--baseline", "-t", "4000")
	if len(long) < 3 || long[0].goal < 14 || long[2].goal > 2*long[1].left+3 {
		t.Errorf("a long run was collected so: %v; want the first goal at 16, and then twice of what was left", long)
	}
	for _, args := range [][]string{{"migrate"}, {"status"}} {
		if short := traced(args...); len(short) > 0 {
			t.Errorf("%v was collected so: %v", args, short)
		}
	}
}

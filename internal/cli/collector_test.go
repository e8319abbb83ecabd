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
	// goals are the heap's goal before each collection, in MiB.
	goals := func(args ...string) (out []int) {
		c := exec.CommandContext(t.Context(), filepath.Join(program, "dbwarden"), args...)
		c.Dir, c.Env = dir, []string{"DBWARDEN_DATABASE_URL=sqlite:///test.db", "HOME=" + dir, "USER=alice", "GODEBUG=gctrace=1"}
		text, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, text)
		}
		for _, m := range regexp.MustCompile(`(?m)^gc \d+ .* (\d+) MB goal`).FindAllSubmatch(text, -1) {
			n, _ := strconv.Atoi(string(m[1])) // it is digits
			out = append(out, n)
		}
		return out
	}
	long := goals("migrate", "--baseline", "-t", "4000")
	if len(long) < 3 || long[0] < 14 || long[1] >= 14 {
		t.Errorf("a long run was collected at %v MiB; want the first at 16, and then at twice of what was left", long)
	}
	for _, args := range [][]string{{"migrate"}, {"status"}} {
		if short := goals(args...); len(short) > 0 {
			t.Errorf("%v was collected at %v MiB", args, short)
		}
	}
}

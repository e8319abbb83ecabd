package cli

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestOneCallAtATimeInAFolder: who deletes the lock file on the way out lets in no two.
func TestOneCallAtATimeInAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, _, err := tryFolder(dir)
	if err != nil || l == nil {
		t.Fatal(err)
	}
	if second, pid, err := tryFolder(dir); second != nil || err != nil || pid != os.Getpid() {
		t.Errorf("a second one: %v, process %d, %v", second, pid, err)
	}
	l.release()
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	var inside, taken atomic.Int32
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for range 200 {
				l, _, err := tryFolder(dir)
				if err != nil {
					return err
				}
				if l == nil {
					continue
				}
				taken.Add(1)
				if inside.Add(1) != 1 {
					t.Error("two are in it")
				}
				inside.Add(-1)
				l.release()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil || taken.Load() == 0 {
		t.Fatalf("%d were in it, %v", taken.Load(), err)
	}
}

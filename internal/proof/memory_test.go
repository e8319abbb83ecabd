//go:build linux

package proof_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestMemoryDoesNotGrowWithTheFile runs the program on files of which one is
// several times as large as the other, and looks at its peak of memory.
// Statements of a row each are only looked through on a server, where each is a
// round trip. DBWARDEN_TEST_SOAK makes the larger files 200 MB, and a gigabyte
// of the smallest statements and of rows.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if raced || testing.Short() {
		t.Skip("reads and runs files of many megabytes: go test without -race and -short does it")
	}
	soak := os.Getenv("DBWARDEN_TEST_SOAK") != ""
	onEvery(t, func(t *testing.T, p product) {
		for _, c := range []struct {
			what         string
			write        func(*bufio.Writer, int)
			small, large int // MB
			soak         int
			engine       string // "": all
		}{
			{"one-row_INSERTs", singleRows, 3, 15, 1024, ""},
			{"many-row_INSERTs", manyRows, 5, 25, 200, ""},
			{"COPY", copied, 5, 25, 1024, "postgres"},
		} {
			if c.engine != "" && c.engine != p.engine.Name {
				continue
			}
			t.Run(c.what, func(t *testing.T) {
				command := []string{"migrate", "-q"}
				if c.what == "one-row_INSERTs" && p.server != nil {
					command = append(command, "--dry-run")
				}
				if soak {
					c.large = c.soak
				}
				small := peak(t, p, c.write, c.small, command)
				large := peak(t, p, c.write, c.large, command)
				t.Logf("%d MB took %d MB, %d MB took %d MB", c.small, small>>20, c.large, large>>20)
				// What is seen of the smaller may be too little: it ends soon. And a
				// busy machine lets garbage lie: 70 MB were seen where 27 are usual.
				// What a run once kept of each statement would be 120 MB.
				most := max(small, 36<<20) + 48<<20
				if soak {
					most = 64 << 20 // SQLite's own share grows with a transaction of a gigabyte
				}
				if large > most {
					t.Errorf("a file of %d MB took %d MB of memory, and one of %d MB took %d MB", c.small, small>>20, c.large, large>>20)
				}
			})
		}
	})
}

// peak runs a command on a file of so many megabytes, and returns the most
// memory that it was seen to have. (What wait returns of it begins with the
// memory of this process.)
func peak(t *testing.T, p product, write func(*bufio.Writer, int), megabytes int, command []string) int64 {
	t.Helper()
	b := newBench(t, p, p.newDatabase(t), nil)
	f, err := os.Create(filepath.Join(b.dir, "migrations", "0001_large.sql"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprint(w, "-- upgrade\nCREATE TABLE big (id INTEGER, name VARCHAR(100));\n")
	write(w, megabytes<<20)
	fmt.Fprint(w, "\n-- rollback\nDROP TABLE big;\n")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	c := b.command(command...)
	out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.cmd.Stdout = out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, most := make(chan struct{}), make(chan int64)
	go func() {
		var high int64
		for {
			high = max(high, highWater(c.cmd.Process.Pid))
			select {
			case <-ended:
				most <- high
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	code := c.wait()
	close(ended)
	high := <-most
	if code != 0 {
		t.Fatal(c)
	}
	if high == 0 {
		t.Fatal("its memory was not seen")
	}
	return high
}

var highest = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// highWater is the most memory that a process has had, 0 for one that is gone.
func highWater(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := highest.FindSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}

// singleRows writes statements of a row each, at least so many bytes.
func singleRows(w *bufio.Writer, size int) {
	n := 0
	for i := 0; n < size; i++ {
		k, _ := fmt.Fprintf(w, "INSERT INTO big VALUES (%d, 'a name of %d');\n", i, i)
		n += k
	}
}

// manyRows writes statements of a thousand rows.
func manyRows(w *bufio.Writer, size int) {
	n := 0
	for i := 0; n < size; i++ {
		before := "INSERT INTO big VALUES "
		if i%1000 > 0 {
			before = ","
		}
		k, _ := fmt.Fprintf(w, "%s(%d, 'a name of %d')", before, i, i)
		if n += k; i%1000 == 999 {
			fmt.Fprint(w, ";\n")
		}
	}
}

// copied writes one COPY.
func copied(w *bufio.Writer, size int) {
	n := 0
	fmt.Fprint(w, "COPY big FROM stdin;\n")
	for i := 0; n < size; i++ {
		k, _ := fmt.Fprintf(w, "%d\ta name of %d\n", i, i)
		n += k
	}
	fmt.Fprint(w, "\\.\n")
}

package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// screen is what a terminal shows of what was written: lines, of which the last
// ones can be gone back to and wiped.
func screen(written string) (lines []string) {
	lines = []string{""}
	back := regexp.MustCompile(`^\x1b\[(\d+)A\r\x1b\[J`)
	for written != "" {
		if m := back.FindStringSubmatch(written); m != nil {
			n, _ := strconv.Atoi(m[1])
			lines = append(lines[:len(lines)-1-n], "")
			written = written[len(m[0]):]
			continue
		}
		if written[0] == '\n' {
			lines = append(lines, "")
		} else {
			lines[len(lines)-1] += written[:1]
		}
		written = written[1:]
	}
	return lines[:len(lines)-1]
}

func TestTheBoardShowsWhatRunsBelowWhatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &bytes.Buffer{}
		b := NewBoard(out, Style{Terminal: true, Width: 40}, 5, time.Now)
		see := func(want ...string) {
			t.Helper()
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			if got := strings.Join(screen(out.String()), "\n"); got != strings.Join(want, "\n") {
				t.Errorf("the screen shows\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
		}
		b.Start("one")
		b.Start("two")
		see("0 of 5 ended, 0s", "      0s  one", "      0s  two")
		b.Doing("two", "0001_x.sql")
		time.Sleep(3*time.Second + boardEvery)
		see("0 of 5 ended, 3s", "      3s  one", "      3s  two  0001_x.sql")
		b.End("one", false)
		b.Above(func() { fmt.Fprintln(out, "[1/5] one") })
		b.Start("thr\x1b\nee with a name that is longer than a line")
		see("[1/5] one", "1 of 5 ended, 3s", "      3s  two  0001_x.sql", "      0s  thr� ee with a name that is …")
		b.Wait("two")
		see("[1/5] one", "1 of 5 ended, 1 waiting for the lock, …", "      0s  thr� ee with a name that is …")
		b.Start("two")
		b.End("two", true)
		see("[1/5] one", "2 of 5 ended, 1 failed, 3s", "      0s  thr� ee with a name that is …")
		for i := range mostRows + 2 {
			b.Start(fmt.Sprint("more ", i))
		}
		if lines := screen(out.String()); lines[len(lines)-1] != "  and 3 more" || len(lines) != 1+1+mostRows+1 {
			t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
		}
		b.Close()
		b.Close()
		see("[1/5] one")
		b.Above(func() { fmt.Fprintln(out, "[3/5] two") })
		b.Start("late")
		see("[1/5] one", "[3/5] two")
	})
}

func TestNoBoardWithoutATerminal(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	for _, b := range []*Board{nil, NewBoard(out, Style{}, 2, time.Now)} {
		out.Reset()
		b.Start("one")
		b.Above(func() { fmt.Fprintln(out, "a line") })
		b.End("one", true)
		b.Close()
		if out.String() != "a line\n" {
			t.Errorf("%q", out)
		}
	}
}

// Testreport reads go test -json on its standard input and prints what a
// person wants to know: the output of tests that failed, one line for each
// package as go test writes it, and at the end which tests were skipped and
// why, tests with one reason together, and which were slow. With -v it prints
// everything.
//
// Its exit code is 1 when a test or a build failed. An interrupt does not end
// it: it goes on until its input does, and tells what was known by then.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path"
	"regexp"
	"slices"
	"strings"
)

func main() {
	signal.Ignore(os.Interrupt)
	r := newReport(os.Stdout, slices.Contains(os.Args[1:], "-v"))
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if r.finish() {
		os.Exit(1)
	}
}

// event is a line of go test -json.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build
	Test       string
	Output     string
	Elapsed    float64 // seconds, of a test that ended
}

type report struct {
	out     io.Writer
	verbose bool

	output  map[[2]string][]string // of tests that may yet fail, by package and test
	skipped map[string][]string    // tests by reason
	counts  map[string]int         // tests by action
	failed  []string
	slow    []taken
}

// taken is how long a test took, the time that it waited for others included.
type taken struct {
	test    string
	seconds float64
}

func newReport(out io.Writer, verbose bool) *report {
	return &report{out: out, verbose: verbose, output: map[[2]string][]string{}, skipped: map[string][]string{}, counts: map[string]int{}}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(r.out, line) // the go command's own words
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.failed = append(r.failed, e.ImportPath)
	case "output":
		switch {
		case r.verbose:
			fmt.Fprint(r.out, e.Output)
		case e.Test == "" && closing(e.Output):
			fmt.Fprint(r.out, e.Output)
		}
		r.output[key] = append(r.output[key], e.Output)
	case "skip":
		if e.Test != "" {
			why := reason(r.output[key])
			r.skipped[why] = append(r.skipped[why], path.Base(e.Package)+"."+e.Test)
		}
		r.end(key, e)
	case "pass":
		r.end(key, e)
	case "fail":
		r.failed = append(r.failed, strings.TrimSpace(e.Package+" "+e.Test))
		if !r.verbose {
			r.tell(key, e)
		}
		r.end(key, e)
	}
}

func (r *report) end(key [2]string, e event) {
	if e.Test != "" {
		r.counts[e.Action]++
		if e.Elapsed >= slowTest && !strings.Contains(e.Test, "/") {
			r.slow = append(r.slow, taken{path.Base(e.Package) + "." + e.Test, e.Elapsed})
		}
	}
	delete(r.output, key)
}

// tell prints what a failed test said; of a package, what belongs to none of
// its tests, such as a panic.
func (r *report) tell(key [2]string, e event) {
	if e.Test != "" {
		fmt.Fprintf(r.out, "\n%s: %s\n", e.Package, e.Test)
	}
	for _, text := range r.output[key] {
		if e.Test == "" && (closing(text) || text == "FAIL\n") || strings.HasPrefix(text, "=== ") {
			continue
		}
		fmt.Fprint(r.out, text)
	}
	if e.Test != "" {
		return
	}
	// Tests that never ended: the package panicked or ran out of time.
	for k, texts := range r.output {
		if k[0] == e.Package && k[1] != "" {
			fmt.Fprintf(r.out, "\n%s: %s (not ended)\n%s", k[0], k[1], strings.Join(texts, ""))
			delete(r.output, k)
		}
	}
}

var closingLine = regexp.MustCompile(`^(ok  |FAIL|---? FAIL|\?   )\s*\t`)

// closing tells the one line with which go test ends a package.
func closing(text string) bool { return closingLine.MatchString(text) }

var logged = regexp.MustCompile(`^\s*([\w-]+\.go):\d+: (.*)`)

// reason is what a skipped test logged last, but for a script's own log,
// which comes behind it.
func reason(output []string) string {
	for _, text := range slices.Backward(output) {
		if m := logged.FindStringSubmatch(text); m != nil && m[1] != "testscript.go" {
			return strings.TrimSpace(m[2])
		}
	}
	return "no reason given"
}

// The slowest tests are named, for ./test is to stay quick.
const (
	slowTest  = 5 // seconds
	slowShown = 15
)

// finish prints the summary and reports whether anything failed.
func (r *report) finish() bool {
	total := r.counts["pass"] + r.counts["fail"] + r.counts["skip"]
	fmt.Fprintf(r.out, "\n%d tests: %d passed, %d failed, %d skipped\n", total, r.counts["pass"], r.counts["fail"], r.counts["skip"])
	reasons := slices.SortedFunc(maps.Keys(r.skipped), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(r.skipped[b]), len(r.skipped[a])), cmp.Compare(a, b))
	})
	for _, why := range reasons {
		tests := r.skipped[why]
		const shown = 3
		names := strings.Join(tests[:min(shown, len(tests))], ", ")
		if more := len(tests) - shown; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		fmt.Fprintf(r.out, "  skipped %d: %s (%s)\n", len(tests), why, names)
	}
	slices.SortFunc(r.slow, func(a, b taken) int { return cmp.Compare(b.seconds, a.seconds) })
	for _, t := range r.slow[:min(slowShown, len(r.slow))] {
		fmt.Fprintf(r.out, "  slow: %.0f s %s\n", t.seconds, t.test)
	}
	for _, name := range r.failed {
		fmt.Fprintf(r.out, "  failed: %s\n", name)
	}
	return len(r.failed) > 0
}

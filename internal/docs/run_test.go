package docs

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notRun is how many blocks the tests leave alone. It is written down so that
// one more is a decision.
const notRun = 6

var program = "dbwarden" + map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

// build makes the program and returns its folder.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	c := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version=1.0.0", "-o", filepath.Join(bin, program), "./cmd/dbwarden")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return bin
}

func TestEveryShellBlockDoesWhatThePageSays(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	bin := build(t)
	left := 0
	for _, page := range pages(t) {
		for i := range page.blocks {
			b := &page.blocks[i]
			if !b.shell() {
				continue
			}
			if b.notRun != "" {
				left++
				t.Logf("%s:%d is not run: %s", page.name, b.line, b.notRun)
				continue
			}
			t.Run(fmt.Sprintf("%s:%d", page.name, b.line), func(t *testing.T) {
				t.Parallel()
				runBlock(t, bash, bin, b)
			})
		}
	}
	if left != notRun {
		t.Errorf("%d blocks are not run, and %d should be", left, notRun)
	}
}

func runBlock(t *testing.T, bash, bin string, b *block) {
	var p *project
	if b.inRepo {
		p = repository(t, bin)
	} else {
		name := b.project
		if name == "" {
			name = "applied"
		}
		p = newProject(t, bin, name)
	}
	// Only the last command of a block that expects a code may fail.
	script, expected := b.text, b.exit
	if expected == "0" {
		script = "set -e -o pipefail\n" + script
	}
	c := p.command(bash, "-c", script)
	out, _ := c.CombinedOutput()
	if got := strconv.Itoa(c.ProcessState.ExitCode()); got != expected {
		t.Fatalf("exit code %s instead of %s\n%s", got, expected, out)
	}
	if b.output == nil {
		return
	}
	if line, ok := excerpt(strings.Split(b.output.text, "\n"), strings.Split(masked(string(out), p.dir), "\n")); !ok {
		t.Fatalf("the page says that this comes, here and in this order:\n%s\nwhat came:\n%s", line, out)
	}
}

// leftOut is a line of a page that stands for any number of them.
const leftOut = "…"

// excerpt says whether what came is what a page shows of it, or which line of
// the page is not there.
func excerpt(page, came []string) (line string, ok bool) {
	filled := func(lines []string) []string {
		return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.TrimSpace(l) == "" })
	}
	page, came = filled(page), filled(came)
	anywhere := !slices.ContainsFunc(page, func(l string) bool { return strings.TrimSpace(l) == leftOut })
	skip := anywhere
	for _, line := range page {
		if strings.TrimSpace(line) == leftOut {
			skip = true
			continue
		}
		i := slices.Index(came, masked(line, ""))
		if i < 0 || i > 0 && !skip {
			return line, false
		}
		came, skip = came[i+1:], anywhere
	}
	if len(came) > 0 && !skip {
		return "nothing behind " + page[len(page)-1], false
	}
	return "", true
}

func TestExcerptsLeaveOutLinesOnlyWhereTheySaySo(t *testing.T) {
	t.Parallel()
	came := []string{"a", "", "b", "c", "d"}
	for _, c := range []struct {
		page string
		ok   bool
	}{
		{"a\nd", true}, {"d\na", false}, {"a\nx", false},
		{"a\n…\nd", true}, {"…\nb\nc\n…", true}, {"a\nb\n…", true},
		{"a\nc\n…", false}, {"b\n…", false}, {"a\n…\nc", false}, {"a\n…\nb\nd", false},
	} {
		if line, ok := excerpt(strings.Split(c.page, "\n"), came); ok != c.ok {
			t.Errorf("%q: %v at %q", c.page, ok, line)
		}
	}
}

// masks make one of what differs from run to run.
var masks = []struct {
	what *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`(\S*/)?[0-9]{8}T[0-9]{6}\.[0-9]{3}Z`), "BACKUP"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?`), "TIME"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "RUN"},
	{regexp.MustCompile(`[0-9a-f]{64}`), "SUM"},
	{regexp.MustCompile(`[0-9]+h [0-9]{2}m|[0-9]+m [0-9]{2}s|[0-9]+\.[0-9]{2}s`), "TOOK"},
	{regexp.MustCompile(`("[a-z]+_ms": ?)[0-9]+`), "${1}MS"},
	{regexp.MustCompile(`session +\S+, \S+, process [0-9]+`), "SESSION"},
	{regexp.MustCompile(`process [0-9]+ on \S+: kill [0-9]+`), "PROCESS"},
	{regexp.MustCompile(`(pid|"pid":) [0-9]+`), "${1} PID"},
	{regexp.MustCompile(`alice@[\w.-]+`), "alice@HOST"},
	{regexp.MustCompile(`(SQLite |"version": ")[0-9]+\.[0-9]+\.[0-9]+`), "${1}VERSION"},
	{regexp.MustCompile(`go1\.[0-9a-z.]+`), "GO"},
	{regexp.MustCompile(`(linux|darwin|windows|freebsd)/[a-z0-9]+`), "PLATFORM"},
	{regexp.MustCompile(`-{3,}`), "---"},
	{regexp.MustCompile(` +`), " "},
	{regexp.MustCompile(`(?m)^ | $`), ""},
}

func masked(text, dir string) string {
	if dir != "" {
		text = strings.ReplaceAll(text, dir, "/srv/shop")
	}
	for _, m := range masks {
		text = m.what.ReplaceAllString(text, m.to)
	}
	return text
}

// SQLite knows no NOW(): the page's statement for it must do what the page
// says.
func TestTheLockCanBeReleasedByHandOnSQLite(t *testing.T) {
	t.Parallel()
	page := docsPage(t, "lock.md")
	bin := build(t)
	for i := range page.blocks {
		if b := &page.blocks[i]; b.language == "sql" && strings.Contains(b.text, "CURRENT_TIMESTAMP") {
			p := newProject(t, bin, "frozen")
			p.sql(b.text)
			if got := p.dbwarden(0, "lock-status", "--exit-code"); got != "Migration lock: INACTIVE\n" {
				t.Errorf("%s:%d: %s", page.name, b.line, got)
			}
			return
		}
	}
	t.Error("docs/lock.md shows no statement with CURRENT_TIMESTAMP")
}

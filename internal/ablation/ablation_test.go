package ablation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

const root = "../.."

// TestEachSafeguardIsMissed takes every safeguard out, one at a time: its test
// must fail then. A change that does not compile proves nothing and fails
// here.
func TestEachSafeguardIsMissed(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the tests once for every safeguard: not with -short")
	}
	if raced {
		t.Skip("what it runs is not tested with the race detector: go test without -race does it")
	}
	for _, v := range []string{dbtest.PostgresVariable, dbtest.MariaDBVariable} {
		if os.Getenv(v) == "" {
			t.Skipf("the tests that it runs need servers, named by %s: ./test starts them", v)
		}
	}
	t.Parallel()
	for _, s := range safeguards {
		t.Run(strings.ReplaceAll(s.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			overlay := s.without(t)
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-count=1", "-timeout=3m", "-run", "^"+s.test+"$", s.pkg)
			cmd.Dir = root
			// In the environment, since some tests build the program.
			cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay)
			cmd.WaitDelay = 10 * time.Second
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			failed := bytes.Contains(out, []byte("--- FAIL: "+s.test)) || bytes.Contains(out, []byte("panic: test timed out"))
			switch {
			case err == nil:
				t.Errorf("%s passes without it:\n%s", s.test, out)
			case !errors.As(err, &exit), !failed:
				t.Errorf("%s was not run: %v\n%s", s.test, err, out)
			}
		})
	}
}

// without writes what the go command is to read in place of the file.
func (s safeguard) without(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, s.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), s.from); n != 1 {
		t.Fatalf("%s has the safeguard's text %d times, want once:\n%s", s.file, n, s.from)
	}
	changed := filepath.Join(t.TempDir(), filepath.Base(s.file))
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), s.from, s.to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	name := changed + ".json"
	if err := os.WriteFile(name, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestEachSafeguardStandsInTheCode needs no servers: whoever moves one is told at once.
func TestEachSafeguardStandsInTheCode(t *testing.T) {
	t.Parallel()
	for _, s := range safeguards {
		t.Run(strings.ReplaceAll(s.name, " ", "_"), func(t *testing.T) { s.without(t) })
	}
}

// TestThePageListsTheSafeguards keeps docs/lock-protocol.md to the list.
func TestThePageListsTheSafeguards(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "lock-protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## What fails without each safeguard")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| ([^|]+) \\| `(Test[A-Za-z0-9_/]+)` \\|").FindAllStringSubmatch(section, -1) {
		listed = append(listed, row[1]+": "+row[2])
	}
	var want []string
	for _, s := range safeguards {
		want = append(want, s.name+": "+s.test)
	}
	if !slices.Equal(listed, want) {
		t.Errorf("the page lists\n  %s\nand the tests know\n  %s", strings.Join(listed, "\n  "), strings.Join(want, "\n  "))
	}
}

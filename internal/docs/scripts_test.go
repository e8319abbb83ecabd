package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scripts are those that a contributor runs, with whatever bash is there:
// macOS has 3.2.
var scripts = []string{"test", "quick", "internal/dbtest/need-go"}

func TestTheScriptsAreWrittenForBash32(t *testing.T) {
	t.Parallel()
	comment := regexp.MustCompile(`(?m)^[ \t]*#.*$`)
	// Before 4.4 an empty array counts as unset, which set -u forbids.
	guarded := regexp.MustCompile(`\$\{\w+\[@\]\+"\$\{\w+\[@\]\}"\}`)
	newer := regexp.MustCompile(`\$\{\w+\[@\]\}|mapfile|readarray|(declare|local|typeset) -[An]|\$\{\w+(,|\^)|&>>|\|&|;;?&|wait -n|\$\{\w+@|\[-1\]|EPOCHSECONDS`)
	for _, name := range scripts {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		rest := guarded.ReplaceAllString(comment.ReplaceAllString(string(text), ""), "")
		for i, line := range strings.Split(rest, "\n") {
			if m := newer.FindString(line); m != "" {
				t.Errorf("%s:%d: %q is not for bash 3.2: %s", name, i+1, m, line)
			}
		}
	}
}

func TestTheScriptsSayWhichGoTheyNeed(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	for _, c := range []struct{ name, answer, want string }{
		{"much older", "echo go1.9", "is go1.9; this needs Go "},
		{"older", "echo go1.25.9", "is go1.25.9; this needs Go "},
		{"refusing", "exit 1", "this needs Go "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fake := "#!/bin/sh\n[ \"$1 $2\" != 'env GOVERSION' ] || { " + c.answer + "; exit; }\necho the script went on; exit 99\n"
			if err := os.WriteFile(filepath.Join(dir, "go"), []byte(fake), 0o777); err != nil {
				t.Fatal(err)
			}
			for _, script := range []string{"test", "quick"} {
				cmd := exec.CommandContext(t.Context(), bash, filepath.Join(root, script))
				cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
				out, err := cmd.CombinedOutput()
				if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), c.want) {
					t.Errorf("./%s: %v, without %q:\n%s", script, err, c.want, out)
				}
			}
		})
	}
}

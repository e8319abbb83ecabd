package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What each shell offers, by the script that the program writes for it, where
// a person presses Tab behind a line: commands, versions from the folder, and
// names of databases.
func TestEachShellCompletes(t *testing.T) {
	t.Parallel()
	for _, shell := range []struct {
		program, script string // what is run, with the line in $LINE, and prints an offer a line
		needs           string
	}{
		// bash lets compopt be called by nobody but Tab.
		{"bash", `compopt() { :; }
source /usr/share/bash-completion/bash_completion
source <(dbwarden completion bash)
read -ra COMP_WORDS <<<"$LINE"
[[ $LINE != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_TYPE=9
__start_dbwarden
printf '%s\n' "${COMPREPLY[@]}"`, "/usr/share/bash-completion/bash_completion"},
		// Only the menu itself is another one: it would need a terminal.
		{"zsh", `compdef() { : }
_describe() { print -l -- "${completions[@]%%:*}" }
source <(dbwarden completion zsh)
words=(${=LINE})
[[ $LINE != *' ' ]] || words+=('')
CURRENT=${#words}
_dbwarden`, ""},
		{"fish", `dbwarden completion fish | source
complete -C "$LINE"`, ""},
		{"pwsh", `dbwarden completion powershell | Out-String | Invoke-Expression
(TabExpansion2 $env:LINE $env:LINE.Length).CompletionMatches.CompletionText`, ""},
	} {
		t.Run(shell.program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell.program); err != nil {
				t.Skipf("%s not found; ./test installs zsh and fish, PowerShell is not in Debian", shell.program)
			}
			if _, err := os.Stat(shell.needs); shell.needs != "" && err != nil {
				t.Skipf("bash-completion: %v; ./test installs what is missing", err)
			}
			dir := t.TempDir()
			for name, text := range map[string]string{
				"warden.toml":                    "[databases.main]\ndefault = true\ndatabase_url = \"sqlite:///main.db\"\n[databases.logs]\ndatabase_url = \"sqlite:///logs.db\"\nmigrations_dir = \"l\"\n",
				"migrations/0001_users.sql":      "-- upgrade\n",
				"migrations/20261126_orders.sql": "-- upgrade\n",
				"l/0007_lines.sql":               "-- upgrade\n",
			} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			for line, want := range map[string][]string{
				"dbwarden lock":                {"lock-status"},
				"dbwarden rollback -t ":        {"0001", "20261126"},
				"dbwarden -d logs migrate -t ": {"0007"},
				"dbwarden status -d ":          {"logs", "main"},
			} {
				c := exec.CommandContext(t.Context(), shell.program, "-c", shell.script)
				c.Dir = dir
				c.Env = append(os.Environ(), "PATH="+program+string(os.PathListSeparator)+os.Getenv("PATH"), "LINE="+line, "HOME="+dir, "XDG_DATA_HOME="+dir)
				out, err := c.CombinedOutput()
				if err != nil && len(out) == 0 {
					t.Fatalf("%q: %v", line, err)
				}
				var got []string
				for offer := range strings.Lines(string(out)) {
					word, _, _ := strings.Cut(strings.TrimSpace(offer), "\t")
					// Where one offer alone is left, bash has no description beside it.
					got = append(got, strings.Fields(word)[0])
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%q offers %q, want %q\n%s", line, got, want, out)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "main.db")); err == nil {
				t.Error("completing has made a database")
			}
		})
	}
}

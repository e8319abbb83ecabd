package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(withoutBlocks(page.text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := page.name
			if file != "" {
				target = filepath.Join(filepath.Dir(page.name), file)
			}
			text, err := os.ReadFile(filepath.Join(root, target))
			if err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", page.name, m[1], err)
				continue
			}
			if anchor != "" && !anchors(string(text))[anchor] {
				t.Errorf("%s: the link %s names a heading that is not there", page.name, m[1])
			}
		}
	}
}

// Whoever opens a long page sees what stands on it, and of the first page where
// to go, before scrolling.
func TestLongPagesBeginWithWhatIsOnThem(t *testing.T) {
	t.Parallel()
	heading := regexp.MustCompile(`(?m)^## (.*)$`)
	for _, name := range []string{"library.md", "observability.md", "coming-from.md"} {
		page := docsPage(t, name)
		text := withoutBlocks(page.text)
		top, _, _ := strings.Cut(text, "\n## ")
		for _, m := range heading.FindAllString(text, -1) {
			for anchor := range anchors(m) {
				if !strings.Contains(top, "](#"+anchor+")") {
					t.Errorf("%s does not begin with a link to %q", page.name, m)
				}
			}
		}
	}
	readme := readPage(t, filepath.Join(root, "README.md"))
	top, _, _ := strings.Cut(readme.text, "\n## ")
	for _, to := range []string{"quickstart-cli.md", "quickstart-go.md", "quickstart-kubernetes.md", "coming-from.md", "lock.md#at-0300", "README.md"} {
		if !strings.Contains(top, "](docs/"+to+")") {
			t.Errorf("README.md does not begin with a link to docs/%s", to)
		}
	}
}

// The tour names files; those that move take their names along.
func TestEveryFileThatAPageNamesIsThere(t *testing.T) {
	t.Parallel()
	file := regexp.MustCompile("`([a-z]+/[a-z/_]+\\.go)`")
	for _, page := range pages(t) {
		for _, m := range file.FindAllStringSubmatch(page.text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names a file that is not there: %v", page.name, err)
			}
		}
	}
}

// withoutBlocks leaves out what is fenced.
func withoutBlocks(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
}

// anchors are the headings as links spell them: one that was there before
// gets a number.
func anchors(text string) map[string]bool {
	out, times := map[string]bool{}, map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(withoutBlocks(text), -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		name := strings.ReplaceAll(plain, " ", "-")
		if n := times[name]; n > 0 {
			out[fmt.Sprintf("%s-%d", name, n)] = true
		}
		times[name]++
		out[name] = true
	}
	return out
}

// Whatever the program has must be told of: each row names the source that
// lists such things, how one is spelled there, and the page.
func TestThePagesLeaveNothingOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, source, spelled, page, told string }{
		{"exit code", "internal/cli/exit.go", `exit[A-Z]\w+ += ([0-9]+)`, "docs/commands.md", "| %s |"},
		{"exit code", "internal/cli/exit.go", `exit[A-Z]\w+ += ([0-9]+)`, "README.md", "| %s |"},
		{"key", "internal/config/keys.go", `key[A-Z]\w+ += "([a-z_.]+)"`, "docs/configuration.md", "`%s`"},
		{"variable", "internal/config/choose.go", `"((?:DBWARDEN_|DATABASE_)[A-Z_]+)"`, "docs/configuration.md", "`%s`"},
		{"header", "migration/directive.go", `name: "([a-z_]+)"`, "docs/migrations.md", "-- %s"},
		{"code of an error", "internal/cli/report.go", `Code(?:, d\.[A-Z]\w+)* = "([a-z_]+)"`, "docs/json.md", "`%s`"},
		{"code of a refusal", "plan/refusal.go", `Code += "([a-z_]+)"`, "docs/json.md", "`%s`"},
		{"event", "event/event.go", `Kind = "([a-z_]+)"`, "docs/json.md", "`%s`"},
		{"event of the journal", "journal/journal.go", `What = "([a-z ]+)"`, "docs/json.md", "`%s`"},
		{"state of a migration", "status.go", `MigrationState = "([a-z_]+)"`, "docs/json.md", "`%s`"},
		{"state of a migration", "status.go", `MigrationState = "([a-z_]+)"`, "docs/commands.md", "`%s`"},
		{"verdict", "lock/status.go", `Verdict = "([a-z ]+)"`, "docs/json.md", "`%s`"},
		{"column of the lock's table", "lock/row.go", `\{"([a-z_]+)", (?:func|text)`, "docs/lock.md", "`%s`"},
		{"module", "go.mod", `(?m)^\t(\S+) v\S+$`, "docs/dependencies.md", "`%s`"},
	} {
		source, err := os.ReadFile(filepath.Join(root, c.source))
		if err != nil {
			t.Fatal(err)
		}
		text := readPage(t, filepath.Join(root, c.page)).text
		found := regexp.MustCompile(c.spelled).FindAllStringSubmatch(string(source), -1)
		if len(found) < 3 {
			t.Errorf("%s lists only %d of: %s", c.source, len(found), c.what)
		}
		for _, m := range found {
			if told := strings.ReplaceAll(c.told, "%s", m[1]); !strings.Contains(text, told) {
				t.Errorf("%s does not tell of the %s %s (%s)", c.page, c.what, m[1], told)
			}
		}
	}
}

// commands and flags as the program's own help lists them.
var (
	helpCommand = regexp.MustCompile(`(?m)^  ([a-z-]+) +`)
	helpFlag    = regexp.MustCompile(`(?m)^ +(?:-([a-z]), )? *--([a-z-]+)`)
)

func TestEveryCommandAndFlagIsInThePageOfCommands(t *testing.T) {
	t.Parallel()
	text := docsPage(t, "commands.md").text
	bin := filepath.Join(build(t), program)
	help := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), bin, append(args, "-h")...).Output()
		if err != nil {
			t.Fatalf("dbwarden %s -h: %v", strings.Join(args, " "), err)
		}
		return string(out)
	}
	flags := func(where, help string) {
		_, after, _ := strings.Cut(help, "\nFlags:\n")
		own, _, _ := strings.Cut(after, "\nGlobal Flags:\n")
		for _, m := range helpFlag.FindAllStringSubmatch(own, -1) {
			for _, told := range []string{"-" + m[1], "--" + m[2]} {
				if told != "-" && !regexp.MustCompile("`"+told+"[` ]").MatchString(section(text, where)) {
					t.Errorf("docs/commands.md does not tell of %s below %q", told, where)
				}
			}
		}
	}
	top := help()
	flags("Flags everywhere", top)
	_, list, _ := strings.Cut(top, "Available Commands:")
	list, _, _ = strings.Cut(list, "\nFlags:")
	found := helpCommand.FindAllStringSubmatch(list, -1)
	if len(found) < 10 {
		t.Fatalf("the help lists only %d commands", len(found))
	}
	for _, m := range found {
		name := m[1]
		if section(text, name) == "" {
			t.Errorf("docs/commands.md has no section %q", name)
			continue
		}
		if name != "help" {
			flags(name, help(name))
		}
	}
	for _, code := range []string{"129", "130", "143"} {
		if !strings.Contains(text, code) {
			t.Errorf("docs/commands.md does not tell of the exit code %s", code)
		}
	}
}

// section is the text below a heading; --help, which every command has, is
// told of once.
func section(text, heading string) string {
	m := regexp.MustCompile(`(?m)^##+ ` + regexp.QuoteMeta(heading) + `$`).FindStringIndex(text)
	if m == nil {
		return ""
	}
	rest := text[m[1]:]
	if end := regexp.MustCompile(`(?m)^##+ `).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	return rest + "`-h` `--help`"
}

// Every command's JSON is described in the page of machine output, in a
// section of its own or by name; those that print none are named, too.
func TestEveryDocumentIsInThePageOfMachineOutput(t *testing.T) {
	t.Parallel()
	text := docsPage(t, "json.md").text
	out, err := exec.CommandContext(t.Context(), filepath.Join(build(t), program), "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(out), "Available Commands:")
	list, _, _ = strings.Cut(list, "\nFlags:")
	found := helpCommand.FindAllStringSubmatch(list, -1)
	if len(found) < 20 {
		t.Fatalf("the help lists only %d commands", len(found))
	}
	for _, m := range found {
		heading := regexp.MustCompile(`(?m)^##+ (?:.*, )?` + regexp.QuoteMeta(m[1]) + `(?:,.*)?$`)
		if !heading.MatchString(text) && !strings.Contains(text, "`"+m[1]+"`") && !strings.Contains(text, "`"+m[1]+" ") {
			t.Errorf("docs/json.md does not tell of the document of dbwarden %s", m[1])
		}
	}
}

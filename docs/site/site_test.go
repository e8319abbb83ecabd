package main

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// built is the site, made once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func site(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "dbwarden-site-test"); built.err == nil {
			os.Remove(built.dir) // a folder that is not there is made
			_, built.err = build("../..", built.dir)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

// readIndex gives the text of each passage of the search's index, by its place.
func readIndex(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list [][5]string
	text := strings.TrimSuffix(strings.TrimPrefix(string(data), "searchIndex("), ");\n")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range list {
		if _, twice := out[p[0]+"#"+p[1]]; twice {
			t.Errorf("%s#%s is twice in the index", p[0], p[1])
		}
		out[p[0]+"#"+p[1]] = p[4]
	}
	return out
}

var (
	href = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	id   = regexp.MustCompile(` id="([^"]+)"`)

	headingIDs = regexp.MustCompile(`<h[23] id="([^"]+)"`)
	scripts    = regexp.MustCompile(`<script[^>]*>`)
)

// Every link of every page leads to a page, an image or a heading that is on
// the site; every page of docs can be reached from the navigation; every
// command has its section.
func TestTheSiteIsWhole(t *testing.T) {
	out := site(t)
	files, err := filepath.Glob(filepath.Join(out, "*.html"))
	if err != nil {
		t.Fatal(err)
	}
	texts, names := map[string]string{}, map[string]map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(f)
		texts[base], names[base] = string(text), map[string]bool{}
		for _, m := range id.FindAllStringSubmatch(string(text), -1) {
			if names[base][html.UnescapeString(m[1])] {
				t.Errorf("%s: two things are called %s", base, m[1])
			}
			names[base][html.UnescapeString(m[1])] = true
		}
		if found := fmt.Sprint(scripts.FindAllString(string(text), -1)); found != `[<script src="search.js" defer>]` || strings.Contains(string(text), "raw HTML omitted") {
			t.Errorf("%s has the scripts %s, or HTML that was left out", base, found)
		}
	}
	followed := 0
	for base, text := range texts {
		for _, m := range href.FindAllStringSubmatch(text, -1) {
			to := html.UnescapeString(m[1])
			if strings.HasPrefix(to, repository) {
				if _, err := os.Stat(filepath.Join("../..", strings.TrimPrefix(to, repository))); err != nil {
					t.Errorf("%s: %s is not in the repository", base, to)
				}
				continue
			}
			if strings.Contains(to, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(to, "#")
			if file == "" {
				file = base
			}
			if _, err := os.Stat(filepath.Join(out, file)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", base, to)
			} else if anchor != "" && !names[file][anchor] {
				t.Errorf("%s: the link %s names a heading that is not there", base, to)
			}
			followed++
		}
	}
	if followed < 1000 {
		t.Errorf("only %d links were followed", followed)
	}
	sources, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	menu, _, _ := strings.Cut(texts["index.html"], "<main")
	for _, s := range sources {
		target := targetOf("docs/" + filepath.Base(s))
		if texts[target] == "" {
			t.Errorf("%s has no page", s)
		}
		if !strings.Contains(menu, `href="`+target+`"`) {
			t.Errorf("docs/README.md does not lead to %s", s)
		}
	}
	if !regexp.MustCompile(`As of <strong>[A-Z][a-z]+ 20\d\d</strong>`).MatchString(texts["comparison.html"]) {
		t.Error("the comparison does not say of when it is")
	}
	// Code is coloured, and stays what it was.
	for name, want := range map[string]string{"quickstart-cli.html": `<span class="k">CREATE</span>`, "configuration.html": `<span class="s">`, "library.html": `<span class="k">func</span>`, "automation.html": `<span class="f">`} {
		if !strings.Contains(texts[name], want) {
			t.Errorf("%s has no %s", name, want)
		}
	}
	for _, command := range []string{"migrate", "rollback", "status", "lock-status", "unlock", "check", "help"} {
		if !names["reference.html"][command] {
			t.Errorf("the reference has no section %s", command)
		}
	}
}

// TestColouringKeepsTheCode: what is shown, and copied, is what was written.
func TestColouringKeepsTheCode(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`</?span[^>]*>`)
	for language, codes := range map[string][]string{
		"sql":  {"-- upgrade\nCREATE TABLE \"a<b\" (n int DEFAULT '&amp;');\n", "DO $$ BEGIN END $$;\n", "'not ended\n"},
		"bash": {"dbwarden migrate --to-version 1 <<'X' && echo \"$A\"\n", "cat > a <<'SQL'\n-- upgrade\nSQL\ncat > b <<'SQL'\nSELECT 1;\nSQL\nls\n", "cat <<'SQL'\nno end", "cat <<'SQL'\n\nSQL\n"},
		"toml": {"[run]\nlock_timeout = \"3s\" # short\n"}, "go": {"func main() { x := `a` }\n"}, "yaml": {"a: [b]\n"}, "json": {"{\"a\": 1}\n"}, "": {"<b>\n"}, "text": {"…\n"}, "nolang": {"x\n"},
	} {
		for _, code := range codes {
			if got := html.UnescapeString(tag.ReplaceAllString(coloured(language, code), "")); got != code {
				t.Errorf("%s: %q has become %q", language, code, got)
			}
		}
	}
}

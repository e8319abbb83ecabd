// Package checktest reads the examples of docs/check.md for the tests that run
// them: the page shows of each rule what it finds and what it does not, and
// both are judged, and run on the product.
package checktest

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Example is a bad or a good piece of SQL of the page.
type Example struct {
	Rule  string
	Bad   bool
	Fails bool // the product refuses it
	From  int  // the major version that it needs; 0: any
	Files []string
	Line  int
}

// Page is what stands in docs/check.md about one product.
type Page struct {
	Setup    string
	Rules    []string
	Prose    map[string]string // what stands between a rule's heading and its first block
	Examples []Example
}

// next stands between two migrations of an example.
const next = "-- next migration\n"

var version = regexp.MustCompile(`from (?:PostgreSQL|MariaDB|SQLite) ([0-9]+)`)

// Read reads the sections with these headings of the page at path. The
// first block below the first one that has it is the schema of the examples.
func Read(t testing.TB, path string, headings ...string) *Page {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{Prose: map[string]string{}}
	var rule, label, section string
	var block []string
	open, from := "", 0
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case open != "" && line == "```":
			body := strings.Join(block, "\n")
			if open == "sql" && slices.Contains(headings, section) {
				p.block(t, rule, label, body, from)
			}
			open, block, label = "", nil, ""
		case open != "":
			block = append(block, line)
		case strings.HasPrefix(line, "```"):
			open, from = strings.TrimPrefix(line, "```"), i+1
		case strings.HasPrefix(line, "## "):
			section, rule = strings.TrimPrefix(line, "## "), ""
		case strings.HasPrefix(line, "### "):
			rule = strings.TrimPrefix(line, "### ")
			if slices.Contains(headings, section) {
				p.Rules = append(p.Rules, rule)
			}
		case strings.HasPrefix(line, "Bad"), strings.HasPrefix(line, "Good"):
			label = line
		default:
			if rule != "" {
				p.Prose[rule] += line + "\n"
			}
		}
	}
	if p.Setup == "" || len(p.Examples) == 0 {
		t.Fatalf("%s has no examples below %q", path, headings)
	}
	return p
}

func (p *Page) block(t testing.TB, rule, label, body string, line int) {
	switch {
	case rule == "" && p.Setup == "":
		p.Setup = body
	case rule == "":
	case label == "":
		t.Errorf("line %d: this block is neither bad nor good", line)
	default:
		e := Example{Rule: rule, Bad: strings.HasPrefix(label, "Bad"), Fails: strings.Contains(label, "refuse"), Line: line}
		if m := version.FindStringSubmatch(label); m != nil {
			e.From, _ = strconv.Atoi(m[1])
		}
		e.Files = strings.Split(body, next)
		p.Examples = append(p.Examples, e)
	}
}

// Migrations makes a folder of the page's schema and of files: an example's
// pieces without markers are upgrades.
func Migrations(t testing.TB, e *engine.Engine, setup string, files []string) *migration.Set {
	t.Helper()
	folder := fstest.MapFS{"0001_setup.sql": {Data: []byte("-- upgrade\n" + setup + "\n-- rollback\n")}}
	for i, f := range files {
		if !strings.Contains(f, "-- upgrade") {
			f = "-- upgrade\n" + f
		}
		folder["000"+strconv.Itoa(i+2)+"_example.sql"] = &fstest.MapFile{Data: []byte(f)}
	}
	set, err := migration.Load(folder, e.Lexis)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Judge checks an example.
func Judge(t testing.TB, p *check.Product, e *engine.Engine, v engine.Server, setup string, ex Example) *check.Report {
	t.Helper()
	severity := map[string]check.Severity{}
	for _, r := range check.AllRules(p) {
		if r.Severity == check.Off && r.ID == ex.Rule {
			severity[r.ID] = check.Info
		}
	}
	if !strings.Contains(strings.Join(ex.Files, ""), "-- upgrade") {
		for _, rule := range []string{"no-rollback", "empty-rollback", "rollback-incomplete"} {
			severity[rule] = check.Off
		}
	}
	r, err := check.Run(Migrations(t, e, setup, ex.Files), check.Options{Product: p, Engine: e, Server: v, Severity: severity, Unjudged: true,
		Checked: func(m *migration.Migration) bool { return m.Version.String() != "0001" }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Expect says whether exactly the example's rule found something, or nothing.
func Expect(t testing.TB, ex Example, r *check.Report) {
	t.Helper()
	found := map[string]string{}
	for _, f := range r.Findings {
		found[f.Rule.ID] = f.Message
	}
	switch {
	case ex.Bad && (len(found) != 1 || found[ex.Rule] == ""):
		t.Errorf("docs/check.md:%d: the bad example of %s finds %v", ex.Line, ex.Rule, found)
	case !ex.Bad && len(found) > 0:
		t.Errorf("docs/check.md:%d: the good example of %s finds %v", ex.Line, ex.Rule, found)
	}
}

// Prose says whether the page tells of each rule what the program does.
func Prose(t testing.TB, page *Page, rules []check.Rule) {
	t.Helper()
	for _, r := range rules {
		text := page.Prose[r.ID]
		words := strings.Join(strings.Fields(text), " ")
		for _, want := range []string{string(r.Severity), r.Title, r.Why} {
			if !strings.Contains(strings.ToLower(words), strings.ToLower(want)) {
				t.Errorf("docs/check.md does not say of %s: %s", r.ID, want)
			}
		}
		if sized := strings.Contains(words, "by the size of the table"); sized != r.Sized {
			t.Errorf("docs/check.md says of %s that its severity goes by the size of the table: %v", r.ID, sized)
		}
	}
}

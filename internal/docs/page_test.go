package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the module's folder, seen from here.
const root = "../.."

// A page is one file of the documentation.
type page struct {
	name   string // from the root, with slashes
	text   string
	blocks []block
}

// A block is a fenced piece of a page.
type block struct {
	line     int
	language string
	text     string

	// Of the comments above it.
	project string
	inRepo  bool
	exit    string // "0" unless it says so
	notRun  string // why
	file    string // the migration that a recipe's block is
	finds   string // the rule of check that finds a recipe's block dangerous

	output *block // the text or json block behind a shell block
}

func (b *block) shell() bool { return b.language == "bash" || b.language == "sh" }

// pages reads README.md and docs.
func pages(t *testing.T) []*page {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no pages in docs: %v", err)
	}
	var out []*page
	for _, name := range append(names, filepath.Join(root, "README.md"), filepath.Join(root, "CHANGELOG.md")) {
		out = append(out, readPage(t, name))
	}
	return out
}

func readPage(t *testing.T, name string) *page {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{name: filepath.ToSlash(rel), text: string(text)}
	p.parse(t)
	return p
}

// docsPage reads one page of docs.
func docsPage(t *testing.T, name string) *page {
	t.Helper()
	return readPage(t, filepath.Join(root, "docs", name))
}

var directive = regexp.MustCompile(`^<!-- (.+?): *(.*?) *-->$`)

// parse finds the blocks. A directive belongs to the block right below it;
// an output to the shell block before it, when nothing but prose without a
// heading stands between them.
func (p *page) parse(t *testing.T) {
	t.Helper()
	next := block{exit: "0"}
	var open *block
	shell := -1 // the block that an output would belong to
	var body []string
	for i, line := range strings.Split(p.text, "\n") {
		switch {
		case open != nil && line == "```":
			open.text = strings.Join(body, "\n")
			p.blocks = append(p.blocks, *open)
			switch {
			case open.shell():
				shell = len(p.blocks) - 1
			case shell >= 0 && (open.language == "text" || open.language == "json"):
				p.blocks[shell].output, shell = open, -1
			default:
				shell = -1
			}
			open, body, next = nil, nil, block{exit: "0"}
		case open != nil:
			body = append(body, line)
		case strings.HasPrefix(line, "```"):
			b := next
			b.line, b.language = i+1, strings.TrimPrefix(line, "```")
			open = &b
		case strings.HasPrefix(line, "<!--"):
			m := directive.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s:%d: this comment is no directive: %s", p.name, i+1, line)
			}
			switch key, value := m[1], m[2]; {
			case key == "not run" && value == "":
				t.Errorf("%s:%d: a block is not run, and nobody says why", p.name, i+1)
			case key == "not run":
				next.notRun = value
			case key == "project":
				next.project = value
			case key == "file":
				next.file = value
			case key == "finds":
				next.finds = value
			case key == "in" && value == "repository":
				next.inRepo = true
			case key == "expect" && strings.HasPrefix(value, "exit "):
				next.exit = strings.TrimPrefix(value, "exit ")
			default:
				t.Errorf("%s:%d: unknown directive %q", p.name, i+1, line)
			}
		case strings.HasPrefix(line, "#"):
			shell = -1
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: this block has no end", p.name, open.line)
	}
}

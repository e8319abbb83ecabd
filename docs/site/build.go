package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// repository is where links lead to files that are no pages.
const repository = "https://github.com/dbwarden-go/dbwarden/blob/main/"

//go:embed page.html style.css search.js
var own embed.FS

// A page is one Markdown file and what becomes of it.
type page struct {
	source string // from the repository's root
	target string // the name of the file
	Title  string
	Body   template.HTML
	TOC    []heading

	passages []*passage
}

type heading struct {
	Text, ID string
}

// A group is a part of the navigation.
type group struct {
	Title string
	Links []link
}

type link struct {
	Title, Target string
	Here          bool
}

// targets are the sources that are not called after their page.
var targets = map[string]string{
	"docs/README.md":  "index.html",
	"README.md":       "readme.html",
	"CHANGELOG.md":    "changelog.html",
	"CONTRIBUTING.md": "contributing.html",
	"SECURITY.md":     "security.html",
}

// build writes the site of the repository in root into the folder out, and
// says how many pages it has. Pages that are there are written over.
func build(root, out string) (int, error) {
	sources, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return 0, err
	}
	texts := map[string]string{}
	for name := range targets {
		sources = append(sources, filepath.Join(root, name))
	}
	for _, s := range sources {
		text, err := os.ReadFile(s)
		if err != nil {
			return 0, err
		}
		rel, err := filepath.Rel(root, s)
		if err != nil {
			return 0, err
		}
		texts[filepath.ToSlash(rel)] = string(text)
	}
	reference, err := commands(root)
	if err != nil {
		return 0, err
	}
	texts["docs/reference.md"] = reference

	pages := map[string]*page{}
	for source, text := range texts {
		p, err := render(source, text, texts)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", source, err)
		}
		pages[source] = p
	}
	if err := write(root, out, texts["docs/README.md"], pages); err != nil {
		return 0, err
	}
	return len(pages), nil
}

func write(root, out, index string, pages map[string]*page) error {
	t, err := template.ParseFS(own, "page.html")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	for _, p := range pages {
		var b bytes.Buffer
		if err := t.Execute(&b, map[string]any{"Page": p, "Groups": groups(index, pages, p)}); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, p.target), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	var all []*passage
	for _, source := range slices.Sorted(maps.Keys(pages)) {
		all = append(all, pages[source].passages...)
	}
	found, err := searchIndex(all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "search-index.js"), []byte(found), 0o666); err != nil {
		return err
	}
	for _, name := range []string{"style.css", "search.js"} {
		data, err := own.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name), data, 0o666); err != nil {
			return err
		}
	}
	for _, pictures := range []string{"img/*", "bench/*.svg"} {
		found, err := filepath.Glob(filepath.Join(root, "docs", pictures))
		if err != nil {
			return err
		}
		to := filepath.Join(out, filepath.Dir(pictures))
		if err := os.MkdirAll(to, 0o777); err != nil {
			return err
		}
		for _, picture := range found {
			data, err := os.ReadFile(picture)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(to, filepath.Base(picture)), data, 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	section = regexp.MustCompile(`(?m)^## (.+)$`)
	toPage  = regexp.MustCompile(`\]\(([a-z-]+\.md)(?:#[^)]*)?\)`)
)

// groups are the navigation as the page "Where to begin" has it: its sections,
// and the pages that each links to. What it does not link to is left out, and
// a test says so.
func groups(index string, pages map[string]*page, here *page) []group {
	out := []group{{"", []link{{"Where to begin", "index.html", here.target == "index.html"}}}}
	heads := section.FindAllStringSubmatchIndex(index, -1)
	for i, h := range heads {
		end := len(index)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		g := group{Title: index[h[2]:h[3]]}
		seen := map[string]bool{}
		add := func(source string) {
			if p := pages[source]; p != nil && !seen[source] {
				g.Links = append(g.Links, link{p.Title, p.target, p == here})
				seen[source] = true
			}
		}
		for _, m := range toPage.FindAllStringSubmatch(index[h[1]:end], -1) {
			add("docs/" + m[1])
		}
		if g.Title == "Reference" {
			add("docs/reference.md")
		}
		out = append(out, g)
	}
	return append(out, group{"Project", []link{
		{"README", "readme.html", here.target == "readme.html"}, {"Changelog", "changelog.html", here.target == "changelog.html"},
		{"To contribute", "contributing.html", here.target == "contributing.html"}, {"Security", "security.html", here.target == "security.html"},
	}})
}

// directive is a comment for the tests of the pages.
var directive = regexp.MustCompile(`(?m)^<!--.*-->\n`)

func render(source, md string, texts map[string]string) (*page, error) {
	p := &page{source: source, target: targetOf(source)}
	src := []byte(directive.ReplaceAllString(md, ""))
	g := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(blocks{}, 100))))
	doc := g.Parser().Parse(text.NewReader(src), parser.WithContext(parser.NewContext(parser.WithIDs(&ids{times: map[string]int{}}))))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			id, _ := n.AttributeString("id")
			h := heading{plain(n, src), string(id.([]byte))}
			switch n.Level {
			case 1:
				p.Title = h.Text
			case 2:
				p.TOC = append(p.TOC, h)
			}
		case *ast.Link:
			n.Destination = []byte(follow(source, string(n.Destination), texts))
		case *ast.Image:
			n.Destination = []byte(strings.TrimPrefix(path.Join(path.Dir(source), string(n.Destination)), "docs/"))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return nil, err
	}
	p.passages = passages(p, doc, src)
	var b bytes.Buffer
	if err := g.Renderer().Render(&b, src, doc); err != nil {
		return nil, err
	}
	// A wide table scrolls in a box of its own.
	body := strings.NewReplacer("<table>", `<div class="table" tabindex="0" role="group" aria-label="Table"><table>`, "</table>", "</table></div>", "<th>", `<th scope="col">`, "<th ", `<th scope="col" `).Replace(b.String())
	body = regexp.MustCompile(`<h([23]) id="([^"]+)">(.*?)</h[23]>`).ReplaceAllString(body, `<h$1 id="$2">$3 <a class="anchor" href="#$2" aria-label="link to this section">#</a></h$1>`)
	p.Body = template.HTML(body)
	return p, nil
}

// plain is a heading's text without its marks.
func plain(n ast.Node, src []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := c.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(src))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

func targetOf(source string) string {
	if t := targets[source]; t != "" {
		return t
	}
	return strings.TrimSuffix(path.Base(source), ".md") + ".html"
}

// follow is where a link of a page leads on the site, or in the repository.
func follow(source, to string, texts map[string]string) string {
	if strings.Contains(to, "://") || strings.HasPrefix(to, "#") || strings.HasPrefix(to, "mailto:") {
		return to
	}
	file, anchor, found := strings.Cut(to, "#")
	file = path.Join(path.Dir(source), file)
	switch _, is := texts[file]; {
	case is && found:
		return targetOf(file) + "#" + anchor
	case is:
		return targetOf(file)
	case strings.HasPrefix(file, "docs/img/"):
		return strings.TrimPrefix(file, "docs/")
	}
	return repository + file
}

// ids names headings as the links in the pages do, which are GitHub's names.
type ids struct{ times map[string]int }

var unnamed = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

func (i *ids) Generate(value []byte, _ ast.NodeKind) []byte {
	name := strings.ReplaceAll(unnamed.ReplaceAllString(strings.ToLower(string(value)), ""), " ", "-")
	n := i.times[name]
	i.times[name]++
	if n > 0 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return []byte(name)
}

func (i *ids) Put(value []byte) { i.times[string(value)]++ }

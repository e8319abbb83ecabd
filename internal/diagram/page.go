package diagram

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
)

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// HTML writes the picture as a page of its own: with search, pan and zoom, in
// one file that asks for nothing else. Its policy allows its own script and
// style and nothing more, so that no name in a database can become one. Where
// scripts are off, the picture is still there.
func (p *Picture) HTML() string {
	l := lay(p)
	css := pictureCSS + pageCSS
	title := escape(strings.TrimSpace(p.Title + " schema"))
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html>\n<!-- %s -->\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", Maker)
	fmt.Fprintf(&b, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'\">\n", digest(css), digest(pageJS))
	fmt.Fprintf(&b, "<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#sheet\">Skip to the picture</a>\n", title, css)
	tables, views := 0, 0
	for i := range p.Boxes {
		if p.Boxes[i].View() {
			views++
		} else {
			tables++
		}
	}
	fmt.Fprintf(&b, "<header><h1>%s</h1><p>%s, %s, %s</p>\n", title, count(tables, "table"), count(views, "view"), count(len(p.Lines), "foreign key"))
	b.WriteString(`<div class="tools"><input id="search" type="search" placeholder="Search tables and columns  ( / )" aria-label="Search tables and columns" autocomplete="off" spellcheck="false"><span id="said" role="status" aria-live="polite"></span>
<button id="out" title="Smaller (-)" aria-label="Smaller">−</button><button id="in" title="Larger (+)" aria-label="Larger">+</button><button id="fit" title="All of it (0)">Fit</button><button id="theme" title="Dark or light">Theme</button><button id="print">Print</button></div>
</header>
<main>
<nav aria-label="Tables">
`)
	for _, g := range l.groups {
		fmt.Fprintf(&b, "<h2>%s</h2>\n<ul>\n", escape(g.title))
		for _, m := range g.boxes {
			label := p.Boxes[m].Label
			if strings.TrimSpace(label) == "" {
				label = `"` + label + `"`
			}
			if s := sign(p.Boxes[m].Mark); s != "" {
				label = s + " " + label
			}
			fmt.Fprintf(&b, "<li><a href=\"#b%d\">%s</a></li>\n", m, escape(label))
		}
		b.WriteString("</ul>\n")
	}
	fmt.Fprintf(&b, "</nav>\n<div class=\"sheet\" id=\"sheet\" tabindex=\"-1\">\n%s</div>\n</main>\n<script>%s</script>\n</body>\n</html>\n", l.svg(false), pageJS)
	return b.String()
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// digest is how a policy names a text that it allows.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

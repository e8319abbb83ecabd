package browsertest

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed audit.js
var auditJS string

// Audit says what a person would stumble over on the page as it is shown now.
// The name is that of the picture, where pictures are kept.
func (p *Tab) Audit(name string) []string {
	p.t.Helper()
	var found []string
	p.Eval(auditJS, &found)
	found = append(found, p.Troubles()...)
	scheme := "light"
	if p.screen.Dark {
		scheme = "dark"
	}
	p.picture(fmt.Sprintf("%s-%d-%s", strings.NewReplacer("/", "_", "?", "_", "&", "_").Replace(name), p.screen.Width, scheme))
	return found
}

// mostStops are so many places of a page that the keyboard stops at: those that
// follow are of the same kinds.
const mostStops = 40

// Keyboard goes through the page as a keyboard does, and says what is missing:
// first a link to the content, which shows itself and leads there, and at every
// stop a mark that can be seen, on the screen.
func (p *Tab) Keyboard() (found []string) {
	p.t.Helper()
	p.Eval("document.activeElement.blur(), scrollTo(0, 0)", nil)
	type stop struct {
		Name, Skips   string
		Body          bool
		Marked, Shown bool
	}
	seen := map[string]bool{}
	for i := range mostStops {
		p.Press("Tab")
		var s stop
		p.Eval(stopJS, &s)
		if s.Body || seen[s.Name] {
			break
		}
		seen[s.Name] = true
		if i == 0 && s.Skips == "" {
			found = append(found, "the first stop of the keyboard is no link to the content: "+s.Name)
		}
		if !s.Marked {
			found = append(found, "nothing shows that the keyboard is at "+s.Name)
		}
		if !s.Shown {
			found = append(found, "the keyboard is at a place that is not on the screen: "+s.Name)
		}
	}
	if len(seen) == 0 {
		found = append(found, "the keyboard stops nowhere")
	}
	return found
}

// stopJS tells of the element that has the focus.
const stopJS = `(() => {
	const e = document.activeElement, style = getComputedStyle(e), r = e.getBoundingClientRect();
	const all = [...document.querySelectorAll("*")];
	const wide = (s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2;
	const drawn = [...e.querySelectorAll(":scope > rect, :scope > path")].some((c) => parseFloat(getComputedStyle(c).strokeWidth) >= 2.5);
	const href = e.getAttribute("href") || "";
	return {
		Name: all.indexOf(e) + " <" + e.tagName.toLowerCase() + "> " + (e.getAttribute("aria-label") || e.textContent || e.id).trim().slice(0, 60),
		Body: e === document.body || e === document.documentElement,
		Marked: wide(style) || style.boxShadow !== "none" || (e instanceof SVGElement && drawn),
		Shown: r.width > 0 && r.height > 0 && r.right > 0 && r.bottom > 0 && r.left < innerWidth && r.top < innerHeight,
		Skips: href.startsWith("#") && document.getElementById(href.slice(1)) ? href : "",
	};
})()`

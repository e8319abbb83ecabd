package ui

import (
	"fmt"
	"net/http"
	"strings"
)

// mostTables are listed below a picture; the page of its own has all.
const mostTables = 300

// diagram is the page with the schema's picture, and the same in words.
func (s *Site) diagram(w http.ResponseWriter, r *http.Request, d *database) {
	g := d.diagram.get(r.Context())
	s.show(w, sheet{title: "Diagram", of: d, here: "diagram", inner: many{el("h1", "Diagram"), reading(s, g, func(p Diagram) node {
		if len(p.Tables) == 0 {
			return el("p", "There are no tables yet.")
		}
		var list many
		for _, t := range p.Tables[:min(len(p.Tables), mostTables)] {
			text := many{el("b", t.Name), words(" " + t.Kind + ": " + strings.Join(t.Columns, ", "))}
			if len(t.Refers) > 0 {
				text = append(text, words("; refers to "+strings.Join(t.Refers, ", ")))
			}
			list = append(list, el("li", text))
		}
		return many{
			el("p", class("said"), "Tables and views: "+fmt.Sprint(len(p.Tables))+", as they are now. ", link(d.address("diagram.html"), "With search, pan and zoom")),
			el("div", class("picture"), attr{"tabindex", "0"}, attr{"role", "region"}, labelled("Picture of the schema"),
				el("a", attr{"href", d.address("diagram.html")}, el("img", attr{"src", d.address("diagram.svg")}, attr{"alt", "The tables and their foreign keys; the list below has the same in words"}))),
			el("section", attr{"aria-labelledby", "tables"}, el("h2", id("tables"), "In words"), el("ul", class("tables"), list)),
		}
	})}})
}

// picture sends the picture, or the page around it, which bears the policy for
// its own style and script within.
func (s *Site) picture(w http.ResponseWriter, r *http.Request, d *database, which string) {
	g := d.diagram.get(r.Context())
	if !g.known() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if which == "diagram.svg" {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		send(w, "image/svg+xml", g.value.SVG)
		return
	}
	w.Header().Set("Content-Security-Policy", g.value.policy())
	send(w, "text/html; charset=utf-8", g.value.Page)
}

// policy is the page's own, which stands in it, and what only a header can
// forbid.
func (d Diagram) policy() string {
	_, after, _ := strings.Cut(d.Page, `http-equiv="Content-Security-Policy" content="`)
	own, _, ok := strings.Cut(after, `"`)
	if !ok {
		own = "default-src 'none'"
	}
	return own + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

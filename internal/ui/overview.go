package ui

import (
	"fmt"
	"net/http"
	"sync"
)

// mostDatabases are on one page.
const mostDatabases = 50

// overview is the page of all databases. They are asked at once, and one that
// does not answer keeps the others only as long as the page's patience.
func (s *Site) overview(w http.ResponseWriter, r *http.Request) {
	page, pages := pageOf(r, len(s.all), mostDatabases)
	all := s.all[(page-1)*mostDatabases : min(page*mostDatabases, len(s.all))]
	got := make([]seen[Status], len(all))
	var asked sync.WaitGroup
	for i, d := range all {
		asked.Go(func() { got[i] = d.status.get(r.Context()) })
	}
	asked.Wait()
	t := table{caption: "Databases", head: []string{"Database", "Lock", "Applied", "Pending", "What else", "Where"}, wide: 0}
	held, unknown := 0, 0
	for i, d := range all {
		g := got[i]
		row := []node{link(d.address(), d.Name)}
		switch {
		case g.known():
			st := g.value
			if st.Held {
				held++
			}
			row = append(row, badge(st.LockTone, st.Lock), words(fmt.Sprint(st.Applied)), words(fmt.Sprint(st.Pending)), s.besides(g))
		case g.err != nil:
			unknown++
			row = append(row, badge(Bad, "UNKNOWN"), words("–"), words("–"), words(short(g.err.Error(), 200)))
		default:
			unknown++
			row = append(row, badge(Busy, "no answer yet"), words("–"), words("–"), words("asked "+span(g.behind)+" ago"))
		}
		t.rows = append(t.rows, append(row, words(d.Label)))
	}
	said := "No lock is held."
	if held > 0 {
		said = counted(held, "lock") + " held."
	}
	if unknown > 0 {
		said += " " + counted(unknown, "database") + " not known."
	}
	s.show(w, sheet{title: "Databases", live: true, inner: many{
		el("h1", "Databases"),
		el("p", id("said"), class("said"), attr{"role", "status"}, attr{"aria-live", "polite"}, said),
		el("div", id("all"), attr{"data-live", on}, t.node()),
		turns("databases", page, pages),
	}})
}

// besides is what a status has beside applied and pending.
func (s *Site) besides(g seen[Status]) node {
	text := ""
	add := func(t string) {
		if text != "" {
			text += ", "
		}
		text += t
	}
	for _, c := range g.value.Counts {
		add(fmt.Sprintf("%d %s", c.N, c.What))
	}
	if g.behind > 0 {
		add("read " + span(s.options.Now().Sub(g.at)) + " ago, and no answer since")
	}
	if text == "" {
		text = "–"
	}
	return words(text)
}

// short is a text with an end.
func short(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

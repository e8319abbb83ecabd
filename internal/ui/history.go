package ui

import (
	"fmt"
	"net/http"
)

// history is the page of what is applied.
func (s *Site) history(w http.ResponseWriter, r *http.Request, d *database) {
	g := d.history.get(r.Context())
	s.show(w, sheet{title: "History", of: d, here: "history", inner: many{el("h1", "Migration history"), reading(s, g, func(rs []Revision) node {
		page, pages := pageOf(r, len(rs), eachPage)
		return many{el("p", class("said"), fmt.Sprintf("Applied: %d. Newest first.", len(rs))), rows(revisions(newest(rs, (page-1)*eachPage, eachPage))), turns("the history", page, pages)}
	})}})
}

func revisions(rs []Revision) node {
	if len(rs) == 0 {
		return el("p", "No migrations have been applied yet.")
	}
	t := table{caption: "Applied migrations, newest first", head: []string{"Version", "Order", "Description", "Applied at", "Type", "Took", "By"}, wide: 0}
	for _, r := range rs {
		name := r.Version
		if name == "" {
			name = r.File
		}
		t.rows = append(t.rows, []node{words(name), words(fmt.Sprint(r.Order)), words(r.Description), clock(r.AppliedAt), words(r.Kind), words(r.Took), words(r.By)})
	}
	return t.node()
}

// attempts is the page of the journal.
func (s *Site) attempts(w http.ResponseWriter, r *http.Request, d *database) {
	g := d.attempts.get(r.Context())
	s.show(w, sheet{title: "Attempts", of: d, here: "attempts", inner: many{el("h1", "Migration attempts"), reading(s, g, func(es []Attempt) node {
		if len(es) == 0 {
			return el("p", "No migrations have been applied yet.")
		}
		page, pages := pageOf(r, len(es), eachPage)
		t := table{caption: "Attempts, newest first", head: []string{"What", "Migration", "Statements", "At", "Took", "By", "Detail"}, wide: 1}
		for _, e := range newest(es, (page-1)*eachPage, eachPage) {
			name := e.Migration
			if name == "" {
				name = "–"
			}
			t.rows = append(t.rows, []node{badge(e.Tone, e.What), words(name), words(e.Statements), clock(e.At), words(e.Took), words(e.By), words(short(e.Detail, mostShown))})
		}
		return many{el("p", class("said"), fmt.Sprintf("Every failure, rollback, takeover and forced release too: %d. Newest first.", len(es))), rows(t.node()), turns("the attempts", page, pages)}
	})}})
}

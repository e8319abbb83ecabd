package ui

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Of long lists the first page of a database shows the head.
const (
	headRows  = 8   // of history and of what is open, on the first page
	eachPage  = 100 // rows of a page of a list
	mostShown = 300 // characters of a detail in a row
)

// summary is the first page of a database: its lock, and where it stands.
func (s *Site) summary(w http.ResponseWriter, r *http.Request, d *database) {
	var lock seen[Lock]
	var status seen[Status]
	var history seen[[]Revision]
	var asked sync.WaitGroup
	asked.Go(func() { lock = d.lock.get(r.Context()) })
	asked.Go(func() { status = d.status.get(r.Context()) })
	asked.Go(func() { history = d.history.get(r.Context()) })
	asked.Wait()
	if lock.err != nil {
		// Said once is enough.
		status.err, history.err = besidesThat(lock.err, status.err), besidesThat(lock.err, history.err)
	}
	s.show(w, sheet{title: "Overview", of: d, live: true, inner: many{
		el("h1", class("unseen"), d.Name),
		el("p", id("said"), class("unseen"), attr{"role", "status"}, attr{"aria-live", "polite"}, spoken(lock)),
		el("section", attr{"aria-labelledby", "lock-head"}, el("h2", id("lock-head"), "Migration lock"),
			el("div", id("lock"), attr{"data-live", on}, reading(s, lock, s.lock))),
		el("section", attr{"aria-labelledby", "status-head"}, el("h2", id("status-head"), "Status"),
			el("div", id("status"), attr{"data-live", on}, reading(s, status, func(st Status) node { return s.standing(d, st) }))),
		el("section", attr{"aria-labelledby", "history-head"}, el("h2", id("history-head"), "Applied last"),
			el("div", id("history"), attr{"data-live", on}, reading(s, history, func(rs []Revision) node {
				out := many{revisions(newest(rs, 0, headRows))}
				if len(rs) > headRows {
					out = append(out, el("p", link(d.address("history"), fmt.Sprintf("All %d of the history", len(rs)))))
				}
				return out
			}))),
	}})
}

// besidesThat is err, or a word where it says the same as another one.
func besidesThat(said, err error) error {
	if err != nil && err.Error() == said.Error() {
		return &Trouble{Message: "for the same reason"}
	}
	return err
}

// spoken is the lock in a line, which changes only when somebody who listens
// would want to hear of it.
func spoken(g seen[Lock]) string {
	switch {
	case g.err != nil:
		return "Migration lock: UNKNOWN"
	case !g.known():
		return "Migration lock: no answer yet"
	case !g.value.Active:
		return "Migration lock: INACTIVE"
	}
	text := "Migration lock: ACTIVE, " + g.value.Verdict + ", " + g.value.Holder
	if p := g.value.Progress; p != nil {
		text += ", " + p.File
	}
	return text
}

// lock is the lock with all that is known of it.
func (s *Site) lock(l Lock) node {
	var notes many
	for _, n := range l.Notes {
		notes = append(notes, el("p", class("note busy"), badge(Busy, "Note"), " "+n))
	}
	if !l.Active {
		return many{el("p", class("verdict good"), badge(Good, "INACTIVE"), " Nobody holds it."), notes, next(l.Next)}
	}
	out := many{el("p", class("verdict "+string(l.Tone)), badge(l.Tone, "ACTIVE"), " "+l.Known)}
	if p := l.Progress; p != nil {
		at := fmt.Sprintf("statement %d of %d", p.Statement, p.Statements)
		what := "Running"
		if p.Over {
			what = "Last seen at"
		}
		head := el("p", class("at"), what+" ", el("strong", p.File), " ("+p.Direction+"), "+at)
		var bar node = many{}
		if p.Statements > 0 {
			bar = el("progress", attr{"max", strconv.Itoa(p.Statements)}, attr{"value", strconv.Itoa(max(0, p.Statement-1))}, labelled("Statements that have ended"), at)
		}
		out = append(out, el("div", class("progress"), head, bar))
	}
	var facts many
	fact := func(name string, text node) { facts = append(facts, el("div", el("dt", name), el("dd", text))) }
	fact("holder", words(l.Holder))
	if !l.Since.IsZero() {
		fact("since", many{clock(l.Since), words(" (for " + span(s.options.Now().Sub(l.Since)) + ")")})
	}
	for _, f := range l.Facts {
		fact(f.Name, words(f.Text))
	}
	return append(out, el("dl", class("facts"), facts), notes, next(l.Next))
}

// next is what to do; this page does nothing of it.
func next(list []Phrase) node {
	if len(list) == 0 {
		return many{}
	}
	return el("div", class("advice"), el("h3", "What to do"), phrases(list))
}

// standing is a status in short: counts, and the migrations that wait for
// somebody.
func (s *Site) standing(d *database, st Status) node {
	counts := many{count("Applied", st.Applied), count("Pending", st.Pending)}
	for _, c := range st.Counts {
		counts = append(counts, count(c.What, c.N))
	}
	out := many{el("dl", class("counts"), counts)}
	for _, n := range st.Notes {
		out = append(out, el("p", class("note bad"), badge(Bad, "Note"), " "+n))
	}
	var open []Standing
	for _, m := range st.Migrations {
		if !m.Settled() {
			open = append(open, m)
		}
	}
	switch {
	case len(open) > 0:
		out = append(out, standings(open[:min(len(open), headRows)]))
		if n := len(open) - headRows; n > 0 {
			out = append(out, el("p", link(d.address("migrations"), fmt.Sprintf("And %d more", n))))
		}
		out = append(out, el("p", link(d.address("pending"), "Their SQL, and what check says of it")))
	case len(st.Migrations) == 0:
		out = append(out, el("p", "There are no migrations yet."))
	default:
		out = append(out, el("p", "Everything is applied as it stands in the files."))
	}
	return out
}

func count(what string, n int) node {
	return el("div", el("dt", strings.ToUpper(what[:1])+what[1:]), el("dd", fmt.Sprint(n)))
}

func standings(list []Standing) node {
	t := table{caption: "Migrations", head: []string{"Status", "Version", "Description", "Applied at"}, wide: 1}
	for _, m := range list {
		name := m.Version
		if name == "" {
			name = m.File
		}
		var what node = words(m.Description)
		if m.Detail != "" {
			what = many{what, el("p", class("detail"), short(m.Detail, mostShown))}
		}
		if m.Difference != "" {
			what = many{what, el("details", el("summary", "How it differs from what ran"), box("How "+name+" differs from what ran", el("code", short(m.Difference, 20000))))}
		}
		t.rows = append(t.rows, []node{badge(m.Tone, m.State), words(name), what, clock(m.AppliedAt)})
	}
	return t.node()
}

// standings is the page of all migrations.
func (s *Site) standings(w http.ResponseWriter, r *http.Request, d *database) {
	g := d.status.get(r.Context())
	s.show(w, sheet{title: "Migrations", of: d, here: "migrations", inner: many{el("h1", "Migrations"), reading(s, g, func(st Status) node {
		page, pages := pageOf(r, len(st.Migrations), eachPage)
		if len(st.Migrations) == 0 {
			return el("p", "There are no migrations yet.")
		}
		// The newest first, as in the history.
		list := newest(st.Migrations, (page-1)*eachPage, eachPage)
		return many{el("p", class("said"), fmt.Sprintf("Applied: %d. Pending: %d. Newest first.", st.Applied, st.Pending)), rows(standings(list)), turns("migrations", page, pages)}
	})}})
}

// newest are up to n from the end of a list, behind the skipped ones, the last
// first.
func newest[T any](list []T, skip, n int) (out []T) {
	for i := len(list) - 1 - skip; i >= 0 && len(out) < n; i-- {
		out = append(out, list[i])
	}
	return out
}

package ui

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// sheet is one page before it is written.
type sheet struct {
	title string
	of    *database // nil: of all
	here  string    // which of its pages
	live  bool      // it is kept fresh
	inner node
}

// tabs are the pages of a database.
var tabs = []struct{ at, name string }{
	{"", "Overview"}, {"migrations", "Migrations"}, {"pending", "Pending SQL"}, {"history", "History"}, {"attempts", "Attempts"}, {"diagram", "Diagram"},
}

func (s *Site) page(p sheet) string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n")
	title := p.title
	if p.of != nil {
		title += " · " + p.of.Name
	}
	head := many{
		el("meta", attr{"charset", "utf-8"}), el("meta", attr{"name", "viewport"}, attr{"content", "width=device-width, initial-scale=1"}),
		el("meta", attr{"name", "color-scheme"}, attr{"content", "light dark"}), el("title", title+" · DBWarden"),
		el("link", attr{"rel", "stylesheet"}, attr{"href", "/style.css"}), el("link", attr{"rel", "icon"}, attr{"href", "/icon.svg"}),
	}
	if p.live {
		head = append(head, el("script", attr{"src", "/live.js"}, attr{"defer", on}))
	}
	home := "All databases"
	if len(s.all) == 1 {
		home = "DBWarden"
	}
	top := many{el("a", class("home"), attr{"href", "/"}, home)}
	if p.of != nil {
		if len(s.all) > 1 {
			top = append(top, el("span", class("slash"), attr{"aria-hidden", "true"}, "/"))
		}
		top = append(top, el("span", class("which"), p.of.Name), el("span", class("where"), p.of.Label))
	}
	body := many{el("a", class("skip"), attr{"href", "#main"}, "Skip to the content"), el("header", el("div", class("bar"), top), s.tabs(p))}
	body = append(body, el("main", id("main"), attr{"tabindex", "-1"}, p.inner))
	body = append(body, el("footer", el("p", "As of ", clock(s.options.Now()), ". Read only: nothing here changes a database. dbwarden "+s.options.Version+".")))
	el("html", attr{"lang", "en"}, el("head", head), el("body", body)).write(&b)
	return b.String()
}

func (s *Site) tabs(p sheet) node {
	if p.of == nil {
		return many{}
	}
	var list many
	for _, t := range tabs {
		if t.at == "diagram" && p.of.Diagram == nil {
			continue
		}
		a := []any{}
		if t.at == p.here {
			a = append(a, attr{"aria-current", "page"})
		}
		list = append(list, el("li", link(p.of.address(t.at), t.name, a...)))
	}
	return el("nav", labelled("Pages of "+p.of.Name), el("ul", list))
}

// show sends a page.
func (s *Site) show(w http.ResponseWriter, p sheet) {
	send(w, "text/html; charset=utf-8", s.page(p))
}

// clock is a moment, in UTC.
func clock(at time.Time) node {
	if at.IsZero() {
		return words("–")
	}
	at = at.UTC()
	return el("time", attr{"datetime", at.Format(time.RFC3339)}, at.Format("2006-01-02 15:04:05")+" UTC")
}

// span is a duration for people.
func span(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// counted is a number of things.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// badge is a short word with its tone: a mark beside the word tells tones
// apart where colours do not.
func badge(t Tone, text string) node {
	mark := map[Tone]string{Good: "✓", Busy: "●", Bad: "▲", Plain: "–"}[t]
	return el("span", class("badge "+string(t)), el("span", class("mark"), attr{"aria-hidden", "true"}, mark), " "+text)
}

// phrase is a sentence with its commands set apart.
func phrase(p Phrase) node {
	var out many
	for _, part := range p {
		if part.Command {
			out = append(out, el("code", class("command"), part.Text))
			continue
		}
		out = append(out, words(part.Text))
	}
	return out
}

func phrases(list []Phrase) node {
	if len(list) == 0 {
		return many{}
	}
	var items many
	for _, p := range list {
		items = append(items, el("li", phrase(p)))
	}
	return el("ul", class("next"), items)
}

// trouble is an error on a page.
func trouble(err error) node {
	var next node = many{}
	if t, ok := err.(*Trouble); ok {
		next = phrases(t.Next)
	}
	return el("div", class("note bad"), el("p", badge(Bad, "Not known"), " "+err.Error()), next)
}

// age says where what is shown is not of now; nothing where it is.
func age[T any](s *Site, of seen[T]) node {
	switch {
	case of.behind == 0:
		return many{}
	case of.at.IsZero():
		return el("p", class("note busy"), badge(Busy, "No answer yet"), fmt.Sprintf(" The database has been asked %s ago. ", span(of.behind)), link("", "Look again"))
	}
	return el("p", class("note busy"), badge(Busy, "Not of now"), fmt.Sprintf(" This was read %s ago; since then the database has not answered for %s. ", span(s.options.Now().Sub(of.at)), span(of.behind)), link("", "Look again"))
}

// reading is what there is of one, by draw, with its age and its error.
func reading[T any](s *Site, of seen[T], draw func(T) node) node {
	out := many{age(s, of)}
	switch {
	case of.err != nil:
		out = append(out, trouble(of.err))
	case of.known():
		out = append(out, draw(of.value))
	}
	return out
}

// table is one for all widths: on a narrow screen its rows stand as cards, so
// that the roles are said again, which the style would take away.
type table struct {
	caption string
	head    []string
	rows    [][]node
	wide    int // the column that takes the room that is left, and is a row's head; -1: none
}

func (t table) node() node {
	var head, body many
	for _, h := range t.head {
		head = append(head, el("th", attr{"scope", "col"}, attr{"role", "columnheader"}, h))
	}
	for _, r := range t.rows {
		var cells many
		for i, c := range r {
			if i == t.wide {
				cells = append(cells, el("th", attr{"scope", "row"}, attr{"role", "rowheader"}, attr{"data-head", t.head[i]}, el("div", c)))
				continue
			}
			cells = append(cells, el("td", attr{"role", "cell"}, attr{"data-head", t.head[i]}, el("div", oneLine(c), c)))
		}
		body = append(body, el("tr", attr{"role", "row"}, cells))
	}
	return el("table", attr{"role", "table"}, el("caption", class("unseen"), t.caption),
		el("thead", attr{"role", "rowgroup"}, el("tr", attr{"role", "row"}, head)), el("tbody", attr{"role", "rowgroup"}, body))
}

// rows is a table that is all of its page.
func rows(t node) node { return el("div", class("rows"), t) }

// oneLine keeps a short text in one piece, beside a column that takes all the
// room that it gets.
func oneLine(n node) any {
	if w, ok := n.(words); ok && len(w) <= mostInOneLine {
		return class("one")
	}
	return nil
}

const mostInOneLine = 20 // bytes

// turns lead from one page of many to the others.
func turns(what string, page, pages int) node { return leads(what, page, pages, "Newer", "Older") }

// leads are links to the page before and to the one behind, in these words.
func leads(what string, page, pages int, before, behind string) node {
	if pages == 1 {
		return many{}
	}
	var list many
	if page > 1 {
		list = append(list, el("li", link(fmt.Sprintf("?page=%d", page-1), before, attr{"rel", "prev"})))
	}
	list = append(list, el("li", el("span", fmt.Sprintf("Page %d of %d", page, pages))))
	if page < pages {
		list = append(list, el("li", link(fmt.Sprintf("?page=%d", page+1), behind, attr{"rel", "next"})))
	}
	return el("nav", class("turns"), labelled("Pages of "+what), el("ul", list))
}

package ui

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	pendingEach = 20       // migrations on a page
	mostSQL     = 16 << 10 // bytes of one migration that are shown there
)

// pending is the page of what the next run would do, with what check says.
func (s *Site) pending(w http.ResponseWriter, r *http.Request, d *database) {
	g := d.pending.get(r.Context())
	s.show(w, sheet{title: "Pending SQL", of: d, here: "pending", inner: many{el("h1", "Pending SQL"), reading(s, g, func(p Pending) node {
		if len(p.Migrations) == 0 {
			return el("p", "Nothing is pending.")
		}
		found := map[string]int{}
		for _, m := range p.Migrations {
			for _, f := range m.Findings {
				found[f.Severity]++
			}
		}
		said := counted(len(p.Migrations), "migration") + ". "
		switch {
		case len(found) == 0:
			said += "check finds nothing."
		default:
			said += fmt.Sprintf("check finds %s, %s, %s.", counted(found["error"], "error"), counted(found["warning"], "warning"), counted(found["info"], "info"))
		}
		if p.Server != "" {
			said += " Judged as on " + p.Server + "."
		}
		if p.Unjudged > 0 {
			said += fmt.Sprintf(" Not understood, and so not judged: %d.", p.Unjudged)
		}
		if p.Ignored > 0 {
			said += fmt.Sprintf(" Ignored by comments: %d.", p.Ignored)
		}
		out := many{el("p", class("said"), said)}
		if p.Note != "" {
			out = append(out, el("p", class("note busy"), badge(Busy, "Note"), " "+p.Note))
		}
		page, pages := pageOf(r, len(p.Migrations), pendingEach)
		first := (page - 1) * pendingEach
		for i, m := range p.Migrations[first:min(first+pendingEach, len(p.Migrations))] {
			out = append(out, s.migration(d, m, first+i+1))
		}
		return append(out, forward(page, pages))
	})}})
}

// forward leads through a list that begins with what comes first.
func forward(page, pages int) node { return leads("what is pending", page, pages, "Earlier", "Later") }

// migration is one of them; n is its place in the run.
func (s *Site) migration(d *database, m Migration, n int) node {
	name := fmt.Sprintf("m%d", n)
	out := many{el("h2", id(name), m.File), el("p", class("at"), badge(m.Tone, m.State), " "+m.Description)}
	lines := map[int]Tone{}
	var list many
	for _, f := range m.Findings {
		if was, there := lines[f.Line]; !there || was == Plain || f.Tone == Bad {
			lines[f.Line] = f.Tone // the gravest of a line
		}
		list = append(list, finding(f, name))
	}
	if len(list) > 0 {
		out = append(out, el("ul", class("findings"), labelled("What check says of "+m.File), list))
	}
	text, cut, err := s.head(d, m)
	switch {
	case err != nil:
		out = append(out, trouble(err))
	default:
		out = append(out, listing(text, name, lines, "SQL of "+m.File))
		if cut {
			out = append(out, el("p", class("note"), fmt.Sprintf("These are the first %d KiB of %d KiB. ", mostSQL>>10, (m.Size+1023)>>10), link(d.address("pending", m.File), "The whole file")))
		}
	}
	return el("section", class("migration"), attr{"aria-labelledby", name}, out)
}

func finding(f Finding, in string) node {
	where := "the file"
	var at node = words(where)
	if f.Line > 0 {
		where = fmt.Sprintf("line %d", f.Line)
		at = link(fmt.Sprintf("#%s-l%d", in, f.Line), where)
	}
	out := many{el("p", badge(f.Tone, f.Severity), " ", at, ": "+f.Message+" ", el("span", class("rule"), "["+f.Rule+"]"))}
	fact := func(name, text string) {
		if text != "" {
			out = append(out, el("p", class("detail"), el("b", name+": "), text))
		}
	}
	fact("why", f.Why)
	fact("lock", f.Lock)
	fact("size", f.Size)
	if f.Safer != "" {
		out = append(out, el("details", el("summary", "The safer way"), box("The safer way than "+f.Rule, el("code", f.Safer))))
	}
	return el("li", class(string(f.Tone)), out)
}

// head is the beginning of a file's text.
func (s *Site) head(d *database, m Migration) (text string, cut bool, err error) {
	r, err := d.Text(m.File)
	if err != nil {
		return "", false, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, mostSQL+1))
	if err != nil {
		return "", false, err
	}
	if len(b) > mostSQL {
		b, cut = b[:mostSQL], true
		if i := strings.LastIndexByte(string(b), '\n'); i > 0 {
			b = b[:i+1]
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), cut, nil
}

// listing is a text with the numbers of its lines; marked ones bear a finding.
func listing(text, name string, marked map[int]Tone, label string) node {
	var lines many
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		kind := "line"
		if t, ok := marked[i+1]; ok {
			kind += " marked " + string(t)
		}
		lines = append(lines, el("span", class(kind), id(fmt.Sprintf("%s-l%d", name, i+1)), strings.TrimSuffix(line, "\r")+"\n"))
	}
	return box(label, class("listing"), el("code", lines))
}

// box is a text that scrolls in a box, by keyboard too.
func box(label string, parts ...any) node {
	return el("pre", append([]any{attr{"tabindex", "0"}, attr{"role", "region"}, labelled(label)}, parts...)...)
}

// text sends the whole of a pending migration's file as plain text, as it is
// read: it may be of any size.
func (s *Site) text(w http.ResponseWriter, r *http.Request, d *database, file string) {
	g := d.pending.get(r.Context())
	known := false
	for _, m := range g.value.Migrations {
		known = known || m.File == file
	}
	if !known {
		s.lost(w)
		return
	}
	t, err := d.Text(file)
	if err != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, err.Error()+"\n")
		return
	}
	defer t.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(w, bufio.NewReader(t)); err != nil && !errors.Is(err, io.EOF) {
		panic(http.ErrAbortHandler) // so that nobody takes it for the whole
	}
}

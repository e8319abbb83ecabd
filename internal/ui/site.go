package ui

import (
	"context"
	_ "embed"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed style.css
var style string

//go:embed icon.svg
var icon string

//go:embed live.js
var script string

// Options are what a site is made of.
type Options struct {
	Databases []Database
	Port      string   // on which it listens
	Exposed   []string // names with ports by which it may be called beside those of loopback
	Version   string   // of the program
	Now       func() time.Time
}

// Site is the pages of some databases.
type Site struct {
	options Options
	hosts   hosts
	readers *readers
	end     context.CancelFunc
	all     []*database
}

// database is one with its readings.
type database struct {
	Database
	lock     *shared[Lock]
	status   *shared[Status]
	history  *shared[[]Revision]
	attempts *shared[[]Attempt]
	pending  *shared[Pending]
	diagram  *shared[Diagram]
}

// New makes the site. It reads nothing until somebody asks.
func New(o Options) *Site {
	ctx, end := context.WithCancel(context.Background())
	s := &Site{options: o, hosts: hosts{o.Port, o.Exposed}, readers: &readers{ctx: ctx, now: o.Now}, end: end}
	for _, d := range o.Databases {
		s.all = append(s.all, &database{
			Database: d,
			lock:     &shared[Lock]{of: s.readers, on: d.Server, pace: lively, read: d.Lock},
			status:   &shared[Status]{of: s.readers, on: d.Server, pace: lively, read: d.Status},
			history:  &shared[[]Revision]{of: s.readers, on: d.Server, pace: lively, read: d.History},
			attempts: &shared[[]Attempt]{of: s.readers, on: d.Server, pace: lively, read: d.Attempts},
			pending:  &shared[Pending]{of: s.readers, on: d.Server, pace: still, read: d.Pending},
			diagram:  &shared[Diagram]{of: s.readers, on: d.Server, pace: still, read: d.Diagram},
		})
	}
	return s
}

// Close ends the readings under way and waits for them.
func (s *Site) Close() {
	s.end()
	s.readers.pages.Wait()
}

// farewell is how long the end waits for answers under way.
const farewell = 2 * time.Second

// Serve answers on l until ctx ends, and then lets go of everything. Its error
// is that of the listener, nil for an end by ctx.
func (s *Site) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s, BaseContext: func(net.Listener) context.Context { return s.readers.ctx },
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		s.end() // what pages wait for ends first
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		if server.Shutdown(bye) != nil {
			server.Close() // whoever still reads has had the time
		}
		cancel()
		err = <-ended
	}
	s.Close()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// ServeHTTP answers one request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if code, why := s.hosts.refusal(r); code != 0 {
		if code == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "GET, HEAD")
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		w.Write([]byte(why + "\n"))
		return
	}
	parts, ok := steps(r.URL.EscapedPath())
	switch {
	case !ok:
		s.lost(w)
	case len(parts) == 0 && len(s.all) == 1:
		// Relative to what the browser has asked for: the name is its own.
		w.Header().Set("Location", s.all[0].address())
		w.WriteHeader(http.StatusFound)
	case len(parts) == 0:
		s.overview(w, r)
	case len(parts) == 1 && parts[0] == "style.css":
		send(w, "text/css; charset=utf-8", style)
	case len(parts) == 1 && parts[0] == "live.js":
		send(w, "text/javascript; charset=utf-8", script)
	case len(parts) == 1 && parts[0] == "icon.svg":
		send(w, "image/svg+xml", icon)
	case len(parts) >= 2 && parts[0] == "db":
		d := s.find(parts[1])
		if d == nil {
			s.lost(w)
			return
		}
		s.about(w, r, d, parts[2:])
	default:
		s.lost(w)
	}
}

// about answers what is asked of one database.
func (s *Site) about(w http.ResponseWriter, r *http.Request, d *database, parts []string) {
	switch {
	case len(parts) == 0:
		s.summary(w, r, d)
	case len(parts) == 1 && parts[0] == "migrations":
		s.standings(w, r, d)
	case len(parts) == 1 && parts[0] == "history":
		s.history(w, r, d)
	case len(parts) == 1 && parts[0] == "attempts":
		s.attempts(w, r, d)
	case len(parts) == 1 && parts[0] == "pending":
		s.pending(w, r, d)
	case len(parts) == 2 && parts[0] == "pending":
		s.text(w, r, d, parts[1])
	case len(parts) == 1 && parts[0] == "diagram" && d.Diagram != nil:
		s.diagram(w, r, d)
	case len(parts) == 1 && (parts[0] == "diagram.svg" || parts[0] == "diagram.html") && d.Diagram != nil:
		s.picture(w, r, d, parts[0])
	default:
		s.lost(w)
	}
}

// steps are the parts of a path, unescaped one by one: a database's name may
// hold a slash.
func steps(path string) (parts []string, ok bool) {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil, true
	}
	for _, p := range strings.Split(path, "/") {
		p, err := url.PathUnescape(p)
		if err != nil {
			return nil, false
		}
		parts = append(parts, strings.TrimPrefix(p, marked))
	}
	return parts, true
}

// marked begins a part that could not stand in an address as it is.
const marked = "~"

// step is a part of a path, which steps reads. A browser takes "." and ".." for
// the way to another address, also where their dots are escaped, and would ask
// for that instead: such a name is marked, and one that begins with the mark.
func step(name string) string {
	if name == "." || name == ".." || strings.HasPrefix(name, marked) {
		name = marked + name
	}
	return url.PathEscape(name)
}

func (s *Site) find(name string) *database {
	for _, d := range s.all {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// address is where a database's pages are.
func (d *database) address(more ...string) string {
	out := "/db/" + step(d.Name) + "/"
	for i, m := range more {
		if i > 0 {
			out += "/"
		}
		out += step(m)
	}
	return out
}

// lost says that there is no such page.
func (s *Site) lost(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	w.Write([]byte(s.page(sheet{title: "No such page", inner: many{
		el("h1", "No such page"), el("p", "There is nothing at this address. ", link("/", "All that is shown here begins at the first page.")),
	}})))
}

func send(w http.ResponseWriter, kind, text string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Write([]byte(text))
}

// pageOf is which of many pages is asked for, from 1, and how many there are.
func pageOf(r *http.Request, n, each int) (page, pages int) {
	pages = max(1, (n+each-1)/each)
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		page = 1
	}
	return min(max(page, 1), pages), pages
}

package ui

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a database that answers with what it is given.
type told struct {
	lock     Lock
	status   Status
	history  []Revision
	attempts []Attempt
	pending  Pending
	diagram  Diagram
	texts    map[string]string
}

func (x *told) database(name string) Database {
	return Database{
		Name: name, Label: "sqlite:///" + name, Server: name,
		Lock:     func(context.Context) (Lock, error) { return x.lock, nil },
		Status:   func(context.Context) (Status, error) { return x.status, nil },
		History:  func(context.Context) ([]Revision, error) { return x.history, nil },
		Attempts: func(context.Context) ([]Attempt, error) { return x.attempts, nil },
		Pending:  func(context.Context) (Pending, error) { return x.pending, nil },
		Diagram:  func(context.Context) (Diagram, error) { return x.diagram, nil },
		Text: func(file string) (io.ReadCloser, error) {
			text, ok := x.texts[file]
			if !ok {
				return nil, os.ErrNotExist
			}
			return io.NopCloser(strings.NewReader(text)), nil
		},
	}
}

// site is one of these databases that is closed behind the test.
func site(t *testing.T, all ...Database) *Site {
	s := New(Options{Databases: all, Port: "8090", Version: "1.2.3", Now: time.Now})
	t.Cleanup(s.Close)
	return s
}

func ask(s *Site, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8090"+path, nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestOnlyRequestsThatNameUsAreAnswered(t *testing.T) {
	t.Parallel()
	s := New(Options{Databases: []Database{(&told{}).database("a")}, Port: "8090", Exposed: []string{"db.example:443"}, Now: time.Now})
	t.Cleanup(s.Close)
	for host, want := range map[string]int{
		"127.0.0.1:8090": 200, "localhost:8090": 200, "LOCALHOST:8090": 200, "[::1]:8090": 200, "127.8.9.1:8090": 200, "db.example:443": 200,
		"evil.example:8090": 421, "127.0.0.1": 421, "127.0.0.1:80": 421, "localhost.evil.example:8090": 421, "evil.example": 421, "": 421,
		"127.0.0.1.evil.example:8090": 421, "10.0.0.1:8090": 421, "db.example": 421, "db.example:8090": 421, "0.0.0.0:8090": 421, "[::]:8090": 421,
	} {
		if got := ask(s, "GET", "/db/a/", "Host", host).Code; got != want {
			t.Errorf("%q: %d instead of %d", host, got, want)
		}
	}
}

func TestOtherSitesGetNothing(t *testing.T) {
	t.Parallel()
	s := site(t, (&told{}).database("a"))
	for _, c := range []struct {
		want   int
		header []string
	}{
		{200, nil},
		{200, []string{"Origin", "http://localhost:8090"}},
		{200, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}},
		{200, []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}},
		{200, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}}, // a link
		{403, []string{"Origin", "http://evil.example"}},
		{403, []string{"Origin", "http://localhost:9999"}},
		{403, []string{"Origin", "null"}},
		{403, []string{"Origin", "file://localhost:8090"}},
		{403, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}},
		{403, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}},
		{403, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}},
	} {
		w := ask(s, "GET", "/db/a/", c.header...)
		if w.Code != c.want {
			t.Errorf("%q: %d instead of %d", c.header, w.Code, c.want)
		}
		if w.Code == 403 && strings.Contains(w.Body.String(), "sqlite") {
			t.Errorf("%q: the refusal tells of the database", c.header)
		}
	}
}

func TestNothingButLookingIsAnswered(t *testing.T) {
	t.Parallel()
	s := site(t, (&told{}).database("a"))
	for _, m := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"} {
		if w := ask(s, m, "/db/a/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", m, w.Code)
		}
	}
}

// everyPage are the addresses of a database's pages.
var everyPage = []string{"/", "/db/a/", "/db/a/migrations", "/db/a/pending", "/db/a/history", "/db/a/attempts", "/db/a/diagram", "/db/a/diagram.svg", "/db/a/diagram.html",
	"/db/a/pending/0001.sql", "/style.css", "/live.js", "/icon.svg", "/nowhere", "/db/other/"}

func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	x := &told{pending: Pending{Migrations: []Migration{{File: "0001.sql"}}}, texts: map[string]string{"0001.sql": "SELECT 1;"}, diagram: Diagram{SVG: "<svg/>", Page: "<p>"}}
	s := site(t, x.database("a"), x.database("b"))
	for _, path := range everyPage {
		h := ask(s, "GET", path).Header()
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "script-src 'unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if h.Get("Content-Type") == "" {
			t.Errorf("%s: no type", path)
		}
	}
}

// nasty is what nobody should call anything.
const nasty = `<script>alert("x")</script>'"><img src=x onerror=y>&amp;` + "\u202e\x1b[31m"

func nastyDatabase() *told {
	p := Phrase{{Text: nasty}, {Text: nasty, Command: true}}
	return &told{
		lock:     Lock{Active: true, Verdict: nasty, Known: nasty, Tone: Bad, Holder: nasty, Facts: []Fact{{nasty, nasty}}, Progress: &Progress{File: nasty, Direction: nasty}, Notes: []string{nasty}, Next: []Phrase{p}},
		status:   Status{Counts: []Count{{nasty, 1}}, Lock: nasty, LockTone: Bad, Notes: []string{nasty}, Migrations: []Standing{{nasty, nasty, nasty, nasty, Bad, time.Time{}, nasty, nasty}}},
		history:  []Revision{{1, nasty, nasty, nasty, time.Time{}, nasty, nasty, nasty, nasty, nasty}},
		attempts: []Attempt{{time.Time{}, nasty, nasty, nasty, nasty, nasty, nasty, nasty, Bad}},
		pending: Pending{Server: nasty, Note: nasty, Migrations: []Migration{{Version: nasty, Description: nasty, File: nasty, State: nasty,
			Findings: []Finding{{nasty, nasty, nasty, nasty, nasty, nasty, nasty, Bad, 1}}}}},
		diagram: Diagram{Tables: []Table{{nasty, nasty, []string{nasty}, []string{nasty}}}},
		texts:   map[string]string{nasty: nasty},
	}
}

// Whatever is in a database, and whatever it is called, is text on the page.
func TestNamesAreTextOnEveryPage(t *testing.T) {
	t.Parallel()
	d := nastyDatabase().database(nasty)
	d.Label = nasty
	other := nastyDatabase().database("b")
	other.Lock = func(context.Context) (Lock, error) { return Lock{}, &Trouble{nasty, []Phrase{{{Text: nasty}}}} }
	s := site(t, d, other)
	tag := regexp.MustCompile(`<(/?)([a-zA-Z!][a-z0-9]*)([^<>]*)>`)
	values := regexp.MustCompile(`="[^"]*"`)
	known := regexp.MustCompile(`^(!doctype|html|head|meta|title|link|script|body|a|header|div|span|nav|ul|li|main|h1|h2|h3|p|section|dl|dt|dd|strong|b|progress|table|caption|thead|tbody|tr|th|td|code|pre|details|summary|footer|time|img)$`)
	pages := []string{"/", "/db/b/"}
	for _, at := range tabs {
		pages = append(pages, s.all[0].address(at.at))
	}
	for _, path := range pages {
		w := ask(s, "GET", path)
		body := w.Body.String()
		if w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") || strings.Contains(body, "\u202e") || strings.Contains(body, "\x1b") {
			t.Errorf("%s: a name is more than text", path)
		}
		if !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s: the name is not shown", path)
		}
		for _, m := range tag.FindAllStringSubmatch(body, -1) {
			if names := values.ReplaceAllString(m[3], ""); !known.MatchString(m[2]) || strings.Contains(names, " on") || strings.Contains(names, "style") || strings.ContainsAny(names, `"'`) {
				t.Errorf("%s: there is %s", path, m[0])
			}
		}
	}
	if w := ask(s, "GET", s.all[0].address("pending", nasty)); w.Code != 200 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Body.String() != nasty {
		t.Errorf("the whole text: %d, %q", w.Code, w.Body)
	}
}

// odd are names that an address could take for something else.
var odd = []string{"..", ".", "...", "~", "~..", "~~", "a/b", "/", "//", "../..", "../style.css", "%2e", "%2E%2E", "%2f", "%", "a b", " ", "a?b#c", "a;b=c", `a\b`, "db", "style.css",
	"日本語", "e\u0301", "+", "&", "a\tb", "pending", "\xff"}

// asBrowser is where a browser goes from one address by a link: a part of dots
// alone is a way, however it is written.
func asBrowser(t *testing.T, from, link string) string {
	t.Helper()
	base, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(link, "/")
	for i, p := range parts {
		if dots := strings.NewReplacer("%2e", ".", "%2E", ".").Replace(p); dots == "." || dots == ".." {
			parts[i] = dots
		}
	}
	to, err := url.Parse(strings.Join(parts, "/"))
	if err != nil {
		t.Fatalf("%q: %v", link, err)
	}
	return base.ResolveReference(to).RequestURI()
}

// A database is found by its address whatever it is called, alone and among
// others.
func TestADatabaseIsFoundWhateverItsName(t *testing.T) {
	t.Parallel()
	x := &told{pending: Pending{Migrations: []Migration{{File: "0001.sql"}}}, texts: map[string]string{"0001.sql": "SELECT 1;"}, diagram: Diagram{SVG: "<svg/>", Page: "<p>"}}
	var all []Database
	for _, name := range odd {
		d := x.database(name)
		d.Label = "the label of " + hex.EncodeToString([]byte(name)) + " ends"
		all = append(all, d)
	}
	links := regexp.MustCompile(`<a [^>]*href="([^"]*)"`)
	// pages looks at every page of a database that its first one leads to.
	pages := func(s *Site, d Database, at string) {
		seen := 0
		for _, m := range links.FindAllStringSubmatch(ask(s, "GET", at).Body.String(), -1) {
			to := asBrowser(t, at, html.UnescapeString(m[1]))
			if to == "/" || strings.HasPrefix(m[1], "#") {
				continue
			}
			if w := ask(s, "GET", to); w.Code != 200 || !strings.Contains(w.Body.String(), d.Label) {
				t.Errorf("%q: %s leads to %d, which is no page of it", d.Name, to, w.Code)
			}
			seen++
		}
		if seen < len(tabs) {
			t.Errorf("%q: its page at %s has %d links", d.Name, at, seen)
		}
		for _, more := range [][]string{{"pending", "0001.sql"}, {"diagram.svg"}, {"diagram.html"}} {
			to := asBrowser(t, at, (&database{Database: d}).address(more...))
			if w := ask(s, "GET", to); w.Code != 200 {
				t.Errorf("%q: %s is %d", d.Name, to, w.Code)
			}
		}
	}
	for _, d := range all {
		s := site(t, d)
		w := ask(s, "GET", "/")
		to := asBrowser(t, "/", w.Header().Get("Location"))
		if w.Code != http.StatusFound || to == "/" {
			t.Errorf("%q alone: %d to %s", d.Name, w.Code, to)
			continue
		}
		pages(s, d, to)
	}
	s := site(t, all...)
	labels := map[string]bool{}
	for _, m := range regexp.MustCompile(`<a href="(/db/[^"]*)"`).FindAllStringSubmatch(ask(s, "GET", "/").Body.String(), -1) {
		to := asBrowser(t, "/", html.UnescapeString(m[1]))
		body := ask(s, "GET", to).Body.String()
		for _, d := range all {
			if strings.Contains(body, d.Label) {
				labels[d.Label] = true
				pages(s, d, to)
			}
		}
	}
	if len(labels) != len(all) {
		t.Errorf("the first page leads to %d of %d databases", len(labels), len(all))
	}
}

// What is on a page has an end, whatever there is.
func TestLongListsArePaged(t *testing.T) {
	t.Parallel()
	x := &told{texts: map[string]string{}}
	for i := range 250 {
		name := fmt.Sprintf("%04d", i+1)
		x.history = append(x.history, Revision{Order: i + 1, Version: name})
		x.attempts = append(x.attempts, Attempt{What: "applied", Migration: name, Tone: Good})
		x.status.Migrations = append(x.status.Migrations, Standing{Version: name, State: "pending", Tone: Busy})
	}
	for i := range 45 {
		m := Migration{File: fmt.Sprintf("%04d_x.sql", i+1), State: "pending"}
		x.pending.Migrations, x.texts[m.File] = append(x.pending.Migrations, m), "SELECT 1;\n"
	}
	s := site(t, x.database("a"))
	for _, c := range []struct {
		path        string
		rows        int
		has, hasNot string
	}{
		{"/db/a/history", 100, ">0250<", ">0150<"}, {"/db/a/history?page=2", 100, ">0150<", ">0250<"}, {"/db/a/history?page=3", 50, ">0001<", ">0051<"},
		{"/db/a/history?page=99", 50, ">0001<", ">0051<"}, {"/db/a/history?page=-1", 100, ">0250<", ">0150<"}, {"/db/a/history?page=x", 100, ">0250<", ">0150<"},
		{"/db/a/attempts?page=2", 100, ">0150<", ">0250<"}, {"/db/a/migrations?page=3", 50, ">0001<", ">0250<"}, {"/db/a/", 16, ">0250<", ">0200<"},
	} {
		body := ask(s, "GET", c.path).Body.String()
		if n := strings.Count(body, "<th scope=\"row\""); n != c.rows {
			t.Errorf("%s: %d rows instead of %d", c.path, n, c.rows)
		}
		if !strings.Contains(body, c.has) || strings.Contains(body, c.hasNot) {
			t.Errorf("%s: not the rows that belong there", c.path)
		}
	}
	for page, n := range map[string]int{"": 20, "?page=3": 5} {
		if got := strings.Count(ask(s, "GET", "/db/a/pending"+page).Body.String(), `class="migration"`); got != n {
			t.Errorf("pending%s: %d migrations instead of %d", page, got, n)
		}
	}
}

func TestHugeSQLIsCutAndThereAsAWhole(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("INSERT INTO t VALUES ('<b>');\n", 100000)
	x := &told{pending: Pending{Migrations: []Migration{{File: "0001 big#1.sql", Size: int64(len(huge))}}}, texts: map[string]string{"0001 big#1.sql": huge, "secret.txt": "hidden"}}
	s := site(t, x.database("a"))
	body := ask(s, "GET", "/db/a/pending").Body.String()
	if len(body) > 100<<10 {
		t.Errorf("the page has %d bytes", len(body))
	}
	to := regexp.MustCompile(`href="([^"]+)">The whole file`).FindStringSubmatch(body)
	if to == nil {
		t.Fatal("no link to the whole")
	}
	if w := ask(s, "GET", to[1]); w.Code != 200 || w.Body.String() != huge {
		t.Errorf("the whole: %d, %d bytes of %d", w.Code, w.Body.Len(), len(huge))
	}
	for _, path := range []string{"/db/a/pending/secret.txt", "/db/a/pending/..%2Fsecret.txt", "/db/a/pending/../../secret.txt", "/db/a/pending/%2Fetc%2Fpasswd"} {
		if w := ask(s, "GET", path); w.Code != 404 || strings.Contains(w.Body.String(), "hidden") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// However many look, and however often, a database is asked once at a time,
// and one server never more than a few things.
func TestManyPagesShareOneReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all []Database
		var reads, now, most atomic.Int32
		for i := range 40 {
			d := (&told{}).database(fmt.Sprint("t", i))
			d.Server = "one"
			d.Status = func(ctx context.Context) (Status, error) {
				reads.Add(1)
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(10 * time.Millisecond)
				return Status{}, nil
			}
			all = append(all, d)
		}
		s := New(Options{Databases: all, Port: "8090", Now: time.Now})
		defer s.Close()
		done := make(chan struct{})
		for range 50 {
			go func() { ask(s, "GET", "/"); done <- struct{}{} }()
		}
		for range 50 {
			<-done
		}
		if reads.Load() != 40 {
			t.Errorf("%d readings for 50 pages of 40 databases", reads.Load())
		}
		if most.Load() > perServer {
			t.Errorf("%d readings of one server at once", most.Load())
		}
		time.Sleep(lively.fresh)
		ask(s, "GET", "/")
		if reads.Load() != 80 {
			t.Errorf("%d readings: what is stale is not read again", reads.Load())
		}
	})
}

// A database that does not answer keeps no page waiting for longer than the
// page's patience, is asked once, and does not hide the others.
func TestADeadDatabaseKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		dead := (&told{}).database("dead")
		dead.Status = func(ctx context.Context) (Status, error) {
			asked.Add(1)
			<-ctx.Done()
			return Status{}, ctx.Err()
		}
		good := (&told{status: Status{Applied: 4711, Lock: "INACTIVE"}}).database("good")
		s := New(Options{Databases: []Database{dead, good}, Port: "8090", Now: time.Now})
		defer s.Close()
		began := time.Now()
		body := ask(s, "GET", "/").Body.String()
		if took := time.Since(began); took != lively.patience {
			t.Errorf("it took %s", took)
		}
		if !strings.Contains(body, "4711") || !strings.Contains(body, "no answer yet") {
			t.Errorf("the page does not show what is known:\n%s", body)
		}
		ask(s, "GET", "/")
		if asked.Load() != 1 {
			t.Errorf("asked %d times at once", asked.Load())
		}
		time.Sleep(lively.limit)
		if body = ask(s, "GET", "/db/dead/").Body.String(); asked.Load() != 2 || !strings.Contains(body, "no answer within 10 s") {
			t.Errorf("the end of a reading is not told:\n%s", body)
		}
	})
}

// What was read before stays on the page, with its age, when a database falls
// silent; an error never shows as a free lock.
func TestWhatWasKnownStaysWithItsAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := make(chan struct{})
		var n atomic.Int32
		d := (&told{}).database("a")
		d.Lock = func(ctx context.Context) (Lock, error) {
			switch n.Add(1) {
			case 1:
				return Lock{Active: true, Verdict: "alive", Known: "ALIVE", Holder: "alice", Tone: Busy}, nil
			case 2:
				<-silent
			}
			return Lock{}, errors.New("the server has gone")
		}
		s := New(Options{Databases: []Database{d}, Port: "8090", Now: time.Now})
		defer s.Close()
		if body := ask(s, "GET", "/db/a/").Body.String(); !strings.Contains(body, "alice") || strings.Contains(body, "Not of now") {
			t.Fatalf("the first reading:\n%s", body)
		}
		time.Sleep(5 * time.Second)
		if body := ask(s, "GET", "/db/a/").Body.String(); !strings.Contains(body, "alice") || !strings.Contains(body, "Not of now") || !strings.Contains(body, "7 s ago") {
			t.Errorf("the age is not told:\n%s", body)
		}
		close(silent)
		synctest.Wait()
		if body := ask(s, "GET", "/db/a/").Body.String(); strings.Contains(body, "INACTIVE") || !strings.Contains(body, "the server has gone") || !strings.Contains(body, "Migration lock: UNKNOWN") {
			t.Errorf("the error is not told:\n%s", body)
		}
	})
}

func TestAPanicIsOneDatabasesTrouble(t *testing.T) {
	t.Parallel()
	bad, good := (&told{}).database("bad"), (&told{status: Status{Applied: 4711}}).database("good")
	bad.Status = func(context.Context) (Status, error) { panic("secret") }
	s := site(t, bad, good)
	body := ask(s, "GET", "/").Body.String()
	if !strings.Contains(body, "4711") || !strings.Contains(body, "a mistake in the program") || strings.Contains(body, "secret") {
		t.Error(body)
	}
}

// The end lets go of readings under way and of connections that nobody uses.
func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan struct{})
	d := (&told{}).database("a")
	d.Lock = func(ctx context.Context) (Lock, error) {
		close(begun)
		<-ctx.Done()
		return Lock{}, ctx.Err()
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s := New(Options{Databases: []Database{d}, Port: port, Now: time.Now})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, l) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answered := make(chan int)
	go func() {
		r, err := client.Get("http://" + l.Addr().String() + "/")
		if err != nil {
			answered <- 0
			return
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		answered <- r.StatusCode
	}()
	<-begun
	stop()
	if code := <-answered; code != 200 {
		t.Errorf("the page under way: %d", code)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

// Whoever uses a keyboard or hears the page finds their way.
func TestThePageIsMadeForEverybody(t *testing.T) {
	t.Parallel()
	x := nastyDatabase()
	x.history = append(x.history, Revision{Version: "0002"})
	s := site(t, x.database("a"), x.database("b"))
	for _, at := range everyPage[:7] {
		body := ask(s, "GET", at).Body.String()
		for _, want := range []string{`<html lang="en">`, `href="#main"`, `<main id="main" tabindex="-1">`, "<header>", "<footer>", `name="viewport"`, "<title>"} {
			if strings.Count(body, want) != 1 {
				t.Errorf("%s: %d of %s", at, strings.Count(body, want), want)
			}
		}
		if n := strings.Count(body, "<h1"); n != 1 {
			t.Errorf("%s: %d main headings", at, n)
		}
		if strings.Count(body, "<table") != strings.Count(body, "<caption") || strings.Contains(body, "<th>") {
			t.Errorf("%s: a table without caption, or a head without scope", at)
		}
		if at != "/" && !strings.Contains(body, `aria-current="page"`) {
			t.Errorf("%s: it does not say where one is", at)
		}
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
			if ids[m[1]] {
				t.Errorf("%s: the id %s is there twice", at, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`aria-labelledby="([^"]+)"`).FindAllStringSubmatch(body, -1) {
			if !ids[m[1]] {
				t.Errorf("%s: labelled by %s, which is not there", at, m[1])
			}
		}
	}
	if body := ask(s, "GET", "/db/a/").Body.String(); !strings.Contains(body, `id="said" class="unseen" role="status" aria-live="polite"`) {
		t.Error("the lock is not announced")
	}
}

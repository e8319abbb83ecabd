package ui

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/browsertest"
	"github.com/dbwarden-go/dbwarden/internal/diagram"
	"github.com/dbwarden-go/dbwarden/schema"
)

// long is a word of which no line is long enough.
var long = strings.Repeat("customer_relationship_management_", 8)

// busy is a database with something of everything.
func busy() *told {
	at := time.Date(2026, 11, 23, 2, 0, 11, 0, time.UTC)
	x := &told{
		lock: Lock{
			Active: true, Verdict: "alive", Known: "ALIVE: its session holds the database's own lock, and it said that it lives 1.14 s ago", Tone: Busy, Holder: "alice@web-1 pid 4242 (dbwarden 1.2.3 migrate)", Since: at,
			Facts:    []Fact{{"run", "01a207c0-da48-79f0-8acf-0beb3524b961 (fencing token 2)"}, {"session", "55, root, 127.0.0.1:50742"}, {"doing", "UPDATE " + long + " SET total = 0"}, {"waiting", "2 other dbwarden processes"}},
			Progress: &Progress{File: "0042_add_" + long + ".sql", Direction: "upgrade", Statement: 3, Statements: 7},
			Notes:    []string{"This is what has arrived on a standby."},
			Next:     []Phrase{{{Text: "wait for it ("}, {Text: "dbwarden migrate", Command: true}, {Text: " waits), or end it: "}, {Text: "dbwarden unlock --force --config /srv/" + long, Command: true}}},
		},
		status: Status{Applied: 41, Pending: 3, Counts: []Count{{"changed", 1}, {"out of order", 2}}, Lock: "ACTIVE, alive", LockTone: Busy, Held: true, Notes: []string{"In pieces: the backup of yesterday"}, Migrations: []Standing{
			{Version: "0041", Description: "create orders", File: "0041_create_orders.sql", State: "changed", Tone: Bad, AppliedAt: at, Detail: "the file is not what ran: " + long, Difference: "- CREATE TABLE a (n integer);\n+ CREATE TABLE " + long + " (n integer);"},
			{Version: "0042", Description: "add " + long, File: "0042_add.sql", State: "pending", Tone: Busy},
			{Version: "0043", Description: "elsewhere", File: "0043_b.sql", State: "elsewhere"},
			{Version: "0040", Description: "first", File: "0040_a.sql", State: "applied", Tone: Good, AppliedAt: at},
		}},
		attempts: []Attempt{
			{At: at, What: "applied", Migration: "0040_a.sql", Statements: "2 of 2", Took: "0.01s", By: "alice@web-1", Tone: Good},
			{At: at, What: "failed", Migration: "0041_" + long + ".sql", Statements: "1 of 2", Took: "1m 07s", By: "bob@" + long, Detail: "relation " + long + " does not exist", Tone: Bad},
			{At: at, What: "unlocked", By: "carol", Detail: "ticket 4711", Tone: Busy},
		},
		pending: Pending{Server: "PostgreSQL 15.18", Note: "The size of no table is known.", Unjudged: 1, Ignored: 2, Migrations: []Migration{
			{Version: "0042", Description: "add an index", File: "0042_add.sql", State: "pending", Tone: Busy, Size: 17 << 10, Findings: []Finding{
				{Rule: "index-not-concurrent", Severity: "error", Message: "nobody writes to orders while the index is built", Why: "The table is locked.", Lock: "SHARE", Size: "orders: about 12,000,000 rows, 8 KiB", Safer: "CREATE INDEX CONCURRENTLY " + long + " ON orders (id, user_id, created_at, updated_at, deleted_at);", Tone: Bad, Line: 2},
				{Rule: "no-rollback", Severity: "warning", Message: "there is no way back", Why: "x", Tone: Busy, Line: 0},
				{Rule: "style", Severity: "info", Message: "a type", Why: "y", Line: 3},
				{Rule: "lock-tables", Severity: "warning", Message: "it stays locked", Why: "z", Tone: Busy, Line: 4},
			}},
			{Version: "0043", Description: "plain", File: "0043_" + long + ".sql", State: "out of order", Tone: Bad, Size: 20},
		}},
		texts: map[string]string{},
	}
	x.texts["0042_add.sql"] = "-- upgrade\nCREATE INDEX " + long + " ON orders (id, user_id, created_at, updated_at, deleted_at);\nALTER TABLE orders ADD COLUMN n int;\n\tLOCK TABLE orders;\n" + strings.Repeat("INSERT INTO orders VALUES (1);\n", 600)
	x.texts[x.pending.Migrations[1].File] = "-- upgrade\nSELECT 1;"
	for i := range 130 {
		x.history = append(x.history, Revision{Order: i + 1, Version: fmt.Sprintf("%04d", i+1), File: fmt.Sprintf("%04d_x.sql", i+1), Description: "create " + []string{"orders", long, "", "日本語の注文"}[i%4], AppliedAt: at, Kind: "versioned", Took: "0.01s", By: "alice@web-1"})
	}
	p := diagram.Of(shop(), diagram.Options{})
	x.diagram = Diagram{SVG: p.SVG(), Page: p.HTML(), Tables: []Table{{"orders", "table", []string{"id bigint", long + " text"}, []string{"users"}}, {"users", "table", []string{"id bigint"}, nil}}}
	return x
}

// shop is a schema with a foreign key.
func shop() *schema.State {
	return &schema.State{Database: "shop", Tables: []schema.Table{
		{Name: "orders", Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "user_id", Type: "bigint"}}, PrimaryKey: &schema.Key{Columns: []string{"id"}},
			ForeignKeys: []schema.ForeignKey{{Name: "orders_user", Columns: []string{"user_id"}, RefTable: "users", RefColumns: []string{"id"}}}},
		{Name: "users", Columns: []schema.Column{{Name: "id", Type: "bigint"}}, PrimaryKey: &schema.Key{Columns: []string{"id"}}},
	}}
}

// served are databases at an address of their own, until the test ends.
func served(t *testing.T, all ...Database) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s := New(Options{Databases: all, Port: port, Version: "1.2.3", Now: time.Now})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// TestPagesInABrowser: each page fits on each screen, can be read in the light
// and in the dark, is gone through by keyboard, and is whole without scripts.
// What is live changes by itself.
func TestPagesInABrowser(t *testing.T) {
	b := browsertest.Start(t)
	x := busy()
	quiet := &told{status: Status{Lock: "INACTIVE", LockTone: Good}, lock: Lock{Verdict: "free", Tone: Good, Next: []Phrase{{{Text: "dbwarden migrate", Command: true}, {Text: " goes on"}}}}}
	broken := quiet.database("broken")
	trouble := &Trouble{Message: "connect to postgres://app@db.internal:5432/" + long + ": connection refused", Next: []Phrase{{{Text: "see that the server runs"}}, {{Text: "dbwarden config", Command: true}, {Text: " shows where it is"}}}}
	broken.Lock = func(context.Context) (Lock, error) { return Lock{}, trouble }
	broken.Status = func(context.Context) (Status, error) { return Status{}, trouble }
	broken.History = func(context.Context) ([]Revision, error) { return nil, errors.New("the server has gone") }
	a, named := x.database("a"), quiet.database("billing "+long)
	a.Label = "postgres://app@db.internal:5432/" + long
	at := served(t, a, named, broken)
	pages := map[string]string{"all": "/", "overview": "/db/a/", "migrations": "/db/a/migrations", "pending": "/db/a/pending", "history": "/db/a/history?page=2", "attempts": "/db/a/attempts", "diagram": "/db/a/diagram",
		"picture": "/db/a/diagram.html", "quiet": "/db/billing%20" + long + "/", "broken": "/db/broken/", "lost": "/nowhere"}

	for _, screen := range []browsertest.Screen{{Width: 320, Height: 640}, {Width: 768, Height: 1024, Dark: true}, {Width: 1280, Height: 800}} {
		tab := b.Open(t, screen)
		for name, path := range pages {
			tab.Go(at + path)
			for _, what := range tab.Audit("ui-" + name) {
				if name == "lost" && strings.Contains(what, "404") {
					continue // which it is
				}
				t.Errorf("%s, %d wide, dark %v: %s", name, screen.Width, screen.Dark, what)
			}
		}
	}

	tab := b.Open(t, browsertest.Screen{Width: 1280})
	for name, path := range pages {
		tab.Go(at + path)
		for _, what := range tab.Keyboard() {
			t.Errorf("%s: %s", name, what)
		}
	}

	plain := b.Open(t, browsertest.Screen{Width: 1280, NoScript: true})
	for name, want := range map[string]string{"overview": "alice@web-1", "pending": "CREATE INDEX", "history": "0001", "attempts": "ticket 4711", "migrations": "0042", "all": "billing", "diagram": "orders"} {
		plain.Go(at + pages[name])
		if text := plain.Text("document.querySelector('main').innerText"); !strings.Contains(text, want) {
			t.Errorf("%s without scripts does not show %q:\n%s", name, want, text)
		}
	}
}

// TestABrowserFindsADatabaseWhateverItsName: a browser has its own idea of an
// address, and of names that are nothing but dots.
func TestABrowserFindsADatabaseWhateverItsName(t *testing.T) {
	b := browsertest.Start(t)
	tab := b.Open(t, browsertest.Screen{Width: 1280})
	const which = "document.querySelector('.which').textContent"
	names := []string{"..", ".", "~..", "a/b", "%2e%2e", `a\b`, "日本語"}
	var all []Database
	for _, name := range names {
		d := (&told{}).database(name)
		all = append(all, d)
		tab.Go(served(t, d) + "/")
		if got := tab.Text(which); got != name {
			t.Errorf("%q alone: the page is of %q", name, got)
		}
		tab.Go(tab.Text("document.querySelector('nav a[href$=history]').href"))
		if got := tab.Text(which); got != name {
			t.Errorf("%q alone: the history is of %q", name, got)
		}
	}
	at := served(t, all...)
	for i, name := range names {
		tab.Go(at + "/")
		tab.Go(tab.Text(fmt.Sprintf("document.querySelectorAll('main th a')[%d].href", i)))
		if got := tab.Text(which); got != name {
			t.Errorf("%q among others: the page is of %q", name, got)
		}
	}
}

// TestALivePageChangesByItself, without moving whoever reads it: what is open
// stays open, and the keyboard stays where it is.
func TestALivePageChangesByItself(t *testing.T) {
	b := browsertest.Start(t)
	x := busy()
	d := x.database("a")
	var statement atomic.Int32
	var free, gone atomic.Bool
	d.Lock = func(context.Context) (Lock, error) {
		if gone.Load() {
			return Lock{}, errors.New("the server has gone")
		}
		if free.Load() {
			return Lock{Verdict: "free", Tone: Good}, nil
		}
		l, p := x.lock, *x.lock.Progress
		p.Statement = int(statement.Load())
		l.Progress = &p
		return l, nil
	}
	at := served(t, d)
	tab := b.Open(t, browsertest.Screen{})
	statement.Store(1)
	tab.Go(at + "/")
	tab.Eval("document.querySelector('details').open = true; document.querySelector('#status a[href$=pending]').focus(); window.same = true", nil)
	tab.Until("document.getElementById('lock').innerText.includes('statement 1 of 7')")
	statement.Store(5)
	tab.Until("document.getElementById('lock').innerText.includes('statement 5 of 7')")
	free.Store(true)
	tab.Until("document.getElementById('lock').innerText.includes('Nobody holds it')")
	if said := tab.Text("document.getElementById('said').textContent"); said != "Migration lock: INACTIVE" {
		t.Errorf("whoever listens hears %q", said)
	}
	if !strings.HasSuffix(tab.Text("document.activeElement.getAttribute('href')"), "/pending") {
		t.Error("the keyboard has lost its place")
	}
	if tab.Text("document.querySelector('details').open") != "true" {
		t.Error("what was open has closed")
	}
	gone.Store(true)
	tab.Until("document.getElementById('lock').innerText.includes('the server has gone')")
	gone.Store(false)
	tab.Until("document.getElementById('lock').innerText.includes('Nobody holds it')")
	if tab.Text("window.same") != "true" {
		t.Error("the page was loaded anew")
	}
	if all := tab.Troubles(); len(all) > 0 {
		t.Error(all)
	}

	// Paused, it stays as it is.
	tab.Eval("document.querySelector('.pause').click()", nil)
	free.Store(false)
	var asked int
	tab.Eval("new Promise((r) => setTimeout(() => r(performance.getEntriesByType('resource').filter((e) => e.initiatorType === 'fetch').length), 100))", &asked)
	if tab.Text("document.querySelector('.pause').textContent") != "Go on" || asked == 0 {
		t.Errorf("it was asked %d times, and the button says %s", asked, tab.Text("document.querySelector('.pause').textContent"))
	}
	tab.Eval("document.querySelector('.pause').click()", nil)
	tab.Until("document.getElementById('lock').innerText.includes('statement 5 of 7')")
}

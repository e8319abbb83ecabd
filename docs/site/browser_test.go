package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/browsertest"
)

// TestTheSiteInABrowser: each page fits on a narrow screen and can be read in
// the light, and some of each kind on wider ones and in the dark; they are gone
// through by keyboard.
func TestTheSiteInABrowser(t *testing.T) {
	b := browsertest.Start(t)
	out := site(t)
	files, err := filepath.Glob(filepath.Join(out, "*.html"))
	if err != nil || len(files) < 30 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	narrow := b.Open(t, browsertest.Screen{Width: 320, Height: 640})
	for _, f := range files {
		narrow.Go("file://" + f)
		for _, what := range narrow.Audit("site-" + filepath.Base(f)) {
			t.Errorf("%s, 320 wide: %s", filepath.Base(f), what)
		}
	}
	for _, screen := range []browsertest.Screen{{Width: 768, Height: 1024, Dark: true}, {Width: 1280}} {
		tab := b.Open(t, screen)
		for _, name := range []string{"index.html", "commands.html", "comparison.html", "check.html", "library.html", "configuration.html", "automation.html", "reference.html"} {
			tab.Go("file://" + filepath.Join(out, name))
			for _, what := range tab.Audit("site-" + name) {
				t.Errorf("%s, %d wide, dark %v: %s", name, screen.Width, screen.Dark, what)
			}
		}
	}
	tab := b.Open(t, browsertest.Screen{})
	tab.Go("file://" + filepath.Join(out, "commands.html"))
	for _, what := range tab.Keyboard() {
		t.Error(what)
	}
	// Narrow, the pages are a word that opens their list.
	narrow.Go("file://" + filepath.Join(out, "index.html"))
	if narrow.Text("document.querySelector('.nav nav').checkVisibility()") != "false" {
		t.Error("the list of pages stands in front of the page on a narrow screen")
	}
	narrow.Eval("document.querySelector('.nav summary').click()", nil)
	if narrow.Text("document.querySelector('.nav nav a[href=\"lock-protocol.html\"]').checkVisibility()") != "true" {
		t.Error("the list of pages does not open on a narrow screen")
	}
	plain := b.Open(t, browsertest.Screen{NoScript: true})
	plain.Go("file://" + filepath.Join(out, "lock.html"))
	if got := plain.Text("document.querySelectorAll('input').length + ' ' + (document.querySelectorAll('nav a[aria-current]').length > 0) + ' ' + document.querySelector('h1').innerText.length"); !strings.HasPrefix(got, "0 true ") || strings.HasSuffix(got, " 0") {
		t.Errorf("without scripts: %s", got)
	}
}

// TestTheSearchFinds, from a page that is opened as a file, by keyboard alone.
func TestTheSearchFinds(t *testing.T) {
	b := browsertest.Start(t)
	out := site(t)
	tab := b.Open(t, browsertest.Screen{})
	first := "document.querySelector('#found a')"
	tab.Go("file://" + filepath.Join(out, "index.html"))
	if tab.Text("[...document.scripts].map((s) => s.getAttribute('src'))") != "search.js" {
		t.Error("the index is loaded though nobody searches")
	}
	tab.Press("/")
	tab.Until("document.activeElement.id === 'search'")
	find := func(text string) {
		t.Helper()
		tab.Eval("(() => { const f = document.getElementById('search'); f.value = "+quoted(text)+"; f.dispatchEvent(new Event('input')); })()", nil)
		tab.Until("!document.getElementById('found').hidden && document.querySelector('#found [role=status]').textContent")
	}
	for text, want := range map[string]string{
		"lock-status": "commands.html#lock-status", "helm": "automation.html", "COMING from goose": "coming-from.html",
		"index-not-concurrent": "check.html", "lock": "lock.html", "at 03:00": "lock.html#at-0300", "exit codes": "commands.html", "install": "install.html",
	} {
		find(text)
		if got := tab.Text(first + ".getAttribute('href')"); !strings.HasPrefix(got, want) {
			t.Errorf("%q leads to %s first, not to %s", text, got, want)
		}
		if tab.Text("document.querySelectorAll('#found li').length <= 30") != "true" {
			t.Errorf("%q has no end", text)
		}
	}
	find("zzqx nothing")
	if got := tab.Text("document.querySelector('#found [role=status]').textContent"); got != "Nothing has all of these words." {
		t.Errorf("for nothing it says %q", got)
	}
	find(`<img src=x onerror=alert(1)>`)
	if tab.Text("document.querySelectorAll('#found img').length") != "0" {
		t.Error("what is searched for is more than text")
	}
	for _, screen := range []browsertest.Screen{{Width: 320, Height: 640}, {Dark: true}} {
		other := tab
		tab = b.Open(t, screen)
		tab.Go("file://" + filepath.Join(out, "index.html"))
		tab.Eval("document.getElementById('search').focus()", nil)
		find("lock")
		for _, what := range tab.Audit("site-search") {
			t.Errorf("with what is found, %d wide, dark %v: %s", screen.Width, screen.Dark, what)
		}
		tab = other
	}

	// Down to what is found, back, and there.
	tab.Eval("document.getElementById('search').focus()", nil)
	find("at 03:00")
	tab.Press("ArrowDown")
	tab.Until("document.activeElement === " + first)
	tab.Press("ArrowUp")
	tab.Until("document.activeElement.id === 'search'")
	tab.Press("Escape")
	tab.Until("document.getElementById('found').hidden && !document.getElementById('search').value")
	find("at 03:00")
	tab.Press("ArrowDown")
	tab.Press("Enter")
	tab.Until("location.href.endsWith('lock.html#at-0300') && document.readyState === 'complete'")
	if text := tab.Text("document.getElementById('at-0300').innerText"); !strings.Contains(text, "03:00") {
		t.Errorf("it leads to %q", text)
	}
	if all := tab.Troubles(); len(all) > 0 {
		t.Error(all)
	}
}

// quoted is a text as JavaScript writes it.
func quoted(text string) string {
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// TestEveryPassageCanBeFound: the index has each page and each of its
// headings, with the text below it, and leads to what is there.
func TestEveryPassageCanBeFound(t *testing.T) {
	t.Parallel()
	out := site(t)
	index := readIndex(t, filepath.Join(out, "search-index.js"))
	files, err := filepath.Glob(filepath.Join(out, "*.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(f)
		_, main, _ := strings.Cut(string(text), "<main")
		for _, m := range headingIDs.FindAllStringSubmatch(main, -1) {
			if _, there := index[base+"#"+m[1]]; !there {
				t.Errorf("%s#%s is not in the index", base, m[1])
			}
			delete(index, base+"#"+m[1])
		}
		if _, there := index[base+"#"]; !there {
			t.Errorf("%s is not in the index", base)
		}
		delete(index, base+"#")
	}
	for at := range index {
		t.Errorf("the index leads to %s, which is not there", at)
	}
	index = readIndex(t, filepath.Join(out, "search-index.js"))
	for at, want := range map[string]string{"check.html#how-it-judges": "It reads the statements with a grammar of its own.", "configuration.html#": "lock_timeout"} {
		if !strings.Contains(index[at], want) {
			t.Errorf("%s has no %q: %q", at, want, index[at])
		}
	}
}

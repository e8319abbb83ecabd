package diagram

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/browsertest"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Whatever names are, they are text in the picture: it is well-formed, has no
// element of theirs, and shows each.
func TestNamesAreTextInASVG(t *testing.T) {
	t.Parallel()
	p := Of(nastyState(), Options{})
	d := xml.NewDecoder(strings.NewReader(p.SVG()))
	var shown strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			if !slices.Contains([]string{"svg", "style", "g", "rect", "circle", "path", "text", "title"}, x.Name.Local) {
				t.Errorf("there is an element %s", x.Name.Local)
			}
			for _, a := range x.Attr {
				if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || a.Name.Local == "href" || a.Name.Local == "style" {
					t.Errorf("there is an attribute %s", a.Name.Local)
				}
			}
		case xml.CharData:
			shown.Write(x)
			shown.WriteByte('\n')
		}
	}
	for _, n := range nasty {
		if !strings.Contains(shown.String(), plain(n)) {
			t.Errorf("%q is not shown", n)
		}
	}
}

func TestThePageAsksForNothing(t *testing.T) {
	t.Parallel()
	page := Of(nastyState(), Options{}).HTML()
	for _, m := range regexp.MustCompile(`(?i)<(script|style|link|img|iframe|meta|b|object)\b[^>]*>`).FindAllString(page, -1) {
		if !slices.Contains([]string{"<script>", "<style>", `<meta charset="utf-8">`}, m) && !strings.HasPrefix(m, `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-`) &&
			!strings.HasPrefix(m, `<meta name="`) {
			t.Errorf("there is %s", m)
		}
	}
	if n := strings.Count(page, "<script>"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	for _, bad := range []string{"http://", "https://", "url(", "@import", "fetch(", "innerHTML"} {
		if strings.Contains(strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, ""), bad) {
			t.Errorf("there is %s", bad)
		}
	}
}

// TestABrowserShowsThePage: under its own policy the page's script runs, and
// finds what is asked for; the page fits on each screen, can be read in the
// light and in the dark, and by keyboard; without scripts the picture is there.
func TestABrowserShowsThePage(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	file := func(name, page string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file://" + path
	}
	before, after := shop(), shop()
	after.Tables = append(after.Tables[:0:0], after.Tables[1:]...)
	after.Tables[2].Columns = after.Tables[2].Columns[:2]
	after.Tables = append(after.Tables, schema.Table{Name: "newcomer", Columns: []schema.Column{{Name: "id", Type: "bigint"}}})
	pages := map[string]string{
		"shop":    file("shop.html", Of(shop(), Options{}).HTML()),
		"changes": file("changes.html", Of(after, Options{Changes: schema.Diff(before, after)}).HTML()),
		"nasty":   file("nasty.html", Of(nastyState(), Options{Changes: []schema.Change{}}).HTML()), // with the legend of changes
	}
	for _, screen := range []browsertest.Screen{{Width: 320, Height: 640}, {Width: 768, Height: 1024, Dark: true}, {Width: 1280}} {
		tab := b.Open(t, screen)
		for name, page := range pages {
			tab.Go(page)
			for _, what := range tab.Audit("diagram-" + name) {
				t.Errorf("%s, %d wide, dark %v: %s", name, screen.Width, screen.Dark, what)
			}
			if over := tab.Text("[...document.querySelectorAll('.group')].filter((g) => g.querySelector('text').getBBox().width > g.querySelector('rect').getBBox().width - 16).map((g) => g.textContent)"); over != "" {
				t.Errorf("%s: a group has no room for its title: %s", name, over)
			}
		}
	}
	tab := b.Open(t, browsertest.Screen{})
	tab.Go(pages["changes"])
	for _, what := range tab.Keyboard() {
		t.Error(what)
	}

	tab.Go(pages["nasty"] + "#q=日本語")
	if got := tab.Text("[...document.querySelectorAll('.box.hit')].map((e) => e.dataset.name)"); got != "日本語" {
		t.Errorf("found %q", got)
	}
	if got := tab.Text("document.getElementById('said').textContent"); got != "1 of 1 found" {
		t.Errorf("it says that it found %q", got)
	}
	if n := tab.Text("document.scripts.length"); n != "1" {
		t.Errorf("%s scripts", n)
	}

	// By keyboard: search, then nothing is searched for.
	tab.Go(pages["shop"])
	tab.Press("/")
	for _, key := range "ord" {
		tab.Press(string(key))
	}
	if got := tab.Text("document.getElementById('search').value + ' ' + document.querySelectorAll('.box.hit').length"); !strings.HasPrefix(got, "ord ") || strings.HasSuffix(got, " 0") {
		t.Errorf("the search by keyboard has %q", got)
	}
	tab.Press("Escape")
	if got := tab.Text("document.querySelectorAll('.hit, .faded').length"); got != "0" {
		t.Errorf("%s are marked still", got)
	}
	before0 := tab.Text("getComputedStyle(document.body).backgroundColor")
	tab.Eval("document.getElementById('theme').click()", nil)
	if tab.Text("getComputedStyle(document.body).backgroundColor") == before0 {
		t.Error("the button for dark or light does nothing")
	}

	plain := b.Open(t, browsertest.Screen{NoScript: true})
	plain.Go(pages["shop"])
	if got := plain.Text("document.documentElement.className + document.querySelectorAll('svg .box').length"); got != strconv.Itoa(len(shop().Tables)) {
		t.Errorf("without scripts there are %q boxes", got)
	}
}

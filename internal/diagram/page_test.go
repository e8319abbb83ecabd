package diagram

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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

// browser runs a page in Chromium and returns what has become of it.
func browser(t *testing.T, page, hash string) string {
	t.Helper()
	var bin string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			bin = p
			break
		}
	}
	if bin == "" {
		t.Skip("no browser is installed: there is no chromium, chromium-browser or google-chrome on PATH")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), bin, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--window-size=1200,800",
		"--virtual-time-budget=2000", "--dump-dom", "file://"+file+hash)
	c.WaitDelay = 10 * time.Second
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v", bin, err)
	}
	return string(out)
}

// Under its own policy the page's script runs, and finds what is asked for.
func TestABrowserShowsThePage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	dom := browser(t, Of(nastyState(), Options{Changes: []schema.Change{}}).HTML(), "#q=日本語") // with the legend of changes
	if !strings.Contains(dom, `class="js"`) {
		t.Fatal("the script did not run")
	}
	hits := regexp.MustCompile(`<g class="box[^"]*\bhit\b[^"]*" id="b\d+" data-name="([^"]*)"`).FindAllStringSubmatch(dom, -1)
	if len(hits) != 1 || hits[0][1] != "日本語" {
		t.Errorf("found %q", hits)
	}
	if !strings.Contains(dom, ">1 of 1 found<") {
		t.Error("it does not say what it found")
	}
	if n := strings.Count(dom, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
}

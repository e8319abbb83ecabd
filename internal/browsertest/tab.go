package browsertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A Screen is what a page is seen on.
type Screen struct {
	Width, Height int  // in CSS pixels; 1280 and 800 where they are 0
	Dark          bool // the system is dark
	NoScript      bool // scripts are off
}

// A Tab is one page at a time.
type Tab struct {
	b       *Browser
	t       testing.TB
	session string
	screen  Screen

	mu       sync.Mutex
	loaded   chan struct{}
	troubles []string
}

// Open opens a tab, which is closed with the test.
func (b *Browser) Open(t testing.TB, s Screen) *Tab {
	t.Helper()
	if s.Width == 0 {
		s.Width, s.Height = 1280, 800
	}
	if s.Height == 0 {
		s.Height = 800
	}
	tab := &Tab{b: b, t: t, screen: s, loaded: make(chan struct{}, 1)}
	var target struct {
		ID string `json:"targetId"`
	}
	var at struct {
		Session string `json:"sessionId"`
	}
	tab.ask("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	tab.ask("Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &at)
	tab.session = at.Session
	b.mu.Lock()
	b.tabs[tab.session] = tab
	b.mu.Unlock()
	t.Cleanup(func() { _, _ = b.try("", "Target.closeTarget", map[string]any{"targetId": target.ID}) })
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	for _, x := range []struct {
		method string
		params map[string]any
	}{
		{"Page.enable", nil}, {"Runtime.enable", nil}, {"Log.enable", nil},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": s.Width, "height": s.Height, "deviceScaleFactor": 1, "mobile": false}},
		{"Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}}},
		{"Emulation.setScriptExecutionDisabled", map[string]any{"value": s.NoScript}},
		{"Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}}, // as if its window were in front
	} {
		tab.ask(x.method, x.params, nil)
	}
	return tab
}

func (p *Tab) ask(method string, params, into any) {
	p.t.Helper()
	raw, err := p.b.try(p.session, method, params)
	if err == nil && into != nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		p.t.Fatalf("browsertest: %v", err)
	}
}

// hear takes what happens on the page.
func (p *Tab) hear(m message) {
	trouble := func(format string, args ...any) {
		p.mu.Lock()
		p.troubles = append(p.troubles, fmt.Sprintf(format, args...))
		p.mu.Unlock()
	}
	switch m.Method {
	case "Page.loadEventFired":
		select {
		case p.loaded <- struct{}{}:
		default:
		}
	case "Runtime.exceptionThrown":
		var e struct {
			ExceptionDetails struct {
				Text      string
				Exception struct{ Description string }
			}
		}
		_ = json.Unmarshal(m.Params, &e) // of another shape it is told without words
		trouble("a script failed: %s %s", e.ExceptionDetails.Text, e.ExceptionDetails.Exception.Description)
	case "Log.entryAdded":
		var e struct {
			Entry struct{ Source, Level, Text, URL string }
		}
		_ = json.Unmarshal(m.Params, &e)
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			trouble("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

// Go loads a page, with all that belongs to it.
func (p *Tab) Go(url string) {
	p.t.Helper()
	select {
	case <-p.loaded:
	default:
	}
	p.mu.Lock()
	p.troubles = nil
	p.mu.Unlock()
	var went struct{ ErrorText string }
	p.ask("Page.navigate", map[string]any{"url": url}, &went)
	if went.ErrorText != "" {
		p.t.Fatalf("browsertest: %s: %s", url, went.ErrorText)
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case <-p.loaded:
	case <-timer.C:
		p.t.Fatalf("browsertest: %s is not loaded after %s", url, answerTime)
	}
}

// Troubles are what the page's scripts and its policy have complained of since
// it was asked for.
func (p *Tab) Troubles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.troubles...)
}

// Eval evaluates an expression on the page, waits where it is a promise, and
// reads its value into what into points to; nil drops it.
func (p *Tab) Eval(js string, into any) {
	p.t.Helper()
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.ask("Runtime.evaluate", map[string]any{"expression": js, "awaitPromise": true, "returnByValue": true}, &out)
	if x := out.ExceptionDetails; x != nil {
		p.t.Fatalf("browsertest: %s: %s %s", js, x.Text, x.Exception.Description)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(out.Result.Value, into); err != nil {
		p.t.Fatalf("browsertest: %s: %v in %s", js, err, out.Result.Value)
	}
}

// Text is what an expression gives as text.
func (p *Tab) Text(js string) (text string) {
	p.t.Helper()
	p.Eval("String("+js+")", &text)
	return text
}

// Until waits until an expression is true of the page, which changes by itself.
func (p *Tab) Until(js string) {
	p.t.Helper()
	for begin := time.Now(); ; {
		var is bool
		p.Eval("!!("+js+")", &is)
		if is {
			return
		}
		if time.Since(begin) > answerTime {
			p.t.Fatalf("browsertest: it has not become true: %s\n%s", js, p.Text("document.body.innerText"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Press presses a key and lets it go: "Tab", "Enter", or a character.
func (p *Tab) Press(key string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38}
	press := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if len(key) == 1 {
		press["text"] = key
	}
	if key == "Enter" {
		press["text"] = "\r"
	}
	p.ask("Input.dispatchKeyEvent", press, nil)
	p.ask("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

// picture keeps a picture of the whole page, where somebody wants to look.
func (p *Tab) picture(name string) {
	folder := os.Getenv("DBWARDEN_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	var size struct {
		CSSContentSize struct{ Width, Height float64 }
	}
	p.ask("Page.getLayoutMetrics", nil, &size)
	var shot struct{ Data string }
	p.ask("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true,
		"clip": map[string]any{"x": 0, "y": 0, "width": p.screen.Width, "height": min(size.CSSContentSize.Height, 4000), "scale": 1}}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.MkdirAll(folder, 0o777)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), data, 0o666)
	}
	if err != nil {
		p.t.Error(err)
	}
}

package browsertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// answerTime is how long the browser may take for one answer, on a machine that
// has other things to do.
const answerTime = 2 * time.Minute

// A Browser is one process, which ends with its test.
type Browser struct {
	t  testing.TB
	to *os.File // what it reads

	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	tabs    map[string]*Tab // by session
	ended   error
}

// message is one of the protocol, in either direction.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// find is the browser's program, or why there is none.
func find() (string, error) {
	if name := os.Getenv("DBWARDEN_TEST_BROWSER"); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, nil
		}
	}
	return "", errors.New("there is no chromium, chromium-browser or google-chrome on PATH")
}

// Start starts a browser for a test, or skips the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the pipes to the browser are those of Unix")
	}
	bin, err := find()
	if err != nil {
		t.Skipf("no browser is installed: %v", err)
	}
	itReads, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, itWrites, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	c := exec.Command(bin, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-extensions", "--disable-quic", "--hide-scrollbars", "--force-color-profile=srgb", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--remote-debugging-pipe", "--user-data-dir="+filepath.Join(home, "profile"), "about:blank")
	c.ExtraFiles = []*os.File{itReads, itWrites} // 3 and 4
	c.Env = append(os.Environ(), "HOME="+home)
	if err := c.Start(); err != nil {
		t.Fatalf("%s: %v", bin, err)
	}
	itReads.Close()
	itWrites.Close()
	b := &Browser{t: t, to: to, waiting: map[int]chan message{}, tabs: map[string]*Tab{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read(bufio.NewReader(from))
	}()
	t.Cleanup(func() {
		_, _ = b.try("", "Browser.close", nil) // it may be gone before it answers
		to.Close()                             // which ends it, too
		grace := time.AfterFunc(answerTime, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		grace.Stop()
		from.Close()
		<-read
	})
	return b
}

// read hands out what the browser says, until it ends.
func (b *Browser) read(from *bufio.Reader) {
	for {
		text, err := from.ReadBytes(0)
		var m message
		if err == nil {
			err = json.Unmarshal(text[:len(text)-1], &m)
		}
		b.mu.Lock()
		if err != nil {
			b.ended = fmt.Errorf("the browser has ended: %w", err)
			for _, c := range b.waiting {
				close(c)
			}
			clear(b.waiting)
			b.mu.Unlock()
			return
		}
		answer, tab := b.waiting[m.ID], b.tabs[m.Session]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case m.ID != 0 && answer != nil:
			answer <- m
		case m.Method != "" && tab != nil:
			tab.hear(m)
		}
	}
}

// try asks for something, of a tab by its session, and waits for the answer.
func (b *Browser) try(session, method string, params any) (json.RawMessage, error) {
	if params == nil {
		params = struct{}{}
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	if b.ended != nil {
		defer b.mu.Unlock()
		return nil, b.ended
	}
	b.last++
	m := message{ID: b.last, Session: session, Method: method, Params: raw}
	b.waiting[m.ID] = answer
	text, err := json.Marshal(m)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case m, open := <-answer:
		switch {
		case !open:
			return nil, b.ended
		case m.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-timer.C:
		return nil, fmt.Errorf("%s: no answer within %s", method, answerTime)
	}
}

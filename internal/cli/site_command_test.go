package cli_test

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// sites are the pages that scripts look at: "site open FLAGS..." starts
// dbwarden ui on a free port, "site get PATH [HEADER: VALUE]" prints the status
// and the page as text, "site until REGEXP PATH" asks until the text matches,
// "site close SIGNAL" prints how the program ended.
type sites struct{ open sync.Map }

type openSite struct {
	process *exec.Cmd
	url     string
	stderr  *strings.Builder
}

func (s *sites) do(ts *testscript.TestScript, args []string) {
	work := ts.Getenv("WORK")
	if args[0] == "open" {
		s.start(ts, work, args[1:])
		return
	}
	found, ok := s.open.Load(work)
	if !ok {
		ts.Fatalf("no site is open")
	}
	at := found.(*openSite)
	switch args[0] {
	case "get":
		fmt.Fprintln(ts.Stdout(), at.get(ts, args[1], args[2:]...))
	case "until":
		want, last := regexp.MustCompile("(?m)"+args[1]), ""
		poll(ts, patience, args[1], func() bool {
			last = at.get(ts, args[2])
			return want.MatchString(last)
		})
		fmt.Fprintln(ts.Stdout(), last)
	case "close":
		s.open.Delete(work)
		ts.Check(at.process.Process.Signal(map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM}[args[1]]))
		at.process.Wait() // its exit code is what is printed
		fmt.Fprintf(ts.Stdout(), "exit %d\n", at.process.ProcessState.ExitCode())
		fmt.Fprint(ts.Stderr(), at.stderr)
	}
}

func (s *sites) start(ts *testscript.TestScript, work string, flags []string) {
	at := &openSite{process: command(ts, append([]string{"dbwarden", "ui", "--listen", "127.0.0.1:0"}, flags...)), stderr: &strings.Builder{}}
	at.process.Stderr = at.stderr
	out, err := at.process.StdoutPipe()
	ts.Check(err)
	ts.Check(at.process.Start())
	said := ""
	for r := bufio.NewReader(out); at.url == "" && err == nil; {
		var line string
		line, err = r.ReadString('\n')
		said += line
		at.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	}
	s.open.Store(work, at)
	ts.Defer(func() {
		if _, open := s.open.LoadAndDelete(work); open {
			at.process.Process.Kill()
			at.process.Wait()
		}
	})
	if at.url == "" {
		at.process.Process.Kill()
		at.process.Wait()
		s.open.Delete(work)
		ts.Fatalf("it does not say where it is: %q, %s", said, at.stderr)
	}
}

var markup = regexp.MustCompile(`(?s)<[^>]*>`)

func (at *openSite) get(ts *testscript.TestScript, path string, headers ...string) string {
	r, err := http.NewRequest("GET", at.url+path, nil)
	ts.Check(err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	c := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := c.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	text := strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(string(body), " "))), " ")
	return fmt.Sprintf("%d %s", answer.StatusCode, text)
}

package ui

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestWhatComesOverTheWireIsRefused: what no browser sends, and a program may.
// None of it is told what only the page shows, and none keeps the others, or
// the end, waiting.
func TestWhatComesOverTheWireIsRefused(t *testing.T) {
	t.Parallel()
	var read atomic.Int32
	x := &told{lock: Lock{Active: true, Holder: "alice-the-holder", Tone: Busy}, pending: Pending{Migrations: []Migration{{File: "0001.sql"}}}, texts: map[string]string{"0001.sql": "SELECT 1;", "secret.txt": "hidden"}}
	d := x.database("a")
	d.Lock = func(context.Context) (Lock, error) { read.Add(1); return x.lock, nil }
	at := strings.TrimPrefix(served(t, d), "http://")
	say := func(request string) (status int, body string) {
		t.Helper()
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go io.WriteString(c, strings.ReplaceAll(strings.ReplaceAll(request, "HOST", at), "\n", "\r\n")) // of what is refused the rest is not read
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%.60q: %v", request, err)
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body) // a refusal may end the connection under it
		return r.StatusCode, string(text)
	}
	long := strings.Repeat("x", 20<<10)
	for request, want := range map[string]int{
		"GET /db/a/ HTTP/1.1\nHost: HOST\n":                                                          200,
		"GET http://HOST/db/a/ HTTP/1.1\nHost: evil.example\n":                                       200, // its first line counts, and names us
		"GET http://evil.example/db/a/ HTTP/1.1\nHost: HOST\n":                                       421,
		"GET /db/a/ HTTP/1.1\nHost: evil.example\nX-Forwarded-Host: HOST\n":                          421,
		"GET /db/a/ HTTP/1.1\nHost: evil.example\nForwarded: host=HOST\nX-Host: HOST\n":              421,
		"GET /db/a/ HTTP/1.1\nHost: HOST@evil.example\n":                                             400,
		"GET /db/a/ HTTP/1.1\nHost: evil.example#HOST\n":                                             400,
		"GET /db/a/ HTTP/1.1\nHost: HOST.\n":                                                         421,
		"GET /db/a/ HTTP/1.1\nHost: HOST\nHost: evil.example\n":                                      400,
		"GET /db/a/ HTTP/1.1\n":                                                                      400,
		"GET /db/a/ HTTP/1.0\n":                                                                      421,
		"GET /db/a/ HTTP/1.1\nHost: HOST\nOrigin: http://HOST.evil.example\n":                        403,
		"GET /db/a/ HTTP/1.1\nHost: HOST\nOrigin: http://HOST@evil.example\n":                        403,
		"POST /db/a/ HTTP/1.1\nHost: HOST\nContent-Length: 0\nX-HTTP-Method-Override: GET\n":         405,
		"HEAD /db/a/ HTTP/1.1\nHost: HOST\n":                                                         200,
		"GET /db/a/history?page=" + strings.Repeat("9", 20<<10) + " HTTP/1.1\nHost: HOST\n":          200,
		"GET /db/a/?" + long + " HTTP/1.1\nHost: HOST\n":                                             200,
		"GET /db/a/?" + long + long + " HTTP/1.1\nHost: HOST\n":                                      431,
		"GET /db/a/ HTTP/1.1\nHost: HOST\nCookie: " + long + long + "\n":                             431,
		"GET /db/a/pending/../../../etc/passwd HTTP/1.1\nHost: HOST\n":                               404,
		"GET /db/a/pending/..%2F..%2Fsecret.txt HTTP/1.1\nHost: HOST\n":                              404,
		"GET /db/a/pending/%2e%2e/secret.txt HTTP/1.1\nHost: HOST\n":                                 404,
		"GET /db/a/pending/secret.txt%00.sql HTTP/1.1\nHost: HOST\n":                                 404,
		"GET /db/a/pending/..%5Csecret.txt HTTP/1.1\nHost: HOST\n":                                   404,
		"GET //evil.example/db/a/ HTTP/1.1\nHost: HOST\n":                                            404,
		"GET /db/%zz/ HTTP/1.1\nHost: HOST\n":                                                        400,
		"GET /db/a/ HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\nContent-Length: 5\n\n0\n\nGET": 200, // a body is not read
	} {
		status, body := say(request + "Connection: close\n\n")
		if status != want {
			t.Errorf("%.90q: %d instead of %d", request, status, want)
		}
		if status != 200 && (strings.Contains(body, "alice") || strings.Contains(body, "hidden") || strings.Contains(body, "sqlite")) {
			t.Errorf("%.90q: the refusal tells of the database: %s", request, body)
		}
	}

	// Some that say nothing, or half of something, and one that reads nothing.
	for i := range 40 {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, []string{"", "GET /db/a/ HTTP/1.1\r\nHost: ", "GET /db/a/ HTTP/1.1\r\nHost: " + at + "\r\n\r\n"}[i%3])
	}
	time.Sleep(lively.fresh) // what was read is stale: it is read once for all who look now
	before := read.Load()
	if status, body := say("GET /db/a/ HTTP/1.1\nHost: HOST\nConnection: close\n\n"); status != 200 || !strings.Contains(body, "alice-the-holder") {
		t.Errorf("with forty that wait: %d", status)
	}
	if n := read.Load() - before; n > 2 {
		t.Errorf("the database was asked %d times for one look", n)
	}
}

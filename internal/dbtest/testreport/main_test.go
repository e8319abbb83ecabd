package main

import (
	"strings"
	"testing"
)

const run = `{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"    a_test.go:3: chatter\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood/part","Elapsed":40}
{"Action":"pass","Package":"m/a","Test":"TestGood","Elapsed":40.2}
{"Action":"pass","Package":"m/a","Test":"TestQuick","Elapsed":0.2}
{"Action":"output","Package":"m/a","Test":"TestNoServer","Output":"    server.go:9: MariaDB: mariadbd not found\n"}
{"Action":"output","Package":"m/a","Test":"TestNoServer","Output":"--- SKIP: TestNoServer (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestNoServer"}
{"Action":"output","Package":"m/a","Test":"TestNeither","Output":"    server.go:9: MariaDB: mariadbd not found\n"}
{"Action":"output","Package":"m/a","Test":"TestNeither","Output":"    testscript.go:609: WORK=$WORK\n"}
{"Action":"skip","Package":"m/a","Test":"TestNeither"}
{"Action":"output","Package":"m/a","Test":"TestBad","Output":"    a_test.go:7: it broke\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad"}
{"Action":"output","Package":"m/a","Output":"FAIL\n"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t0.01s\n"}
{"Action":"fail","Package":"m/a"}
{"Action":"output","Package":"m/b","Output":"ok  \tm/b\t0.02s\n"}
{"Action":"pass","Package":"m/b"}
{"Action":"output","Package":"m/c","Test":"TestHang","Output":"    c_test.go:1: waiting\n"}
{"Action":"output","Package":"m/c","Output":"panic: test timed out\n"}
{"Action":"output","Package":"m/c","Output":"FAIL\tm/c\t9.00s\n"}
{"Action":"fail","Package":"m/c"}
{"ImportPath":"m/d","Action":"build-output","Output":"d.go:1: no such thing\n"}
{"ImportPath":"m/d","Action":"build-fail"}
go: a warning
`

func TestReportTellsFailuresAndReasonsAndNoChatter(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := newReport(&out, false)
	if err := r.read(strings.NewReader(run)); err != nil {
		t.Fatal(err)
	}
	if !r.finish() {
		t.Error("the failures are not reported")
	}
	const want = `
m/a: TestBad
    a_test.go:7: it broke
FAIL	m/a	0.01s
ok  	m/b	0.02s
FAIL	m/c	9.00s
panic: test timed out

m/c: TestHang (not ended)
    c_test.go:1: waiting
d.go:1: no such thing
go: a warning

6 tests: 3 passed, 1 failed, 2 skipped
  skipped 2: MariaDB: mariadbd not found (a.TestNoServer, a.TestNeither)
  slow: 40 s a.TestGood
  failed: m/a TestBad
  failed: m/a
  failed: m/c
  failed: m/d
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestReportIsContentWhenAllIsWell(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := newReport(&out, false)
	if err := r.read(strings.NewReader(`{"Action":"output","Package":"m/b","Output":"ok  \tm/b\t0.02s\n"}` + "\n" +
		`{"Action":"pass","Package":"m/b"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if r.finish() {
		t.Error("a failure is reported")
	}
	if want := "ok  \tm/b\t0.02s\n\n0 tests: 0 passed, 0 failed, 0 skipped\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

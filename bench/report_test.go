package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table and the chart that are expected")

// The same results make the same table and the same chart, byte for byte, and
// these are the ones that stand beside them.
func TestTheSameResultsMakeTheSameTableAndChart(t *testing.T) {
	const results = "testdata/results.json"
	if *update {
		if err := redraw([]string{results}, "testdata", io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "testdata", []string{results})
	// Once more of what was written, and joined with itself.
	same(t, "testdata", []string{results, results})
}

// What the README shows is what its results make.
func TestTheChartOfTheREADMEIsOfItsResults(t *testing.T) {
	const shown = "../docs/bench"
	if _, err := os.Stat(shown); os.IsNotExist(err) {
		if text, err := os.ReadFile("../README.md"); err != nil || bytes.Contains(text, []byte("](docs/bench/chart.svg)")) {
			t.Errorf("the README shows a chart that is not there: %v", err)
		}
		return
	}
	same(t, shown, []string{filepath.Join(shown, "results.json")})
}

// same checks that a folder holds what these results make.
func same(t *testing.T, folder string, results []string) {
	t.Helper()
	for range 3 {
		dir := t.TempDir()
		var told strings.Builder
		if err := redraw(results, dir, &told); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"results.json", "table.md", "chart.svg"} {
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s of %v is another one than in %s", name, results, folder)
			}
			if name == "table.md" && told.String() != string(got) {
				t.Errorf("the table that is printed is another one:\n%s", told.String())
			}
		}
	}
}

// A chart is drawn of the cases that have a time and a peer, and says which is
// which.
func TestTheChartShowsEachTimedCase(t *testing.T) {
	r, err := readReports([]string{"testdata/results.json"})
	if err != nil {
		t.Fatal(err)
	}
	chart := r.chart()
	for _, want := range []string{"apply 1,000 on SQLite", "dbwarden 0.95 s", "goose 9.54 s", "apply 1000, PostgreSQL, 10 ms round trips", "goose 49.16 s", "nothing to do, 1,000 applied, PostgreSQL"} {
		if !strings.Contains(chart, want) {
			t.Errorf("the chart does not say %q", want)
		}
	}
	if strings.Contains(chart, "peak memory") {
		t.Error("the chart of times has a case of memory")
	}
}

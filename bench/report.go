package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A report is what was measured, and where.
type report struct {
	Date     string   `json:"date"`
	Machine  string   `json:"machine"`
	Versions []string `json:"versions"`
	Runs     int      `json:"runs"`
	Results  []result `json:"results"`
}

// A result is one case, measured.
type result struct {
	Name      string        `json:"name"`
	Title     string        `json:"title"`
	Deed      deed          `json:"deed"`
	Product   product       `json:"product,omitempty"`
	Count     int           `json:"count,omitempty"`
	Figure    figure        `json:"figure"`
	Ratio     float64       `json:"limit_ratio,omitempty"`
	Plus      float64       `json:"limit_plus,omitempty"`
	TripsMost float64       `json:"limit_trips,omitempty"`
	RoundTrip time.Duration `json:"round_trip,omitempty"`
	Series    []series      `json:"series"`
}

func newReport(ctx context.Context, root string, runs int) *report {
	r := &report{Date: time.Now().UTC().Format("2006-01-02"), Runs: runs}
	r.Machine = fmt.Sprintf("%s/%s, %d processors%s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), memorySize())
	r.Versions = append(r.Versions, strings.TrimPrefix(runtime.Version(), "go")+" of Go")
	if out, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--tags", "--dirty").Output(); err == nil {
		r.Versions = append(r.Versions, "dbwarden "+strings.TrimSpace(string(out)))
	}
	if text, err := os.ReadFile(filepath.Join(root, "bench", "goose", "go.mod")); err == nil {
		if m := regexp.MustCompile(`pressly/goose/v3 (v\S+)`).FindSubmatch(text); m != nil {
			r.Versions = append(r.Versions, "goose "+string(m[1]))
		}
	}
	for _, p := range []struct{ name, at string }{{"golang-migrate", golangMigrate}, {"tern", tern}, {"sql-migrate", sqlMigrate}} {
		_, v, _ := strings.Cut(p.at, "@")
		r.Versions = append(r.Versions, p.name+" "+v)
	}
	return r
}

func memorySize() string {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return ""
	}
	var kilo int64
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kilo); err != nil {
		return ""
	}
	return fmt.Sprintf(", %d GB", (kilo+500_000)/1_000_000)
}

func (r *report) server(version string) {
	if version != "" && !slices.Contains(r.Versions, version) {
		r.Versions = append(r.Versions, version)
	}
}

func (r *report) add(c testCase, all []series) {
	r.Results = append(r.Results, result{Name: c.name, Title: c.title, Deed: c.deed, Product: c.product, Count: c.n, Figure: c.figure,
		Ratio: c.ratio, Plus: c.plus, TripsMost: c.trips, RoundTrip: c.roundTrip, Series: all})
}

func readReport(name string) (*report, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	r := &report{}
	return r, json.Unmarshal(text, r)
}

// readReports joins several, of parts of the table: each case as it was measured
// last.
func readReports(names []string) (*report, error) {
	var all *report
	last := map[string]result{}
	for _, name := range names {
		r, err := readReport(name)
		if err != nil {
			return nil, err
		}
		for _, x := range r.Results {
			last[x.Name] = x
		}
		if all == nil {
			all = r
			continue
		}
		all.Date, all.Runs = max(all.Date, r.Date), min(all.Runs, r.Runs)
		for _, v := range r.Versions {
			all.server(v)
		}
	}
	all.Results = nil
	for _, c := range cases(false) {
		if x, ok := last[c.name]; ok {
			all.Results = append(all.Results, x)
		}
	}
	return all, nil
}

// ours, peer and floor are dbwarden, the best of the peers and the best of the
// native clients; nil where there is none.
func (r result) ours() *series {
	return r.best(func(s series) bool { return s.Tool == warden.name })
}
func (r result) peer() *series {
	return r.best(func(s series) bool { return s.Tool != warden.name && !s.Native })
}
func (r result) floor() *series {
	return r.best(func(s series) bool { return s.Native })
}

func (r result) best(of func(series) bool) *series {
	var out *series
	for i, s := range r.Series {
		if of(s) && (out == nil || s.median(r.Figure) < out.median(r.Figure)) {
			out = &r.Series[i]
		}
	}
	return out
}

// A line is a target of the table against what was measured.
type line struct {
	title, target, measured, detail string
	good                            bool
}

func (r *report) lines() []line {
	var out []line
	for _, x := range r.Results {
		ours, peer := x.ours(), x.peer()
		if ours == nil {
			continue
		}
		value := ours.median(x.Figure)
		l := line{title: x.Title}
		switch {
		case x.Ratio == 0:
			l.target, l.measured = amount(x.Figure, x.Plus), amount(x.Figure, value)
			l.good = value <= x.Plus
		case peer == nil:
			l.measured = amount(x.Figure, value)
		default:
			best := peer.median(x.Figure)
			l.target = fmt.Sprintf("%.2f x", x.Ratio)
			l.measured = fmt.Sprintf("%.2f x", value/best)
			if x.Plus > 0 {
				l.target += " + " + amount(x.Figure, x.Plus)
				l.measured = fmt.Sprintf("1.00 x %+.0f MB", (value-best)/megabyte)
			}
			l.good = value <= best*x.Ratio+x.Plus
		}
		l.detail = x.detail()
		out = append(out, l)
		if x.TripsMost > 0 {
			trips := ours.trips() / float64(x.Count)
			t := line{title: "round trips a migration, " + x.RoundTrip.String(), target: fmt.Sprintf("%.1f", x.TripsMost), measured: fmt.Sprintf("%.2f", trips), good: trips <= x.TripsMost}
			var others []string
			for _, s := range x.Series {
				if s.Tool != warden.name {
					others = append(others, fmt.Sprintf("%s %.2f", s.Tool, s.trips()/float64(x.Count)))
				}
			}
			t.detail = strings.Join(others, ", ")
			out = append(out, t)
		}
	}
	return append(out, r.growth()...)
}

// growth compares the same deed on a short and a long history.
func (r *report) growth() []line {
	var out []line
	for _, few := range r.Results {
		for _, many := range r.Results {
			if few.Deed != nothing && few.Deed != status || few.Deed != many.Deed || few.Product != many.Product || few.Count >= many.Count {
				continue
			}
			times := many.ours().median(wall) / few.ours().median(wall)
			most := float64(many.Count) / float64(few.Count)
			out = append(out, line{title: fmt.Sprintf("growth from %d to %d applied, %s, %s", few.Count, many.Count, few.Deed, few.Product),
				target: fmt.Sprintf("%.0f x", most), measured: fmt.Sprintf("%.1f x", times), good: times <= most,
				detail: fmt.Sprintf("%s to %s", amount(wall, few.ours().median(wall)), amount(wall, many.ours().median(wall)))})
		}
	}
	return out
}

// detail is all of a case in a line: each tool's median, with the CPU time
// that noise on the machine does not blur, and its memory.
func (r result) detail() string {
	var parts []string
	list := slices.Clone(r.Series)
	slices.SortStableFunc(list, func(a, b series) int {
		return int(a.median(r.Figure)/1000) - int(b.median(r.Figure)/1000)
	})
	ours := r.ours().median(r.Figure)
	for _, s := range list {
		one := s.Tool + " " + amount(r.Figure, s.median(r.Figure))
		if r.Figure == wall {
			one += fmt.Sprintf(" (CPU %s, %s)", amount(cpu, s.median(cpu)), amount(memory, s.median(memory)))
		}
		if s.Native {
			one += fmt.Sprintf(", of which dbwarden takes %.1f x", ours/s.median(r.Figure))
		}
		parts = append(parts, one)
	}
	return strings.Join(parts, "; ")
}

func amount(f figure, v float64) string {
	if f == memory {
		return fmt.Sprintf("%.0f MB", v/megabyte)
	}
	d := time.Duration(v)
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", v/millisecond)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func (r *report) table(w io.Writer) {
	fmt.Fprintf(w, "Measured on %s; %s; %s. Medians of %d runs.\n\n", r.Date, r.Machine, strings.Join(r.Versions, ", "), r.Runs)
	fmt.Fprintf(w, "| case | at most | measured | | each tool |\n|---|---|---|---|---|\n")
	for _, l := range r.lines() {
		mark := ""
		if !l.good && l.target != "" {
			mark = "missed"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", l.title, l.target, l.measured, mark, l.detail)
	}
}

// redraw makes table and chart of what was measured before. The same results
// give the same bytes.
func redraw(results []string, folder string, w io.Writer) error {
	r, err := readReports(results)
	if err != nil {
		return err
	}
	return r.write(folder, w)
}

// write puts the report into a folder, and its table on w.
func (r *report) write(folder string, w io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "results.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	var table strings.Builder
	r.table(&table)
	if err := os.WriteFile(filepath.Join(folder, "table.md"), []byte(table.String()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "chart.svg"), []byte(r.chart()), 0o644); err != nil {
		return err
	}
	if w != nil {
		_, err = io.WriteString(w, table.String())
	}
	return err
}

// Package promtext writes what runs did in Prometheus's text exposition
// format, for jobs that end before anybody could scrape them.
package promtext

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A Label tells samples of one family apart.
type Label struct{ Name, Value string }

// A Page is a text of metrics. Samples of one family stand together, in the
// order in which families were first named.
type Page struct{ families []*family }

type family struct {
	name, help string
	samples    []sample
}

type sample struct {
	labels string // as written, with their braces
	value  float64
}

// Gauge adds a sample: name in base units (seconds, bytes), help in one line.
// Names of metrics and labels are the caller's to keep to letters, digits and
// underscores; values may be any text.
func (p *Page) Gauge(name, help string, value float64, labels ...Label) {
	f := p.family(name)
	f.help = help
	f.samples = append(f.samples, sample{written(labels), value})
}

func (p *Page) family(name string) *family {
	for _, f := range p.families {
		if f.name == name {
			return f
		}
	}
	f := &family{name: name}
	p.families = append(p.families, f)
	return f
}

var (
	inHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	inLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func written(labels []Label) string {
	if len(labels) == 0 {
		return ""
	}
	var b strings.Builder
	for i, l := range labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(l.Name + `="` + inLabel.Replace(strings.ToValidUTF8(l.Value, "\uFFFD")) + `"`)
	}
	return b.String() + "}"
}

// WriteTo writes the page.
func (p *Page) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	for _, f := range p.families {
		b.WriteString("# HELP " + f.name + " " + inHelp.Replace(f.help) + "\n# TYPE " + f.name + " gauge\n")
		for _, s := range f.samples {
			b.WriteString(f.name + s.labels + " " + strconv.FormatFloat(s.value, 'f', -1, 64) + "\n")
		}
	}
	return b.WriteTo(w)
}

// WriteFile writes the page in place of a file, by a rename: a reader sees the
// old text or the new one. Everybody may read the file; its name should end
// in .prom for the textfile collector of the node exporter, which passes over
// the one that it is first written as.
//
// What the page does not know of an earlier success (LastSuccess) is taken
// over from the file, where that was written by this package.
func (p *Page) WriteFile(name string) (err error) {
	if old, err := os.ReadFile(name); err == nil {
		p.recall(string(old))
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".dbwarden-metrics-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = p.WriteTo(f); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// recall adds the last success of those who ran and have none on the page.
func (p *Page) recall(old string) {
	ran := p.family(succeeded)
	here := p.family(LastSuccess)
	here.help = lastSuccessHelp
	inRun, inHere := ran.known(), here.known()
	for line := range strings.Lines(old) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), LastSuccess)
		at := strings.LastIndexByte(rest, ' ')
		if !ok || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(rest[at+1:], 64)
		if labels := rest[:at]; err == nil && inRun[labels] && !inHere[labels] {
			inHere[labels] = true
			here.samples = append(here.samples, sample{labels, value})
		}
	}
	p.families = without(p.families)
}

// known are the labels of its samples.
func (f *family) known() map[string]bool {
	all := make(map[string]bool, len(f.samples))
	for _, s := range f.samples {
		all[s.labels] = true
	}
	return all
}

// without leaves out families that have no sample.
func without(all []*family) []*family {
	var out []*family
	for _, f := range all {
		if len(f.samples) > 0 {
			out = append(out, f)
		}
	}
	return out
}

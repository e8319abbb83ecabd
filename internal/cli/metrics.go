package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/event/promtext"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/fleet"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/lock"
)

// publishTime is what all that leaves for elsewhere gets, behind the last
// run: nobody waits longer for a dashboard.
const publishTime = 5 * time.Second

// metricsFlags say where metrics go.
type metricsFlags struct{ file, push, instance string }

func (f *metricsFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "metrics-file", "", "write metrics into this `FILE`, in Prometheus's text format, also when it fails")
	cmd.Flags().StringVar(&f.push, "metrics-push", "", "push metrics to the Pushgateway at this `URL`, also when it fails")
	cmd.Flags().StringVar(&f.instance, "metrics-instance", "", "the `NAME` that what is pushed has as its label instance, apart from what others push of a database of the same name")
}

func (f *metricsFlags) check(cmd *cobra.Command) error {
	for name, value := range map[string]string{"metrics-file": f.file, "metrics-push": f.push, "metrics-instance": f.instance} {
		if cmd.Flags().Changed(name) && strings.TrimSpace(value) == "" {
			return usagef("--%s: the value is empty", name)
		}
	}
	if f.push != "" {
		if err := config.CheckPushURL(f.push); err != nil {
			return usagef("--metrics-push: %v", err)
		}
	}
	return nil
}

// metering is what is measured of a command, and where it goes.
type metering struct {
	flags *metricsFlags
	job   string // by which a Pushgateway tells it from others
	began time.Time
	rec   *promtext.Recorder

	configured bool           // [metrics] is for this command, too
	targets    []fleet.Target // which the command is about; nil while that is not known
	page       func(...promtext.Name) *promtext.Page

	mu    sync.Mutex
	ended map[promtext.Name]bool // whose exit code is known
}

// measure begins to measure a command.
func (a *app) measure(cmd *cobra.Command, f *metricsFlags) (*metering, error) {
	if err := f.check(cmd); err != nil {
		return nil, err
	}
	m := &metering{flags: f, job: "dbwarden", began: time.Now(), rec: promtext.NewRecorder(cmd.Name(), a.Build.Version), configured: true, ended: map[promtext.Name]bool{}}
	m.page = m.rec.Page
	if f.push != "" {
		a.secrets = append(a.secrets, config.NewSecret(f.push))
	}
	a.metering = m
	return m, nil
}

// beside is an observer that measures as well.
func (m *metering) beside(show event.Observer) event.Observer {
	if m == nil {
		return show
	}
	return func(e event.Event) {
		m.rec.Observe(e)
		show(e)
	}
}

// about says which targets the command is about.
func (m *metering) about(targets []fleet.Target) {
	if m != nil {
		m.targets = targets
	}
}

func metricName(d config.Database) promtext.Name {
	return promtext.Name{Database: d.Name, Target: d.Target}
}

// exit notes how it ended for a target.
func (m *metering) exit(d config.Database, code int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended[metricName(d)] = true
	m.rec.Exit(metricName(d), code, m.began)
}

// publish hands the metrics over, behind the last run and its lock. That it
// fails is a warning.
func (a *app) publish(ctx context.Context, code int) {
	m := a.metering
	if m == nil {
		return
	}
	all := m.targets
	if all == nil { // the configuration cannot be read
		all = []fleet.Target{{Database: config.Database{Name: a.database}}}
	}
	files := map[string][]promtext.Name{}
	var ofFiles []string
	var pushes []pushed
	for _, t := range all {
		d, name := t.Database, metricName(t.Database)
		if !m.ended[name] {
			m.exit(d, code)
		}
		var file, push, instance string
		if m.configured {
			file, push, instance = d.Metrics.File, d.Metrics.Push.Reveal(), d.Metrics.Instance
		}
		if m.flags.file != "" {
			if file = m.flags.file; !filepath.IsAbs(file) {
				file = filepath.Join(a.Dir, file)
			}
		}
		if file != "" {
			if files[file] == nil {
				ofFiles = append(ofFiles, file)
			}
			files[file] = append(files[file], name)
		}
		if push = cmp.Or(m.flags.push, push); push != "" {
			pushes = append(pushes, pushed{to: push, job: m.job, instance: cmp.Or(m.flags.instance, instance), name: name})
		}
	}
	for _, file := range ofFiles {
		if err := m.page(files[file]...).WriteFile(file); err != nil {
			a.warn("the metrics were not written: " + err.Error())
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTime)
	defer cancel()
	pushAll(ctx, pushes, m.page, a.warn)
}

// pushed is a group of a Pushgateway: what it has of one database or target,
// whichever machine the run was on. A pod of a Job and a runner of a pipeline
// have a new name each time, and what one of them left nobody would replace.
type pushed struct {
	to, job, instance string
	name              promtext.Name
}

func (g pushed) url() string {
	to := strings.TrimRight(g.to, "/") + "/metrics" + grouping("job", g.job)
	if g.instance != "" {
		to += grouping("instance", g.instance)
	}
	for _, l := range g.name.Labels() {
		to += grouping(l.Name, l.Value)
	}
	return to
}

// pushAll puts pages in the place of what Pushgateways have of these groups.
// What one of them does not take is a warning, and the rest of it is left out.
func pushAll(ctx context.Context, all []pushed, page func(...promtext.Name) *promtext.Page, warn func(string)) {
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	defer client.CloseIdleConnections()
	done := map[pushed]bool{}
	failed := map[string]bool{}
	for _, g := range all {
		if failed[g.to] {
			continue
		}
		var err error
		// A run that did not come to know the targets left its failure in the group
		// of the whole database, in which there are no others.
		if whole := g; g.name.Target != "" {
			whole.name.Target = ""
			if !done[whole] {
				done[whole] = true
				err = send(ctx, client, http.MethodDelete, whole.url(), "", nil)
			}
		}
		if err == nil {
			var body bytes.Buffer
			page(g.name).WriteTo(&body)
			err = send(ctx, client, http.MethodPut, g.url(), "text/plain; version=0.0.4; charset=utf-8", &body)
		}
		if err != nil {
			failed[g.to] = true
			warn("the metrics were not pushed: " + err.Error())
		}
	}
}

// grouping is one label of a Pushgateway's key.
func grouping(name, value string) string {
	if value == "" || strings.Contains(value, "/") {
		return "/" + name + "@base64/" + cmp.Or(base64.RawURLEncoding.EncodeToString([]byte(value)), "=")
	}
	return "/" + name + "/" + url.PathEscape(value)
}

// send sends a request whose answer is of no interest, unless it is a refusal.
func send(ctx context.Context, client *http.Client, method, to, kind string, body io.Reader) error {
	q, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return errors.New("the URL cannot be read") // the error would show it
	}
	if kind != "" {
		q.Header.Set("Content-Type", kind)
	}
	q.Header.Set("User-Agent", "dbwarden")
	r, err := client.Do(q)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %s", render.Duration(publishTime))
		}
		return fmt.Errorf("%s: %w", q.URL.Host, err)
	}
	defer r.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(r.Body, 300)) // to its end, or the next one needs a connection of its own
	if r.StatusCode/100 == 2 {
		return nil
	}
	text := strings.Join(strings.Fields(string(said)), " ")
	return errors.New(strings.TrimSuffix(fmt.Sprintf("%s answered %s: %s", q.URL.Host, r.Status, render.Plain(text)), ": "))
}

// lockMetrics are what lock-status measures.
type lockMetrics struct {
	now func() time.Time

	mu  sync.Mutex
	all map[promtext.Name]*dbwarden.LockReport
}

// saw notes what was seen of a lock.
func (l *lockMetrics) saw(d config.Database, r dbwarden.LockReport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[metricName(d)] = &r
}

func (l *lockMetrics) page(names ...promtext.Name) *promtext.Page {
	p := &promtext.Page{}
	for _, name := range names {
		labels := name.Labels()
		gauge := func(name, help string, value float64) { p.Gauge("dbwarden_lock_"+name, help, value, labels...) }
		r := l.all[name] // nil where it could not be looked at
		gauge("known", "Whether the lock could be looked at.", truth(r != nil))
		gauge("check_timestamp_seconds", "When the lock was looked at.", float64(l.now().UnixMilli())/1000)
		if r == nil {
			continue
		}
		gauge("held", "Whether somebody holds the lock.", truth(r.Active))
		switch r.Verdict {
		case lock.Alive, lock.Silent, lock.Unknown:
			// What is open may be what the holder is at.
		default:
			p.Gauge("dbwarden_migration_half_done", "Whether a migration was left half done; missing where somebody may be at it.", truth(r.Unfinished != nil), labels...)
			p.Gauge("dbwarden_migration_in_doubt", "Whether a person has to say how a statement ended; missing where somebody may be at it.",
				truth(r.Unfinished != nil && r.Progress.Doubt > 0 && !r.Progress.Settleable()), labels...)
		}
		if !r.Active {
			continue
		}
		if at := heldSince(r.Status); !at.IsZero() {
			gauge("age_seconds", "For how long the lock has been held.", max(0, l.now().Sub(at)).Seconds())
		}
		switch r.Verdict {
		case lock.Alive:
			gauge("alive", lockAlive, 1)
		case lock.Silent, lock.Gone, lock.Kept: // of what was set by hand there is no process
			gauge("alive", lockAlive, 0)
		}
		info := append(labels[:len(labels):len(labels)], promtext.Label{Name: "verdict", Value: string(r.Verdict)}, promtext.Label{Name: "run", Value: r.Row.Run})
		p.Gauge("dbwarden_lock_info", "Who holds the lock, by the run's id.", 1, info...)
	}
	return p
}

// diffMetrics are what diff measures.
type diffMetrics struct {
	now func() time.Time
	all map[promtext.Name][]difference
}

// page has for each database what was compared; nothing for one that could not
// be compared.
func (m *diffMetrics) page(names ...promtext.Name) *promtext.Page {
	p := &promtext.Page{}
	for _, name := range names {
		labels := name.Labels()
		found, known := m.all[name]
		p.Gauge("dbwarden_diff_known", "Whether the schema could be compared.", truth(known), labels...)
		p.Gauge("dbwarden_diff_check_timestamp_seconds", "When the schema was compared.", float64(m.now().UnixMilli())/1000, labels...)
		for _, d := range found {
			p.Gauge("dbwarden_diff_changes", "How many objects differ from what they should be.", float64(len(d.Changes)),
				append(labels[:len(labels):len(labels)], promtext.Label{Name: "against", Value: d.Against})...)
		}
	}
	return p
}

const lockAlive = "Whether the holder lives; missing where that is not known."

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

//go:build unix

package deploy

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // somebody changes a schema, and a lock, by hand
)

// A situation is what the program writes of one, in Prometheus's text format, and
// which alerts that is to raise.
type situation struct {
	name   string
	pages  []string
	raises []string
}

// situations has the program write its metrics in each situation that an alert
// is for.
func situations(t *testing.T) []situation {
	t.Helper()
	const (
		config = "database_url = \"sqlite:///app.db\"\n"
		a      = "-- upgrade\nCREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);\n\n-- rollback\nDROP TABLE a;\n"
		b      = "-- upgrade\nCREATE TABLE b (id INTEGER);\n"
	)
	// desk is a project; run ends with that code.
	desk := func(files map[string]string) (dir string, run func(code int, args ...string)) {
		dir = t.TempDir()
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir, func(code int, args ...string) {
			t.Helper()
			c := exec.CommandContext(t.Context(), program, args...)
			c.Dir = dir
			out, _ := c.CombinedOutput()
			if got := c.ProcessState.ExitCode(); got != code {
				t.Fatalf("dbwarden %v: exit code %d, want %d\n%s", args, got, code, out)
			}
		}
	}
	read := func(dir string, names ...string) (pages []string) {
		for _, name := range names {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, string(text))
		}
		return pages
	}
	byHand := func(dir, query string) {
		t.Helper()
		db, err := sql.Open("sqlite", filepath.Join(dir, "app.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	var all []situation
	see := func(name string, pages []string, raises ...string) {
		all = append(all, situation{name, pages, raises})
	}

	dir, run := desk(map[string]string{"warden.toml": config, "migrations/0001_a.sql": a, "migrations/0002_b.sql": b})
	run(0, "migrate", "-b", "--metrics-file", "run.prom")
	run(0, "lock-status", "--metrics-file", "lock.prom")
	run(0, "diff", "migrations", "--metrics-file", "diff.prom")
	see("all is well", read(dir, "run.prom", "lock.prom", "diff.prom"))
	byHand(dir, "ALTER TABLE a ADD COLUMN note TEXT")
	run(0, "diff", "migrations", "--metrics-file", "diff.prom")
	see("changed by hand, as a timer sees it", read(dir, "diff.prom"), "SchemaDrifted")
	if err := os.WriteFile(filepath.Join(dir, "migrations/0003_c.sql"), []byte("-- upgrade\nCREATE TABLE c (id INTEGER);\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(0, "migrate", "--metrics-file", "run.prom")
	see("changed by hand, as a run sees it", read(dir, "run.prom"), "SchemaDrifted")
	byHand(dir, "UPDATE dbwarden_lock SET locked = TRUE")
	run(0, "lock-status", "--metrics-file", "lock.prom")
	see("frozen by hand", read(dir, "lock.prom"), "MigrationLockFrozen")
	if err := os.WriteFile(filepath.Join(dir, "migrations/0004_d.sql"), []byte("-- upgrade\nCREATE TABLE d (id INTEGER);\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(4, "migrate", "--no-wait", "--metrics-file", "run.prom")
	see("found the lock held", read(dir, "run.prom"), "MigrationGaveUp", "MigrationsLeftPending")
	// No process holds it, and none has died.
	if page := read(dir, "lock.prom")[0]; strings.Contains(page, "dbwarden_lock_alive") || !strings.Contains(page, "dbwarden_lock_held{database=\"default\"} 1\n") {
		t.Errorf("frozen by hand:\n%s", page)
	}

	dir, run = desk(map[string]string{"warden.toml": config, "migrations/0001_a.sql": a, "migrations/0002_b.sql": b})
	run(0, "migrate", "-c", "1", "--metrics-file", "run.prom")
	see("one is pending", read(dir, "run.prom"), "MigrationsLeftPending")

	dir, run = desk(map[string]string{"warden.toml": config, "migrations/0001_a.sql": "-- transaction: off\n" + a + "\n", "migrations/0002_b.sql": "-- transaction: off\n-- upgrade\nCREATE TABLE b (id INTEGER);\nUPDATE nothing SET id = 1;\n"})
	run(3, "migrate", "--metrics-file", "run.prom")
	run(0, "lock-status", "--metrics-file", "lock.prom")
	see("failed half-way", read(dir, "run.prom", "lock.prom"), "MigrationFailed", "MigrationsLeftPending", "MigrationHalfDone")
	run(0, "unlock")
	run(0, "lock-status", "--metrics-file", "lock.prom")
	see("failed half-way, and released", read(dir, "lock.prom"), "MigrationHalfDone")

	dir, run = desk(map[string]string{"warden.toml": config + "[hooks]\nbefore_run = [\"sh\", \"-c\", \"kill -9 $PPID\"]\n", "migrations/0001_a.sql": a})
	run(-1, "migrate")
	run(0, "lock-status", "--metrics-file", "lock.prom")
	see("killed", read(dir, "lock.prom"), "MigrationLockAbandoned")

	// The hook ends by the signal that it has the run get.
	dir, run = desk(map[string]string{"warden.toml": config + "[hooks]\nbefore_run = [\"sh\", \"-c\", \"kill -TERM $PPID; exec sleep 60\"]\n", "migrations/0001_a.sql": a})
	run(143, "migrate", "--metrics-file", "run.prom")
	see("stopped by SIGTERM", read(dir, "run.prom"), "MigrationGaveUp", "MigrationsLeftPending")

	dir, run = desk(map[string]string{"warden.toml": config, "migrations/0001_a.sql": a, "app.db": strings.Repeat("This is no database. ", 100)})
	run(1, "lock-status", "--metrics-file", "lock.prom")
	run(1, "diff", "migrations", "--metrics-file", "diff.prom")
	see("cannot be looked at", read(dir, "lock.prom", "diff.prom"), "MigrationLockUnseen", "SchemaUnseen")

	// Its statement takes longer than any test, and tells nobody whether it took
	// effect: OR FAIL keeps the rows before the one that fails.
	dir, run = desk(map[string]string{"warden.toml": config, "migrations/0001_n.sql": "-- transaction: off\n\n-- upgrade\nCREATE TABLE n (n INTEGER);\n" +
		"INSERT OR FAIL INTO n WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 4000000000) SELECT MAX(n) FROM c;\n"})
	c := exec.CommandContext(t.Context(), program, "migrate", "-v")
	c.Dir = dir
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end := func() {
		if !ended {
			ended = true
			_ = c.Process.Kill()
			_ = c.Wait() // it was killed
		}
	}
	t.Cleanup(end)
	began := false
	for lines := bufio.NewScanner(said); !began && lines.Scan(); {
		began = strings.Contains(lines.Text(), "statement 2 of 2")
	}
	if !began {
		t.Fatal("the run ended before its second statement")
	}
	run(0, "lock-status", "--metrics-file", "lock.prom")
	page := read(dir, "lock.prom")
	see("at work", page)
	see("at work for an hour", []string{regexp.MustCompile(`(?m)^(dbwarden_lock_age_seconds\{.*\}) .*$`).ReplaceAllString(page[0], "$1 3600")}, "MigrationRunsLong")
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		run(0, "lock-status", "--metrics-file", "lock.prom")
		if page = read(dir, "lock.prom"); strings.Contains(page[0], `verdict="not answering"`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a stopped process answers:\n%s", page[0])
		}
	}
	see("stopped", page, "MigrationNotAnswering")
	end()
	run(0, "unlock")
	run(0, "lock-status", "--metrics-file", "lock.prom")
	see("in doubt", read(dir, "lock.prom"), "MigrationHalfDone", "MigrationInDoubt")
	return all
}

var (
	oneSample  = regexp.MustCompile(`(?m)^(dbwarden_[a-z_]+)(\{.*\}) (\S+)$`)
	oneLabel   = regexp.MustCompile(`([a-z]+)="((?:[^"\\]|\\.)*)"`)
	metricUsed = regexp.MustCompile(`(dbwarden_[a-z_]+)(\{[^}]*\})?`)
	usedLabel  = regexp.MustCompile(`([a-z_]+)(=~|=)"([^"]*)"`)
)

// written are the labels of each metric that the program writes, with their values.
func written(all []situation) map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for _, s := range all {
		for _, page := range s.pages {
			for _, m := range oneSample.FindAllStringSubmatch(page, -1) {
				if out[m[1]] == nil {
					out[m[1]] = map[string][]string{}
				}
				for _, l := range oneLabel.FindAllStringSubmatch(m[2], -1) {
					out[m[1]][l[1]] = append(out[m[1]][l[1]], l[2])
				}
			}
		}
	}
	for _, labels := range out {
		labels["target"] = append(labels["target"], "") // where there are targets
	}
	return out
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An alert or a panel shows nothing, and says nothing, where a name in it is
// mistyped or has been changed: each is one that the program writes.
func TestAlertsAndDashboardNameWhatTheProgramWrites(t *testing.T) {
	t.Parallel()
	all := situations(t)
	real := written(all)
	page := readFile(t, "docs/observability.md")
	shown := map[string]bool{}
	// look looks at an expression, and at the labels that texts beside it name.
	look := func(where, expr string, labels []string) {
		t.Helper()
		known := map[string]bool{}
		for _, m := range metricUsed.FindAllStringSubmatch(expr, -1) {
			of, ok := real[m[1]]
			if !ok {
				t.Errorf("%s: the program writes no %s", where, m[1])
				continue
			}
			shown[m[1]] = true
			for label := range of {
				known[label] = true
			}
			for _, l := range usedLabel.FindAllStringSubmatch(m[2], -1) {
				values, ok := of[l[1]]
				if !ok || l[2] == "=" && !slices.Contains(values, l[3]) {
					t.Errorf("%s: no %s has %s", where, m[1], l[0])
				}
			}
		}
		if len(known) == 0 {
			t.Errorf("%s: no metric in %s", where, expr)
		}
		for _, label := range labels {
			if !known[label] {
				t.Errorf("%s: nothing in %s has the label %s", where, expr, label)
			}
		}
	}

	rules := regexp.MustCompile(`(?s)- alert: (\w+)\n(.*?)(?:\n\s*(?:# [^\n]*\n\s*)?- (?:alert|name)|$)`)
	text := readFile(t, "deploy/observability/alerts.yml")
	alerts := map[string]bool{}
	for text != "" {
		at := rules.FindStringSubmatchIndex(text)
		if at == nil {
			break
		}
		name, rule := text[at[2]:at[3]], text[at[4]:at[5]]
		text = text[at[5]:]
		expr := regexp.MustCompile(`(?m)^\s+expr: (.+)$`).FindStringSubmatch(rule)
		if expr == nil {
			t.Fatalf("%s has no expression in\n%s", name, rule)
		}
		var labels []string
		for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(rule, -1) {
			labels = append(labels, m[1])
		}
		look("the alert "+name, expr[1], labels)
		for _, key := range []string{"severity: ", "summary: ", "description: "} {
			if !strings.Contains(rule, key) {
				t.Errorf("the alert %s has no %s", name, key)
			}
		}
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("docs/observability.md does not say what %s means", name)
		}
		alerts[name] = true
	}
	for _, s := range all {
		for _, name := range s.raises {
			if !alerts[name] {
				t.Errorf("%s: there is no alert %s", s.name, name)
			}
		}
	}
	if n := strings.Count(readFile(t, "deploy/observability/alerts.yml"), "- alert: "); n != len(alerts) || n == 0 {
		t.Errorf("%d of %d alerts were read", len(alerts), n)
	}

	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr, LegendFormat string }
		}
		Annotations struct {
			List []struct{ Name, Expr, TitleFormat string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, "deploy/observability/dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	legend := regexp.MustCompile(`\{\{(\w+)\}\}`)
	inLegend := func(text string) (labels []string) {
		for _, m := range legend.FindAllStringSubmatch(text, -1) {
			labels = append(labels, m[1])
		}
		return labels
	}
	for _, p := range board.Panels {
		if len(p.Targets) == 0 && p.Type != "row" {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			look("the panel "+p.Title, target.Expr, inLegend(target.LegendFormat))
		}
	}
	for _, a := range board.Annotations.List {
		if a.Expr != "" {
			look("the annotation "+a.Name, a.Expr, inLegend(a.TitleFormat))
		}
	}
	for _, v := range board.Templating.List {
		if v.Definition != "" {
			look("the variable "+v.Name, v.Definition, nil)
		}
	}

	for _, name := range slices.Sorted(maps.Keys(real)) {
		if !shown[name] && name != "dbwarden_run_start_timestamp_seconds" {
			t.Errorf("neither an alert nor a panel shows %s", name)
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/observability.md does not tell of %s", name)
		}
	}
	if len(real) < 20 {
		t.Errorf("%d metrics: %v", len(real), real)
	}
	t.Run("promtool", func(t *testing.T) { promtool(t, all, real) })
}

// promtool has Prometheus's own program read the expressions, and tell which
// alerts what the program wrote raises in each situation.
func promtool(t *testing.T, all []situation, real map[string]map[string][]string) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool not found; ./test installs what is missing")
	}
	rules, err := filepath.Abs(filepath.Join(root, "deploy/observability/alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "check", "rules", rules).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	quoted := func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
	var tests strings.Builder
	fmt.Fprintf(&tests, "rule_files: [%s]\nevaluation_interval: 1m\ntests:\n", quoted(rules))
	// one is a test in which these series stay as they are for so long.
	one := func(name string, interval string, many int, at string, samples []string, raises []string) {
		fmt.Fprintf(&tests, "  - name: %s\n    interval: %s\n    input_series:\n", quoted(name), interval)
		for _, s := range samples {
			series, value := s[:strings.LastIndexByte(s, ' ')], s[strings.LastIndexByte(s, ' ')+1:]
			fmt.Fprintf(&tests, "      - series: %s\n        values: '%s+0x%d'\n", quoted(series), value, many)
		}
		tests.WriteString("    promql_expr_test:\n")
		for _, alert := range raises {
			fmt.Fprintf(&tests, "      - expr: %s\n        eval_time: %s\n        exp_samples: [{labels: '{}', value: 1}]\n", quoted(`count(ALERTS{alertstate="firing", alertname="`+alert+`"})`), at)
		}
		fmt.Fprintf(&tests, "      - expr: %s\n        eval_time: %s\n        exp_samples: []\n", quoted(`count(ALERTS{alertstate="firing", alertname!~"`+strings.Join(raises, "|")+`"})`), at)
	}
	for _, s := range all {
		var samples []string
		for _, page := range s.pages {
			samples = append(samples, oneSample.FindAllString(page, -1)...)
		}
		one(s.name, "1m", 1600, "26h", samples, s.raises)
	}
	// There, time begins in 1970, where no page is written.
	one("no look for 20 minutes", "1m", 20, "20m", []string{`dbwarden_lock_check_timestamp_seconds{database="default"} 0`}, []string{"MigrationLockLooksStopped"})
	one("no run for 15 days", "1h", 360, "360h", []string{`dbwarden_run_last_success_timestamp_seconds{database="default",command="migrate"} 0`}, []string{"MigrationsDidNotRun"})
	one("a long wait", "1m", 20, "20m", []string{`dbwarden_run_lock_wait_seconds{database="default",command="migrate"} 61`}, []string{"MigrationWaitedLong"})
	file := filepath.Join(t.TempDir(), "tests.yml")
	if err := os.WriteFile(file, []byte(tests.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, tests.String())
	}

	// The panels' expressions, each as the expression of a rule.
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(readFile(t, "deploy/observability/dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	var panels strings.Builder
	panels.WriteString("groups:\n  - name: panels\n    rules:\n")
	n := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			n++
			fmt.Fprintf(&panels, "      - record: panel:%d\n        expr: %s\n", n, quoted(strings.ReplaceAll(target.Expr, "$database", ".*")))
		}
	}
	file = filepath.Join(t.TempDir(), "panels.yml")
	if err := os.WriteFile(file, []byte(panels.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "check", "rules", file).CombinedOutput(); err != nil || n < 20 {
		t.Errorf("%d panels: %v\n%s", n, err, out)
	}
}
